"""Bookings of benefits: one used, one that waits, one declined, one kept for later."""

from datetime import datetime, timedelta

from sqlmodel import Session

from certification.benefits.actions import book, defer, follow_stars, settle
from certification.benefits.models import BenefitGrant
from certification.benefits.queries import booking_of, open_grants
from portal.organisations.models import Organisation


def use_benefits(
    session: Session, organisation: Organisation, owner: int, *, manager: int, now: datetime
) -> None:
    """`manager` answers for the platform. The organisation has at least four stars."""

    def grant(key: str, at: datetime) -> BenefitGrant:
        follow_stars(session, organisation.id or 0, at)
        return next(
            g
            for g in open_grants(session, organisation.id or 0)
            if g.key == key and g.deferred_from_id is None
        )

    def booked(key: str, quantity: int, what: str, days: float, move: str = "", reason: str = "") -> None:
        at = now - timedelta(days=days)
        use = book(session, organisation, grant(key, at), quantity, what, None, by=owner, now=at)
        if move:
            booking = booking_of(session, use.id or 0)
            assert booking is not None  # noqa: S101
            settle(session, booking, move, reason, by=manager, now=at + timedelta(days=1))

    booked("sandbox", 2, "麦田宠食的会员中心联调", 15, "use")
    booked("tech_clinic", 3, "小程序商城与 OMS 的订单对接", 12, "use")
    booked("exam_vouchers", 4, "四位新同事参加 P1 考试", 9, "use")
    booked("live_pitch", 1, "大促操盘方法分享", 8, "decline", "这一期的主题是会员体系，请改约下一期。")
    booked("one_to_one", 2, "大型商超项目的货盘规划", 2)
    at = now - timedelta(days=1)
    defer(session, organisation, grant("tech_clinic", at), 4, by=owner, now=at)
