"""What is uploaded: taken when it is nothing but a document or picture, kept in either store, opened with a note."""

import hashlib
import itertools
import re
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from sqlmodel import Session, col, func, select

from casebook.cases.models import Evidence
from portal import clock
from portal.accounts.rules import StaffRole
from portal.db import transaction
from portal.files import jobs, store
from portal.files.actions import remove_orphans, store_file
from portal.files.formats import why_unfit
from portal.files.models import FileAccess, StoredFile
from portal.files.rules import Kind, accept, clean_name
from portal.organisations.rules import Trust
from portal.refusal import Refused
from portal.review.models import Submission
from portal.settings import Misconfigured, Settings, settings
from tests.casebook.test_cases import make_case
from tests.factories import make_organisation, make_person
from tests.hostile_files import every, jpeg, pdf, png, segment, stream
from tests.portal.test_mail_delivery import free_port

# ——— Names ———

NAMES = {
    "../../../etc/passwd": "passwd.pdf",
    "a\0b.pdf": "ab.pdf",
    "x" * 300 + ".pdf": "x" * 80 + ".pdf",
    "\u202efdp.pdf": "fdp.pdf",
    ".pdf": "pdf.pdf",
    "...": "file.pdf",
    "CON": "file-CON.pdf",
    "com1.pdf": "file-com1.pdf",
    "report v1.2": "report v1_2.pdf",
    "a.php.pdf": "a_php.pdf",
    'a"; filename="b.pdf': "a_ filename_b.pdf",
    "a\r\nSet-Cookie: b.pdf": "aSet-Cookie_ b.pdf",
    "营业执照（正本）.PDF": "营业执照（正本）.pdf",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_is_made_plain(name):
    assert accept(name, pdf(), Kind.LICENCE) == (NAMES[name], "application/pdf")


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_a_files_name_is_short_and_plain(name):
    shown = clean_name(name, "pdf")
    assert 5 <= len(shown) <= 90
    assert not set(shown) & set("/\\\0\r\n\"'<>%:*?|\u202e")
    assert re.fullmatch(r"[\w\- （）()]+\.pdf", shown)
    assert shown.encode().decode() == shown


@pytest.mark.parametrize("name", ["a.html", "boot.ini", "a.PNG", "a.exe", "a.pdf.exe", "\u202efdp.exe"])
def test_an_ending_that_contradicts_is_refused(name):
    with pytest.raises(Refused, match="not what its name says"):
        accept(name, pdf(), Kind.EVIDENCE)


# ——— Formats ———


def test_whole_files_are_taken():
    picture = stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q", b"/X/Y")
    for content, name in (
        (pdf(), "a.pdf"),
        (pdf(picture), "a.PDF"),
        (pdf(catalogue=b"/OpenAction[3 0 R/Fit]"), "a.pdf"),
        (pdf(stream(b"\0" * 100, b"/Type/ObjStm/N 0/First 0")), "a.pdf"),
        (pdf(stream(b"compressed text /JS( by chance", packed=False)), "a.pdf"),
        (png(), "a.png"),
        (png(behind=b""), "scan"),
        (jpeg(), "a.jpeg"),
        (jpeg(more=segment(0xE1, b"Exif\0\0" + b"\0" * 40)), "a.jfif"),
        (jpeg(behind=jpeg()), "a.jpg"),  # cameras do
        (jpeg(behind=b"\0" * 64), "a.jpg"),
        (jpeg(10_000, 10_000), "a.jpg"),
    ):
        assert accept(name, content, Kind.EVIDENCE)[1].rpartition("/")[2] in ("pdf", "png", "jpeg")


@given(content=st.binary(max_size=400), kind=st.sampled_from(["application/pdf", "image/png", "image/jpeg"]))
def test_no_bytes_break_the_examination(content, kind):
    head = {"application/pdf": b"%PDF-1.4", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}[
        kind
    ]
    assert isinstance(why_unfit(kind, head + content), str)


@given(data=st.data(), which=st.sampled_from([pdf(stream(b"x" * 99)), png(), jpeg()]))
def test_no_changed_byte_breaks_the_examination(data, which):
    at = data.draw(st.integers(8, len(which) - 1))
    changed = which[:at] + bytes([data.draw(st.integers(0, 255))]) + which[at + 1 :]
    kind = {b"%": "application/pdf", b"\x89": "image/png", b"\xff": "image/jpeg"}[which[:1]]
    assert isinstance(why_unfit(kind, changed), str)
    if kind == "image/png" and changed != which:
        assert why_unfit(kind, changed) != ""


# ——— Both stores keep to one contract ———


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


_buckets = itertools.count(1)


@pytest.fixture(params=["folder", "S3"])
def place(request, monkeypatch, tmp_path) -> str:
    """A store of the test's own, empty."""
    monkeypatch.setattr(settings(), "data_dir", tmp_path)
    if request.param == "S3":
        use_bucket(monkeypatch, request.getfixturevalue("s3"), f"bucket-{next(_buckets)}")
    return str(request.param)


def use_bucket(monkeypatch, endpoint: str, bucket: str, *, make: bool = True) -> None:
    if make:
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT"))
    for name, value in (
        ("files_url", f"s3://{bucket}/uploads"),
        ("files_s3_endpoint", endpoint),
        ("files_s3_access_key", "key"),
        ("files_s3_secret", "secret"),
    ):
        monkeypatch.setattr(settings(), name, value)


def silence(monkeypatch, place: str, tmp_path) -> None:
    """The store does not answer any more."""
    store._opened.clear()
    if place == "S3":
        monkeypatch.setattr(settings(), "files_s3_endpoint", f"http://127.0.0.1:{free_port()}")
    else:
        store._store(settings())
        target = tmp_path / "files"
        target.rmdir() if target.exists() and not any(target.iterdir()) else target.rename(tmp_path / "away")
        target.write_text("no folder")


def kept() -> set[str]:
    later = clock.now() + timedelta(days=1)
    return {sha256 for page in store.kept_before(later) for sha256 in page}


A, B = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()


def test_what_is_put_is_there(place):
    assert kept() == set()
    store.put(A, b"a")
    store.put(A, b"a")
    store.put(B, b"")
    assert (store.get(A), store.get(B), kept()) == (b"a", b"", {A, B})
    assert not store.remove(A, before=clock.now() - timedelta(days=1))  # kept again since
    assert store.remove(A, before=clock.now() + timedelta(days=1))
    assert not store.remove(A, before=clock.now() + timedelta(days=1))
    assert kept() == {B}
    store.check_store()
    assert kept() == {B}


def test_what_is_absent_is_a_sentence(place):
    with pytest.raises(Refused, match="not in the store any more") as refused:
        store.get(A)
    assert refused.value.status == 410


def test_a_silent_store_is_a_sentence_soon(place, monkeypatch, tmp_path):
    silence(monkeypatch, place, tmp_path)
    start = time.monotonic()
    for do in (lambda: store.put(A, b"a"), lambda: store.get(A)):
        with pytest.raises(Refused, match="can't be kept or opened") as refused:
            do()
        assert refused.value.status == 503
    with pytest.raises(Misconfigured, match="The file store of FILES_URL"):
        store.check_store()
    assert time.monotonic() - start < 20


def test_a_bucket_that_is_not_there(s3, monkeypatch):
    use_bucket(monkeypatch, s3, "nowhere", make=False)
    with pytest.raises(Refused, match="can't be kept"):
        store.put(A, b"a")
    with pytest.raises(Misconfigured):
        store.check_store()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"files_url": "https://bucket"}, "FILES_URL"),
        ({"files_url": "s3://"}, "FILES_URL"),
        ({"files_url": "s3://b"}, "FILES_S3_ACCESS_KEY"),
    ],
)
def test_a_store_that_lacks_something_stops_the_start(values, said):
    with pytest.raises(Misconfigured, match=said):
        Settings(_env_file=None, **values).require_complete()  # type: ignore[call-arg]
    whole = {"files_url": "s3://b", "files_s3_access_key": "k", "files_s3_secret": "s"}
    Settings(_env_file=None, **whole).require_complete()  # type: ignore[arg-type]


