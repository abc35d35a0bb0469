"""Items of QTI 2.1, 2.2 and 3.0: one interaction each, of the kinds in _READ; everything else is listed.

Marking is taken from the templates match_correct and map_response and from the common written-out forms.
"""

import math
import posixpath
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from certification.banks.build import NO_TOPIC, Collected, Draft, choose
from certification.banks.form import MOST_OPTIONS, QuestionFile, UnfitError, need
from certification.banks.markup import Text
from certification.banks.own import Own
from certification.banks.readers.body import text_from
from certification.banks.readers.moodle import around
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.files.xml import Element, attribute, children, first, line_of, local, within, words
from portal.refusal import mark

_NOT_READ = mark("Questions of this kind are not read: %(kind)s.")
_WRITTEN_OUT = mark("Its marking is written out in a way that is not read.")


def read_item_file(root: Element) -> QuestionFile:
    found = Collected()
    place = Sentence(mark("question %(n)s at line %(line)s"), {"n": 1, "line": line_of(root)})
    found.read(place, lambda: read_item(root, place))
    return found.file()


def finder(path: str, files: Mapping[str, bytes]) -> Callable[[str], bytes | None]:
    """Addresses in the file at `path` of a package → the bytes of other files in it."""

    def find(source: str) -> bytes | None:
        if source.startswith("picture:"):  # in what our own export says beside the item
            return files.get(f"{path.removesuffix('.xml')}/{source[8:]}")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(source)))
        return files.get(beside)

    return find


def read_item(
    root: Element,
    place: Sentence,
    *,
    path: str = "",
    files: Mapping[str, bytes] | None = None,
    topic: str = NO_TOPIC,
    title: str = "",
    own: Own | None = None,
) -> Draft:
    """One item. `title` is the name that its package gives it."""
    need(attribute(root, "adaptive") != "true", mark("It changes with the answers, which is not read."))
    need(
        first(root, "templatedeclaration", "templateprocessing", "printedvariable") is None,
        mark("Its values are drawn anew each time, which is not read."),
    )
    body = first(root, "itembody")
    if body is None:
        raise UnfitError(mark("It asks nothing: a text between questions."))
    interactions = [e for e in body.iter() if isinstance(e.tag, str) and local(e).endswith("interaction")]
    need(interactions, mark("It asks nothing: a text between questions."))
    one = interactions[0]
    read = _READ.get(local(one))
    if read is None:
        raise UnfitError(_NOT_READ, kind=local(one)[:60])
    need(
        len(interactions) == 1,
        mark("It asks for %(n)s answers at once, which is not read."),
        n=len(interactions),
    )
    draft = Draft(
        place,
        QuestionKind.LONG,
        _stem(body, one),
        code=own.code if own else "",
        title=title or attribute(root, "identifier"),
        topic=topic,
        points=own.points if own else _points(root),
        own=own,
        tags=own.tags if own else [],
        find=finder(path, files or {}),
    )
    for feedback in children(root, "modalfeedback"):
        if attribute(feedback, "identifier").lower() in (
            "why",
            "general",
            "general_fb",
            "solution",
            "explanation",
        ):
            draft.why = text_from([feedback])
        else:
            draft.remark(mark("Remarks on single answers are not kept."))
    options = list(within(one, "simplechoice", "inlinechoice", "simpleassociablechoice"))
    need(len(options) <= 2 * MOST_OPTIONS, mark("It has more than 100 options."))
    read(draft, one, _Marking(root, attribute(one, "responseidentifier")))
    return draft


def _stem(body: Element, one: Element) -> Text:
    inline = local(one) in ("textentryinteraction", "inlinechoiceinteraction")
    around_it = text_from([body], gaps=[one] if inline else [])
    prompts = children(one, "prompt")
    if not prompts:
        return around_it
    asked = text_from(prompts)
    return Text(f"{around_it.zh}<p>{asked.zh}</p>", f"{around_it.en}<p>{asked.en}</p>", html=True)


def _points(root: Element) -> int:
    for declared in within(root, "outcomedeclaration"):
        if attribute(declared, "identifier") == "MAXSCORE":
            said = words(first(declared, "value"))
            if said.replace(".0", "").isdecimal() and 1 <= float(said) <= 100:
                return int(float(said))
    return 1


