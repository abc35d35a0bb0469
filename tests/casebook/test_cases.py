"""A case from the draft to the casebook: provider, client, reviewers, everybody."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from casebook.cases.actions import (
    answer_case,
    decide,
    draft_case,
    recall_case,
    retract_case,
    save_case,
    send_to_client,
    submit_case,
)
from casebook.cases.forms import Answer, EditCase, EditOutcome, OutcomeAnswer
from casebook.cases.home import next_step
from casebook.cases.models import Case, Confirmation, Evidence, Outcome
from casebook.cases.queries import confirmation_by_token, outcomes_of
from casebook.cases.rules import ITEMS, Kind, Status, Verdict
from portal import clock
from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.files.models import FileAccess
from portal.files.rules import Purpose
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Trust
from portal.refusal import Refused
from portal.review.models import Submission
from tests.factories import employ, make_organisation, make_person, viewer_for

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
OUTCOME = {
    "name": "Repeat purchases",
    "kind": "rate",
    "baseline": "1.12",
    "value": "3.04",
    "target": "3",
    "unit": "a year",
    "period_from": "2025-09-01",
    "period_until": "2025-11-30",
    "definition": "Cake orders of one phone number",
    "source": "Shop system",
}
FIELDS = {
    "title": "From one cake a year to three",
    "client_name": "沐光烘焙有限公司",
    "client_alias": "华东一家烘焙连锁",
    "industry": "bakery",
    "stage": "growth",
    "archetype": "rising",
    "capabilities": ["community", "membership"],
    "channels": ["store"],
    "systems": "企微\n收银系统",
    "before": "Members bought once a year.",
    "failed_first": "First we wrote to all members on one day, and nobody opened it.",
    "done": "Reminders 21, 7 and 1 days before the birthday.",
    "sop_version": "2.1",
    "period_from": "2025-06-01",
    "period_until": "2025-12-31",
}
ANSWER = {
    "o1_verdict": "confirmed",
    "rating": "5",
    "renewed": "yes",
    "comment": "",
    "name": "Zhou Min",
    "role": "Marketing director",
}


def typed(outcomes: list[dict] | None = None, **changed: object) -> dict:
    """The form as a browser sends it."""
    blocks = [OUTCOME] if outcomes is None else outcomes
    return {
        **FIELDS,
        "once": "a" * 32,
        "blocks": str(max(3, len(blocks))),
        **{f"o{n}_{name}": value for n, block in enumerate(blocks, 1) for name, value in block.items()},
        **changed,
    }


def make_case(
    session: Session,
    organisation: Organisation,
    *,
    once: str = "b" * 32,
    status: Status = Status.DRAFT,
    outcomes: list[dict] | None = None,
    **changed: object,
) -> Case:
    """A case that has walked by its own actions to `status`."""
    now, owner = clock.now(), owners_of(session, organisation.id)[0]
    entry = EditCase.model_validate(FIELDS | changed)
    rows = [EditOutcome.model_validate(o) for o in (outcomes if outcomes is not None else [OUTCOME])]
    case = draft_case(session, organisation, once, entry, rows, by=owner.id, now=now)
    if status is Status.DRAFT:
        return case
    token = send_to_client(session, case, organisation, "zhou@muguang.example", "zh", by=owner, now=now)
    if status is Status.AWAITING_CLIENT:
        return case
    confirmation, _ = confirmation_by_token(session, digest(token))
    said = Verdict.DISPUTED if status is Status.DISPUTED else Verdict.CONFIRMED
    answer_case(
        session,
        confirmation,
        case,
        Answer(rating=5, renewed="yes", name="Zhou Min", role="Marketing director"),
        {o.nth: OutcomeAnswer(verdict=said, client_note="-") for o in outcomes_of(session, case.id)},
        now=now,
    )
    if status in (Status.CLIENT_CONFIRMED, Status.DISPUTED):
        return case
    submit_case(session, case, organisation, by=owner.id, now=now)
    if status is not Status.SUBMITTED:
        reviewer = make_person(session, "Reviewer", staff=StaffRole.REVIEWER)
        decide(
            session,
            case.id,
            {Status.PUBLISHED: "approve", Status.CHANGES_ASKED: "ask"}[status],
            "",
            by=reviewer.id,
            now=now,
        )
        submission = session.exec(select(Submission).where(Submission.subject_id == case.id)).one()
        submission.status = {Status.PUBLISHED: "approved", Status.CHANGES_ASKED: "action_required"}[status]
    session.flush()
    return case


@pytest.fixture
def owner(session: Session) -> Person:
    return make_person(session, "Chen Yu", email="chen@tangli.example")


@pytest.fixture
def organisation(session: Session, owner: Person) -> Organisation:
    return make_organisation(session, "Tangli", owner=owner, website="https://tangli.example")


def facts(session: Session, kind: FactKind | None = None) -> list[Fact]:
    query = (
        select(Fact).where(col(Fact.source_kind).in_(["case", "case_confirmation"])).order_by(col(Fact.id))
    )
    return [f for f in session.exec(query) if kind is None or f.kind == kind]


def token_of(session: Session) -> str:
    """From the mail, as the client has it."""
    mail = session.exec(select(Mail).order_by(col(Mail.id).desc())).first()
    return mail.text.split("/client/")[1].split()[0]


def test_the_whole_way(session: Session, browse, organisation: Organisation, owner: Person) -> None:
    provider = browse(owner)
    page = provider.post("/my/cases/new", typed())
    case = session.exec(select(Case)).one()
    assert (page.url, case.number, case.status) == (
        f"/my/cases/{case.id}",
        f"C-{clock.now().year}-{case.id:04d}",
        "draft",
    )
    provider.post(
        f"/my/cases/{case.id}/evidence",
        {"note": "Export"},
        files={"file": ("report.pdf", PDF, "application/pdf")},
    )
    page = provider.post(f"/my/cases/{case.id}/send", {"email": "zhou@muguang.example", "language": "en"})
    assert page.said == "Sent. The client has 30 days to answer; you will be told."
    token = token_of(session)

    client = browse()
    page = client.get(f"/client/{token}")
    assert "Repeat purchases" in page.text
    assert client.post(f"/client/{token}", ANSWER).status == 200
    assert case.status is Status.CLIENT_CONFIRMED
    assert [(f.kind, f.value, f.organisation_id) for f in facts(session)] == [
        (
            "outcome_attested",
            {"client": "沐光烘焙", "case_id": case.id, "attainment": pytest.approx(1.0212766)},
            organisation.id,
        ),
        ("review", {"client": "沐光烘焙", "rating": 5}, organisation.id),
        ("renewal", {"client": "沐光烘焙", "renewed": True}, organisation.id),
    ]

    assert browse().get(f"/cases/{case.number}").status == 404
    provider.post(f"/my/cases/{case.id}/submit")
    submission = session.exec(select(Submission)).one()
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    page = reviewer.get(f"/staff/review/{submission.id}")
    (shown,) = page.tree.xpath("//form[@aria-labelledby='subject']")
    assert ("Tangli" in shown.text_content(), "mailbox at muguang.example" in shown.text_content()) == (
        False,
        True,
    )
    evidence = session.exec(select(Evidence)).one()
    assert reviewer.get(f"/staff/review/{submission.id}/case/{evidence.id}").response.content == PDF
    reviewer.post(
        f"/staff/review/{submission.id}",
        {
            "decision": "approve",
            "revision": str(submission.revision),
            **{f"verdict_{item.key}": "pass" for item in ITEMS},
        },
    )
    assert case.status is Status.PUBLISHED
    assert [f.value for f in facts(session, FactKind.CASE_PUBLISHED)] == [
        {
            "client": "沐光烘焙",
            "named": False,
            "industry": "bakery",
            "case_id": case.id,
            "capabilities": ["community", "membership"],
        }
    ]

    reader = browse()
    page = reader.get("/cases?q=生日")
    assert f"/cases/{case.number}" not in page.links()
    assert f"/cases/{case.number}" in reader.get("/cases?q=烘焙 社群運營").links()
    page = reader.get(f"/cases/{case.number}")
    assert (
        "沐光" in page.response.text,
        "华东一家烘焙连锁" in page.text,
        "Zhou Min" in page.text,
        "confirmed by the client (Marketing director)" in page.text,
    ) == (False, True, False, True)
    assert [m.to_address for m in session.exec(select(Mail).order_by(col(Mail.id)))] == [
        "zhou@muguang.example",
        owner.email,
        owner.email,
    ]


def test_a_masked_client_is_not_found_by_its_name(
    session: Session, browse, organisation: Organisation
) -> None:
    case = make_case(session, organisation, status=Status.PUBLISHED)
    named = make_case(
        session,
        organisation,
        once="c" * 32,
        status=Status.PUBLISHED,
        client_named=True,
        title="Open about it",
        client_name="明月乳业",
    )
    page = browse().get("/cases?q=沐光")
    assert [link for link in page.links() if link.startswith("/cases/C-")] == []
    page = browse().get("/cases?q=明月乳业")
    assert [link for link in page.links() if link.startswith("/cases/C-")] == [f"/cases/{named.number}"]
    assert case.number != named.number


def test_sent_twice_makes_one_case(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    provider = browse(owner)
    first, second = provider.post("/my/cases/new", typed()), provider.post("/my/cases/new", typed())
    assert first.url == second.url
    assert len(session.exec(select(Case)).all()) == 1


def test_a_draft_may_be_unfinished_and_says_what_it_lacks(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    page = browse(owner).post(
        "/my/cases/new", {"title": "Later", "client_name": "明月乳业", "once": "d" * 32, "blocks": "3"}
    )
    assert page.status == 200
    assert "6 things are missing before the client can confirm" in page.text
    case = session.exec(select(Case)).one()
    assert (
        browse(owner)
        .post(f"/my/cases/{case.id}/send", {"email": "a@client.example", "language": "zh"})
        .status
        == 409
    )
    assert session.exec(select(Mail)).all() == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"client_name": "x"}, "client_name"),
        ({"industry": "nope"}, "industry"),
        ({"stage": "nope"}, "stage"),
        ({"capabilities": ["nope"]}, "capabilities"),
        ({"capabilities": ["community", "membership", "scrm", "erp", "oms", "pos", "bi"]}, "capabilities"),
        ({"period_until": "2020-01-01"}, "period_until"),
        ({"o1_kind": ""}, "o1_kind"),
        ({"o1_kind": "share"}, "o1_unit"),
        ({"o1_baseline": "lots"}, "o1_baseline"),
        ({"o1_value": "nan"}, "o1_value"),
        ({"o1_value": "1e400"}, "o1_value"),
        ({"o1_period_until": "2025-01-01"}, "o1_period_until"),
        ({"o1_name": ""}, "o1_name"),
        ({"failed_first": "x" * 2001}, "failed_first"),
    ],
)
def test_bad_input_is_answered_at_its_field_and_kept(
    session: Session, browse, organisation: Organisation, owner: Person, changed: dict, field: str
) -> None:
    page = browse(owner).post("/my/cases/new", typed(**changed))
    assert (page.status, len(page.errors)) == (422, 1)
    assert page.tree.xpath("//section[contains(@class, 'errors')]//a/@href") == [f"#f-{field}"]
    assert page.value("before") == FIELDS["before"]
    assert session.exec(select(Case)).all() == []


def test_percent_and_points_are_told_apart_in_words(
    browse, organisation: Organisation, owner: Person
) -> None:
    page = browse(owner).post("/my/cases/new", typed([{**OUTCOME, "kind": "pp_change", "unit": "%"}]))
    assert page.status == 422
    assert page.value("o1_unit") == "%"


def test_another_outcome_without_a_script(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    provider = browse(owner)
    page = provider.post("/my/cases/new", typed(then="add"))
    case = session.exec(select(Case)).one()
    assert (page.url, page.value("blocks"), page.value("o1_value"), page.value("o4_name")) == (
        f"/my/cases/{case.id}/edit",
        "4",
        "3.04",
        "",
    )
    provider.post(
        f"/my/cases/{case.id}/edit",
        typed([OUTCOME, {**OUTCOME, "name": "Orders"}], revision=str(case.revision)),
    )
    assert [(o.nth, o.name, o.kind) for o in outcomes_of(session, case.id)] == [
        (1, "Repeat purchases", Kind.RATE),
        (2, "Orders", Kind.RATE),
    ]
    provider.post(
        f"/my/cases/{case.id}/edit", typed([{}, {**OUTCOME, "name": "Orders"}], revision=str(case.revision))
    )
    assert [(o.nth, o.name) for o in outcomes_of(session, case.id)] == [(1, "Orders")]


def test_a_stale_form_changes_nothing(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation)
    provider, old = browse(owner), str(case.revision)
    provider.post(f"/my/cases/{case.id}/edit", typed(title="Mine", revision=old))
    page = provider.post(f"/my/cases/{case.id}/edit", typed(title="Theirs", revision=old))
    assert (page.status, page.value("title"), case.title) == (422, "Theirs", "Mine")


@pytest.mark.parametrize(
    "status", [Status.AWAITING_CLIENT, Status.CLIENT_CONFIRMED, Status.SUBMITTED, Status.PUBLISHED]
)
def test_nothing_is_edited_while_somebody_else_reads_it(
    session: Session, browse, organisation: Organisation, owner: Person, status: Status
) -> None:
    case = make_case(session, organisation, status=status)
    page = browse(owner).post(f"/my/cases/{case.id}/edit", typed(title="Other", revision=str(case.revision)))
    assert (page.status, case.title) == (409, FIELDS["title"])
    assert browse(owner).get(f"/my/cases/{case.id}/edit").url == f"/my/cases/{case.id}"


def test_a_stranger_sees_nothing(session: Session, browse, organisation: Organisation) -> None:
    case = make_case(session, organisation, status=Status.CLIENT_CONFIRMED)
    other = make_person(session)
    make_organisation(session, "Other", owner=other)
    stranger = browse(other)
    assert {stranger.get(f"/my/cases/{case.id}{rest}").status for rest in ("", "/edit", "/evidence/1")} == {
        404
    }
    assert {
        stranger.post(f"/my/cases/{case.id}/{what}", {"why": "x", "email": "a@b.example"}).status
        for what in ("edit", "send", "recall", "submit", "retract", "evidence", "evidence/1/remove")
    } == {404}
    assert case.status is Status.CLIENT_CONFIRMED
    assert [link for link in stranger.get("/my/cases").links() if link.startswith("/my/cases/")] == [
        "/my/cases/new"
    ]
    brand = make_person(session)
    make_organisation(session, "Brand", owner=brand, kind="brand")
    assert browse(brand).get("/my/cases").status == 404
    assert browse().get("/my/cases", follow=False).status == 303


def test_provisional_drafts_and_sends_but_does_not_submit(session: Session, browse) -> None:
    owner = make_person(session)
    organisation = make_organisation(session, "New", owner=owner, trust=Trust.PROVISIONAL)
    case = make_case(session, organisation, status=Status.CLIENT_CONFIRMED)
    assert browse(owner).post(f"/my/cases/{case.id}/submit").status == 409
    assert case.status is Status.CLIENT_CONFIRMED


def test_frozen_does_not_draft(session: Session, browse) -> None:
    owner = make_person(session)
    make_organisation(session, "Cold", owner=owner, trust=Trust.FROZEN)
    assert browse(owner).post("/my/cases/new", typed()).status == 409
    assert session.exec(select(Case)).all() == []


@pytest.mark.parametrize(
    "email",
    [
        "chen@tangli.example",
        "other@tangli.example",
        "x@mail.tangli.example",
        "member@elsewhere.example",
        "",
        "nonsense",
    ],
)
def test_the_client_is_not_one_of_us(
    session: Session, browse, organisation: Organisation, owner: Person, email: str
) -> None:
    employ(session, organisation, make_person(session, email="member@elsewhere.example"))
    case = make_case(session, organisation)
    page = browse(owner).post(f"/my/cases/{case.id}/send", {"email": email, "language": "zh"})
    assert (page.status, len(page.errors), case.status) == (422, 1, Status.DRAFT)
    assert session.exec(select(Confirmation)).all() == []


def test_the_link_works_once(session: Session, browse, organisation: Organisation, owner: Person) -> None:
    make_case(session, organisation, status=Status.AWAITING_CLIENT)
    token, client = token_of(session), browse()
    client.post(f"/client/{token}", ANSWER)
    before = len(facts(session))
    page = client.post(f"/client/{token}", ANSWER | {"rating": "1"})
    assert (page.status, len(facts(session)) - before) == (409, 0)
    assert "This link has been used" in client.get(f"/client/{token}").text


def test_a_new_link_voids_the_old_one(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.AWAITING_CLIENT)
    old, client = token_of(session), browse()
    browse(owner).post(f"/my/cases/{case.id}/send", {"email": "li@muguang.example", "language": "en"})
    assert (client.get(f"/client/{old}").status, client.post(f"/client/{old}", ANSWER).status) == (410, 410)
    assert client.post(f"/client/{token_of(session)}", ANSWER).status == 200
    assert case.status is Status.CLIENT_CONFIRMED


def test_an_expired_link_and_one_that_never_was(session: Session, browse, organisation: Organisation) -> None:
    make_case(session, organisation, status=Status.AWAITING_CLIENT)
    session.exec(select(Confirmation)).one().expires_at = clock.now() - timedelta(seconds=1)
    token = token_of(session)
    assert (browse().get(f"/client/{token}").status, browse().post(f"/client/{token}", ANSWER).status) == (
        410,
        410,
    )
    assert (browse().get("/client/never").status, browse().post("/client/never", ANSWER).status) == (404, 404)
    assert facts(session) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"o1_verdict": ""}, "o1_verdict"),
        ({"rating": "6"}, "rating"),
        ({"rating": ""}, "rating"),
        ({"renewed": ""}, "renewed"),
        ({"name": ""}, "name"),
        ({"role": ""}, "role"),
        ({"o1_verdict": "disputed"}, "o1_client_note"),
        ({"o1_attested_value": "x"}, "o1_attested_value"),
    ],
)
def test_an_unfinished_answer_is_not_recorded(
    session: Session, browse, organisation: Organisation, changed: dict, field: str
) -> None:
    case = make_case(session, organisation, status=Status.AWAITING_CLIENT)
    page = browse().post(f"/client/{token_of(session)}", ANSWER | changed)
    assert (page.status, case.status) == (422, Status.AWAITING_CLIENT)
    assert page.tree.xpath("//section[contains(@class, 'errors')]//a/@href") == [f"#f-{field}"]
    assert facts(session) == []


def test_a_disputed_outcome_never_counts(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(
        session,
        organisation,
        outcomes=[OUTCOME, {**OUTCOME, "name": "Orders"}],
        status=Status.AWAITING_CLIENT,
    )
    browse().post(
        f"/client/{token_of(session)}",
        ANSWER | {"o2_verdict": "disputed", "o2_attested_value": "2", "renewed": "early"},
    )
    assert case.status is Status.DISPUTED
    assert [f.kind for f in facts(session)] == ["outcome_attested", "review"]
    assert [(o.verdict, o.attested_value) for o in outcomes_of(session, case.id)] == [
        (Verdict.CONFIRMED, None),
        (Verdict.DISPUTED, 2.0),
    ]
    assert browse(owner).post(f"/my/cases/{case.id}/submit").status == 409


def test_the_clients_own_number_decides_the_attainment(
    session: Session, browse, organisation: Organisation
) -> None:
    make_case(session, organisation, status=Status.AWAITING_CLIENT)
    browse().post(f"/client/{token_of(session)}", ANSWER | {"o1_attested_value": "2.06"})
    assert [f.value["attainment"] for f in facts(session, FactKind.OUTCOME_ATTESTED)] == [pytest.approx(0.5)]


def test_changed_numbers_need_the_client_again(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.CHANGES_ASKED)
    provider = browse(owner)
    provider.post(f"/my/cases/{case.id}/edit", typed(title="Only the title", revision=str(case.revision)))
    assert case.confirmation_id is not None
    provider.post(
        f"/my/cases/{case.id}/edit", typed([{**OUTCOME, "value": "9"}], revision=str(case.revision))
    )
    assert (case.confirmation_id, [o.verdict for o in outcomes_of(session, case.id)]) == (None, [None])
    assert [f.true_until is not None for f in facts(session, FactKind.OUTCOME_ATTESTED)] == [True]
    assert [f.true_until for f in facts(session, FactKind.REVIEW)] == [None]
    assert provider.post(f"/my/cases/{case.id}/submit").status == 409
    provider.post(f"/my/cases/{case.id}/send", {"email": "zhou@muguang.example", "language": "zh"})
    browse().post(f"/client/{token_of(session)}", ANSWER | {"rating": "3"})
    assert [f.value["rating"] for f in facts(session, FactKind.REVIEW) if f.retracted_at is None] == [3]
    provider.post(f"/my/cases/{case.id}/submit")
    assert (case.status, session.exec(select(Submission)).one().round) == (Status.SUBMITTED, 2)


def test_changes_that_leave_the_numbers_go_straight_back(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.CHANGES_ASKED)
    provider = browse(owner)
    provider.post(
        f"/my/cases/{case.id}/edit", typed(done="Now with the people needed.", revision=str(case.revision))
    )
    provider.post(f"/my/cases/{case.id}/submit")
    assert (case.status, case.done) == (Status.SUBMITTED, "Now with the people needed.")
    assert provider.post(f"/my/cases/{case.id}/submit").status == 409


def test_another_persons_review_does_not_replace_a_bad_one(
    session: Session, organisation: Organisation, owner: Person
) -> None:
    now = clock.now()
    case = make_case(session, organisation, status=Status.AWAITING_CLIENT)
    for email, rating in (("", 1), ("friend@muguang.example", 5)):
        if email:
            recall_case(session, case, by=owner.id, now=now)
            send_to_client(session, case, organisation, email, "zh", by=owner, now=now)
        confirmation, _ = confirmation_by_token(session, digest(token_of(session)))
        answer_case(
            session,
            confirmation,
            case,
            Answer(rating=rating, renewed="early", name="A", role="B"),
            {1: OutcomeAnswer(verdict=Verdict.CONFIRMED)},
            now=now,
        )
    assert [(f.value["rating"], f.retracted_at) for f in facts(session, FactKind.REVIEW)] == [
        (1, None),
        (5, None),
    ]
    assert [f.true_until is None for f in facts(session, FactKind.OUTCOME_ATTESTED)] == [False, True]


def test_a_refused_case_is_a_draft_again_and_its_outcomes_do_not_count(
    session: Session, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.SUBMITTED)
    decide(session, case.id, "reject", "No evidence.", by=make_person(session).id, now=clock.now())
    assert (case.status, case.confirmation_id) == (Status.DRAFT, None)
    assert [f.true_until is not None for f in facts(session, FactKind.OUTCOME_ATTESTED)] == [True]
    mail = session.exec(select(Mail).order_by(col(Mail.id).desc())).first()
    assert (mail.to_address, "No evidence." in mail.text) == (owner.email, True)


def test_retracted_leaves_casebook_index_and_counts(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.PUBLISHED)
    provider = browse(owner)
    assert provider.post(f"/my/cases/{case.id}/retract", {"why": " "}).status == 422
    provider.post(f"/my/cases/{case.id}/retract", {"why": "The client asked for it."})
    assert case.status is Status.RETRACTED
    assert browse().get(f"/cases/{case.number}").status == 404
    assert [link for link in browse().get("/cases?q=烘焙").links() if "/cases/C-" in link] == []
    now = clock.now()
    assert [f.kind for f in facts(session) if f.true_until is None or f.true_until > now] == [
        "review",
        "renewal",
    ]
    assert provider.post(f"/my/cases/{case.id}/retract", {"why": "again"}).status == 409


def test_retracting_takes_it_off_the_desk(
    session: Session, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation, status=Status.SUBMITTED)
    retract_case(session, case, "Too early.", by=owner.id, now=clock.now())
    assert session.exec(select(Submission)).one().status == "withdrawn"


def test_evidence_is_for_its_owner_and_the_reviewer_at_work_and_each_opening_is_written_down(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    provider = browse(owner)
    case = make_case(session, organisation, status=Status.CLIENT_CONFIRMED)
    assert provider.post(f"/my/cases/{case.id}/evidence", {"note": ""}).status == 422
    assert (
        provider.post(
            f"/my/cases/{case.id}/evidence", {}, files={"file": ("x.pdf", b"MZ not a pdf", "application/pdf")}
        ).status
        == 422
    )
    assert (
        provider.post(
            f"/my/cases/{case.id}/evidence",
            {"note": "Export"},
            files={"file": ("x.pdf", PDF, "application/pdf")},
        ).status
        == 200
    )
    evidence = session.exec(select(Evidence)).one()
    own = f"/my/cases/{case.id}/evidence/{evidence.id}"
    assert provider.get(own).response.content == PDF
    submit_case(session, case, organisation, by=owner.id, now=clock.now())
    submission = session.exec(select(Submission)).one()
    path = f"/staff/review/{submission.id}/case/{evidence.id}"
    one, two = (make_person(session, n, staff=StaffRole.REVIEWER) for n in ("One", "Two"))
    manager = make_person(session, "Manager", staff=StaffRole.PARTNER_MANAGER)
    assert [browse(p).get(path).status for p in (one, manager, owner)] == [200, 404, 404]
    assert browse().get(path, follow=False).status == 303
    submission.reviewer_id = two.id
    session.flush()
    assert [browse(p).get(path).status for p in (one, two)] == [404, 200]
    submission.status = "approved"
    session.flush()
    assert browse(two).get(path).status == 404
    opened = session.exec(select(FileAccess.person_id, FileAccess.purpose).order_by(col(FileAccess.id))).all()
    assert opened == [(owner.id, Purpose.OWN), (one.id, Purpose.REVIEW), (two.id, Purpose.REVIEW)]
    assert provider.post(own + "/remove").status == 409
    case.status = Status.DRAFT
    session.flush()
    assert provider.post(own + "/remove").status == 200
    assert provider.get(own).status == 404


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.PUBLISHED, Status.RETRACTED)])
def test_nothing_unpublished_is_public(
    session: Session, browse, organisation: Organisation, status: Status
) -> None:
    case = make_case(session, organisation, status=status)
    assert browse().get(f"/cases/{case.number}").status == 404
    assert browse().get("/cases").text.count(case.title) == 0


def test_a_suspended_providers_cases_are_not_public(
    session: Session, browse, organisation: Organisation
) -> None:
    case = make_case(session, organisation, status=Status.PUBLISHED)
    organisation.trust = Trust.SUSPENDED
    session.flush()
    assert (browse().get(f"/cases/{case.number}").status, browse().get("/cases").text.count(case.title)) == (
        404,
        0,
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("industry=catering", 1),
        ("industry=bakery", 1),
        ("industry=food", 1),
        ("industry=cars", 0),
        ("stage=growth", 1),
        ("stage=launch", 1),
        ("capability=membership", 2),
        ("capability=scrm", 1),
        ("archetype=rising", 2),
        ("archetype=native", 0),
        ("industry=nonsense", 2),
        ("q=乳品", 1),
        ("q=birthday", 1),
        ("q=cake", 2),
        ("q=烘焙&stage=launch", 0),
        ("q=%22%20OR%20*", 0),
        ("page=2", 0),
        ("page=x", 2),
        ("page=0", 2),
    ],
)
def test_filters(session: Session, browse, organisation: Organisation, query: str, found: int) -> None:
    make_case(session, organisation, status=Status.PUBLISHED)
    make_case(
        session,
        organisation,
        once="c" * 32,
        status=Status.PUBLISHED,
        title="会员日",
        client_name="明月乳业",
        client_alias="一家乳企",
        industry="dairy",
        stage="launch",
        capabilities=["membership", "scrm"],
        done="",
    )
    page = browse().get(f"/cases?{query}")
    assert len([link for link in page.links() if link.startswith("/cases/C-")]) == found


def test_twenty_a_page(session: Session, browse, organisation: Organisation) -> None:
    for n in range(21):
        make_case(session, organisation, once=f"{n:032d}", status=Status.PUBLISHED)
    first = browse().get("/cases")
    assert len([link for link in first.links() if link.startswith("/cases/C-")]) == 20
    assert [link for link in first.links() if "page=" in link] == ["/cases?page=2"]
    second = browse().get("/cases?page=2")
    assert len([link for link in second.links() if link.startswith("/cases/C-")]) == 1
    searched = browse().get("/cases?q=烘焙&page=2")
    assert len([link for link in searched.links() if link.startswith("/cases/C-")]) == 1


def test_a_wrong_answer_set_is_refused(session: Session, organisation: Organisation) -> None:
    case = make_case(session, organisation, status=Status.AWAITING_CLIENT)
    confirmation, _ = confirmation_by_token(session, digest(token_of(session)))
    with pytest.raises(Refused):
        answer_case(
            session,
            confirmation,
            case,
            Answer(rating=5, renewed="yes", name="A", role="B"),
            {},
            now=clock.now(),
        )
    assert [o.verdict for o in session.exec(select(Outcome))] == [None]


def test_saving_needs_the_current_revision(
    session: Session, organisation: Organisation, owner: Person
) -> None:
    case = make_case(session, organisation)
    with pytest.raises(Refused):
        save_case(
            session,
            case,
            EditCase.model_validate(FIELDS),
            [],
            revision=case.revision + 1,
            by=owner.id,
            now=clock.now(),
        )


def test_home_says_what_to_do_with_cases(
    session: Session, browse, organisation: Organisation, owner: Person
) -> None:
    viewer = viewer_for(session, owner)
    now = clock.now()
    assert next_step(session, viewer, now) is None
    first = make_case(session, organisation)
    assert next_step(session, viewer, now).path == f"/my/cases/{first.id}"
    second = make_case(session, organisation, once="c" * 32, status=Status.CLIENT_CONFIRMED)
    assert next_step(session, viewer, now).path == f"/my/cases/{second.id}"
    links = [link for link in browse(owner).get("/my").links() if link.startswith("/my/cases/")]
    assert set(links) >= {f"/my/cases/{first.id}", f"/my/cases/{second.id}"}
