"""Between a question as a form and as a row."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from certification.banks.form import LATER, QuestionForm
from certification.banks.models import Question


def row_of(form: QuestionForm, pictures: Mapping[str, int]) -> dict[str, Any]:
    """The columns of `Question` that a form fills, its hash among them. `pictures`: name → where it is kept."""
    return {**asdict(form), "pictures": dict(pictures), "content_hash": form.content_hash}


def form_of(question: Question, contents: Mapping[int, bytes]) -> QuestionForm:
    """The form that a row was made of, with the same hash. `contents`: picture → bytes."""
    later: dict[str, Any] = {name: getattr(question, name) for name in LATER}
    later["pictures"] = {name: contents[i] for name, i in question.pictures.items()}
    return QuestionForm(
        question.code,
        question.topic,
        question.group,
        question.level,
        str(question.kind),
        question.stem,
        question.options,
        question.key,
        question.why,
        **later,
    )
