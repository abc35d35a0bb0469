"""JSON-LD canonical form for signing, with pinned contexts that are never fetched."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from pyld import jsonld

VC_V2 = "https://www.w3.org/ns/credentials/v2"
# Never the unversioned context.json: it redefines terms that VC 2.0 protects.
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"

PINNED = {
    VC_V2: ("credentials-v2.json", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"),
    OPEN_BADGES: (
        "ob-v3p0-context-3.0.3.json",
        "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
    ),
    OPEN_BADGES_EXTENSIONS: (
        "ob-v3p0-extensions.json",
        "87c06c81bc2317663bf288d740d94fddd2818c4342b186270ff6371dfaa63f93",
    ),
}

# Where canonicalisers differ: RDFC-1.0 escapes these, PyLD writes them raw; surrogates have no UTF-8 at all.
UNSIGNABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# PyLD would complete a relative or undefined name with a base of its own; this one gives it away.
_NOWHERE = "https://relative.invalid/"
_BREAKS_AN_IRI = re.compile('[\x00-\x20<>"{}|^`\\\\]')

_one_at_a_time = Lock()  # PyLD's caches are shared and not thread-safe


class ContextError(Exception):
    """A context is not pinned, not installed, or not the one that was pinned."""


class UnsignableError(ValueError):
    """A part of the document would be left out of the signature, or be read differently by others."""


@cache
def context(url: str) -> dict[str, Any]:
    """The pinned context document; raises ContextError rather than fetch or trust a changed file."""
    if url not in PINNED:
        raise ContextError(f"not a pinned JSON-LD context: {url}")
    name, digest = PINNED[url]
    data = (_folder() / name).read_bytes()
    if sha256(data).hexdigest() != digest:
        raise ContextError(f"the installed {name} is not the pinned one")
    document: dict[str, Any] = json.loads(data)
    return document


def _folder() -> Path:
    spec = find_spec("openbadgeslib")  # finds a top-level package without running its code
    if spec is None or not spec.submodule_search_locations:
        raise ContextError("the package openbadgeslib, which carries the JSON-LD contexts, is not installed")
    return Path(spec.submodule_search_locations[0]) / "ob3" / "contexts"


def _load(url: str, _options: object) -> dict[str, Any]:
    # "static": PyLD may keep what it made of it, which is a third of the time a signature takes.
    return {
        "contextUrl": None,
        "documentUrl": url,
        "document": copy.deepcopy(context(url)),
        "tag": "static",
    }


def canonical(document: dict[str, Any]) -> str:
    """RDFC-1.0 canonical N-Quads of a document of our own making.

    Raises UnsignableError for whatever PyLD would drop in silence (it would not be signed). Never call it on
    what a stranger sent: 1.4 KB of hostile JSON-LD cost 10.8 s.
    """
    _refuse_unsignable(document)
    options = {"documentLoader": _load, "base": _NOWHERE}
    dropped: list[str | None] = []
    with _one_at_a_time:
        expanded = jsonld.expand(document, options, on_property_dropped=dropped.append)
        dropped += [iri for iri in _iris(expanded) if iri.startswith(_NOWHERE) or _BREAKS_AN_IRI.search(iri)]
        if dropped:
            raise UnsignableError(f"no context defines, or no IRI holds: {dropped}")
        rules = {**options, "algorithm": "URDNA2015", "format": "application/n-quads"}
        quads: str = jsonld.normalize(expanded, rules)
    return quads


def _refuse_unsignable(value: object) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                if name == "@context":
                    # Asked here and not only in the loader: PyLD remembers what other callers loaded.
                    for url in inner if isinstance(inner, list) else [inner]:
                        context(url if isinstance(url, str) else repr(url))
                else:
                    _refuse_unsignable(inner)
        case list():
            for inner in value:
                _refuse_unsignable(inner)
        case str():
            if UNSIGNABLE.search(value):
                raise UnsignableError(f"control character in {value!r}")
        case bool():
            pass
        case _:
            raise UnsignableError(f"only strings and booleans are signed alike everywhere, not {value!r}")


def _iris(expanded: object) -> Iterator[str]:
    if isinstance(expanded, dict):
        for name, inner in expanded.items():
            if name in ("@id", "@type"):
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from _iris(inner)
    elif isinstance(expanded, list):
        for inner in expanded:
            yield from _iris(inner)
