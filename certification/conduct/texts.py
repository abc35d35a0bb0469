"""The words of pages about conduct: catalogue keys by what they stand for."""

from typing import Any

from certification.conduct.rules import LAPSE, Kind, Measure, Origin, SanctionStatus, Status
from portal.refusal import mark

KINDS = {
    Kind.COMPLAINT_MINOR: mark("Complaint, minor"),
    Kind.COMPLAINT_MAJOR: mark("Complaint, major"),
    Kind.PRICE_OPACITY: mark("Price not open"),
    Kind.FAKE_REVIEW: mark("Faked review"),
    Kind.FORGED_CASE: mark("Forged case"),
}
REASONS = {
    **{kind.value: text for kind, text in KINDS.items()},
    LAPSE: mark("Answered a brief late or never"),
}
ORIGINS = {
    Origin.BRAND: mark("a brand"),
    Origin.PERSON: mark("a person"),
    Origin.STAFF: mark("our own finding"),
}
STATES = {
    Status.ASKED: mark("your answer is awaited"),
    Status.HEARD: mark("being decided"),
    Status.PROPOSED: mark("being decided"),
    Status.UPHELD: mark("upheld, open"),
    Status.REMEDIED: mark("upheld, remedied"),
    Status.DISMISSED: mark("dismissed"),
    Status.APPEALED: mark("appeal runs"),
    Status.OVERTURNED: mark("overturned on appeal"),
}
STAFF_STATES = STATES | {
    Status.ASKED: mark("the organisation has the word"),
    Status.HEARD: mark("to be decided"),
    Status.PROPOSED: mark("waits for a second person"),
}
MEASURES = {
    Measure.SUSPEND: mark("Suspend the organisation"),
    Measure.REINSTATE: mark("Reinstate the organisation"),
    Measure.CLOSE: mark("Close the organisation"),
    Measure.SUSPEND_LEVEL: mark("Suspend a level"),
    Measure.LIFT_LEVEL: mark("Lift the suspension of a level"),
    Measure.REVOKE_LEVEL: mark("Revoke a level"),
}
SANCTION_STATES = {
    SanctionStatus.PROPOSED: mark("waits for a second person"),
    SanctionStatus.WORKING: mark("works at once, to be confirmed"),
    SanctionStatus.CONFIRMED: mark("confirmed"),
    SanctionStatus.REJECTED: mark("rejected"),
    SanctionStatus.WITHDRAWN: mark("withdrawn"),
    SanctionStatus.LAPSED: mark("lapsed unconfirmed"),
    SanctionStatus.APPEALED: mark("appeal runs"),
    SanctionStatus.OVERTURNED: mark("overturned on appeal"),
}
CLASSES = {
    "forged_evidence": mark("forged evidence"),
    "fake_review": mark("faked reviews"),
    "exam_fraud": mark("exam fraud"),
    "data_leak": mark("data leak"),
    "bribery": mark("bribery"),
    "complaints": mark("upheld complaints"),
    "breach": mark("breach of the rules"),
    "remedied": mark("remedied"),
    "own_wish": mark("at its own wish"),
    "duplicate": mark("registered twice"),
    "other": mark("other"),
}
ALL: dict[str, Any] = {
    "kinds": KINDS,
    "reasons": REASONS,
    "origins": ORIGINS,
    "measures": MEASURES,
    "sanction_states": SANCTION_STATES,
    "classes": CLASSES,
}
