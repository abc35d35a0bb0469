"""A departure as people see it: the owner ends a link, the client confirms it by mail, a colleague takes the case over."""

from datetime import UTC, datetime

from sqlmodel import Session, col, select

from casebook.cases.models import Case
from casebook.cases.rules import Status
from certification.standing.models import Level
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus
from tests.browser.test_verification import fits, in_database, send, signed_in


def test_an_owner_lets_somebody_go_who_was_hired_by_a_client(served, person, mailbox):
    mails, _ = mailbox

    def leaver(session: Session) -> str:
        """The demo's member answers for a case that is not finished."""
        tangli = session.exec(select(Organisation).where(Organisation.short_name == "棠梨运营")).one()
        link = session.exec(
            select(Employment)
            .where(Employment.organisation_id == tangli.id, Employment.email == "member@yuqiao.example")
            .where(Employment.status == EmploymentStatus.CONFIRMED)
        ).one()
        assert link.person_id is not None
        session.add(
            Case(
                number="C-2026-9999",
                organisation_id=link.organisation_id,
                once="9" * 32,
                title="母婴品牌的会员日",
                client_name="安宝母婴",
                created_by=link.person_id,
                responsible_id=link.person_id,
                created_at=datetime.now(UTC),
            )
        )
        return str(link.id)

    def until(session: Session) -> object:
        query = select(Level.status_until).join(Organisation)
        return session.exec(query.where(Organisation.short_name == "棠梨运营")).one()

    employment = str(in_database(served, leaver))
    before = in_database(served, until)
    owner = signed_in(served, person(width=360), "owner@yuqiao.example")
    owner.goto(f"{served.base}/my/team")
    fits(owner, "team")
    owner.goto(f"{served.base}/my/team/{employment}/end")
    fits(owner, "departure-end")
    owner.check("[name=how][value=hired]")
    owner.fill("[name=client]", "安宝母婴")
    owner.fill("[name=contact]", "hr@anbao.example")
    send(owner, f"/my/team/{employment}/end")
    assert owner.url == f"{served.base}/my/team/{employment}/handover"
    fits(owner, "departure-handover")

    client = person(width=360)
    client.goto(mails.link("hr@anbao.example", "/hired/"))
    fits(client, "departure-client")
    assert in_database(served, until) == before
    with client.expect_navigation():
        client.click("button[value=yes]")
    assert "谢谢" in client.inner_text("h1")
    after = in_database(served, until)
    assert (after - before).days == 30  # type: ignore[operator]

    owner.reload()
    assert "confirmed" not in owner.inner_text("main")  # Chinese throughout
    owner.select_option("[name=everybody]", index=1)
    send(owner, f"/my/team/{employment}/handover")
    fits(owner, "departure-handed-over")

    def taken(session: Session) -> int | None:
        case = session.exec(
            select(Case).where(Case.number == "C-2026-9999", Case.status == Status.DRAFT)
        ).one()
        gone = session.exec(select(Employment.person_id).where(col(Employment.id) == int(employment))).one()
        return case.responsible_id if case.responsible_id != gone else None

    assert in_database(served, taken) is not None
    wide = signed_in(served, person(), "owner@yuqiao.example")
    wide.goto(f"{served.base}/my/team/{employment}/handover")
    fits(wide, "departure-handover")
    wide.goto(f"{served.base}/my/level")
    fits(wide, "level-credit")
