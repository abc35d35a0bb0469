"""How the record is read: which fields of a change people see, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.refusal import mark

# Ids and codes of the machine are left out: who and what stand in columns of their own.
FIELDS = {
    "status": mark("State"),
    "trust": mark("Trust"),
    "stars": mark("Stars"),
    "score": mark("Score"),
    "name": mark("Name"),
    "legal_name": mark("Legal name"),
    "short_name": mark("Short name"),
    "credit_code": mark("Credit code"),
    "title": mark("Title"),
    "kind": mark("Kind"),
    "code": mark("Code"),
    "number": mark("Number"),
    "person": mark("Person"),
    "role": mark("Role"),
    "roles": mark("Roles"),
    "until": mark("Until"),
    "email": mark("E-mail"),
    "how": mark("How"),
    "client": mark("Client"),
    "outcomes": mark("Outcomes"),
    "rating": mark("Rating"),
    "file": mark("File"),
    "fee_model": mark("How you charge"),
    "price_low": mark("From, CNY a month"),
    "price_high": mark("To, CNY a month"),
    "capacity": mark("How many more clients you can take now"),
    "accepting": mark("We accept invitations"),
    "industry": mark("Industry"),
    "must_have": mark("Must-haves"),
    "budget_low": mark("Budget from, CNY a month"),
    "budget_high": mark("Budget to, CNY a month"),
    "shown": mark("Shown"),
    "passed": mark("Qualified"),
    "invited": mark("Invited"),
    "brief": mark("Brief"),
    "reason": mark("Reason"),
    "product": mark("Product"),
    "round": mark("Round"),
    "version": mark("Version"),
    "bank": mark("Question bank"),
    "added": mark("Added"),
    "changed": mark("Changed"),
    "exam": mark("Exam"),
    "certificate": mark("Certificate"),
    "minutes": mark("Minutes"),
    "pass_marks": mark("Right answers to pass"),
    "module": mark("Lesson"),
    "hours": mark("Training hours"),
    "by_mail": mark("By mail"),
    "in_portal": mark("In the portal"),
}
EARLIER_VERBS = (mark("file opened"),)  # not written any more, still in the record
TAXONOMIES = {"industry": "industries", "must_have": "capabilities", "fee_model": "fee_models"}
WORDS = {
    "draft": mark("draft"),
    "awaiting_client": mark("waits for the client"),
    "client_confirmed": mark("confirmed by the client"),
    "submitted": mark("with the reviewers"),
    "in_review": mark("with the reviewers"),
    "action_required": mark("waits for the applicant"),
    "changes_asked": mark("changes asked"),
    "disputed": mark("disputed by the client"),
    "published": mark("published"),
    "retracted": mark("retracted"),
    "approved": mark("approved"),
    "rejected": mark("refused"),
    "withdrawn": mark("withdrawn"),
    "provisional": mark("provisional"),
    "verified": mark("verified"),
    "frozen": mark("frozen"),
    "suspended": mark("suspended"),
    "closed": mark("closed"),
    "active": mark("in force"),
    "at_risk": mark("at risk"),
    "probation": mark("in remediation"),
    "downgraded": mark("fallen below 3★"),
    "superseded": mark("superseded"),
    "revoked": mark("revoked"),
    "expired": mark("expired"),
    "open": mark("open"),
    "shortlisted": mark("shortlist ready"),
    "in_talks": mark("in talks"),
    "decided": mark("decided"),
    "delivering": mark("delivering"),
    "stale": mark("lapsed"),
    "offered": mark("waits for an answer"),
    "accepted": mark("accepted, contacts still closed"),
    "declined": mark("declined"),
    "contacts_open": mark("contacts open"),
    "met": mark("meeting held"),
    "proposed": mark("proposal made"),
    "won": mark("chosen"),
    "lost": mark("not chosen"),
    "provider": mark("Service provider"),
    "brand": mark("Brand"),
    "owner": mark("Owner"),
    "manager": mark("Manager"),
    "traffic": mark("Traffic"),
    "sales": mark("Sales"),
    "delivery": mark("Delivery"),
    "learner": mark("Learner"),
    "reviewer": mark("Reviewer"),
    "partner_manager": mark("Partner manager"),
    "programme_manager": mark("Programme manager"),
    "administrator": mark("Administrator"),
    "left": mark("left by themselves"),
    "removed": mark("ended by the owner"),
    "hired_by_client": mark("hired by a client"),
    "similar_case": mark("Similar case"),
    "region_language": mark("Region and language"),
    "size_fit": mark("Size fit"),
}


@dataclass(frozen=True)
class Change:
    field: str
    name: str  # catalogue key
    before: Any  # None when it was not there
    after: Any


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """The fields that differ, in the order in which they were written down."""
    old, new = before or {}, after or {}
    return [
        Change(key, FIELDS[key], old.get(key), new.get(key))
        for key in {**old, **new}
        if key in FIELDS and _shown(old.get(key)) != _shown(new.get(key))
    ]


def _shown(value: Any) -> Any:
    return None if value in ("", []) else value
