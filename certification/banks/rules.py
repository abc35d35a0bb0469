"""The kinds of questions, and the way of a question from a draft into a paper and out again."""

from enum import StrEnum


class QuestionKind(StrEnum):
    ONE = "one"
    SEVERAL = "several"  # right with all of the keys and nothing else
    TRUE_FALSE = "true_false"
    ORDER = "order"
    MATCH = "match"
    NUMERIC = "numeric"
    SHORT = "short"
    LONG = "long"  # marked by people


CANARY = "canary"  # a tag: asked, never scored; its key is known only to whoever has seen the bank
CHOICE = frozenset({QuestionKind.ONE, QuestionKind.SEVERAL, QuestionKind.TRUE_FALSE})


class QuestionStatus(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PILOT = "pilot"  # asked without counting, to learn its figures
    IN_USE = "in_use"
    RETIRED = "retired"


MOVES = {
    (QuestionStatus.DRAFT, "submit"): QuestionStatus.IN_REVIEW,
    (QuestionStatus.IN_REVIEW, "return"): QuestionStatus.DRAFT,
    (QuestionStatus.IN_REVIEW, "pilot"): QuestionStatus.PILOT,
    (QuestionStatus.IN_REVIEW, "use"): QuestionStatus.IN_USE,
    (QuestionStatus.PILOT, "use"): QuestionStatus.IN_USE,
    (QuestionStatus.DRAFT, "retire"): QuestionStatus.RETIRED,
    (QuestionStatus.PILOT, "retire"): QuestionStatus.RETIRED,
    (QuestionStatus.IN_USE, "retire"): QuestionStatus.RETIRED,
}
