"""The programme as the rest of the code reads it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

Text = dict[str, str]  # {"zh": …, "en": …}


PROFILE = {
    "directions_max": 3,
    "industries_max": 3,
    "capabilities_max": 6,
    "conflicts_max": 5,
    "capacity_reminder_d": 5,
    "merge_answer_d": 14,
    "export_kept_d": 7,
}
MATURITY = {"review_wd": 5, "valid_quarters": 2, "over_claim": 20}
RETURN_D = 90
FOSTERING: dict[str, Any] = {
    "weights": {
        "maturity": 20,
        "hours": 15,
        "certificates": 25,
        "newcomer": 10,
        "size": 10,
        "waited": 10,
        "scarce": 10,
    },
    "newcomer_d": 730,
    "small_heads": 5,
    "large_heads": 50,
    "waited_d": 730,
    "scarce_below": 5,
    "names": {},
}
SEASON: dict[str, Any] = {
    "opens": {},
    "shortlist_size": 5,
    "jurors": 3,
    "award_gates": {"stars_min": 3, "conduct_min": 70, "major_open_max": 0},
    "award_targets": {},
    "award_parts": {},
    "jury_rubric": {},
}
MANDATORY = {"valid_d": 365, "reminders_d": [90, 60, 30, 7]}


@dataclass(frozen=True)
class Programme:
    """One version of the rules. `content` is the programme file; the methods name what is read most."""

    id: int
    version: str
    content: dict[str, Any] = field(repr=False)

    def __getitem__(self, section: str) -> Any:
        return self.content[section]

    @property
    def matching(self) -> dict[str, Any]:
        section: dict[str, Any] = self.content["matching"]
        return section

    @property
    def profile(self) -> dict[str, int]:
        """Limits and clocks of what an organisation says of itself; a version from before them has none."""
        section: dict[str, int] = self.content.get("profile", {})
        return PROFILE | section

    @property
    def maturity(self) -> dict[str, Any]:
        """The questionnaires, the clock of their review, how long what is verified holds; an old version lacks clocks."""
        section: dict[str, Any] = self.content["maturity"]
        return MATURITY | section

    @property
    def fostering(self) -> dict[str, Any]:
        """How who is fostered is scored; a version from before cohorts has the first weights."""
        section: dict[str, Any] = self.content.get("fostering", {})
        return FOSTERING | section

    @property
    def season(self) -> dict[str, Any]:
        """Phases, the forms they open, and the awards; a version from before awards had formulas has none."""
        section: dict[str, Any] = self.content["season"]
        return {**SEASON, **section, "awards": [a for a in section["awards"] if "key" in a]}

    @property
    def return_d(self) -> int:
        """Days after leaving within which an owner opens the organisation again."""
        return int(self.content["lifecycle"].get("return_d", RETURN_D))

    @property
    def course_valid(self) -> timedelta:
        """How long a mandatory track holds after it was finished or renewed."""
        return timedelta(days=int(self._mandatory["valid_d"]))

    @property
    def course_told(self) -> list[timedelta]:
        """How long before its end people are told, the first (when the task appears) first."""
        return [timedelta(days=int(d)) for d in sorted(self._mandatory["reminders_d"], reverse=True)]

    @property
    def _mandatory(self) -> dict[str, Any]:
        section: dict[str, Any] = self.content.get("mandatory", {})
        return MANDATORY | section

    def options(self, taxonomy: str) -> dict[str, Text]:
        """key → names of a flat taxonomy (stages, modes, provinces …)."""
        options: dict[str, Text] = self.content["taxonomy"][taxonomy]
        return options

    def leaves(self, taxonomy: str) -> dict[str, Text]:
        """key → names of every leaf of a two-level taxonomy (industries, capabilities)."""
        return {
            key: text
            for group in self.content["taxonomy"][taxonomy].values()
            for key, text in group["leaves"].items()
        }

    def group_of(self, taxonomy: str, leaf: str) -> str | None:
        return next(
            (key for key, group in self.content["taxonomy"][taxonomy].items() if leaf in group["leaves"]),
            None,
        )

    def label(self, taxonomy: str, key: str | None) -> Text:
        """The names of a key anywhere in a taxonomy; the key itself when a newer version dropped it."""
        tree = self.content["taxonomy"][taxonomy]
        if key in tree:
            return {"zh": tree[key]["zh"], "en": tree[key]["en"]}
        for group in tree.values():
            leaves: dict[str, Text] = group.get("leaves", {})
            if key in leaves:
                return leaves[key]
        return {"zh": key or "", "en": key or ""}

    def track(self, code: str) -> dict[str, Any]:
        return next(t for t in self.content["tracks"] if t["code"] == code)

    def certificate(self, code: str) -> dict[str, Any]:
        """A personal certificate with its paper: the programme's defaults, overridden by its own."""
        entry = next(c for c in self.content["personal_certificates"] if c["code"] == code)
        return {**entry, "paper": {**self.content["exams"], **entry.get("paper", {})}}

    def stars(self, level: int) -> Text:
        entry: Text = self.content["stars"][str(level)]
        return entry


def stringed(value: Any) -> Any:
    """The same data as JSON keeps it: every key a string, so that a loaded version equals a stored one."""
    if isinstance(value, dict):
        return {str(k): stringed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [stringed(v) for v in value]
    return value
