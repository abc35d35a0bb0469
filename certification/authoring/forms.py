"""What an author types, made into a question; every wrong field gets its sentence."""

from typing import Annotated, Any

from pydantic import Field

from certification.banks.form import TRUE_FALSE, QuestionForm, UnfitError, check, need
from certification.banks.pictures import MOST_PICTURES, is_picture, keep
from certification.banks.rendering import sanitised
from certification.banks.rules import QuestionKind
from certification.marking.rules import number_in
from portal.files.reading import Sentence
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, Input, whole

ROWS = 8  # options, prompts, lines of a rubric


class NewBank(Input):
    code: Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]
    title_zh: Annotated[str, Field(min_length=1, max_length=100)]
    title_en: Annotated[str, Field(min_length=1, max_length=100)]


class Move(Input):
    reason: Annotated[str, Field(max_length=500)] = ""


def _pair(form: Form, name: str, markup: str) -> dict[str, str]:
    texts = {"zh": form[f"{name}-zh"].strip(), "en": form[f"{name}-en"].strip()}
    return {k: sanitised(v) for k, v in texts.items()} if markup == "html" else texts


def _rows(form: Form, name: str, markup: str) -> list[tuple[int, dict[str, str]]]:
    """The rows that hold anything, each with its number on the page."""
    pairs = ((n, _pair(form, f"{name}-{n}", markup)) for n in range(1, ROWS + 1))
    return [(n, pair) for n, pair in pairs if any(pair.values())]


def read_question(
    form: Form, kind: QuestionKind, code: str, pictures: dict[str, bytes]
) -> tuple[QuestionForm | None, dict[str, str]]:
    """The question, or None with sentences by field. `pictures`: those it has already."""
    errors: dict[str, str] = {}
    markup = "html" if form["markup"] == "html" else "plain"
    kept = {name: content for name, content in pictures.items() if not form[f"drop-{name}"]}
    file = form.file("picture")
    if file is not None:
        content = file.file.read()
        if not is_picture(content) or len(kept) >= MOST_PICTURES:
            errors["picture"] = gettext(mark("This is no PNG, JPEG, GIF or WebP of up to 2 MB."))
        else:
            keep(kept, file.filename, content)
    options = _rows(form, "option", markup)
    numbers = {n: place for place, (n, _) in enumerate(options, 1)}  # a row left empty does not count
    fields: dict[str, Any] = {
        "topic": form["topic"].strip(),
        "group": form["group"].strip() or form["topic"].strip(),
        "level": whole(form["level"], 0),
        "stem": _pair(form, "stem", markup),
        "why": _pair(form, "why", markup),
        "options": [{**pair, **({"fixed": True} if form[f"fixed-{n}"] else {})} for n, pair in options],
        "key": sorted(numbers[n] for n in {whole(v) for v in form.all("key")} if n in numbers),
        "points": whole(form["points"], 1),
        "markup": markup,
        "pictures": kept,
        "enemies": _listed(form["enemies"]),
        "tags": _listed(form["tags"]),
    }
    try:
        fields |= _by_kind(form, kind, markup, fields, numbers)
        question = QuestionForm(code=code, kind=kind.value, **fields)
        need(any(question.why.values()), mark("Say why the key is right; learners and reviewers read it."))
        check(question)
    except UnfitError as problem:
        errors.setdefault("form", _said(problem.sentence))
        return None, errors
    return (None, errors) if errors else (question, {})


def _by_kind(
    form: Form, kind: QuestionKind, markup: str, fields: dict[str, Any], numbers: dict[int, int]
) -> dict[str, Any]:
    """What a kind has beside, or instead of, options and a key."""
    closed: dict[str, Any] = {"options": [], "key": []}
    match kind:
        case QuestionKind.TRUE_FALSE:
            closed = {"options": TRUE_FALSE, "key": [whole(form["key"])]}
        case QuestionKind.ORDER:
            closed = {"key": list(range(1, len(fields["options"]) + 1))}
        case QuestionKind.MATCH:
            prompts = _rows(form, "prompt", markup)
            chosen = [numbers.get(whole(form[f"match-{n}"]), 0) for n, _ in prompts]
            closed = {"prompts": [pair for _, pair in prompts], "key": chosen}
        case QuestionKind.NUMERIC:
            value, off = number_in(form["value"]), number_in(form["tolerance"].strip() or "0")
            if value is None or off is None or off < 0:
                raise UnfitError(mark("The right number or its tolerance is no number."))
            closed["accept"] = [{"low": float(value - off), "high": float(value + off)}]
        case QuestionKind.SHORT:
            lines = [line.strip() for line in form["accept"].splitlines() if line.strip()]
            closed |= {"accept": [{"text": line} for line in lines], "case": bool(form["case"])}
        case QuestionKind.LONG:
            rows = _rows(form, "rubric", "plain")
            need(rows, mark("A long answer needs lines to be marked by."))
            rubric = [{**pair, "points": whole(form[f"rubric-points-{n}"], 0)} for n, pair in rows]
            closed |= {"rubric": rubric, "points": sum(whole(form[f"rubric-points-{n}"], 0) for n, _ in rows)}
        case _:
            closed = {}
    return closed


def _listed(text: str) -> list[str]:
    """Separated by commas (of either width) or lines."""
    parts = text.replace("，", ",").replace("、", ",").replace("\n", ",").split(",")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _said(sentence: Sentence) -> str:
    return gettext(sentence.text, **sentence.values)


def filled(question: QuestionForm) -> Form:
    """The editor's fields for a question that is there."""
    values: dict[str, Any] = {
        "topic": question.topic,
        "group": question.group,
        "level": question.level,
        "points": question.points,
        "markup": question.markup,
        "enemies": ", ".join(question.enemies),
        "tags": ", ".join(question.tags),
        "key": question.key,
        "case": "1" if question.case else "",
        "accept": "\n".join(str(a["text"]) for a in question.accept if "text" in a),
    }
    for name, pair in (("stem", question.stem), ("why", question.why)):
        values |= {f"{name}-{language}": pair.get(language, "") for language in ("zh", "en")}
    for name, rows in (
        ("option", question.options),
        ("prompt", question.prompts),
        ("rubric", question.rubric),
    ):
        for n, row in enumerate(rows, 1):
            values |= {f"{name}-{n}-{language}": row.get(language, "") for language in ("zh", "en")}
            if row.get("fixed"):
                values[f"fixed-{n}"] = "1"
            if "points" in row:
                values[f"rubric-points-{n}"] = row["points"]
    if question.kind == QuestionKind.MATCH:
        values |= {f"match-{n}": option for n, option in enumerate(question.key, 1)}
    ranges = [a for a in question.accept if "low" in a]
    if ranges:
        low, high = ranges[0]["low"], ranges[0]["high"]
        values |= {"value": f"{(low + high) / 2:g}", "tolerance": f"{(high - low) / 2:g}"}
    return Form.of(values)
