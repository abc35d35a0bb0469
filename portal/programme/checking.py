"""Whether a programme file can govern: first its shape, then what its parts say of each other. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from portal.programme.kinds import is_number
from portal.programme.lines import Node, Path, Problem, read, rising
from portal.programme.shape import LEVELS, SHAPE, STARS
from portal.refusal import mark

Content = Mapping[str, Any]
Found = Iterator[tuple[Path, str, dict[str, Any]]]


@dataclass(frozen=True)
class Known:
    """What the code can read: the keys of metrics, hard gates and rights."""

    metrics: frozenset[str]
    gates: frozenset[str]
    rights: frozenset[str]
    staff_rights: frozenset[str]


def check(text: str, known: Known) -> list[Problem]:
    """Everything that is wrong with the file, in the order of its lines; empty when it can be published."""
    top, unread = read(text)
    found = list(unread)
    if top is None:
        return found
    SHAPE.check(top, (), found)
    wrong = {p.path[:1] for p in found}
    if isinstance(top.value, dict) and () not in wrong:
        content = top.plain()
        for sections, look in _LOOKS:
            if not wrong & {(section,) for section in sections}:
                found += [
                    Problem(_line(top, path), path, message, values)
                    for path, message, values in look(content, known)
                ]
    return sorted(found, key=lambda p: (p.line, p.path))


def _line(top: Node, path: Path) -> int:
    """Of the nearest thing there is on the way to it."""
    for end in range(len(path), -1, -1):
        node = top.at(path[:end])
        if node is not None:
            return node.line
    return 1


def _families(content: Content, known: Known) -> Found:
    names, groups = content["metrics"]["names"], content["metrics"]["groups"]
    for family, rules in content["families"].items():
        at = ("families", family, "metrics")
        total = sum(m["weight"] for m in rules["metrics"])
        if round(total, 6) != 100:
            yield (
                at,
                mark("The weights of %(family)s add up to %(total)s, not to 100."),
                {"family": family, "total": f"{total:g}"},
            )
        for metric in rules["metrics"]:
            yield from _metric((*at, metric["key"]), metric, names, known)
    for key, name in names.items():
        here = ("metrics", "names", key)
        if name["group"] not in groups:
            yield here, mark("There is no group “%(name)s” in metrics.groups."), {"name": name["group"]}
        if name["unit"] not in content["metrics"]["units"]:
            yield here, mark("There is no unit “%(name)s” in metrics.units."), {"name": name["unit"]}


def _metric(at: Path, metric: Content, names: Content, known: Known) -> Found:
    key = metric["key"]
    if key not in known.metrics:
        yield at, mark("Nothing computes the metric “%(name)s”."), {"name": key}
    if key not in names:
        yield at, mark("The metric “%(name)s” has no entry in metrics.names."), {"name": key}
    if metric["weight"] == 0:
        yield (*at, "weight"), mark("A weight of 0 counts for nothing; leave the metric out instead."), {}
    for star in LEVELS:
        gate, target = metric["levels"][star]
        here = (*at, "levels", star)
        if gate > target:
            text = mark("%(name)s at %(star)s★: the gate %(gate)s is above the target %(target)s.")
            yield here, text, {"name": key, "star": star, "gate": gate, "target": target}
        if target <= 0:
            yield (
                here,
                mark("%(name)s at %(star)s★: the target must be above 0."),
                {"name": key, "star": star},
            )
    for low, high in pairwise(LEVELS):
        for place, text in (
            (0, mark("%(name)s: the gate falls from %(low)s★ to %(high)s★.")),
            (1, mark("%(name)s: the target falls from %(low)s★ to %(high)s★.")),
        ):
            if metric["levels"][low][place] > metric["levels"][high][place]:
                yield (*at, "levels", high), text, {"name": key, "low": low, "high": high}
    for part, sign in (("min_sample", 1), ("sla_h", -1), ("fix_days", -1)):
        if part in metric and not rising([sign * metric[part][star] for star in LEVELS]):
            text = mark("%(name)s: %(part)s asks for less at a higher star.")
            yield (*at, part), text, {"name": key, "part": part}
    if key == "critical_vuln_fix_rate_12m" and "fix_days" not in metric:
        yield at, mark("The metric “%(name)s” needs fix_days."), {"name": key}


def _gates(content: Content, known: Known) -> Found:
    names = content["metrics"]["gates"]
    for family, rules in content["families"].items():
        for star, gates in rules["hard_gates"].items():
            for key, limit in gates.items():
                here = ("families", family, "hard_gates", star, key)
                if key not in known.gates:
                    yield here, mark("Nothing computes the hard gate “%(name)s”."), {"name": key}
                elif key not in names:
                    text = mark("The hard gate “%(name)s” has no entry in metrics.gates.")
                    yield here, text, {"name": key}
                if limit is not True and not (is_number(limit) and limit >= 0):
                    yield here, mark("The hard gate “%(name)s” must be true or a number."), {"name": key}
        for low, high in pairwise(LEVELS):
            yield from _loosened(family, low, high, rules["hard_gates"])


def _loosened(family: str, low: str, high: str, gates: Content) -> Found:
    """A higher star never asks for less."""
    for key, limit in gates[low].items():
        here = ("families", family, "hard_gates", high)
        if key not in gates[high]:
            text = mark("%(high)s★ does not ask for “%(name)s”, which %(low)s★ asks for.")
            yield here, text, {"name": key, "low": low, "high": high}
            continue
        above = gates[high][key]
        if (
            is_number(limit)
            and is_number(above)
            and (above > limit if key.endswith("_max") else above < limit)
        ):
            text = mark("“%(name)s” is looser at %(high)s★ than at %(low)s★.")
            yield (*here, key), text, {"name": key, "low": low, "high": high}


def _scoring(content: Content, _known: Known) -> Found:
    scores = content["scoring"]["pass_score"]
    for low, high in pairwise(LEVELS):
        if scores[high] < scores[low]:
            text = mark("The pass score falls from %(low)s★ to %(high)s★.")
            yield ("scoring", "pass_score", high), text, {"low": low, "high": high}


def _lifecycle(content: Content, _known: Known) -> Found:
    first, last = content["lifecycle"]["renewal_window_d"]
    if not first <= 0 <= last:
        text = mark("The renewal window must open before the end and close after it.")
        yield ("lifecycle", "renewal_window_d"), text, {}


def _certificates(content: Content, known: Known) -> Found:
    tracks = {t["code"] for t in content["tracks"]}
    certificates = {c["code"]: c for c in content["personal_certificates"]}
    for code, certificate in certificates.items():
        here = ("personal_certificates", code)
        for track in certificate["tracks"]:
            if track not in tracks:
                yield (*here, "tracks"), mark("There is no track %(name)s."), {"name": track}
        for needed in certificate.get("needs", []):
            if needed not in certificates:
                yield (*here, "needs"), mark("There is no certificate %(name)s."), {"name": needed}
        if code in _needed(certificates, code):
            yield (*here, "needs"), mark("The certificate %(name)s needs itself in the end."), {"name": code}
        if certificate["counts_as"] not in known.metrics:
            text = mark("Nothing computes the metric “%(name)s”.")
            yield (*here, "counts_as"), text, {"name": certificate["counts_as"]}
    for code in content["exams"]["practical_from"]:
        if code not in certificates:
            yield ("exams", "practical_from"), mark("There is no certificate %(name)s."), {"name": code}


def _needed(certificates: Content, code: str) -> set[str]:
    """Everything that a certificate needs, directly or not."""
    found: set[str] = set()
    open_ones = list(certificates[code].get("needs", []))
    while open_ones:
        one = open_ones.pop()
        if one not in found and one in certificates:
            found.add(one)
            open_ones += certificates[one].get("needs", [])
    return found


def _benefits(content: Content, _known: Known) -> Found:
    for benefit in content["benefits"]:
        stars = benefit["stars"]
        given = [stars[s] for s in STARS if s in stars and is_number(stars[s])]
        if len(given) == len(stars) and not rising(given):
            text = mark("The benefit “%(name)s” gives less at a higher star.")
            yield ("benefits", benefit["key"], "stars"), text, {"name": benefit["key"]}


def _matching(content: Content, _known: Known) -> Found:
    matching = content["matching"]
    total = sum(matching["weights"].values())
    if round(total, 6) != 100:
        text = mark("The weights of a match add up to %(total)s, not to 100.")
        yield ("matching", "weights"), text, {"total": f"{total:g}"}
    places, size = matching["places"], matching["shortlist_size"]
    if places["merit"] + places["fair"] != size:
        text = mark("%(merit)s places by score and %(fair)s fair ones are not the %(size)s of a shortlist.")
        yield ("matching", "places"), text, {**places, "size": size}
    elif matching["guarantee_alpha"] > places["fair"] / size:
        text = mark("More is guaranteed than the fair places of a shortlist can give.")
        yield ("matching", "guarantee_alpha"), text, {}


def _fostering(content: Content, _known: Known) -> Found:
    fostering = content["fostering"]
    total = sum(fostering["weights"].values())
    if round(total, 6) != 100:
        text = mark("The weights of a cohort add up to %(total)s, not to 100.")
        yield ("fostering", "weights"), text, {"total": f"{total:g}"}
    if fostering["small_heads"] >= fostering["large_heads"]:
        yield ("fostering", "large_heads"), mark("large_heads must be above small_heads."), {}


def _rights(content: Content, known: Known) -> Found:
    rights = content["rights"]
    for part, keys in (("table", known.rights), ("staff", known.staff_rights)):
        for key in sorted(keys - rights[part].keys()):
            text = mark("The right “%(name)s” is missing from the table.")
            yield ("rights", part), text, {"name": key}
        for key in rights[part].keys() - keys:
            yield ("rights", part, key), mark("Nothing asks for the right “%(name)s”."), {"name": key}
    for key, row in rights["table"].items():
        if row["roles"] and "owner" not in row["roles"]:
            text = mark("An owner holds whatever anybody holds, also “%(name)s”.")
            yield ("rights", "table", key, "roles"), text, {"name": key}
    for key in ("staff_appoint", "staff_see"):
        if "administrator" not in rights["staff"].get(key, {"roles": ["administrator"]})["roles"]:
            text = mark("Administrators keep “%(name)s”, or nobody could give it back.")
            yield ("rights", "staff", key, "roles"), text, {"name": key}


def _season(content: Content, _known: Known) -> Found:
    for phase in content["season"]["phases"]:
        for end in ("from", "to"):
            if not _is_day(phase[end]):
                here = ("season", "phases", phase["key"], end)
                yield here, mark("“%(day)s” is no day of the year."), {"day": phase[end]}
    phases = {phase["key"] for phase in content["season"]["phases"]}
    for form, phase in content["season"]["opens"].items():
        if phase not in phases:
            place = ("season", "opens", form)
            yield place, mark("The season has no phase “%(phase)s”."), {"phase": phase}
    for award in content["season"]["awards"]:
        total = sum(award["weights"].values())
        if round(total, 6) != 100:
            text = mark("The weights of the award “%(award)s” add up to %(total)s, not to 100.")
            yield ("season", "awards", award["key"]), text, {"award": award["key"], "total": f"{total:g}"}
    for day in content["season"]["quarterly_evaluation"]:
        if not _is_day(day):
            text = mark("“%(day)s” is no day of the year.")
            yield ("season", "quarterly_evaluation"), text, {"day": day}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(f"2024-{text}")
    except ValueError:
        return False
    return True


def _taxonomy(content: Content, _known: Known) -> Found:
    for tree in ("industries", "capabilities"):
        seen: dict[str, str] = {}
        for group, entry in content["taxonomy"][tree].items():
            for leaf in entry["leaves"]:
                if leaf in seen:
                    here = ("taxonomy", tree, group, "leaves", leaf)
                    text = mark("“%(name)s” stands under %(group)s already.")
                    yield here, text, {"name": leaf, "group": seen[leaf]}
                seen.setdefault(leaf, group)


_LOOKS: tuple[tuple[Iterable[str], Callable[[Content, Known], Found]], ...] = (
    (("families", "metrics"), _families),
    (("families", "metrics"), _gates),
    (("scoring",), _scoring),
    (("lifecycle",), _lifecycle),
    (("tracks", "personal_certificates", "exams"), _certificates),
    (("benefits",), _benefits),
    (("matching",), _matching),
    (("fostering",), _fostering),
    (("rights",), _rights),
    (("season",), _season),
    (("taxonomy",), _taxonomy),
)
