"""Register in two minutes, be verified, be refused with a sentence."""

from sqlmodel import func, select

from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from tests.factories import credit_code, make_organisation, make_person

PDF = b"%PDF-1.4\nlicence\n%%EOF\n"


def registration(**changes):
    return {
        "kind": "provider",
        "legal_name": "拾光科技（成都）有限公司",
        "short_name": "拾光科技",
        "credit_code": credit_code(),
        "industries": ["pets", "catering"],
        "directions": ["operation"],
        "capabilities": ["community"],
        "province": "sichuan",
        "city": "成都",
        "website": "shiguang.example",
        "about": "",
    } | changes


def link_in_mail(session, address: str) -> str:
    mail = session.exec(select(Mail).where(Mail.to_address == address).order_by(Mail.id.desc())).first()
    url = next(word for word in mail.text.split() if word.startswith("http"))
    return url.removeprefix("http://127.0.0.1:8000")


def test_sign_up_confirm_register(browse, session):
    visitor = browse()
    page = visitor.post(
        "/sign-up", {"name": "司徒映真", "email": "Yingzhen@shiguang.example", "password": "a long sentence"}
    )
    assert page.status == 200
    link = link_in_mail(session, "yingzhen@shiguang.example")
    assert visitor.get(link).status == 200
    page = visitor.post(link)
    assert (page.url, page.said) == ("/my", "Your address is confirmed.")
    again = visitor.post(link)
    assert again.status == 410
    page = visitor.post("/my/organisation/new", registration())
    assert (page.url, page.said) == (
        "/my",
        "Registered. You can learn and draft at once; verification opens the rest.",
    )
    organisation = session.exec(select(Organisation).where(Organisation.short_name == "拾光科技")).one()
    assert (organisation.trust, organisation.website) == (Trust.PROVISIONAL, "https://shiguang.example")


def test_the_answer_is_the_same_for_a_taken_address(browse, session):
    make_person(session, email="taken@example.com")
    fields = {"name": "X", "password": "a long sentence"}
    first = browse().post("/sign-up", fields | {"email": "taken@example.com"})
    second = browse().post("/sign-up", fields | {"email": "taken2@example.com"})
    assert first.text.replace("taken@", "taken2@") == second.text
    assert (
        session.exec(
            select(func.count()).select_from(Person).where(Person.email == "taken@example.com")
        ).one()
        == 1
    )


def test_each_wrong_field_has_a_sentence_and_keeps_what_was_typed(browse, session):
    owner = browse(make_person(session))
    page = owner.post(
        "/my/organisation/new",
        registration(
            credit_code="91510100MA6C4X2P7",
            industries=["pets", "catering", "baby", "home"],
            capabilities=[],
            city="",
        ),
    )
    assert page.status == 422
    assert page.errors == [
        "A credit code has 18 characters; this one is too short. Compare it with the top right of the licence.",
        "Please choose at most 3; you chose 4.",
        "Please fill this in.",
    ]
    assert page.value("legal_name") == "拾光科技（成都）有限公司"


def test_an_impossible_code_and_a_second_registration_of_the_same(browse, session):
    code = credit_code()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    page = browse(make_person(session)).post("/my/organisation/new", registration(credit_code=wrong))
    assert page.errors == [
        "The check character does not fit: at least one character is mistyped. Compare it with the licence."
    ]
    make_organisation(session, credit_code=code)
    page = browse(make_person(session)).post("/my/organisation/new", registration(credit_code=code.lower()))
    assert page.errors == [
        "An organisation with this credit code is registered already. Ask its owner for an invitation, or write to us if it is not yours."
    ]


def test_sent_twice_registers_once(browse, session):
    owner = browse(make_person(session))
    fields = registration()
    owner.post("/my/organisation/new", fields)
    page = owner.post("/my/organisation/new", fields)
    assert page.said == "Your organisation is registered already; here it is."
    assert (
        session.exec(
            select(func.count())
            .select_from(Organisation)
            .where(Organisation.credit_code == fields["credit_code"])
        ).one()
        == 1
    )


def test_verification_with_more_information_needed(browse, session):
    person = make_person(session, "Owner", email="owner@example.com")
    organisation = make_organisation(session, owner=person, trust=Trust.PROVISIONAL)
    owner, reviewer = browse(person), browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    page = owner.post(
        "/my/verification",
        {"representative": "Li"},
        files={"licence": ("../../licence.PDF", PDF, "application/pdf")},
    )
    assert page.said == "Handed in. You will see each verdict here; the clock says by when."
    queue = reviewer.get("/staff/review")
    path = next(link for link in queue.links() if link.startswith("/staff/review/"))
    item = reviewer.get(path)
    verdicts = {f"verdict_{key}": "pass" for key in ("name", "code", "status", "scope", "authority")}
    page = reviewer.post(
        path, verdicts | {"verdict_authority": "fix", "decision": "ask", "revision": item.value("revision")}
    )
    assert (page.status, "An item that does not pass needs a reason" in page.text) == (422, True)
    page = reviewer.post(
        path,
        verdicts
        | {
            "verdict_authority": "fix",
            "reason_authority": "Send a letter with a seal.",
            "decision": "ask",
            "revision": item.value("revision"),
        },
    )
    assert page.url == "/staff/review"
    page = owner.get("/my/verification")
    assert "Send a letter with a seal." in page.text
    owner.post(
        "/my/verification/answers",
        {"representative": "Li", "answer_authority": "Here it is."},
        files={"file_authority": ("letter.pdf", PDF + b" ", "application/pdf")},
    )
    revision = reviewer.get(path).value("revision")
    page = reviewer.post(path, verdicts | {"decision": "approve", "revision": revision})
    assert page.said == "Decided. The queue is empty."
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED
    stale = reviewer.post(
        path,
        verdicts | {"decision": "reject", "verdict_name": "fail", "reason_name": "x", "revision": revision},
    )
    assert stale.status == 409
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED


def test_a_licence_that_is_none(browse, session):
    owner = browse(owner_person := make_person(session))
    make_organisation(session, owner=owner_person, trust=Trust.PROVISIONAL)
    session.commit()
    for content, sentence in (
        (
            b"MZ\x90\0" + b"\0" * 200,
            "The file is not what its name says, or of a kind we can't show. Please upload a PDF, JPEG or PNG.",
        ),
        (b"", "The file is empty. Please choose it again."),
        (
            b"%PDF-1.4" + b"a" * (10 * 1024 * 1024) + b"%%EOF",
            "The file is larger than 10 MB. Please choose a smaller scan or photo; nothing else was lost.",
        ),
    ):
        page = owner.post(
            "/my/verification",
            {"representative": "Li"},
            files={"licence": ("licence.pdf", content, "application/pdf")},
        )
        assert page.errors == [sentence]
        assert page.value("representative") == "Li"
    page = owner.post(
        "/my/verification",
        {"representative": "Li"},
        files={"licence": ("licence.pdf", b"%PDF-" + b"0" * (50 * 1024 * 1024), "application/pdf")},
    )
    assert (page.status, page.text.startswith("That was too large")) == (413, True)


def test_strangers_find_nothing(browse, session):
    organisation = make_organisation(session, trust=Trust.PROVISIONAL)
    member = browse(make_person(session))
    assert member.get("/staff/review").status == 404
    assert member.get("/staff/review/1").status == 404
    assert member.get(f"/providers/{organisation.slug}").status == 404
    assert browse().get("/my").url == "/sign-in"
    assert browse().get("/no/such/page").status == 404
