"""The demo's measurements: two quarters of one provider, evidence accepted, waiting and falling short of a claim."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from portal.review.actions import decide
from portal.review.kinds import KINDS
from portal.review.queries import latest_submission
from training.maturity.actions import add_evidence, assess, hand_in
from training.maturity.models import MaturityProof
from training.maturity.quarters import quarter_of
from training.maturity.questions import Instrument, dimensions
from training.maturity.rules import SUBJECT

# Levels of the five items of each dimension, last quarter and this one.
TANGLI = {
    "owner": ((2, 2, 3, 1, 2), (3, 3, 4, 3, 2)),
    "employee": ((3, 2, 2, 3, 2), (4, 3, 3, 3, 2)),
    "management": ((2, 2, 1, 2, 2), (3, 3, 2, 2, 3)),
    "product": ((2, 1, 2, 3, 2), (2, 2, 3, 3, 2)),
    "marketing": ((3, 3, 2, 3, 3), (4, 4, 3, 4, 3)),
    "training": ((2, 2, 2, 1, 1), (3, 3, 2, 2, 3)),
    "customer": ((3, 2, 2, 3, 1), (3, 3, 2, 3, 2)),
}
RISES = {
    "store": (3, 2, 1, 3, 2),
    "training": (3, 3, 2, 2, 1),
    "supervise": (2, 2, 3, 2, 1),
    "content": (3, 3, 2, 2, 2),
    "close": (3, 3, 3, 1, 3),
}
OTHERS = {"yunzhan": (3, 4), "xiaoman": (1, 2)}  # provider → level of every item, last quarter and this one
EVIDENCE = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def measure(story: Any) -> None:
    """`story`: the demo's `Story`, once its organisations are there."""
    session, this = story.session, quarter_of(story.now)
    since = story.now - this.start
    earlier = this.plus(-1).start + timedelta(days=40)
    lately = story.now - min(timedelta(days=6), since / 2)
    tangli, owner = story.organisations["tangli"], story.owners["tangli"].id
    for key, levels in OTHERS.items():
        for level, at in zip(levels, (earlier, lately), strict=True):
            answers = {i.name: level for d in dimensions(Instrument.SEVEN) for i in d.items}
            assess(session, story.organisations[key].id, answers, by=story.owners[key].id, now=at)
    assess(session, tangli.id, _answers({k: v[0] for k, v in TANGLI.items()}), by=owner, now=earlier)
    _accept(
        story,
        _prove(
            story,
            "owner",
            {1: "四次看数会的纪要", 2: "老板看板截图，到人", 3: "年度目标文件第三页"},
            earlier,
        ),
        {1: (2, "四次纪要，两次写了决定"), 2: (2, "能到人，数据隔天"), 3: (3, "写进年度目标，未分到季度")},
        earlier + timedelta(days=3),
    )
    assess(session, tangli.id, _answers({k: v[1] for k, v in TANGLI.items()}), by=owner, now=lately)
    assess(session, tangli.id, _answers(RISES), instrument=Instrument.RISES, by=owner, now=lately)
    _accept(
        story,
        _prove(story, "marketing", {1: "百宝箱目录", 3: "上月活动数据"}, lately),
        {1: (3, "名片和案例齐全，活动素材是上一季的"), 3: (2, "看得到转发，成交没有到人")},
        lately + min(timedelta(days=2), since / 8),
    )
    _prove(
        story,
        "training",
        {1: "新员工上岗考核记录", 2: "培训任务和完成名单"},
        story.now - min(timedelta(days=1), since / 8),
    )


def _answers(levels: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    return {f"{key}_{n}": level for key, five in levels.items() for n, level in enumerate(five, 1)}


def _prove(story: Any, dimension: str, notes: Mapping[int, str], at: datetime) -> MaturityProof:
    tangli, owner = story.organisations["tangli"], story.owners["tangli"].id
    proof: MaturityProof | None = None
    for item, note in notes.items():
        proof = add_evidence(
            story.session,
            tangli.id,
            Instrument.SEVEN,
            dimension,
            f"{dimension}_{item}",
            note=note,
            file=(f"{note}.pdf", EVIDENCE + note.encode() + b"\n%%EOF\n"),
            by=owner,
            now=at,
        )
    assert proof is not None  # noqa: S101
    hand_in(story.session, proof, by=owner, now=at)
    story.session.flush()
    return proof


def _accept(story: Any, proof: MaturityProof, levels: Mapping[int, tuple[int, str]], at: datetime) -> None:
    submission = latest_submission(story.session, SUBJECT, proof.id or 0)
    assert submission is not None  # noqa: S101
    typed: dict[str, str] = {}
    for item, (level, reason) in levels.items():
        typed |= {
            f"level_{proof.dimension}_{item}": str(level),
            f"because_{proof.dimension}_{item}": reason,
        }
    decide(
        story.session,
        submission,
        "approve",
        {item.key: ("pass", "") for item in KINDS[SUBJECT].items},
        "",
        revision=submission.revision,
        typed=typed,
        by=story.reviewer.id,
        now=at,
    )
