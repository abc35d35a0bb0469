"""The weekly coaching card on the home page of who may set tasks."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import Part
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind
from portal.programme.rules import Programme
from portal.web.viewer import Viewer
from training.supervision.queries import board
from training.supervision.rules import Board, Card, card_of, targets


def card_for(seen: Board, organisation: Organisation, programme: Programme, now: datetime) -> Card:
    family = "isv" if organisation.directions == ["tools"] else "operator"
    return card_of(seen, *targets(programme, family, organisation.stars), now)


def part(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    acting = viewer.organisation
    if acting is None or acting.kind != Kind.PROVIDER or not viewer.may("task"):
        return None
    organisation = session.get_one(Organisation, acting.id)
    seen = board(session, acting.id, viewer.programme, now)
    return Part(
        "supervision/home.html", {"card": card_for(seen, organisation, viewer.programme, now)}, side=True
    )
