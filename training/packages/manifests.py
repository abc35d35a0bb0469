"""What a course package says of itself: SCORM 1.2, SCORM 2004 (without its sequencing) and cmi5."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from portal.files.archive import open_archive
from portal.files.reading import Sentence, UnreadableFileError
from portal.files.xml import Element, attribute, children, first, local, parse_xml, within, words
from portal.refusal import mark
from training.packages.rules import MOST_UNPACKED, Standard

MANIFEST, COURSE = "imsmanifest.xml", "cmi5.xml"
LONGEST_KEY = 500
MOST_PARTS = 500

Text = dict[str, str]


@dataclass(frozen=True)
class Part:
    """A SCO, an AU or a page without tracking: what is launched and what the course wants of it."""

    key: str
    title: Text
    path: str  # in the archive
    query: str = ""  # what the address carries besides, without "?"
    tracked: bool = True
    mastery: float | None = None  # SCORM 1.2: 0..100; SCORM 2004 and cmi5: 0..1
    threshold: float | None = None  # SCORM 2004: the progress that completes
    data: str = ""  # handed to the part at its launch
    max_time: str = ""
    at_limit: str = ""
    move_on: str = "NotApplicable"  # cmi5
    method: str | None = None
    entitlement: str = ""

    @property
    def address(self) -> str:
        return self.path + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True)
class Line:
    """A line of the course's table of contents; without a part it is a heading."""

    depth: int
    title: Text
    part: str = ""