class _Marking:
    """What an item says about right answers."""

    def __init__(self, root: Element, identifier: str) -> None:
        self.identifier = identifier
        declared = [
            d for d in within(root, "responsedeclaration") if attribute(d, "identifier") == identifier
        ]
        need(declared, mark("A field is missing or not what it should be."))
        self.declared = declared[0]
        self.base = attribute(self.declared, "basetype").lower()
        correct = first(self.declared, "correctresponse")
        self.correct: list[str] = (
            [words(v) for v in children(correct, "value")] if correct is not None else []
        )
        self.entries = [
            (
                attribute(e, "mapkey"),
                _number(attribute(e, "mappedvalue")),
                attribute(e, "casesensitive") == "true",
            )
            for e in within(self.declared, "mapentry")
        ]
        self.processing = first(root, "responseprocessing")
        template = attribute(self.processing, "template") if self.processing is not None else ""
        self.by_map = "map_response" in template or bool(
            self.processing is not None and first(self.processing, "mapresponse") is not None
        )

    def weights(self) -> dict[str, float]:
        """Identifier → weight: mapped, or 1 for each that is correct."""
        if self.entries and (self.by_map or not self.correct):
            weights = {key: value for key, value, _ in self.entries}
            if any(value > 0 for value in weights.values()):
                return weights
        if self.correct:
            return dict.fromkeys(self.correct, 1.0)
        return dict.fromkeys((str(v) for v in self.compared()), 1.0)

    def compared(self) -> list[str]:
        """Values that written-out marking compares the response with."""
        return [
            words(value)
            for condition in self._rewarded()
            for value in within(condition, "basevalue")
            if attribute(value, "basetype").lower() == self.base
        ]

    def _rewarded(self) -> list[Element]:
        """The conditions about this response that set a positive score."""
        found: list[Element] = []
        if self.processing is None:
            return found
        for branch in within(self.processing, "responseif", "responseelseif"):
            about = {attribute(v, "identifier") for v in within(branch, "variable", "mapresponse")}
            values = [
                v for outcome in children(branch, "setoutcomevalue") for v in within(outcome, "basevalue")
            ]
            good = any(
                words(v) == "correct"
                if attribute(v, "basetype").lower() == "identifier"
                else _number(words(v)) > 0
                for v in values
            )
            if good and self.identifier in about:
                found.append(children(branch)[0])
        return found

    def ranges(self) -> list[dict[str, float]]:
        """Right numbers: written-out comparisons, else what is mapped best, else what is correct."""
        found = [r for condition in self._rewarded() for r in self._range(condition)]
        if found:
            return found
        if self.entries and (self.by_map or not self.correct):
            top = max((value for _, value, _ in self.entries), default=0.0)
            return [around(key, "") for key, value, _ in self.entries if value == top > 0]
        return [around(value, "") for value in self.correct]

    def _range(self, condition: Element) -> list[dict[str, float]]:
        name = local(condition)
        parts = [e for e in condition if isinstance(e.tag, str)]
        if name in ("or", "and") and not (name == "and" and len(parts) == 2):
            return [r for part in parts for r in self._range(part)]
        if name == "and":
            low, high = -math.inf, math.inf
            for part in parts:
                value = words(first(part, "basevalue"))
                if local(part) in ("gte", "gt"):
                    low = _bound(value, math.inf if local(part) == "gt" else None)
                elif local(part) in ("lte", "lt"):
                    high = _bound(value, -math.inf if local(part) == "lt" else None)
                else:
                    return [r for p in parts for r in self._range(p)]
            need(math.isfinite(low) and math.isfinite(high), _WRITTEN_OUT)
            return [{"low": low, "high": high}]
        if name in ("match", "equal", "stringmatch"):
            base = first(condition, "basevalue")
            values = [words(base)] if base is not None else self.correct
            mode, tolerance = attribute(condition, "tolerancemode"), attribute(condition, "tolerance").split()
            found = [around(v, "") for v in values]
            if mode in ("absolute", "relative") and tolerance:
                either = [_number(t) for t in (tolerance * 2)[:2]]
                for one in found:
                    widths = [abs(one["low"]) * e / 100 if mode == "relative" else e for e in either]
                    one["low"], one["high"] = one["low"] - widths[0], one["high"] + widths[1]
            return found
        if name in ("isnull", "not"):
            return []
        raise UnfitError(_WRITTEN_OUT)


def _number(said: str) -> float:
    value = float(said or 0)
    need(math.isfinite(value), mark("A range of its answer is not one."))
    return value


def _bound(said: str, towards: float | None) -> float:
    value = _number(said)
    return value if towards is None else math.nextafter(value, towards)


# ——— Interactions ———


def _choice(draft: Draft, one: Element, marking: _Marking) -> None:
    options = list(within(one, "simplechoice", "inlinechoice"))
    blank = [e for e in options if not text_from([e]) and first(e, "img", "object") is None]
    weights = marking.weights()
    if blank and local(one) == "inlinechoiceinteraction":
        options = [e for e in options if e not in blank]
        draft.remark(mark("An empty option was left out."))
    draft.options = [text_from([e]) for e in options]
    names = [attribute(e, "identifier") for e in options]
    need(
        set(weights) <= {*names, *(attribute(e, "identifier") for e in blank)},
        mark("Its key is not one of its options."),
    )
    fixed = {n for n, e in enumerate(options, 1) if attribute(e, "fixed") == "true"}
    draft.fixed = fixed or None
    most = attribute(one, "maxchoices", "1")
    alone = most == "1" or local(one) == "inlinechoiceinteraction"
    choose(
        draft,
        {n: weights.get(name, 0.0) for n, name in enumerate(names, 1)},
        several=False if alone else None,
    )
    if draft.own and draft.own.kind in (QuestionKind.ONE, QuestionKind.SEVERAL, QuestionKind.TRUE_FALSE):
        draft.kind = draft.own.kind


