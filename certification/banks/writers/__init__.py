"""A bank as a file of another system; read again it is equal, as far as docs/questions.md says."""

from collections.abc import Callable, Sequence

from certification.banks.form import QuestionForm
from certification.banks.writers.columns import write_columns
from certification.banks.writers.moodle import write_moodle
from certification.banks.writers.qti import write_qti

WRITERS: dict[str, tuple[Callable[[Sequence[QuestionForm]], bytes], str, str]] = {
    "moodle": (write_moodle, ".xml", "application/xml"),
    "qti": (write_qti, ".zip", "application/zip"),
    "csv": (write_columns, ".csv", "text/csv"),
}


def write_questions(questions: Sequence[QuestionForm], format: str) -> bytes:  # noqa: A002
    """The file's bytes; KeyError for a format that is not written."""
    return WRITERS[format][0](questions)
