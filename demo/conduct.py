"""Complaints at every step, and sanctions that two people decided on, or one alone and in vain."""

from datetime import datetime, timedelta

from sqlmodel import Session

from certification.conduct import actions
from certification.conduct.actions import note_lapses
from certification.conduct.models import Complaint
from certification.conduct.rules import Kind, Measure, Origin
from certification.sanctions import actions as sanctions
from certification.standing.rules import Family
from portal.organisations.models import Organisation

Staff = tuple[int, ...]  # who opens and proposes, who confirms, who decides on appeals


def forge(session: Session, organisation: Organisation, owner: int, staff: Staff, *, now: datetime) -> None:
    """A forged case is upheld and the organisation suspended at once, then confirmed."""
    one, two, _ = staff
    complaint = actions.open_complaint(
        session,
        organisation,
        Kind.FORGED_CASE,
        Origin.STAFF,
        "",
        "同一案例换名重复提交两次：截图与数值逐项相同，只改了客户名称。",
        None,
        by=one,
        now=now - timedelta(days=4),
    )
    actions.answer(
        session,
        complaint,
        "是新同事误用了旧模板，我们已撤回第二个案例。",
        by=owner,
        now=now - timedelta(days=3),
    )
    actions.uphold(session, complaint, "数值逐项相同，不是模板的问题。", by=one, now=now - timedelta(days=1))
    actions.confirm(session, complaint, "比对了两份原始截图，同意。", by=two, now=now)
    sanction = sanctions.propose(
        session,
        organisation,
        Measure.SUSPEND,
        None,
        "forged_evidence",
        "证实同一案例换名重复提交两次。可在14天内申诉；整改与复核通过后恢复。",
        by=one,
        now=now,
    )
    sanctions.confirm(
        session, sanction, organisation, "证据清楚，同意。", by=two, now=now + timedelta(minutes=40)
    )


def complain(
    session: Session,
    organisations: dict[str, Organisation],
    owners: dict[str, int],
    staff: Staff,
    *,
    now: datetime,
) -> None:
    one, two, fresh = staff

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    def opened(key: str, kind: Kind, origin: Origin, text: str, days: float, who: str = "") -> Complaint:
        return actions.open_complaint(
            session, organisations[key], kind, origin, who, text, None, by=one, now=ago(days)
        )

    mended = opened(
        "tangli",
        Kind.COMPLAINT_MINOR,
        Origin.BRAND,
        "月度复盘报告两次晚交，每次都要品牌方催。",
        150,
        "一家宠物食品品牌",
    )
    actions.answer(session, mended, "属实。接手的同事漏看了交付日历。", by=owners["tangli"], now=ago(146))
    actions.uphold(session, mended, "两次晚交有邮件为证。", by=one, now=ago(145))
    actions.confirm(session, mended, "同意。", by=two, now=ago(144))
    actions.remedy(session, mended, "交付日历已设双人提醒，此后三次按时。", by=one, now=ago(100))

    for key, kind, text, days in (
        ("xiaoman", Kind.PRICE_OPACITY, "报价单没有写明素材拍摄另收费。", 60),
        ("qingzhou", Kind.COMPLAINT_MINOR, "工单两天没有人回。", 16),
    ):
        against = opened(key, kind, Origin.BRAND, text, days)
        actions.answer(session, against, "请看附上的往来记录。", by=owners[key], now=ago(days - 3))
        actions.uphold(session, against, "记录与投诉一致。", by=one, now=ago(days - 5))
        actions.confirm(session, against, "同意。", by=two, now=ago(days - 6))
        actions.appeal(session, against, "合同附件第三条写明了，请复核。", by=owners[key], now=ago(days - 10))
        if key == "xiaoman":
            actions.overturn(session, against, "附件第三条确有写明，撤销。", by=fresh, now=ago(days - 14))

    dismissed = opened("yunzhan", Kind.COMPLAINT_MINOR, Origin.PERSON, "顾问换人没有事先说。", 40)
    actions.dismiss(session, dismissed, "合同约定可以换人，且三天前已书面告知。", by=one, now=ago(35))
    proposed = opened("beian", Kind.COMPLAINT_MAJOR, Origin.BRAND, "合同终止后没有交还客户的会员数据。", 12)
    actions.answer(session, proposed, "数据已在终止后第九天交还。", by=owners["beian"], now=ago(9))
    actions.uphold(session, proposed, "合同约定五天，晚了四天，其间品牌无法运营。", by=one, now=ago(1))
    heard = opened("matong", Kind.COMPLAINT_MINOR, Origin.BRAND, "接口文档与实际不一致。", 6)
    actions.answer(session, heard, "文档已在四天前更新。", by=owners["matong"], now=ago(4))
    opened("tangli", Kind.PRICE_OPACITY, Origin.BRAND, "结算单里出现了店面上没有写的短信费。", 2)

    upheld = opened("yuanfan", Kind.COMPLAINT_MINOR, Origin.BRAND, "驻场人员少于约定的两人。", 50)
    actions.uphold(session, upheld, "打卡记录显示八天只有一人。逾期没有答复。", by=one, now=ago(30))
    actions.confirm(session, upheld, "同意。", by=two, now=ago(29))

    qunying, beian = organisations["qunying"], organisations["beian"]
    lapsed = sanctions.propose(
        session,
        qunying,
        Measure.SUSPEND,
        None,
        "data_leak",
        "收到客户名单外泄的举报，先行暂停核实。",
        by=one,
        now=ago(34),
    )
    sanctions.lapse(session, lapsed, qunying, now=ago(24))
    sanctions.propose(
        session,
        qunying,
        Measure.SUSPEND,
        None,
        "exam_fraud",
        "三份答卷出自同一设备，考试期间先行暂停。",
        by=one,
        now=ago(0.2),
    )
    rejected = sanctions.propose(
        session, beian, Measure.CLOSE, None, "breach", "整改期内仍有两次超时。", by=one, now=ago(20)
    )
    sanctions.reject(session, rejected, beian, "整改期还没有结束，注销过重。", by=two, now=ago(19))
    sanctions.propose(
        session,
        beian,
        Measure.REVOKE_LEVEL,
        Family.OPERATOR,
        "complaints",
        "会员数据迟交四天，属较重投诉；整改期内再犯。",
        by=one,
        now=ago(0.5),
    )
    for organisation in organisations.values():
        note_lapses(session, organisation.id or 0, now=now)
