"""A small outside course of our own, SCORM 1.2 in two pages, made by code; one person finished it, one has begun."""

import io
import zipfile
from datetime import datetime, timedelta

from sqlmodel import Session

from portal.accounts.actions import digest
from training.packages.actions import keep_report, move_package, open_part, upload_course
from training.packages.models import CoursePackage
from training.packages.queries import opened_by

_MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<manifest identifier="example.yuqiao.first-week" version="1" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="course"><organization identifier="course"><title>社群开营第一周</title>
<item identifier="welcome" identifierref="r1"><title>欢迎语与群规</title></item>
<item identifier="rhythm" identifierref="r2"><title>一周的节奏</title></item>
</organization></organizations>
<resources>
<resource identifier="r1" type="webcontent" adlcp:scormtype="sco" href="welcome.html"><file href="welcome.html"/><file href="course.js"/></resource>
<resource identifier="r2" type="webcontent" adlcp:scormtype="sco" href="rhythm.html"><file href="rhythm.html"/><file href="course.js"/></resource>
</resources></manifest>
"""
_SCRIPT = """let above = window;
while (!above.API && above.parent !== above) above = above.parent;
const api = above.API;
api.LMSInitialize("");
if (api.LMSGetValue("cmi.core.lesson_status") === "not attempted") api.LMSSetValue("cmi.core.lesson_status", "incomplete");
const begun = Date.now();
document.querySelector("button").addEventListener("click", () => {
  api.LMSSetValue("cmi.core.lesson_status", "completed");
  const spent = Math.round((Date.now() - begun) / 1000);
  const two = (n) => String(n).padStart(2, "0");
  api.LMSSetValue("cmi.core.session_time", `${two(Math.floor(spent / 3600))}:${two(Math.floor(spent / 60) % 60)}:${two(spent % 60)}`);
  api.LMSFinish("");
  document.querySelector("button").disabled = true;
});
"""
_PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>body {{ font: 1rem/1.8 sans-serif; max-width: 36em; margin: 1.5rem; }}</style></head>
<body><h1>{title}</h1>{text}<p><button>读完了</button></p><script src="course.js"></script></body></html>
"""
_PAGES = {
    "welcome.html": (
        "欢迎语与群规",
        (
            "<p>新成员进群后的五分钟决定她会不会留下：先说这个群能给她什么，再说三条群规，最后给一件马上能做的小事。</p>"
            "<p>欢迎语不超过一百字；群规写“欢迎什么”，少写“禁止什么”。</p>"
        ),
    ),
    "rhythm.html": (
        "一周的节奏",
        (
            "<p>周一答疑，周三晒单，周五福利：固定的日子让人有期待。其余时间少发，多回。</p>"
            "<p>每周日看三个数：发言人数、提问被回复的比例、退群人数。</p>"
        ),
    ),
}


def package() -> bytes:
    """The course as a ZIP, the same bytes every time."""
    files = {"imsmanifest.xml": _MANIFEST, "course.js": _SCRIPT}
    files |= {name: _PAGE.format(title=title, text=text) for name, (title, text) in _PAGES.items()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def tell_course(session: Session, *, staff: int, finished: int, begun: int, now: datetime) -> None:
    """Published by a person of the staff; one person has finished both parts, another has begun the first."""
    at = now - timedelta(days=30)
    course = upload_course(session, "社群开营第一周.zip", package(), by=staff, now=at)
    move_package(session, course, "publish", by=staff, now=at)
    for n, part in enumerate(("welcome", "rhythm")):
        _read(session, course, part, "completed", by=finished, now=at + timedelta(days=3 + n))
    _read(session, course, "welcome", "incomplete", by=begun, now=now - timedelta(days=2))


def _read(session: Session, course: CoursePackage, part: str, status: str, *, by: int, now: datetime) -> None:
    token = open_part(session, course, part, by=by, now=now)
    opened = opened_by(session, digest(token), now)
    assert opened is not None  # noqa: S101
    said = {"cmi.core.lesson_status": status, "cmi.core.session_time": "00:06:30"}
    later = now + timedelta(minutes=7)
    keep_report(session, opened, number=1, values=said, finished=status == "completed", now=later)
