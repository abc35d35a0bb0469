"""What kinds of facts there are, and the value each carries."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class FactKind(StrEnum):
    ORGANISATION_VERIFIED = "organisation_verified"  # organisation; {}
    EMPLOYMENT = "employment"  # person and organisation; {role}; open while they work there
    TRAINING = "training"  # person; {hours, module}
    COURSE = "course"  # person; {track}; a renewal of a mandatory track, until it ends
    CERTIFICATE = "certificate"  # person; {code, number}; until it ends
    CASE_PUBLISHED = "case_published"  # organisation; {client, named, industry, case_id, capabilities}
    OUTCOME_ATTESTED = (
        "outcome_attested"  # organisation; {client, case_id, attainment: share of the target or None}
    )
    REVIEW = "review"  # organisation; {client, rating: 1-5}
    RENEWAL = "renewal"  # organisation; {client, renewed: bool}
    RESPONSE = "response"  # organisation; {brief_id, in_time: bool}
    MATURITY_VERIFIED = (
        "maturity_verified"  # organisation; {score: 0-100}; {dimension} too where evidence is for one
    )
    CONDUCT = "conduct"  # organisation; {delta, reason}
    COMPLAINT_UPHELD = "complaint_upheld"  # organisation; {severity: minor|major}
    VIOLATION = "violation"  # organisation; {reason}
    PRODUCT_REVIEWED = "product_reviewed"  # organisation; {product}; until it ends
    INTEGRATION = "integration"  # organisation; {platform}
    SOLUTION_PUBLISHED = "solution_published"  # organisation; {solution_id}
    LIVE_CUSTOMER = "live_customer"  # organisation; {client}
    SUPPORT = "support"  # organisation; {in_time: bool}
    VULNERABILITY = "vulnerability"  # organisation; {fixed_in_days: float or None}
    OPENNESS = "openness"  # organisation; {items: 0-10}
    DATA_EXPORT = "data_export"  # organisation; {}
    DEPARTURE = "departure"  # person and organisation; {ending, confirmed: by the client that hired them}
    CONTINUITY_CREDIT = "continuity_credit"  # organisation; {metric, heads, stars}; until it ends
    UPTIME = "uptime"  # organisation; {share: 0-1}
    LEVEL = "level"  # organisation; {family, stars}; while the level is in good standing


@dataclass(frozen=True)
class FactRow:
    """A fact as pure functions see it."""

    id: int
    kind: str
    organisation_id: int | None
    person_id: int | None
    true_from: datetime
    true_until: datetime | None
    recorded_at: datetime
    retracted_at: datetime | None
    value: dict[str, Any] = field(hash=False)
    source_kind: str = ""
    source_id: int = 0
    person: str = ""  # the person's name, for the reason tree
    end_recorded_at: datetime | None = None
    until_before: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """True of the world at that moment."""
        return self.true_from <= at and (self.true_until is None or self.true_until > at)

    def known(self, at: datetime) -> bool:
        """Recorded by that moment and not yet retracted then."""
        return self.recorded_at <= at and (self.retracted_at is None or self.retracted_at > at)

    def as_known(self, at: datetime) -> "FactRow | None":
        """The fact as it stood in the ledger at that moment, with the end that was known then; None when it did not."""
        if not self.known(at):
            return None
        if self.end_recorded_at is None or self.end_recorded_at <= at:
            return self
        return replace(self, true_until=self.until_before, end_recorded_at=None, until_before=None)
