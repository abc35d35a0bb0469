"""Packages: the manifest, the items and tests beside it. QTI of every version that is read, in one archive."""

import posixpath
from collections.abc import Mapping
from urllib.parse import unquote

from certification.banks.build import NO_TOPIC, Collected
from certification.banks.form import QuestionFile
from certification.banks.own import own_of
from certification.banks.readers.qti import read_item
from certification.banks.readers.qti12 import read_items
from portal.files.reading import Sentence, UnreadableFileError
from portal.files.xml import Element, attribute, local, parse_xml, within
from portal.refusal import mark

MANIFEST = "imsmanifest.xml"


def read_package(files: Mapping[str, bytes]) -> QuestionFile:
    """Every item of the archive, in the order of its tests, then of its manifest; a broken one is listed."""
    manifests = sorted((n for n in files if n.rpartition("/")[2].lower() == MANIFEST), key=len)
    if not manifests:
        raise UnreadableFileError(
            mark("The archive has no imsmanifest.xml; it is not a package of questions.")
        )
    try:
        manifest = parse_xml(files[manifests[0]])
    except UnreadableFileError:
        raise UnreadableFileError(mark("The package's imsmanifest.xml is not well-formed XML.")) from None
    base = posixpath.dirname(manifests[0])
    found = Collected()
    items: dict[str, Element] = {}
    interops: dict[str, Element] = {}
    tests: dict[str, Element] = {}
    for name in _candidates(manifest, base, files):
        try:
            root = parse_xml(files[name])
        except UnreadableFileError as problem:
            if files[name].lstrip()[:1] == b"<":
                found.skip(_at(name), problem.sentence.text, **problem.sentence.values)
            continue
        kind = {"assessmentitem": items, "questestinterop": interops, "assessmenttest": tests}.get(
            local(root)
        )
        if kind is not None:
            kind[name] = root
    order = _order(found, tests, items)
    own = {
        posixpath.normpath(posixpath.join(base, unquote(attribute(r, "href")))): own_of(r)
        for r in within(manifest, "resource")
    }
    for name in [*order, *(n for n in items if n not in order)]:
        title, topic = order.get(name, ("", NO_TOPIC))

        def read(name: str = name, title: str = title, topic: str = topic) -> object:
            return read_item(
                items[name], _at(name), path=name, files=files, topic=topic, title=title, own=own.get(name)
            )

        found.read(_at(name), read)  # type: ignore[arg-type]
    for name, root in interops.items():
        read_items(found, root, path=name, files=files)
    return found.file()


def _at(name: str) -> Sentence:
    return Sentence(mark("file %(file)s"), {"file": name})


def _candidates(manifest: Element, base: str, files: Mapping[str, bytes]) -> list[str]:
    """What may hold questions: as the manifest lists it, then whatever else looks like it."""
    named = [attribute(e, "href") or attribute(e, "file") for e in within(manifest, "resource", "file")]
    listed = [posixpath.normpath(posixpath.join(base, unquote(n))) for n in named if n]
    endings = (".xml", ".qti", ".dat")
    wanted = [n for n in listed if n in files and n.lower().endswith(endings)]
    wanted += [n for n in files if n.lower().endswith(endings)]
    return [n for n in dict.fromkeys(wanted) if n.rpartition("/")[2].lower() != MANIFEST]


def _order(
    found: Collected, tests: Mapping[str, Element], items: Mapping[str, Element]
) -> dict[str, tuple[str, str]]:
    """File → (its name in the test, the topic: the section or part it stands in). A missing file is listed."""
    order: dict[str, tuple[str, str]] = {}
    for path, test in tests.items():
        for reference in within(test, "assessmentitemref"):
            name = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), unquote(attribute(reference, "href")))
            )
            if name in items:
                order.setdefault(name, (attribute(reference, "identifier"), _topic(reference)))
            elif not any(place == _at(name) for place, _ in found.found):
                found.skip(_at(name), mark("The file is named by the test and is not in the package."))
    return order


def _topic(reference: Element) -> str:
    above = [e for e in reference.iterancestors() if local(e) in ("assessmentsection", "testpart")]
    return next(
        (
            t
            for t in (
                attribute(e, "title") or attribute(e, "identifier") for e in reversed(above[:-1] or above)
            )
            if t
        ),
        NO_TOPIC,
    )