# ——— Through the pages ———


@pytest.fixture
def owner(session: Session):
    return make_person(session, "Owner")


@pytest.fixture
def unverified(session: Session, owner):
    return make_organisation(session, owner=owner, trust=Trust.PROVISIONAL)


def hand_in(client, name: str, content: bytes):
    return client.post("/my/verification", {"representative": "Lin"}, files={"licence": (name, content)})


def test_an_upload_and_who_opened_it(place, browse, session, owner, unverified):
    client = browse(owner)
    assert hand_in(client, "营业执照.pdf", pdf()).status == 200
    answer = client.client.get("/my/verification/licence")
    assert (answer.content, answer.headers["content-type"]) == (pdf(), "application/pdf")
    assert unquote(answer.headers["content-disposition"]) == "attachment; filename*=UTF-8''营业执照.pdf"
    reviewer = make_person(session, "Reviewer", staff=StaffRole.REVIEWER)
    submission = session.exec(select(Submission)).one()
    assert browse(reviewer).client.get(f"/staff/review/{submission.id}/licence").status_code == 200
    page = client.get("/my/verification")
    lines = [
        " ".join(li.text_content().split()).partition(" · ")[2] for li in page.tree.xpath("//details//li")
    ]
    assert lines == ["Reviewer · 营业执照.pdf · for the review", "Owner · 营业执照.pdf · their own file"]
    assert browse(make_person(session, "Stranger")).get("/my/verification/licence").status == 404
    assert session.exec(select(func.count()).select_from(FileAccess)).one() == 2


def test_a_silent_store_leaves_nothing_half_done(
    place, browse, session, owner, unverified, monkeypatch, tmp_path
):
    client = browse(owner)
    silence(monkeypatch, place, tmp_path)
    page = hand_in(client, "a.pdf", pdf())
    assert (page.status, page.errors) == (
        503,
        [
            "Files can't be kept or opened at the moment. Nothing was changed; please try again in a few minutes."
        ],
    )
    assert page.value("representative") == "Lin"
    assert [session.exec(select(func.count()).select_from(t)).one() for t in (StoredFile, Submission)] == [
        0,
        0,
    ]


