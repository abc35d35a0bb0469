"""A domain is proved by a record in a real DNS or by a mailed link, watched, lost, and never held by two."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from portal import clock
from portal.domains import jobs
from portal.domains.dns import ask_dns
from portal.domains.models import OrganisationDomain
from portal.domains.queries import people_at_domain, proved_domains
from portal.domains.rules import Answer, Method
from portal.history.models import History
from portal.mail.models import Mail
from portal.settings import settings
from tests.factories import employ, make_organisation, make_person

DOMAIN = "tangli.example"


class NameServer(threading.Thread):
    """Answers TXT questions from a dictionary; a name with None is answered with a failure."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.texts: dict[str, list[str] | None] = {}
        self.asked: list[str] = []

    def run(self) -> None:
        while True:
            try:
                packet, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            question = dns.message.from_wire(packet)
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            name = question.question[0].name
            self.asked.append(str(name))
            texts = self.texts.get(str(name), [])
            if texts is None:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif not texts:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif question.question[0].rdtype == dns.rdatatype.TXT:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *[f'"{t}"' for t in texts]))
            self.socket.sendto(answer.to_wire(), sender)


@pytest.fixture
def zone(monkeypatch) -> Iterator[NameServer]:
    server = NameServer()
    server.start()
    monkeypatch.setattr(settings(), "dns_resolver", f"127.0.0.1:{server.socket.getsockname()[1]}")
    yield server
    server.socket.close()


@pytest.fixture
def owner(session):
    return make_person(session, "Owner", email=f"owner@{DOMAIN}")


@pytest.fixture
def organisation(session, owner):
    return make_organisation(session, "Tangli", owner=owner)


@pytest.fixture
def at(monkeypatch):
    """`at(timedelta)`: that long after the test began."""
    began = clock.now()

    def move(later: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: began + later)

    return move


def row_of(session) -> OrganisationDomain:
    session.expire_all()
    return session.exec(select(OrganisationDomain)).one()


def verbs(session) -> list[str]:
    rows = session.exec(select(History.verb).where(History.subject_kind == "domain").order_by(History.id))
    return list(rows)


def put(zone: NameServer, *texts: str) -> None:
    zone.texts[f"_yuqiao.{DOMAIN}."] = list(texts)


def test_what_the_dns_says(zone):
    put(zone, "v=spf1", "yuqiao-verification=abc")
    assert ask_dns(DOMAIN, "abc") is Answer.THERE
    assert ask_dns(DOMAIN, "ab") is Answer.MISSING
    put(zone, "abc")
    assert ask_dns(DOMAIN, "abc") is Answer.THERE
    put(zone)
    assert ask_dns(DOMAIN, "abc") is Answer.MISSING
    zone.texts[f"_yuqiao.{DOMAIN}."] = None
    assert ask_dns(DOMAIN, "abc") is Answer.SILENT


def test_proved_by_a_record(browse, session, zone, owner, organisation, at):
    client = browse(owner)
    page = client.post("/my/domains", {"domain": f"https://www.{DOMAIN}/", "way": "dns"})
    assert page.said == "Now add the record below to the domain; the portal looks by itself."
    row = row_of(session)
    assert f"yuqiao-verification={row.token}" in page.text
    jobs.check_domain(row.id)
    assert "not yet proved" in client.get("/my/domains").text
    put(zone, f"yuqiao-verification={row.token}")
    jobs.check_domain(row.id)  # not due: the DNS is not asked again at once
    assert row_of(session).proved_at is None
    at(timedelta(minutes=11))
    jobs.check_domain(row.id)
    assert proved_domains(session, organisation.id) == [DOMAIN]
    assert verbs(session) == ["domain claimed", "domain proved"]
    assert row.token not in client.get("/my/domains").text
    assert DOMAIN in client.get("/my/verification").text
    page = client.post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    assert page.errors == ["This domain is proved already."]


def test_look_now_and_the_sweep(browse, session, zone, owner, organisation, monkeypatch):
    client = browse(owner)
    client.post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    row = row_of(session)
    sent = []
    monkeypatch.setattr(jobs.check_domain, "send", sent.append)
    jobs.sweep_domains()
    assert sent == [row.id]
    jobs.check_domain(row.id)
    jobs.sweep_domains()
    assert sent == [row.id]
    put(zone, row.token)
    page = client.post(f"/my/domains/{row.id}/check")
    assert page.said == "The DNS is being asked; look again in a moment."
    jobs.check_domain(row.id)
    assert row_of(session).proved_at is not None


def test_lost_after_seven_days_of_failing(browse, session, zone, owner, organisation, at):
    colleague = make_person(session, "Colleague", email=f"c@{DOMAIN}")
    outsider = make_person(session, "Outsider", email="o@elsewhere.example")
    employ(session, organisation, colleague)
    employ(session, organisation, outsider)
    browse(owner).post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    row = row_of(session)
    put(zone, row.token)
    jobs.check_domain(row.id)
    for day in range(1, 10):
        at(timedelta(days=day, minutes=day))
        if day == 2:
            put(zone)
        if day == 5:
            zone.texts[f"_yuqiao.{DOMAIN}."] = None
        jobs.check_domain(row.id)
        assert (row_of(session).lost_at is not None) is (day == 9), day
    assert proved_domains(session, organisation.id) == []
    assert verbs(session)[-1] == "domain proof lost"
    assert row_of(session).proved_at is not None  # kept with its dates
    assert [p.name for p in people_at_domain(session, organisation.id, DOMAIN)] == ["Owner", "Colleague"]
    mail = session.exec(select(Mail).where(Mail.to_address == owner.email)).one()
    assert mail.subject == f"{DOMAIN} is no longer proved for Tangli"
    assert "Colleague" in mail.text
    assert "Outsider" not in mail.text


