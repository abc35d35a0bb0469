"""Outside courses: their states, what a package's report comes to, and how its files are served."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from portal.refusal import mark

MEGABYTE = 1024 * 1024
MOST_BYTES = 50 * MEGABYTE  # of an uploaded package
MOST_UNPACKED = 200 * MEGABYTE
LAUNCH_LASTS = timedelta(hours=12)


class Standard(StrEnum):
    SCORM_12 = "scorm_12"
    SCORM_2004 = "scorm_2004"
    CMI5 = "cmi5"


STANDARDS = {Standard.SCORM_12: "SCORM 1.2", Standard.SCORM_2004: "SCORM 2004", Standard.CMI5: "cmi5"}


class Status(StrEnum):
    """Of one version of a course."""

    DRAFT = "draft"  # uploaded and looked into
    PUBLISHED = "published"
    FOLLOWED = "followed"  # by a newer version; who began with it goes on with it
    WITHDRAWN = "withdrawn"


STATUSES = {
    Status.DRAFT: mark("not published"),
    Status.PUBLISHED: mark("published"),
    Status.FOLLOWED: mark("followed by a newer version"),
    Status.WITHDRAWN: mark("withdrawn"),
}
MOVES = {
    (Status.DRAFT, "publish"): Status.PUBLISHED,
    (Status.DRAFT, "withdraw"): Status.WITHDRAWN,
    (Status.PUBLISHED, "withdraw"): Status.WITHDRAWN,
    (Status.PUBLISHED, "follow"): Status.FOLLOWED,
    (Status.FOLLOWED, "publish"): Status.PUBLISHED,
    (Status.FOLLOWED, "withdraw"): Status.WITHDRAWN,
    (Status.WITHDRAWN, "publish"): Status.PUBLISHED,
}
PLAYED = {Status.PUBLISHED, Status.FOLLOWED}


# ——— What a part reports ———


class Completion(StrEnum):
    NOT_BEGUN = "not_begun"
    BEGUN = "begun"
    COMPLETED = "completed"


@dataclass(frozen=True)
class Result:
    """What one part of a course has said of a person."""

    completion: Completion = Completion.NOT_BEGUN
    passed: bool | None = None
    score: float | None = None  # 0..1
    seconds: float = 0


def share_of(raw: str, low: str, high: str) -> float | None:
    """A raw score between its bounds as 0..1; without bounds it is one of 100."""
    try:
        value, bottom, top = float(raw), float(low or 0), float(high or 100)
    except ValueError:
        return None
    return min(1.0, max(0.0, (value - bottom) / (top - bottom))) if top > bottom else None


def result_12(values: Mapping[str, str], mastery: float | None, *, finished: bool, seconds: float) -> Result:
    """SCORM 1.2, RTE 3.4.4: a mastery score decides over a raw one when the part ends; silence is completion."""
    status = values.get("cmi.core.lesson_status", "not attempted")
    raw = values.get("cmi.core.score.raw", "")
    if finished and mastery is not None and raw:
        status = "passed" if float(raw) >= mastery else "failed"
    elif finished and status == "not attempted":
        status = "completed"
    score = share_of(raw, values.get("cmi.core.score.min", ""), values.get("cmi.core.score.max", ""))
    passed = {"passed": True, "failed": False}.get(status)
    done = status in ("passed", "failed", "completed")
    return Result(Completion.COMPLETED if done else Completion.BEGUN, passed, score, seconds)


def result_2004(
    values: Mapping[str, str], passing: float | None, threshold: float | None, *, seconds: float
) -> Result:
    """SCORM 2004, RTE 4.2.4 and 4.2.22: a threshold and a passing score decide over what the part itself says."""
    completion = values.get("cmi.completion_status", "unknown")
    progress, scaled = values.get("cmi.progress_measure", ""), values.get("cmi.score.scaled", "")
    if threshold is not None:
        completion = (
            "unknown" if not progress else "completed" if float(progress) >= threshold else "incomplete"
        )
    success = values.get("cmi.success_status", "unknown")
    if passing is not None:
        success = "unknown" if not scaled else "passed" if float(scaled) >= passing else "failed"
    score = (
        max(0.0, float(scaled))
        if scaled
        else share_of(
            values.get("cmi.score.raw", ""), values.get("cmi.score.min", ""), values.get("cmi.score.max", "")
        )
    )
    return Result(
        Completion.COMPLETED if completion == "completed" else Completion.BEGUN,
        {"passed": True, "failed": False}.get(success),
        score,
        seconds,
    )


VERBS = {
    "http://adlnet.gov/expapi/verbs/initialized": "initialized",
    "http://adlnet.gov/expapi/verbs/completed": "completed",
    "http://adlnet.gov/expapi/verbs/passed": "passed",
    "http://adlnet.gov/expapi/verbs/failed": "failed",
    "http://adlnet.gov/expapi/verbs/terminated": "terminated",
}


def result_cmi5(
    statements: Sequence[tuple[str, Mapping[str, Any]]], move_on: str, *, seconds: float
) -> Result:
    """From (verb, result) of the statements that cmi5 defines, in their order; cmi5 section 10.2.4 for `moveOn`."""
    verbs = [verb for verb, _ in statements]
    passed = "passed" in verbs or (False if "failed" in verbs else None)
    scores = [r["score"]["scaled"] for v, r in statements if v in ("passed", "failed") and _scaled(r)]
    done = {
        "Passed": passed is True,
        "Completed": "completed" in verbs,
        "CompletedAndPassed": "completed" in verbs and passed is True,
        "CompletedOrPassed": "completed" in verbs or passed is True,
    }.get(move_on, "completed" in verbs or "terminated" in verbs)
    score = min(1.0, max(0.0, float(scores[-1]))) if scores else None
    return Result(Completion.COMPLETED if done else Completion.BEGUN, passed, score, seconds)


def _scaled(result: Mapping[str, Any]) -> bool:
    score = result.get("score")
    return isinstance(score, dict) and type(score.get("scaled")) in (int, float)


def together(parts: Collection[str], results: Mapping[str, Result]) -> Result:
    """The course: completed when every tracked part is; passed when none failed and one was passed; scores averaged."""
    known = [results.get(key, Result()) for key in parts]
    verdicts = [r.passed for r in known if r.passed is not None]
    scores = [r.score for r in known if r.score is not None]
    if known and all(r.completion is Completion.COMPLETED for r in known):
        completion = Completion.COMPLETED
    else:
        begun = any(r.completion is not Completion.NOT_BEGUN for r in known)
        completion = Completion.BEGUN if begun else Completion.NOT_BEGUN
    return Result(
        completion,
        all(verdicts) if verdicts else None,
        sum(scores) / len(scores) if scores else None,
        sum(r.seconds for r in known),
    )


# ——— Times ———

_SPAN_12 = re.compile(r"(\d{2,4}):(\d\d):(\d\d(?:\.\d{1,2})?)")
_SPAN = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
MOST_SECONDS = 9999 * 3600.0  # as much as SCORM 1.2 can say


def seconds_of(span: str) -> float:
    """Of a CMITimespan (HHHH:MM:SS.SS) or an ISO 8601 duration (years of 365, months of 30 days); 0 for anything else."""
    if found := _SPAN_12.fullmatch(span):
        hours, minutes, seconds = found.groups()
        total = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    elif len(span) <= 100 and (found := _SPAN.fullmatch(span)):
        units = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)
        total = sum(float(n) * unit for n, unit in zip(found.groups(), units, strict=True) if n)
    else:
        return 0.0
    return min(total, MOST_SECONDS)


def as_span_12(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:04d}:{whole // 60 % 60:02d}:{seconds - whole + whole % 60:05.2f}"


def as_duration(seconds: float) -> str:
    whole = round(seconds)
    return f"PT{whole // 3600}H{whole // 60 % 60}M{whole % 60}S"


# ——— Files ———

OTHER = "application/octet-stream"
_TYPES = {
    "text/html": "html htm",
    "application/xhtml+xml": "xhtml",
    "text/css": "css",
    "text/javascript": "js mjs",
    "application/json": "json",
    "application/xml": "xml xsd dtd",
    "text/plain": "txt",
    "text/vtt": "vtt",
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "image/x-icon": "ico",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/ogg": "ogg oga",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
}
MEDIA_TYPES = {ending: kind for kind, endings in _TYPES.items() for ending in endings.split()}


def media_type(path: str) -> str:
    """By the ending, from a short list; everything else is bytes that a browser saves and does not open."""
    return MEDIA_TYPES.get(path.rpartition(".")[2].lower(), OTHER)