def _order(draft: Draft, one: Element, marking: _Marking) -> None:
    draft.kind = QuestionKind.ORDER
    options = {attribute(e, "identifier"): e for e in within(one, "simplechoice")}
    right = marking.correct or marking.compared()
    need(sorted(right) == sorted(options), mark("It does not say the right order of all its options."))
    draft.options = [text_from([options[name]]) for name in right]
    draft.key = list(range(1, len(right) + 1))


def _pairs(marking: _Marking) -> list[list[str]]:
    right = [pair for pair, weight in marking.weights().items() if weight > 0]
    return [pair.split() for pair in right if len(pair.split()) == 2]


def _match(draft: Draft, one: Element, marking: _Marking) -> None:
    draft.kind = QuestionKind.MATCH
    sets = children(one, "simplematchset")
    need(len(sets) == 2, mark("A field is missing or not what it should be."))
    left, right = (
        {attribute(e, "identifier"): e for e in children(s, "simpleassociablechoice")} for s in sets
    )
    answers: dict[str, str] = {}
    for pair in _pairs(marking):
        a, b = pair if pair[0] in left else pair[::-1]
        need(a in left and b in right, mark("Its key is not one of its options."))
        need(a not in answers, mark("Something on its left has several answers, which is not read."))
        answers[a] = b
    need(set(answers) == set(left), mark("Not everything on its left has its answer."))
    numbers = {name: n for n, name in enumerate(right, 1)}
    draft.prompts = [text_from([e]) for e in left.values()]
    draft.options = [text_from([e]) for e in right.values()]
    draft.key = [numbers[answers[name]] for name in left]


def _associate(draft: Draft, one: Element, marking: _Marking) -> None:
    """Pairs out of one heap: the first of each pair is asked for the second."""
    draft.kind = QuestionKind.MATCH
    heap = {attribute(e, "identifier"): e for e in within(one, "simpleassociablechoice")}
    pairs = _pairs(marking)
    used = [name for pair in pairs for name in pair]
    need(
        pairs and len(set(used)) == len(used),
        mark("Something in it belongs to several pairs, which is not read."),
    )
    need(set(used) <= set(heap), mark("Its key is not one of its options."))
    spare = [name for name in heap if name not in used]
    options = [b for _, b in pairs] + spare
    draft.prompts = [text_from([heap[a]]) for a, _ in pairs]
    draft.options = [text_from([heap[name]]) for name in options]
    draft.key = list(range(1, len(pairs) + 1))
    draft.remark(mark("It asked for pairs out of one heap; one of each pair is now asked for the other."))


def _entry(draft: Draft, _one: Element, marking: _Marking) -> None:
    if marking.base in ("float", "integer"):
        draft.kind = QuestionKind.NUMERIC
        draft.accept = [dict(r) for r in marking.ranges()]
        return
    need(marking.base == "string", _WRITTEN_OUT)
    draft.kind = QuestionKind.SHORT
    if marking.entries and (marking.by_map or not marking.correct):
        top = max(value for _, value, _ in marking.entries)
        best = [(key, case) for key, value, case in marking.entries if value == top > 0]
        if any(0 < value < top for _, value, _ in marking.entries):
            draft.remark(mark("Answers that are half right are not kept."))
        texts, draft.case = [key for key, _ in best], any(case for _, case in best)
    else:
        need(
            marking.processing is None or first(marking.processing, "substring", "patternmatch") is None,
            _WRITTEN_OUT,
        )
        texts = marking.correct or marking.compared()
        loose = first(marking.processing, "stringmatch")
        draft.case = loose is None or attribute(loose, "casesensitive") != "false"
    draft.accept = [{"text": t} for t in dict.fromkeys(t.strip() for t in texts)]
    stars(draft)


def stars(draft: Draft) -> None:
    """These formats know no wildcard; here a star is one."""
    if not draft.own and any("*" in a["text"] for a in draft.accept):
        need(all(set(a["text"]) - {"*"} for a in draft.accept), mark("Every answer would be right."))
        draft.remark(mark("A star in a right answer stands for any letters now."))


def _long(draft: Draft, one: Element, _marking: _Marking) -> None:
    draft.kind = QuestionKind.LONG
    for block in within(one.getroottree().getroot(), "rubricblock"):
        if "scorer" in attribute(block, "view") and not draft.own:
            draft.rubric = [(text_from([block]), draft.points)]


_READ: dict[str, Callable[[Draft, Element, _Marking], None]] = {
    "choiceinteraction": _choice,
    "inlinechoiceinteraction": _choice,
    "orderinteraction": _order,
    "matchinteraction": _match,
    "associateinteraction": _associate,
    "textentryinteraction": _entry,
    "extendedtextinteraction": _long,
}