def test_a_day_without_the_record_is_forgiven(browse, session, zone, owner, organisation, at):
    browse(owner).post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    row = row_of(session)
    put(zone, row.token)
    jobs.check_domain(row.id)
    for day in range(1, 12):
        at(timedelta(days=day, minutes=day))
        put(zone, *([] if day % 3 == 0 else [row.token]))
        jobs.check_domain(row.id)
    assert row_of(session).lost_at is None


def link(session, address: str) -> str:
    mail = session.exec(select(Mail).where(Mail.to_address == address).order_by(Mail.id.desc())).first()
    return next(w for w in mail.text.split() if "/domains/" in w).removeprefix("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("way", "address"),
    [("admin", f"admin@{DOMAIN}"), ("postmaster", f"postmaster@{DOMAIN}"), ("own", f"owner@{DOMAIN}")],
)
def test_proved_by_a_link_that_works_once(browse, session, owner, organisation, way, address):
    page = browse(owner).post("/my/domains", {"domain": DOMAIN, "way": way})
    assert page.said == f"A link went to {address}; it holds for two days."
    path, somebody = link(session, address), browse()
    assert "Tangli Co., Ltd says that this domain is its own." in somebody.get(path).text
    assert proved_domains(session, organisation.id) == []  # opening it is not saying yes
    assert somebody.post(path).status == 200
    assert proved_domains(session, organisation.id) == [DOMAIN]
    assert (somebody.get(path).status, somebody.post(path).status) == (410, 410)


def test_a_link_ends_after_two_days(browse, session, owner, organisation, at):
    browse(owner).post("/my/domains", {"domain": DOMAIN, "way": "admin"})
    path = link(session, f"admin@{DOMAIN}")
    at(timedelta(days=2, seconds=1))
    assert browse().post(path).status == 410


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"domain": "", "way": "dns"}, "Please fill this in."),
        ({"domain": "no domain", "way": "dns"}, "Please write a domain, such as example.com."),
        (
            {"domain": "qq.com", "way": "admin"},
            "This is a public host: it belongs to nobody's organisation alone.",
        ),
        ({"domain": DOMAIN, "way": "ceo"}, "Please choose one of the mailboxes."),
        ({"domain": "other.example", "way": "own"}, "Please choose one of the mailboxes."),
    ],
)
def test_what_is_refused(browse, session, owner, organisation, fields, sentence):
    page = browse(owner).post("/my/domains", fields)
    assert (page.status, page.errors) == (422, [sentence])
    assert session.exec(select(OrganisationDomain)).all() == []
    assert session.exec(select(Mail)).all() == []


def test_nobody_is_flooded_with_mail(browse, session, owner, organisation):
    client = browse(owner)
    pages = [client.post("/my/domains", {"domain": DOMAIN, "way": "admin"}) for _ in range(21)]
    assert pages[-1].errors == ["That was a lot of tries. Please wait an hour; nothing is lost."]
    assert len(session.exec(select(Mail)).all()) == 20


def test_a_domain_has_one_organisation(browse, session, zone, owner, organisation):
    browse(owner).post("/my/domains", {"domain": DOMAIN, "way": "own"})
    rival_person = make_person(session, "Rival", email="rival@rival.example")
    rival_organisation = make_organisation(session, "Rival", owner=rival_person)
    rival = browse(rival_person)
    rival.post("/my/domains", {"domain": DOMAIN, "way": "dns"})  # claiming is free, proving is not
    theirs = session.exec(
        select(OrganisationDomain).where(OrganisationDomain.organisation_id == rival_organisation.id)
    ).one()
    put(zone, theirs.token)
    browse().post(link(session, owner.email))
    jobs.check_domain(theirs.id)
    assert proved_domains(session, rival_organisation.id) == []
    page = rival.post("/my/domains", {"domain": DOMAIN, "way": "admin"})
    assert page.status == 422
    assert "Tangli" not in page.text
    assert page.errors[0].startswith("Another organisation has proved this domain.")
    theirs.proved_at = clock.now()
    with pytest.raises(IntegrityError):  # and the database says so too
        session.flush()
    session.rollback()


def test_strangers_and_members(browse, session, owner, organisation):
    browse(owner).post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    row = row_of(session)
    member = make_person(session, "Member")
    employ(session, organisation, member)
    stranger = make_person(session, "Stranger")
    make_organisation(session, "Stranger", owner=stranger)
    session.commit()
    assert row.token not in browse(member).get("/my/domains").response.text
    for person, status in ((member, 403), (stranger, 404)):
        client = browse(person)
        for path in (f"/my/domains/{row.id}/check", f"/my/domains/{row.id}/give-up"):
            assert client.post(path).status == status
    assert browse(member).post("/my/domains", {"domain": "x.example", "way": "dns"}).status == 403
    assert DOMAIN not in browse(stranger).get("/my/domains").text
    assert browse().get("/domains/" + "A" * 43).status == 410


def test_given_up(browse, session, owner, organisation):
    client = browse(owner)
    client.post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    number = row_of(session).id
    assert client.post(f"/my/domains/{number}/give-up").said == "Given up."
    assert client.post(f"/my/domains/{number}/give-up").status == 404
    jobs.check_domain(number)
    assert session.exec(select(OrganisationDomain)).all() == []


def test_claimed_by_mail_after_dns_leaves_no_old_proof(browse, session, zone, owner, organisation):
    client = browse(owner)
    client.post("/my/domains", {"domain": DOMAIN, "way": "dns"})
    put(zone, row_of(session).token)
    client.post("/my/domains", {"domain": DOMAIN, "way": "admin"})
    row = row_of(session)
    assert (row.method, row.due_at) == (Method.MAIL, None)
    jobs.check_domain(row.id)
    assert row_of(session).proved_at is None
