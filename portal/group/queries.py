"""Who belongs to whom."""

from dataclasses import dataclass

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from portal.group.models import OrganisationLink
from portal.group.rules import OPEN, LinkStatus
from portal.organisations.models import Organisation


@dataclass(frozen=True)
class Linked:
    """A link as one of its sides sees it."""

    link: OrganisationLink
    other: Organisation
    other_is_parent: bool
    asked_it: bool  # this side


def links_of(session: Session, organisation_id: int) -> list[Linked]:
    """Open links of an organisation, the parent first."""
    child, parent = aliased(Organisation), aliased(Organisation)
    rows = session.exec(
        select(OrganisationLink, child, parent)
        .join(child, col(OrganisationLink.child_id) == col(child.id))
        .join(parent, col(OrganisationLink.parent_id) == col(parent.id))
        .where(
            or_(OrganisationLink.child_id == organisation_id, OrganisationLink.parent_id == organisation_id),
            col(OrganisationLink.status).in_(OPEN),
        )
        .order_by(col(OrganisationLink.id))
    )
    found = [
        Linked(
            link,
            above if link.child_id == organisation_id else below,
            link.child_id == organisation_id,
            link.asked_by_id == organisation_id,
        )
        for link, below, above in rows
    ]
    return sorted(found, key=lambda one: not one.other_is_parent)


def link_of(session: Session, link_id: int, organisation_id: int) -> OrganisationLink | None:
    """One of this organisation's links, locked."""
    return session.exec(
        select(OrganisationLink)
        .where(
            OrganisationLink.id == link_id,
            or_(OrganisationLink.child_id == organisation_id, OrganisationLink.parent_id == organisation_id),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def parents(session: Session) -> dict[int, int]:
    """child → parent, everybody's; locked, so that two links can't close a circle between them."""
    rows = session.exec(
        select(Organisation)
        .where(col(Organisation.parent_id).is_not(None))
        .order_by(col(Organisation.id))
        .with_for_update()
    )
    return {row.id or 0: row.parent_id or 0 for row in rows}


def open_links(session: Session, organisation_id: int) -> list[OrganisationLink]:
    return list(
        session.exec(
            select(OrganisationLink)
            .where(
                or_(
                    OrganisationLink.child_id == organisation_id,
                    OrganisationLink.parent_id == organisation_id,
                ),
                col(OrganisationLink.status).in_(OPEN),
            )
            .order_by(col(OrganisationLink.id))
            .with_for_update()
        )
    )


def asked_already(session: Session, child_id: int, parent_id: int) -> bool:
    return (
        session.exec(
            select(OrganisationLink.id).where(
                OrganisationLink.child_id == child_id,
                OrganisationLink.parent_id == parent_id,
                OrganisationLink.status == LinkStatus.ASKED,
            )
        ).first()
        is not None
    )


@dataclass(frozen=True)
class Family:
    """What everybody may read: the parent and the subsidiaries, by name and address."""

    parent: Organisation | None
    children: list[Organisation]


def family_of(session: Session, organisation: Organisation) -> Family:
    rows = session.exec(
        select(Organisation)
        .where(or_(col(Organisation.id) == organisation.parent_id, Organisation.parent_id == organisation.id))
        .order_by(col(Organisation.short_name), col(Organisation.id))
    ).all()
    return Family(
        next((row for row in rows if row.id == organisation.parent_id), None),
        [row for row in rows if row.parent_id == organisation.id],
    )


def children_of(session: Session, organisation_id: int) -> list[Organisation]:
    return list(
        session.exec(
            select(Organisation)
            .where(Organisation.parent_id == organisation_id)
            .order_by(col(Organisation.id))
        )
    )
