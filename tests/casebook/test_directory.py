"""The directory: who is listed, in which order, and what it says of them."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from casebook.directory.actions import index_provider
from casebook.directory.jobs import sweep_providers
from casebook.directory.rules import COVERED_BY, Proof, by_proof, proof_of
from casebook.search.models import SearchDocument
from casebook.search.queries import search
from certification.standing.models import Level
from certification.standing.rules import PUBLIC, Family, LevelStatus
from portal import clock
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation, Storefront
from portal.organisations.queries import owners_of
from portal.organisations.rules import Trust
from portal.programme.queries import programme_at
from tests.casebook.test_cases import Status, make_case
from tests.factories import hold_level, make_organisation


def listed(
    session: Session,
    name: str,
    stars: int = 3,
    *,
    status: LevelStatus = LevelStatus.ACTIVE,
    family: Family = Family.OPERATOR,
    **fields: object,
) -> Organisation:
    now = clock.now()
    organisation = make_organisation(session, name, **fields)
    hold_level(
        session,
        organisation,
        stars,
        family=family,
        status=status,
        status_until=now + timedelta(days=30),
        reason="78% in time; 85% needed.",
    )
    session.flush()
    index_provider(session, organisation.id, now=now)
    return organisation


def names(page) -> list[str]:
    return [
        " ".join(a.text_content().split()) for a in page.tree.xpath("//li[contains(@class, 'entry')]//h3/a")
    ]


@pytest.mark.parametrize(
    ("capability", "group", "shown", "certificates", "proof"),
    [
        ("community", "results", {"community"}, {"P1"}, Proof.CASE),
        ("community", "results", set(), {"P1"}, Proof.CERTIFIED),
        ("community", "results", set(), {"T1"}, Proof.DECLARED),
        ("erp", "systems", set(), {"T2"}, Proof.CERTIFIED),
        ("unknown", None, set(), {"P1"}, Proof.DECLARED),
        ("community", "results", {"erp"}, set(), Proof.DECLARED),
    ],
)
def test_how_a_capability_is_proven(
    capability: str, group: str | None, shown: set, certificates: set, proof: Proof
) -> None:
    assert proof_of(capability, group, shown=shown, certificates=certificates) is proof


def test_the_best_proven_stands_first() -> None:
    assert by_proof(
        [("a", Proof.DECLARED), ("b", Proof.CASE), ("c", Proof.DECLARED), ("d", Proof.CERTIFIED)]
    ) == [("b", Proof.CASE), ("d", Proof.CERTIFIED), ("a", Proof.DECLARED), ("c", Proof.DECLARED)]


def test_every_group_of_capabilities_is_covered_by_certificates_that_exist(session: Session) -> None:
    programme = programme_at(session, clock.now())
    assert set(COVERED_BY) == set(programme["taxonomy"]["capabilities"])
    assert {code for codes in COVERED_BY.values() for code in codes} <= {
        c["code"] for c in programme["personal_certificates"]
    }


@pytest.mark.parametrize("status", list(LevelStatus))
def test_only_public_levels_are_listed(session: Session, browse, status: LevelStatus) -> None:
    organisation = listed(session, "Yunzhan", status=status)
    there = status in PUBLIC
    assert names(browse().get("/providers")) == (["Yunzhan"] if there else [])
    assert browse().get(f"/providers/{organisation.slug}").status == (200 if there else 404)
    assert search(session, "provider", "Yunzhan") == ([organisation.id] if there else [])


@pytest.mark.parametrize("trust", [t for t in Trust if t is not Trust.VERIFIED])
def test_only_verified_organisations_are_listed(session: Session, browse, trust: Trust) -> None:
    organisation = listed(session, "Yunzhan", trust=trust)
    assert names(browse().get("/providers")) == []
    assert browse().get(f"/providers/{organisation.slug}").status == 404


def test_a_provider_without_a_level_is_not_listed(session: Session, browse) -> None:
    organisation = make_organisation(session, "Yunzhan")
    assert names(browse().get("/providers")) == []
    assert browse().get(f"/providers/{organisation.slug}").status == 404
    assert browse().get("/providers/never").status == 404


def test_by_stars_then_by_name_and_by_relevance_with_a_search(session: Session, browse) -> None:
    listed(session, "Beta", 3, about="宠粮 宠粮 宠粮 私域")
    listed(session, "Alpha", 3)
    listed(session, "Gamma", 5, about="宠粮品牌的私域，从启动到精细化，店销与分销")
    reader = browse()
    assert names(reader.get("/providers")) == ["Gamma", "Alpha", "Beta"]
    assert names(reader.get("/providers?q=寵糧")) == ["Beta", "Gamma"]
    assert names(reader.get("/providers?q=社群运营")) == ["Alpha", "Beta", "Gamma"]
    assert names(reader.get("/providers?q=火箭")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("family=operator", ["Beta"]),
        ("family=isv", ["Alpha"]),
        ("family=other", ["Alpha", "Beta"]),
        ("stars=4", ["Alpha"]),
        ("stars=3", ["Alpha", "Beta"]),
        ("stars=9", ["Alpha", "Beta"]),
        ("industry=pets", ["Beta"]),
        ("industry=pet-food", ["Beta"]),
        ("industry=cars", ["Alpha"]),
        ("capability=item-code", ["Alpha"]),
        ("capability=community", ["Beta"]),
        ("province=zhejiang", ["Alpha"]),
        ("accepting=1", ["Beta"]),
        ("q=一物一码", ["Alpha"]),
        ("q=社群&stars=4", []),
        ("page=2", []),
    ],
)
def test_filters(session: Session, browse, query: str, found: list[str]) -> None:
    listed(session, "Beta", 3)
    alpha = listed(
        session,
        "Alpha",
        4,
        family=Family.ISV,
        industries=["cars"],
        capabilities=["item-code"],
        province="zhejiang",
        city="杭州",
    )
    session.get_one(Storefront, alpha.id).accepting = False
    session.flush()
    assert names(browse().get(f"/providers?{query}")) == found


def test_an_organisation_with_two_levels_stands_once(session: Session, browse) -> None:
    organisation, now = listed(session, "Both", 3), clock.now()
    hold_level(session, organisation, 4, family=Family.ISV, valid_until=now)
    session.flush()
    page = browse().get("/providers")
    assert (names(page), "4 stars" in page.text, "One provider" in page.text) == (["Both"], True, True)


def test_on_probation_says_so_and_at_risk_does_not(session: Session, browse) -> None:
    listed(session, "Beian", 4, status=LevelStatus.PROBATION)
    listed(session, "Tangli", 4, status=LevelStatus.AT_RISK)
    page = browse(language="zh").get("/providers")
    assert (page.response.text.count("整改中"), page.text.count("78% in time")) == (1, 1)


def test_what_it_says_of_a_provider(session: Session, browse) -> None:
    organisation, now = (
        listed(
            session,
            "Yunzhan",
            5,
            website="https://yunzhan.example",
            capabilities=["membership", "community", "erp"],
        ),
        clock.now(),
    )
    case = make_case(session, organisation, status=Status.PUBLISHED, capabilities=["community"])
    owner = owners_of(session, organisation.id)[0]
    write_fact(
        session,
        FactKind.CERTIFICATE,
        person_id=owner.id,
        source=("certificate", 1),
        now=now,
        true_until=now + timedelta(days=1),
        code="P2",
        number="x",
    )
    write_fact(
        session,
        FactKind.CERTIFICATE,
        person_id=owner.id,
        source=("certificate", 2),
        now=now - timedelta(days=9),
        true_until=now - timedelta(days=1),
        code="T1",
        number="y",
    )
    reader = browse()
    entry = reader.get("/providers").text
    assert f"registration number {organisation.slug.upper()}" in entry
    assert (
        "Community operation (shown by cases), Membership (certified), ERP integration (own statement)"
        in entry
    )
    assert "1, 12 months" in entry
    assert "5 of 5, 1 clients" in entry
    page = reader.get(f"/providers/{organisation.slug}")
    assert [link for link in page.links() if link.startswith("/cases/C-")] == [f"/cases/{case.number}"]
    assert "Senior private-domain operatorone person" in page.text
    assert (owner.email in page.response.text, "yunzhan.example" in page.response.text) == (False, False)


def test_the_page_costs_the_same_with_one_and_with_many(session: Session, browse, engine) -> None:
    def cost(path: str) -> int:
        statements: list[str] = []
        reader = browse()
        event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        reader.get(path)
        return sum(1 for s in statements if s.lstrip().upper().startswith("SELECT"))

    listed(session, "One")
    alone = cost("/providers"), cost("/cases")
    for n in range(3):
        organisation = listed(session, f"More {n}")
        make_case(session, organisation, once=f"{n:032d}", status=Status.PUBLISHED)
    assert (cost("/providers"), cost("/cases")) == alone


def test_the_sweep_follows_what_changed_elsewhere(session: Session) -> None:
    organisation = listed(session, "Yunzhan")
    other = make_organisation(session, "Late")
    now = clock.now()
    hold_level(session, other, 3, family=Family.ISV, valid_until=now)
    storefront = session.get_one(Storefront, organisation.id)
    storefront.headline, storefront.revision = "羊绒品牌的导购", storefront.revision + 1
    session.commit()
    sweep_providers()
    session.expire_all()
    assert (search(session, "provider", "羊绒"), search(session, "provider", "Late")) == (
        [organisation.id],
        [other.id],
    )
    session.exec(
        select(Level).where(Level.organisation_id == organisation.id)
    ).one().status = LevelStatus.REVOKED
    session.commit()
    sweep_providers()
    session.expire_all()
    assert [
        d.subject_id for d in session.exec(select(SearchDocument).where(SearchDocument.kind == "provider"))
    ] == [other.id]
