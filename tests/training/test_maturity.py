"""The questionnaires and the evidence, through the pages and the review desk."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from certification.standing.actions import record_maturity, tree_of
from portal import clock
from portal.accounts.rules import StaffRole
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.rules import Kind, Role, Trust
from portal.programme.queries import programme_at
from portal.review.models import Submission
from tests.factories import employ, make_organisation, make_person
from training.maturity.actions import add_evidence, assess, decide, hand_in, remind_quarter, take_back
from training.maturity.home import line, picture
from training.maturity.models import MaturityEvidence, MaturityProof
from training.maturity.quarters import quarter_of, valid_until
from training.maturity.queries import assessments_of, open_proof, to_remind
from training.maturity.questions import Instrument, names
from training.maturity.rules import ProofStatus

SEVEN = names(Instrument.SEVEN)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PASSES = {f"verdict_{key}": "pass" for key in ("own", "recent", "fits", "private")}


@pytest.fixture
def owner(session):
    return make_person(session)


@pytest.fixture
def organisation(session, owner):
    return make_organisation(session, owner=owner)


def handed_in(
    session, organisation, by, level: int = 3, dimension: str = "owner", items=("1", "2")
) -> MaturityProof:
    now = clock.now()
    assess(session, organisation.id, dict.fromkeys(SEVEN, level), by=by.id, now=now)
    for item in items:
        proof = add_evidence(
            session,
            organisation.id,
            Instrument.SEVEN,
            dimension,
            f"{dimension}_{item}",
            note=f"Minutes {item}",
            file=None,
            by=by.id,
            now=now,
        )
    hand_in(session, proof, by=by.id, now=now)
    session.flush()
    return proof


def submission_of(session, proof) -> Submission:
    return session.exec(
        select(Submission).where(Submission.subject_kind == "maturity", Submission.subject_id == proof.id)
    ).one()


def seen_of(session, organisation, instrument=Instrument.SEVEN):
    now = clock.now()
    return picture(session, organisation.id, instrument, programme_at(session, now), now)


def facts(session, organisation) -> list[Fact]:
    return list(
        session.exec(
            select(Fact).where(
                Fact.kind == FactKind.MATURITY_VERIFIED, Fact.organisation_id == organisation.id
            )
        )
    )


# ——— The questionnaires ———


def test_provisional_providers_and_brands_take_it(browse, session):
    for kind in Kind:
        person = make_person(session)
        organisation = make_organisation(session, kind=kind, owner=person, trust=Trust.PROVISIONAL)
        page = browse(person)
        missing = page.post("/my/self-test", dict.fromkeys(SEVEN[1:], "3"))
        assert (missing.status, missing.errors) == (422, ["To the first"])
        kept = missing.tree.xpath("//input[@name='owner_2' and @checked]/@value")
        assert kept == ["3"]
        done = page.post("/my/self-test", dict.fromkeys(SEVEN, "3"))
        assert done.url == "/my/self-test"
        page.post("/my/self-test", dict.fromkeys(SEVEN, "3"))  # a double click
        assert [a.overall for a in assessments_of(session, organisation.id)] == [75.0]
        assert page.post("/my/self-test", dict.fromkeys(SEVEN, "9")).status == 422


@pytest.mark.parametrize(("kind", "status"), [(Kind.PROVIDER, 200), (Kind.BRAND, 404)])
@pytest.mark.parametrize("instrument", [Instrument.RISES, Instrument.FORCES])
def test_the_other_two_are_for_providers(browse, session, kind, status, instrument):
    person = make_person(session)
    organisation = make_organisation(session, kind=kind, owner=person)
    page = browse(person)
    assert page.get(f"/my/self-test/{instrument}").status == status
    answer = page.post(f"/my/self-test/{instrument}", dict.fromkeys(names(instrument), "2"))
    assert answer.status == status
    assert [a.overall for a in assessments_of(session, organisation.id, instrument)] == [50.0] * (
        status == 200
    )
    assert page.get("/my/self-test/zz").status == 404


def test_a_closed_organisation_and_strangers_do_not(browse, session):
    person = make_person(session)
    make_organisation(session, owner=person, trust=Trust.CLOSED)
    assert browse(person).post("/my/self-test", dict.fromkeys(SEVEN, "3")).status == 409
    stranger = browse(make_person(session))
    for path in (
        "/my/self-test",
        "/my/self-test/five_rises",
        "/my/maturity/seven_onlines/owner",
        "/staff/maturity",
    ):
        assert stranger.get(path).status == 404


def test_the_result_lists_what_to_do(browse, session, owner, organisation):
    given = dict.fromkeys(SEVEN, 4) | {"product_2": 1, "owner_1": 2}
    assess(session, organisation.id, given, by=owner.id, now=clock.now())
    page = browse(owner).get("/my/self-test")
    assert [link for link in page.links() if link.startswith("/my/learning/TRK-0")] == [
        "/my/learning/TRK-02/3",  # the owner's also lifts the cap of the employees
        "/my/learning/TRK-01/3",
    ]
    [unproved] = page.tree.xpath("//section[@aria-labelledby='over']//li")
    assert len(unproved.xpath("./a")) == 7
    assert "lowers nothing" in page.text


# ——— Evidence ———


def test_evidence_goes_to_the_desk_and_comes_back_verified(browse, session, owner, organisation):
    assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=owner.id, now=clock.now())
    client, path = browse(owner), "/my/maturity/seven_onlines/owner"
    added = client.post(
        path,
        {"item": "owner_1", "note": "Minutes of week 46"},
        files={"file": ("minutes.pdf", PDF, "application/pdf")},
    )
    assert (added.status, added.url) == (200, path)
    client.post(
        path,
        {"item": "owner_1", "note": "Minutes of week 46"},
        files={"file": ("minutes.pdf", PDF, "application/pdf")},
    )
    client.post(path, {"item": "owner_2", "note": "The owner's dashboard"})
    [one, two] = session.exec(select(MaturityEvidence).order_by(MaturityEvidence.id)).all()
    assert client.get(f"/my/maturity/pieces/{one.id}").response.content == PDF
    assert client.get(f"/my/maturity/pieces/{two.id}").status == 404  # a sentence alone is no file
    assert seen_of(session, organisation).verified["owner"] == 0
    assert client.post(f"{path}/send").url == path
    assert client.post(f"{path}/send").status == 409  # a double click
    proof = session.exec(select(MaturityProof)).one()
    submission = submission_of(session, proof)
    assert proof.claims == dict.fromkeys([f"owner_{n}" for n in range(1, 6)], 3)
    assert client.post(path, {"item": "owner_3", "note": "late"}).status == 409
    assert client.post(f"/my/maturity/pieces/{one.id}/remove").status == 409
    assert seen_of(session, organisation).proved == 0
    assert facts(session, organisation) == []

    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    desk = f"/staff/review/{submission.id}"
    shown = reviewer.get(desk)
    assert shown.tree.xpath("//select/@name") == ["level_owner_1", "level_owner_2"]
    assert reviewer.get(f"{desk}/maturity/{one.id}").response.content == PDF
    fields = PASSES | {"decision": "approve", "revision": str(submission.revision)}
    half = reviewer.post(desk, fields | {"level_owner_1": "3", "because_owner_1": "Four weeks seen"})
    assert half.status == 422
    assert [half.value(n) for n in ("level_owner_1", "because_owner_1")] == ["3", "Four weeks seen"]
    assert "Every item with evidence needs a level and a reason." in half.text
    levels = {
        "level_owner_1": "3",
        "because_owner_1": "Seen",
        "level_owner_2": "2",
        "because_owner_2": "A day late",
    }
    above = reviewer.post(desk, fields | levels | {"level_owner_1": "4"})
    assert above.status == 422
    assert session.get_one(Submission, submission.id).status == "submitted"
    done = reviewer.post(desk, fields | levels | {"level_owner_5": "4", "because_owner_5": "no evidence"})
    assert (done.status, done.url) == (200, "/staff/review")
    assert reviewer.post(desk, fields | levels).status == 409  # a double click

    session.refresh(proof)
    now = clock.now()
    assert (proof.status, proof.score) == (ProofStatus.ACCEPTED, 25.0)
    assert proof.levels == {"owner_1": 3, "owner_2": 2, "owner_3": 0, "owner_4": 0, "owner_5": 0}
    [fact] = facts(session, organisation)
    assert (fact.value, fact.source_kind, fact.source_id) == (
        {"dimension": "owner", "score": 25.0},
        "maturity",
        proof.id,
    )
    assert fact.true_until == proof.valid_until == valid_until(now, 2)
    seen = seen_of(session, organisation)
    assert (seen.verified["owner"], seen.proved, seen.last.overall) == (25.0, 3.6, 75.0)
    assert (
        "Evidence accepted"
        in session.exec(select(Mail.subject).where(Mail.to_address == owner.email)).all()[-1]
    )
    assert "Level 3 of 4 accepted" in client.get(path).text


@pytest.mark.parametrize(
    ("decision", "verdict", "status"),
    [("ask", "fix", ProofStatus.ASKED), ("reject", "fail", ProofStatus.REFUSED)],
)
def test_what_is_not_accepted_verifies_nothing(
    browse, session, owner, organisation, decision, verdict, status
):
    proof = handed_in(session, organisation, owner)
    submission = submission_of(session, proof)
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    fields = PASSES | {"verdict_own": verdict, "reason_own": "A template", "level_owner_1": "3"}
    reviewer.post(
        f"/staff/review/{submission.id}",
        fields | {"decision": decision, "revision": str(submission.revision)},
    )
    session.refresh(proof)
    assert (proof.status, proof.score, facts(session, organisation)) == (status, None, [])
    assert seen_of(session, organisation).proved == 0
    client, path = browse(owner), "/my/maturity/seven_onlines/owner"
    assert "A template" in client.get(path).text
    client.post(path, {"item": "owner_3", "note": "Our own"})
    client.post(f"{path}/send")
    proofs = session.exec(select(MaturityProof).order_by(MaturityProof.id)).all()
    assert [p.status for p in proofs] == (
        [ProofStatus.SENT] if decision == "ask" else [ProofStatus.REFUSED, ProofStatus.SENT]
    )


def test_a_reviewer_of_the_same_house_meets_a_404(browse, session, owner, organisation):
    proof = handed_in(session, organisation, owner)
    reviewer = make_person(session, staff=StaffRole.REVIEWER)
    employ(session, organisation, reviewer)
    assert browse(reviewer).get(f"/staff/review/{submission_of(session, proof).id}").status == 404


def test_evidence_of_another_organisation_is_a_404(browse, session, owner, organisation):
    assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=owner.id, now=clock.now())
    browse(owner).post(
        "/my/maturity/seven_onlines/owner",
        {"item": "owner_1"},
        files={"file": ("a.pdf", PDF, "application/pdf")},
    )
    piece = session.exec(select(MaturityEvidence)).one()
    other = make_person(session)
    make_organisation(session, owner=other)
    client = browse(other)
    assert client.get(f"/my/maturity/pieces/{piece.id}").status == 404
    assert client.post(f"/my/maturity/pieces/{piece.id}/remove").status == 404
    assert client.post("/my/maturity/seven_onlines/owner/send").status == 404
    assert client.post("/my/maturity/seven_onlines/owner/withdraw").status == 404
    session.refresh(piece)
    assert piece.removed_at is None


def test_wrong_input_keeps_what_was_typed(browse, session, owner, organisation):
    client, path = browse(owner), "/my/maturity/seven_onlines/owner"
    assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=owner.id, now=clock.now())
    page = client.post(path, {"item": "employee_1", "note": "What we do"})
    assert (page.status, page.errors) == (422, ["Please choose one of the options."])
    assert page.value("note") == "What we do"
    assert client.post(path, {"item": "owner_1", "note": " "}).errors == [
        "Please add a file, a sentence or both."
    ]
    assert client.post(path, {"item": "owner_1", "note": "x" * 501}).errors == [
        "Please keep this within 500 characters."
    ]
    bad = client.post(
        path, {"item": "owner_2", "note": "n"}, files={"file": ("a.exe", b"MZ", "application/pdf")}
    )
    assert (bad.status, bad.value("item"), len(bad.errors)) == (422, "owner_2", 1)
    assert session.exec(select(MaturityProof)).all() == []
    assert client.get("/my/maturity/seven_onlines/zz").status == 404


def test_evidence_without_a_measurement_is_not_taken(browse, session, owner, organisation):
    client, path = browse(owner), "/my/maturity/five_rises/store"
    client.post(path, {"item": "store_1", "note": "A shop"})
    assert client.post(f"{path}/send").errors == [
        "Answer the questionnaire first: evidence is for what you claim."
    ]


def test_a_learner_reads_but_does_not_hand_in(browse, session, owner, organisation):
    learner = make_person(session)
    employ(session, organisation, learner, role=Role.LEARNER)
    assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=owner.id, now=clock.now())
    client, path = browse(learner), "/my/maturity/seven_onlines/owner"
    assert client.get(path).status == 200
    assert client.post(path, {"item": "owner_1", "note": "x"}).status == 403


def test_taking_back_leaves_the_desk_empty(session, owner, organisation):
    proof = handed_in(session, organisation, owner)
    take_back(session, proof, by=owner.id, now=clock.now())
    assert (proof.status, submission_of(session, proof).status) == (ProofStatus.WITHDRAWN, "withdrawn")
    assert open_proof(session, organisation.id, Instrument.SEVEN, "owner") is None


def test_five_rises_are_verified_but_no_level_counts_them(session, owner, organisation):
    now = clock.now()
    assess(
        session,
        organisation.id,
        dict.fromkeys(names(Instrument.RISES), 4),
        instrument=Instrument.RISES,
        by=owner.id,
        now=now,
    )
    proof = add_evidence(
        session,
        organisation.id,
        Instrument.RISES,
        "store",
        "store_1",
        note="x",
        file=None,
        by=owner.id,
        now=now,
    )
    hand_in(session, proof, by=owner.id, now=now)
    typed = {"level_store_1": "4", "because_store_1": "Ten opened"}
    decide(session, proof.id, "approve", "", typed=typed, by=make_person(session).id, now=now)
    session.flush()
    assert seen_of(session, organisation, Instrument.RISES).verified["store"] == 20
    assert facts(session, organisation) == []


def test_a_level_counts_the_higher_of_two_ways(session, owner, organisation):
    reviewer, now = make_person(session), clock.now()

    def metric() -> tuple[float, list[str]]:
        session.flush()
        tree = tree_of(session, organisation.id, "operator", 3, now=now + timedelta(seconds=1))
        found = tree.metric("maturity_verified")
        return found.value, [c.why_not for c in found.not_counted]

    for key in ("owner", "employee"):
        proof = handed_in(session, organisation, owner, 4, key, ("1", "2", "3", "4", "5"))
        typed = {f"{part}_{key}_{n}": "4" for n in range(1, 6) for part in ("level", "because")}
        decide(session, proof.id, "approve", "", typed=typed, by=reviewer.id, now=now)
    assert metric() == (28.6, [])  # two of seven at 100, customers nothing
    record_maturity(session, organisation, 20, "Two hours on site", by=reviewer.id, now=now)
    assert metric() == (28.6, ["verified in another way that gives more"])
    record_maturity(session, organisation, 64, "Two days on site", by=reviewer.id, now=now)
    assert metric() == (64, ["verified in another way that gives more"] * 2)


# ——— Quarters ———


def test_a_new_quarter_is_said_once(session, owner, organisation, browse):
    now = clock.now()
    start = quarter_of(now).start
    assess(session, organisation.id, dict.fromkeys(SEVEN, 2), by=owner.id, now=start - timedelta(days=1))
    session.flush()
    assert organisation.id in to_remind(session, quarter_of(now))
    for _ in range(2):
        remind_quarter(session, organisation.id, now=now)
        session.flush()
    sent = session.exec(select(Mail).where(Mail.to_address == owner.email)).all()
    assert [str(quarter_of(now)) in mail.subject for mail in sent] == [True]
    assert organisation.id not in to_remind(session, quarter_of(now))
    assert organisation.id in to_remind(session, quarter_of(now).plus(1))
    home = browse(owner).get("/my")
    assert "/my/self-test?again=yes" in home.links()
    assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=owner.id, now=now)
    assert "/my/self-test?again=yes" not in browse(owner).get("/my").links()
    assert [(str(p.quarter), p.claimed) for p in seen_of(session, organisation).history] == [
        (str(quarter_of(now).plus(-1)), 50.0),
        (str(quarter_of(now)), 75.0),
    ]
    remind_quarter(session, organisation.id, now=now)
    assert len(session.exec(select(Mail).where(Mail.to_address == owner.email)).all()) == 1


def test_the_drawing():
    assert line([0, 100]) == "8.0,112.0 312.0,8.0"
    assert line([50]) == "8.0,60.0"


def test_staff_see_means_gains_and_over_claims(browse, session, owner, organisation):
    now = clock.now()
    this = quarter_of(now)
    staff = make_person(session, staff=StaffRole.PARTNER_MANAGER)
    empty = browse(staff).get("/staff/maturity")
    assert empty.status == 200
    assess(session, organisation.id, dict.fromkeys(SEVEN, 1), by=owner.id, now=this.start - timedelta(days=1))
    proof = handed_in(session, organisation, owner, 3, "owner", ("1", "2", "3", "4", "5"))
    typed = {f"{part}_owner_{n}": "3" for n in range(1, 6) for part in ("level", "because")}
    decide(session, proof.id, "approve", "", typed=typed, by=staff.id, now=now)
    session.flush()
    page = browse(staff).get("/staff/maturity")
    rows = {r.findtext("th"): [td.text_content() for td in r.iter("td")] for r in page.tree.iter("tr")}
    assert [cell[:5] for cell in rows["Providers"]] == [
        "1",
        "0",
        "10.7",
        "+10.7",
    ]  # the owner's 75 of seven
    [line_of] = page.tree.xpath("//section[@aria-labelledby='over']//li")
    assert line_of.text_content().count(" 75") == 6  # all but the owner's dimension
    assert browse(staff).get("/staff/maturity?from=zz&to=2001Q9&test=zz").status == 200


@pytest.mark.parametrize("path", ["/staff/maturity", "/staff/maturity?test=five_rises"])
def test_a_long_list_asks_no_more_queries(browse, session, connection, path):
    client, asked = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER)), []
    event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
    numbers = []
    for _ in (1, 2):
        for _ in range(len(numbers) + 1):
            person = make_person(session)
            organisation = make_organisation(session, owner=person)
            assess(session, organisation.id, dict.fromkeys(SEVEN, 3), by=person.id, now=clock.now())
        session.commit()
        asked.clear()
        client.get(path)
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]
