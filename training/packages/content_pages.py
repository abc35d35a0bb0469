"""The content host: one launch's files and its run-time, opened by the token in the address (`portal.web.hosts`)."""

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, Router
from litestar.response import Redirect
from sqlmodel import Session

from portal import clock, i18n
from portal.files import store
from portal.files.queries import unpacked_file
from portal.settings import ROOT, settings
from portal.web.forms import Form
from portal.web.html import environment, get
from portal.web.viewer import public
from training.packages import actions, queries
from training.packages.content import activity, base, file_address, headers, launched, nothing, said, send
from training.packages.elements import model
from training.packages.models import CourseState
from training.packages.queries import Opened
from training.packages.rules import OTHER, Standard, as_duration, as_span_12
from training.packages.xapi import actor


@get("/content/{token:str}/run")
def run(session: Session, token: str) -> Response:
    """Where the frame begins: around a SCORM part the page with its API; a cmi5 part by its own address."""
    opened = launched(session, token)
    if opened is None:
        return nothing()
    part = opened.part
    address = file_address(token, part["path"] + (f"?{part['query']}" if part["query"] else ""))
    if opened.package.standard is Standard.CMI5:
        given = {
            "endpoint": f"{base(token)}/lrs/",
            "fetch": f"{base(token)}/fetch",
            "actor": json.dumps(actor(settings().base_url, opened.person.uuid)),
            "registration": opened.attempt.registration,
            "activityId": activity(opened),
        }
        joined = "&" if "?" in address else "?"
        return Redirect(f"{address}{joined}{urlencode(given)}", status_code=302, headers=headers())
    state = queries.states_of(session, opened.attempt.id or 0).get(opened.launch.part)
    standard = opened.package.standard
    data = {
        "tracked": part["tracked"],
        "standard": standard.value,
        "address": address,
        "state": f"{base(token)}/state",
        "portal": settings().base_url,
        "number": opened.launch.saves,
        "given": (_given_12 if standard is Standard.SCORM_12 else _given_2004)(opened, state),
        "reported": state.reported if state else {},
        **model(standard),
    }
    return _page("courses/run.html", data)


def _page(template: str, data: dict[str, Any]) -> Response[str]:
    text = environment().get_template(template).render(data=data)
    return Response(text, media_type="text/html", headers=headers())


def _given_12(opened: Opened, state: CourseState | None) -> dict[str, str]:
    """What a part reads and does not write."""
    part, begun = opened.part, state is not None and bool(state.reported)
    return {
        "cmi.core.student_id": opened.person.uuid,
        "cmi.core.student_name": i18n.named(opened.person.name),
        "cmi.core.entry": "ab-initio" if not begun else "" if state and state.ended else "resume",
        "cmi.core.total_time": as_span_12(state.seconds if state else 0),
        "cmi.launch_data": part["data"],
        "cmi.student_data.mastery_score": "" if part["mastery"] is None else f"{part['mastery']:g}",
        "cmi.student_data.max_time_allowed": part["max_time"],
        "cmi.student_data.time_limit_action": part["at_limit"] or "continue,no message",
    }


def _given_2004(opened: Opened, state: CourseState | None) -> dict[str, str]:
    part = opened.part
    given = {
        "cmi.learner_id": opened.person.uuid,
        "cmi.learner_name": i18n.named(opened.person.name),
        "cmi.entry": "resume" if state is not None and state.reported else "ab-initio",
        "cmi.total_time": as_duration(state.seconds if state else 0),
        "cmi.time_limit_action": part["at_limit"] or "continue,no message",
    }
    if_any = {
        "cmi.launch_data": part["data"],
        "cmi.max_time_allowed": part["max_time"],
        "cmi.scaled_passing_score": "" if part["mastery"] is None else f"{part['mastery']:g}",
        "cmi.completion_threshold": "" if part["threshold"] is None else f"{part['threshold']:g}",
    }
    return given | {name: value for name, value in if_any.items() if value}


@get("/content/{token:str}/runtime.js")
def runtime(session: Session, token: str) -> Response[str]:
    if launched(session, token) is None:
        return nothing()
    text = (ROOT / "static" / "js" / "runtime.js").read_text(encoding="utf-8")
    return Response(text, media_type="text/javascript", headers=headers())


@get("/content/{token:str}/ended")
def ended(session: Session, token: str) -> Response[str]:
    """Where a cmi5 part goes when it is left."""
    opened = launched(session, token)
    return nothing() if opened is None else _page("courses/run.html", {"portal": settings().base_url})


@send("/content/{token:str}/state")
def state(session: Session, form: Form, token: str) -> Response:
    """What a SCORM part reports: {"number", "values", "finished"}."""
    opened = launched(session, token, lock=True)
    if opened is None:
        return nothing()
    number, values = form.sent.get("number"), form.sent.get("values")
    if type(number) is not int or not 0 < number < 10**9 or not isinstance(values, dict):
        return nothing(400)
    kept = actions.keep_report(
        session,
        opened,
        number=number,
        values=values,
        finished=form.sent.get("finished") is True,
        now=clock.now(),
    )
    return said({"kept": kept})


@send("/content/{token:str}/fetch")
def fetch(session: Session, token: str) -> Response:
    """cmi5 section 8.2: what the part signs its requests with, once."""
    opened = launched(session, token, lock=True)
    if opened is None or opened.package.standard is not Standard.CMI5:
        return nothing()
    auth = actions.give_auth(opened)
    if auth is None:
        return said({"error-code": "1", "error-text": "The fetch address has been used."}, 400)
    return said({"auth-token": base64.b64encode(f"launch:{auth}".encode()).decode()})


@get("/content/{token:str}/files/{file_path:path}")
def file(request: Request, session: Session, token: str, file_path: str) -> Response:
    """A file of the package, as what its ending says; whole, or the range that a player of sound or pictures asks for."""
    opened = launched(session, token)
    found = unpacked_file(session, opened.package.file_id, str(file_path).lstrip("/")) if opened else None
    if found is None:
        return nothing()
    more = {"ETag": f'"{found.sha256[:32]}"', "Accept-Ranges": "bytes"}
    if found.media_type == OTHER:
        more["Content-Disposition"] = "attachment"
    content, status = store.get(found.sha256), 200
    asked = re.fullmatch(r"bytes=(\d{1,12})-(\d{0,12})", request.headers.get("range", ""))
    if asked:
        first, last = int(asked[1]), min(int(asked[2] or found.size), found.size - 1)
        if first > last:
            return nothing(416)
        content, status = content[first : last + 1], 206
        more["Content-Range"] = f"bytes {first}-{last}/{found.size}"
    return Response(
        content,
        status_code=status,
        media_type=found.media_type,
        headers=headers(
            **{**more, "Cache-Control": "private, max-age=3600", "Content-Type": found.media_type}
        ),
    )


routers = [Router("/", route_handlers=[run, runtime, ended, state, fetch, file], guards=[public])]