@dataclass(frozen=True)
class Manifest:
    standard: Standard
    edition: str  # as the manifest says it
    identifier: str
    title: Text
    lines: tuple[Line, ...]
    parts: tuple[Part, ...]
    remarks: tuple[Sentence, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {"lines": [asdict(x) for x in self.lines], "parts": [asdict(x) for x in self.parts]}


@dataclass(frozen=True)
class Course:
    manifest: Manifest
    files: Mapping[str, bytes]


def read_course(content: bytes) -> Course:
    """A package from its ZIP; UnreadableFileError with a sentence for everything that can't or mustn't be played."""
    files = {
        name.replace("\\", "/"): inside
        for name, inside in open_archive(content, most_bytes=MOST_UNPACKED, archives_within=True).items()
    }
    found = sorted((n for n in files if n.rpartition("/")[2].lower() in (MANIFEST, COURSE)), key=_how_deep)
    if not found:
        raise UnreadableFileError(
            mark("The archive holds neither imsmanifest.xml nor cmi5.xml; it is no course package.")
        )
    base = posixpath.dirname(found[0])
    inside = {posixpath.relpath(n, base): c for n, c in files.items() if not base or n.startswith(f"{base}/")}
    root = parse_xml(files[found[0]])
    if local(root) == "coursestructure":
        manifest = _cmi5(root, inside)
    elif local(root) == "manifest":
        manifest = _scorm(root, inside)
    else:
        raise UnreadableFileError(
            mark("The manifest is of no kind that is read: SCORM 1.2, SCORM 2004, cmi5.")
        )
    if not manifest.parts:
        raise UnreadableFileError(mark("The manifest names nothing that could be opened."))
    if len(manifest.parts) > MOST_PARTS:
        raise UnreadableFileError(mark("The course has more than 500 parts."))
    return Course(manifest, inside)


def _how_deep(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _launch(base: str, href: str, title: str, files: Mapping[str, bytes]) -> tuple[str, str]:
    """(path, query) of a page of the archive; UnreadableFileError when it is elsewhere or not there."""
    try:
        url = urlsplit(posixpath.join(base, href.strip()))
    except ValueError:
        url = urlsplit("//")
    path = posixpath.normpath(unquote(url.path))
    if url.scheme or url.netloc or path.startswith(("/", "..")) or "\\" in path or ":" in path.split("/")[0]:
        raise UnreadableFileError(
            mark("%(title)s would be opened outside the package: %(path)s."), title=title, path=href[:200]
        )
    if path not in files:
        raise UnreadableFileError(
            mark("The package does not hold the page with which %(title)s begins: %(path)s."),
            title=title,
            path=href[:200],
        )
    return path, url.query


def _query(own: str, parameters: str) -> str:
    """SCORM: parameters are joined to the address, with whatever of "?" and "&" is missing."""
    return "&".join(p for p in (own, parameters.strip().lstrip("?&").partition("#")[0]) if p)


def _number(text: str, low: float, high: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None


def _missing(names: list[str]) -> list[Sentence]:
    if not names:
        return []
    text = mark("%(n)s files that the manifest names are not in the package, such as %(name)s.")
    return [Sentence(text, {"n": len(names), "name": names[0][:200]})]


# ——— SCORM ———


def _scorm(root: Element, files: Mapping[str, bytes]) -> Manifest:
    head = next((c for c in children(root, "metadata")), None)
    schema, version = words(first(head, "schema")), words(first(head, "schemaversion"))
    new = "2004" in version or version.startswith("CAM 1.3")
    if not new and version != "1.2":
        raise UnreadableFileError(
            mark("This is a package of a kind that is not played: %(kind)s."), kind=f"{schema} {version}"[:80]
        )
    resources = {attribute(r, "identifier"): r for r in within(root, "resource")}
    organizations = [o for g in children(root, "organizations") for o in children(g, "organization")]
    if not organizations:
        raise UnreadableFileError(mark("The manifest names nothing that could be opened."))
    wanted = next((attribute(g, "default") for g in children(root, "organizations")), "")
    chosen = next((o for o in organizations if attribute(o, "identifier") == wanted), organizations[0])
    reading = _Scorm(files, resources, _bases(root), new=new)
    reading.walk(chosen, 0)
    remarks = _missing(_named_but_missing(resources, reading.bases, files))
    sequencing = sum(1 for _ in within(root, "sequencing"))
    if sequencing:
        remarks.append(Sentence(mark("Its sequencing rules are not followed: people open the parts freely.")))
    if len(organizations) > 1:
        remarks.append(
            Sentence(mark("It holds several courses; only the one that it names first is played."))
        )
    kinds = [attribute(r, "scormtype").lower() for r in resources.values()]
    title = words(next(iter(children(chosen, "title")), None)) or words(first(root, "title"))
    return Manifest(
        Standard.SCORM_2004 if new else Standard.SCORM_12,
        f"{schema} {version}",
        (attribute(root, "identifier") or title)[:LONGEST_KEY],
        _plain(title),
        tuple(reading.lines),
        tuple(reading.parts),
        tuple(remarks),
        {
            "organizations": len(organizations),
            "items": sum(1 for o in organizations for _ in within(o, "item")),
            "resources": len(resources),
            "scos": kinds.count("sco"),
            "assets": kinds.count("asset"),
            "sequencing": sequencing,
        },
    )


def _plain(title: str) -> Text:
    title = title[:300]
    return {"zh": title, "en": title}


def _bases(root: Element) -> dict[str, str]:
    """Resource → the folder its addresses begin at: xml:base of the manifest, of its resources, its own."""
    found = {}
    for group in children(root, "resources"):
        for one in children(group, "resource"):
            parts = [attribute(e, "base") for e in (root, group, one)]
            found[attribute(one, "identifier")] = posixpath.join("", *[p for p in parts if p])
    return found


def _named_but_missing(
    resources: Mapping[str, Element], bases: Mapping[str, str], files: Mapping[str, bytes]
) -> list[str]:
    hrefs = {
        posixpath.normpath(
            posixpath.join(bases.get(key, ""), unquote(attribute(f, "href")).partition("?")[0])
        )
        for key, one in resources.items()
        for f in within(one, "file")
        if "://" not in attribute(f, "href")
    }
    return sorted(hrefs - set(files))


class _Scorm:
    """Walks the tree of items."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        resources: Mapping[str, Element],
        bases: Mapping[str, str],
        *,
        new: bool,
    ) -> None:
        self.files, self.resources, self.bases, self.new = files, resources, bases, new
        self.lines: list[Line] = []
        self.parts: list[Part] = []

    def walk(self, above: Element, depth: int) -> None:
        for item in children(above, "item"):
            if attribute(item, "isvisible") == "false":
                continue
            title = words(next(iter(children(item, "title")), None)) or attribute(item, "identifier")
            resource = self.resources.get(attribute(item, "identifierref"))
            key = ""
            if resource is not None and attribute(resource, "href"):
                key = attribute(item, "identifier")[:200] or f"part-{len(self.parts) + 1}"
                if any(p.key == key for p in self.parts):
                    key = f"{key[:180]}-{len(self.parts) + 1}"
                self.parts.append(self.part(item, resource, key, title))
            self.lines.append(Line(depth, _plain(title), key))
            self.walk(item, depth + 1)

    def part(self, item: Element, resource: Element, key: str, title: str) -> Part:
        base = self.bases.get(attribute(resource, "identifier"), "")
        path, query = _launch(base, attribute(resource, "href"), title, self.files)
        mastery = words(first(item, "masteryscore")) if not self.new else _measure(item)
        threshold = first(item, "completionthreshold")
        return Part(
            key,
            _plain(title),
            path,
            _query(query, attribute(item, "parameters")),
            tracked=attribute(resource, "scormtype").lower() == "sco",
            mastery=_number(mastery, 0 if not self.new else -1, 100 if not self.new else 1),
            threshold=_number(attribute(threshold, "minprogressmeasure") or words(threshold), 0, 1)
            if threshold is not None
            else None,
            data=words(first(item, "datafromlms"))[:4096],
            max_time=words(first(item, "maxtimeallowed")),
            at_limit=words(first(item, "timelimitaction")),
        )


def _measure(item: Element) -> str:
    """SCORM 2004: the passing score stands in the primary objective, if it is one that a measure satisfies."""
    for sequencing in children(item, "sequencing"):
        primary = first(sequencing, "primaryobjective")
        if primary is not None and attribute(primary, "satisfiedbymeasure") == "true":
            return words(first(primary, "minnormalizedmeasure")) or "1.0"
    return ""


# ——— cmi5 ———


def _cmi5(root: Element, files: Mapping[str, bytes]) -> Manifest:
    course = next(iter(children(root, "course")), None)
    if course is None or not attribute(course, "id"):
        raise UnreadableFileError(mark("The manifest names nothing that could be opened."))
    lines: list[Line] = []
    parts: list[Part] = []
    for depth, element in _blocks(root, 0):
        title = _langstrings(next(iter(children(element, "title")), None))
        if local(element) == "block":
            lines.append(Line(depth, title))
            continue
        parts.append(_au(element, title, files))
        lines.append(Line(depth, title, parts[-1].key))
    identifier = attribute(course, "id")[:LONGEST_KEY]
    if len({p.key for p in parts}) < len(parts):
        raise UnreadableFileError(mark("Two parts of the course have the same id."))
    return Manifest(
        Standard.CMI5,
        "cmi5",
        identifier,
        _langstrings(next(iter(children(course, "title")), None)),
        tuple(lines),
        tuple(parts),
        (),
        {"aus": len(parts), "blocks": len(lines) - len(parts)},
    )


def _blocks(above: Element, depth: int) -> Iterator[tuple[int, Element]]:
    for element in children(above, "au", "block"):
        yield depth, element
        yield from _blocks(element, depth + 1)


def _au(element: Element, title: Text, files: Mapping[str, bytes]) -> Part:
    path, query = _launch("", words(next(iter(children(element, "url")), None)), title["en"], files)
    return Part(
        attribute(element, "id")[:LONGEST_KEY],
        title,
        path,
        query,
        mastery=_number(attribute(element, "masteryscore"), 0, 1),
        data=words(first(element, "launchparameters"))[:4096],
        move_on=attribute(element, "moveon") or "NotApplicable",
        method=attribute(element, "launchmethod") or None,
        entitlement=words(first(element, "entitlementkey"))[:500],
    )


def _langstrings(element: Element | None) -> Text:
    """{"zh", "en"}: in that language where there is one, else in whatever there is."""
    texts = (
        {attribute(e, "lang").lower(): words(e)[:300] for e in within(element, "langstring")}
        if element is not None
        else {}
    )

    def of(language: str) -> str:
        there = [t for code, t in texts.items() if code.partition("-")[0] == language]
        return next(iter([*there, *texts.values()]), "")

    return {"zh": of("zh") or "–", "en": of("en") or "–"}
