"""The data models of SCORM 1.2 (RTE 3.4) and SCORM 2004 (RTE 4.2) as tables: element, access, type, first value.

One table for both sides: the page in the browser answers a part by it, the server checks by it what comes back.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from training.packages.rules import Standard

MOST_VALUES = 3000
MOST_CHARACTERS = 400_000

_REAL = r"-?\d{1,10}(\.\d{1,10})?"
_ISO_SPAN = r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,2})?S)?)?"
_ISO_TIME = r"(19[7-9]\d|20[0-3]\d)(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,2}(Z|[+-]\d\d(:\d\d)?)?)?)?)?)?)?)?"

# A type: "max" characters; or "words"; or a "pattern" (whole), for numbers with "low" and "high".
TYPES: dict[str, dict[str, Any]] = {
    "text255": {"max": 255},
    "text250": {"max": 250},
    "text1000": {"max": 1000},
    "text4000": {"max": 4000},
    "text4096": {"max": 4096},
    "text64000": {"max": 64000},
    "identifier": {"max": 255, "pattern": r"[\w.\-:/#%]+"},
    "long_identifier": {"max": 4000, "pattern": r"\S+"},
    "decimal": {"pattern": _REAL},
    "score_12": {"pattern": rf"(|{_REAL})", "low": 0, "high": 100},
    "audio_12": {"pattern": r"-?\d+", "low": -1, "high": 100},
    "speed_12": {"pattern": r"-?\d+", "low": -100, "high": 100},
    "captions": {"pattern": r"-?\d+", "low": -1, "high": 1},
    "span_12": {"pattern": r"\d{2,4}:\d\d:\d\d(\.\d{1,2})?"},
    "time_12": {"pattern": r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,2})?"},
    "status_12": {"words": ["passed", "completed", "failed", "incomplete", "browsed"]},
    "objective_12": {"words": ["passed", "completed", "failed", "incomplete", "browsed", "not attempted"]},
    "exit_12": {"words": ["time-out", "suspend", "logout", ""]},
    "interaction_12": {
        "words": ["true-false", "choice", "fill-in", "matching", "performance", "sequencing", "likert", "numeric"]
    },
    "result_12": {"pattern": rf"(correct|wrong|unanticipated|neutral|{_REAL})"},
    "completion": {"words": ["completed", "incomplete", "not attempted", "unknown"]},
    "success": {"words": ["passed", "failed", "unknown"]},
    "exit": {"words": ["time-out", "suspend", "logout", "normal", ""]},
    "scaled": {"pattern": _REAL, "low": -1, "high": 1},
    "measure": {"pattern": _REAL, "low": 0, "high": 1},
    "positive": {"pattern": _REAL, "low": 0},
    "span": {"pattern": _ISO_SPAN},
    "time": {"pattern": _ISO_TIME},
    "language": {"pattern": r"([a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*)?", "max": 250},
    "interaction": {
        "words": [
            "true-false", "choice", "fill-in", "long-fill-in", "matching",
            "performance", "sequencing", "likert", "numeric", "other",
        ]
    },
    "result": {"pattern": rf"(correct|incorrect|unanticipated|neutral|{_REAL})"},
    "request": {
        "pattern": r"(continue|previous|exit|exitAll|abandon|abandonAll|suspendAll|_none_|\{target=[^}]+\}(choice|jump))"
    },
}  # fmt: skip

_12 = """
cmi.core.student_id                            r   -
cmi.core.student_name                          r   -
cmi.core.lesson_location                       rw  text255
cmi.core.credit                                r   -
cmi.core.lesson_status                         rw  status_12
cmi.core.entry                                 r   -
cmi.core.score.raw                             rw  score_12
cmi.core.score.min                             rw  score_12
cmi.core.score.max                             rw  score_12
cmi.core.total_time                            r   -
cmi.core.lesson_mode                           r   -
cmi.core.exit                                  w   exit_12
cmi.core.session_time                          w   span_12
cmi.suspend_data                               rw  text4096
cmi.launch_data                                r   -
cmi.comments                                   rw  text4096
cmi.comments_from_lms                          r   -
cmi.objectives.n.id                            rw  identifier
cmi.objectives.n.score.raw                     rw  score_12
cmi.objectives.n.score.min                     rw  score_12
cmi.objectives.n.score.max                     rw  score_12
cmi.objectives.n.status                        rw  objective_12
cmi.student_data.mastery_score                 r   -
cmi.student_data.max_time_allowed              r   -
cmi.student_data.time_limit_action             r   -
cmi.student_preference.audio                   rw  audio_12
cmi.student_preference.language                rw  text255
cmi.student_preference.speed                   rw  speed_12
cmi.student_preference.text                    rw  captions
cmi.interactions.n.id                          w   identifier
cmi.interactions.n.objectives.n.id             w   identifier
cmi.interactions.n.time                        w   time_12
cmi.interactions.n.type                        w   interaction_12
cmi.interactions.n.correct_responses.n.pattern w   text255
cmi.interactions.n.weighting                   w   decimal
cmi.interactions.n.student_response            w   text255
cmi.interactions.n.result                      w   result_12
cmi.interactions.n.latency                     w   span_12
"""

_2004 = """
cmi._version                                   r   -
cmi.comments_from_learner.n.comment            rw  text4000
cmi.comments_from_learner.n.location           rw  text250
cmi.comments_from_learner.n.timestamp          rw  time
cmi.comments_from_lms.n.comment                r   -
cmi.comments_from_lms.n.location               r   -
cmi.comments_from_lms.n.timestamp              r   -
cmi.completion_status                          rw  completion
cmi.completion_threshold                       r   -
cmi.credit                                     r   -
cmi.entry                                      r   -
cmi.exit                                       w   exit
cmi.interactions.n.id                          rw  long_identifier
cmi.interactions.n.type                        rw  interaction
cmi.interactions.n.objectives.n.id             rw  long_identifier
cmi.interactions.n.timestamp                   rw  time
cmi.interactions.n.correct_responses.n.pattern rw  text4000
cmi.interactions.n.weighting                   rw  decimal
cmi.interactions.n.learner_response            rw  text4000
cmi.interactions.n.result                      rw  result
cmi.interactions.n.latency                     rw  span
cmi.interactions.n.description                 rw  text250
cmi.launch_data                                r   -
cmi.learner_id                                 r   -
cmi.learner_name                               r   -
cmi.learner_preference.audio_level             rw  positive
cmi.learner_preference.language                rw  language
cmi.learner_preference.delivery_speed          rw  positive
cmi.learner_preference.audio_captioning        rw  captions
cmi.location                                   rw  text1000
cmi.max_time_allowed                           r   -
cmi.mode                                       r   -
cmi.objectives.n.id                            rw  long_identifier
cmi.objectives.n.score.scaled                  rw  scaled
cmi.objectives.n.score.raw                     rw  decimal
cmi.objectives.n.score.min                     rw  decimal
cmi.objectives.n.score.max                     rw  decimal
cmi.objectives.n.success_status                rw  success
cmi.objectives.n.completion_status             rw  completion
cmi.objectives.n.progress_measure              rw  measure
cmi.objectives.n.description                   rw  text250
cmi.progress_measure                           rw  measure
cmi.scaled_passing_score                       r   -
cmi.score.scaled                               rw  scaled
cmi.score.raw                                  rw  decimal
cmi.score.min                                  rw  decimal
cmi.score.max                                  rw  decimal
cmi.session_time                               w   span
cmi.success_status                             rw  success
cmi.suspend_data                               rw  text64000
cmi.time_limit_action                          r   -
cmi.total_time                                 r   -
adl.nav.request                                rw  request
adl.nav.request_valid.continue                 r   -
adl.nav.request_valid.previous                 r   -
"""


@lru_cache(maxsize=2)
def elements(standard: Standard) -> dict[str, tuple[str, str]]:
    """Element with "n" for every index → (access, name of its type; "-" when nobody sets it)."""
    rows = (_12 if standard is Standard.SCORM_12 else _2004).split("\n")
    return {name: (access, kind) for name, access, kind in (row.split() for row in rows if row)}


def may_be(kind: str, value: str) -> bool:
    """Whether a value is of that type."""
    if kind == "-":
        return False
    wanted = TYPES[kind]
    if "words" in wanted:
        return value in wanted["words"]
    if len(value) > wanted.get("max", MOST_CHARACTERS):
        return False
    if "pattern" in wanted and not re.fullmatch(wanted["pattern"], value, re.ASCII):
        return False
    if value and ("low" in wanted or "high" in wanted):
        return bool(wanted.get("low", float("-inf")) <= float(value) <= wanted.get("high", float("inf")))
    return True


def kept(standard: Standard, sent: Mapping[Any, Any]) -> dict[str, str]:
    """What of a report is as the data model has it; the rest was never said."""
    known, left = elements(standard), MOST_CHARACTERS
    found: dict[str, str] = {}
    for name, value in sent.items():
        if not (isinstance(name, str) and isinstance(value, str)) or len(name) > 200:
            continue
        access, kind = known.get(re.sub(r"\.\d{1,4}(?=\.)", ".n", name), ("", "-"))
        if "w" not in access or not may_be(kind, value) or len(found) >= MOST_VALUES:
            continue
        left -= len(name) + len(value)
        if left < 0:
            break
        found[name] = value
    return found


def first_values(standard: Standard) -> dict[str, str]:
    """What a part reads that has never said anything."""
    if standard is Standard.SCORM_12:
        return {
            "cmi.core.lesson_status": "not attempted",
            "cmi.core.credit": "credit",
            "cmi.core.lesson_mode": "normal",
            "cmi.core.lesson_location": "",
            "cmi.core.score.raw": "",
            "cmi.core.score.min": "",
            "cmi.core.score.max": "",
            "cmi.core.total_time": "0000:00:00.00",
            "cmi.suspend_data": "",
            "cmi.launch_data": "",
            "cmi.comments": "",
            "cmi.comments_from_lms": "",
            "cmi.student_data.mastery_score": "",
            "cmi.student_data.max_time_allowed": "",
            "cmi.student_data.time_limit_action": "continue,no message",
            "cmi.student_preference.audio": "0",
            "cmi.student_preference.language": "",
            "cmi.student_preference.speed": "0",
            "cmi.student_preference.text": "0",
        }
    return {
        "cmi._version": "1.0",
        "cmi.completion_status": "unknown",
        "cmi.success_status": "unknown",
        "cmi.credit": "credit",
        "cmi.mode": "normal",
        "cmi.total_time": "PT0S",
        "cmi.time_limit_action": "continue,no message",
        "cmi.learner_preference.audio_level": "1",
        "cmi.learner_preference.language": "",
        "cmi.learner_preference.delivery_speed": "1",
        "cmi.learner_preference.audio_captioning": "0",
        "adl.nav.request": "_none_",
        "adl.nav.request_valid.continue": "false",
        "adl.nav.request_valid.previous": "false",
    }


def model(standard: Standard) -> dict[str, Any]:
    """The table for the page in the browser."""
    return {
        "elements": {name: list(row) for name, row in elements(standard).items()},
        "types": TYPES,
        "values": first_values(standard),
    }
