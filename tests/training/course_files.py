"""Small course packages, made where they are needed."""

import io
import zipfile
from collections.abc import Mapping

PAGE_12 = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title><h1>Page</h1><p id="said"></p>
<script>
let above = window; while (!above.API && above.parent !== above) above = above.parent;
window.lms = above.API;
document.getElementById("said").textContent = lms ? lms.LMSInitialize("") : "none";
</script></html>"""


def archive(files: Mapping[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # the same bytes every time
    return written.getvalue()


def manifest_12(
    *,
    items: str = '<item identifier="i1" identifierref="r1"><title>One</title></item>',
    resources: str = '<resource identifier="r1" adlcp:scormtype="sco" href="one.html"><file href="one.html"/></resource>',
    version: str = "1.2",
    identifier: str = "test.course",
    head: str = "",
) -> str:
    return f"""<?xml version="1.0"?>{head}
<manifest identifier="{identifier}" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2" xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
<metadata><schema>ADL SCORM</schema><schemaversion>{version}</schemaversion></metadata>
<organizations default="o"><organization identifier="o"><title>A course</title>{items}</organization></organizations>
<resources>{resources}</resources></manifest>"""


def scorm_12(page: str = PAGE_12, *, identifier: str = "test.course", **more: str) -> bytes:
    return archive({"imsmanifest.xml": manifest_12(identifier=identifier, **more), "one.html": page})


def cmi5_xml(
    body: str = '<au id="urn:test:au:1"><title><langstring lang="en">Unit</langstring></title><url>unit.html?x=1</url></au>',
) -> str:
    return f"""<?xml version="1.0"?><courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
<course id="urn:test:course"><title><langstring lang="en">Course</langstring><langstring lang="zh-CN">课程</langstring></title></course>
{body}</courseStructure>"""


def cmi5(**more: str) -> bytes:
    return archive({"cmi5.xml": cmi5_xml(**more), "unit.html": "<title>Unit</title>"})