def test_a_store_that_falls_silent_later_answers_with_a_sentence(
    place, browse, session, owner, unverified, monkeypatch, tmp_path
):
    client = browse(owner)
    hand_in(client, "a.pdf", pdf())
    silence(monkeypatch, place, tmp_path)
    page = client.get("/my/verification/licence")
    assert (page.status, "try again in a few minutes" in page.text) == (503, True)
    assert session.exec(select(func.count()).select_from(FileAccess)).one() == 0


def test_orphans_go_after_a_day_and_nothing_else(place, sessions, session, owner, monkeypatch):
    def crash() -> None:
        with transaction(sessions) as inner:
            store_file(
                inner, "b.png", png(), kind=Kind.EVIDENCE, organisation_id=None, by=owner.id, now=clock.now()
            )
            raise RuntimeError

    session.commit()
    with transaction(sessions) as inner:
        row = store_file(
            inner, "a.pdf", pdf(), kind=Kind.EVIDENCE, organisation_id=None, by=owner.id, now=clock.now()
        )
    with pytest.raises(RuntimeError):
        crash()
    orphan = hashlib.sha256(png()).hexdigest()
    assert kept() == {row.sha256, orphan}
    now = clock.now()
    assert remove_orphans(session, now=now) == 0
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1, minutes=1))
    jobs._swept.clear()
    jobs.sweep_files()
    assert kept() == {row.sha256}
    store.put(orphan, png())
    jobs.sweep_files()  # once a day
    assert kept() == {row.sha256, orphan}


# ——— Two hundred hostile uploads ———


def test_hostile_uploads_are_refused_or_harmless(browse, session, connection, owner, tmp_path, monkeypatch):
    """Each through both doors: the licence of an unverified organisation, the evidence of a case."""
    monkeypatch.setattr(settings(), "data_dir", tmp_path)
    organisation = make_organisation(session, owner=owner)
    newcomer = make_person(session, "Newcomer")
    make_organisation(session, "New", owner=newcomer, trust=Trust.PROVISIONAL)
    case = make_case(session, organisation)
    doors = (
        (browse(newcomer), "/my/verification", "licence", {"representative": "Lin"}),
        (browse(owner), f"/my/cases/{case.id}/evidence", "file", {"note": "n"}),
    )
    uploads = every()
    assert len(uploads) >= 200
    assert len({upload.family for upload in uploads}) > 60
    wrong, taken = [], set()
    for upload in uploads:
        for client, path, field, fields in doors:
            session.commit()
            nested = connection.begin_nested()
            rows = session.exec(select(func.count()).select_from(StoredFile)).one()
            page = client.post(path, fields, files={field: (upload.name, upload.content)}, follow=False)
            what = f"{upload.family}: {upload.name[:40]!r} at {path}: {page.status}"
            grown = session.exec(select(func.count()).select_from(StoredFile)).one() - rows
            if page.status == 303:
                if not upload.harmless:
                    wrong.append(f"{what} was taken")
                file = session.exec(select(StoredFile).order_by(col(StoredFile.id).desc())).first()
                wrong += [f"{what}: {problem}" for problem in harmful(client, session, file, upload.content)]
                taken.add(file.sha256)
            elif page.status not in (413, 422) or grown:
                wrong.append(f"{what}, {grown} rows")
            elif page.status == 422 and (len(page.errors) != 1 or not page.errors[0].endswith(".")):
                wrong.append(f"{what} says {page.errors}")
            session.commit()
            nested.rollback()
            session.expire_all()
    assert wrong == [], "\n".join(wrong)
    assert kept() == taken  # nothing of what was refused
    assert session.exec(select(func.count()).select_from(StoredFile)).one() == 0
    assert browse().get("/healthz").status == 200


def harmful(client, session: Session, file: StoredFile, content: bytes) -> Iterator[str]:
    """What is wrong with how a file that was taken is kept and handed out."""
    if file.sha256 != hashlib.sha256(content).hexdigest() or store.get(file.sha256) != content:
        yield "is not kept under its hash"
    if not re.fullmatch(r"[\w\- （）()]{1,90}\.(pdf|png|jpg)", file.name):
        yield f"has the name {file.name!r}"
    evidence = session.exec(select(Evidence).where(Evidence.file_id == file.id)).first()
    path = f"/my/cases/{evidence.case_id}/evidence/{evidence.id}" if evidence else "/my/verification/licence"
    answer = client.client.get(path)
    headers = answer.headers
    ours = (
        answer.content == content,
        headers["content-type"] == file.media_type,
        headers["x-content-type-options"] == "nosniff",
        headers["content-security-policy"].startswith("sandbox; default-src 'none'"),
        headers["content-disposition"].isascii()
        and headers["content-disposition"].startswith("attachment; "),
    )
    if not all(ours):
        yield f"is handed out otherwise: {ours}"
