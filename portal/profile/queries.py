"""Open changes, what others have checked of an organisation, and whose capacity runs out."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from portal.domains.queries import proved_domains
from portal.ledger.queries import facts_of
from portal.organisations.models import Organisation, Storefront
from portal.organisations.rules import Trust
from portal.profile.models import ProfileChange
from portal.review.models import Submission
from portal.review.queries import latest_submission


@dataclass(frozen=True)
class Asked:
    """A change of names with its place on the desk."""

    change: ProfileChange
    submission: Submission | None

    @property
    def waiting(self) -> bool:
        return self.submission is not None and self.submission.status in (
            "submitted",
            "in_review",
            "action_required",
        )


def latest_change(session: Session, organisation_id: int, *, lock: bool = False) -> Asked | None:
    query = (
        select(ProfileChange)
        .where(ProfileChange.organisation_id == organisation_id)
        .order_by(col(ProfileChange.id).desc())
        .limit(1)
    )
    row = session.exec(query.with_for_update() if lock else query).first()
    return Asked(row, latest_submission(session, "profile_change", row.id or 0)) if row else None


def known_of(session: Session, organisation_id: int, now: datetime) -> set[str]:
    """Kinds of facts that hold now, and `domain` when one is proved."""
    known = {f.kind for f in facts_of(session, organisation_id) if f.holds(now) and f.known(now)}
    return known | ({"domain"} if proved_domains(session, organisation_id) else set())


def capacity_runs_out(session: Session, said_before: datetime, said_after: datetime) -> list[int]:
    """Verified providers that take clients and last said how many between the two; the sweep only narrows."""
    return list(
        session.exec(
            select(Storefront.organisation_id)
            .join(Organisation, col(Storefront.organisation_id) == col(Organisation.id))
            .where(
                Organisation.trust == Trust.VERIFIED,
                col(Storefront.accepting),
                col(Storefront.capacity) > 0,
                col(Storefront.capacity_confirmed_at) <= said_before,
                col(Storefront.capacity_confirmed_at) > said_after,
                col(Storefront.capacity_reminded_at).is_(None)
                | (col(Storefront.capacity_reminded_at) < col(Storefront.capacity_confirmed_at)),
            )
        )
    )


def storefront_locked(session: Session, organisation_id: int) -> Storefront | None:
    return session.exec(
        select(Storefront).where(Storefront.organisation_id == organisation_id).with_for_update()
    ).first()
