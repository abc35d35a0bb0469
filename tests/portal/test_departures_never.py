"""People come and go in every way and time passes: what must never happen never does."""

import os
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session, col, select

from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import RUNNING, BriefStatus, IntroductionStatus
from casebook.cases.models import Case
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.standing.actions import use_credit
from certification.standing.rules import LevelStatus
from portal import clock, context
from portal.accounts.models import Person
from portal.app import put_together
from portal.departures import actions, queries
from portal.departures.actions import Client
from portal.departures.jobs import sweep_departures
from portal.departures.models import Departure, Handover
from portal.departures.rules import Answer
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mergers.actions import answer as answer_merger
from portal.mergers.actions import propose
from portal.mergers.queries import preview
from portal.mergers.rules import digest_of
from portal.organisations.actions import accept_invitation, invite
from portal.organisations.models import Employment
from portal.organisations.queries import open_employment
from portal.organisations.rules import CHINA, EmploymentStatus, Ending, Kind, Role
from portal.refusal import Refused
from tests.factories import hold_level, make_organisation, make_person

PEOPLE, FIRMS = st.integers(0, 2), st.integers(0, 2)


class Machine(RuleBasedStateMachine):
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        put_together()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        factory = sessionmaker(
            bind=self.connection,
            class_=Session,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
        )
        context.use_sessions(factory)
        self.session = session = factory()
        self.now = self.swept = clock.now()
        self.clock_now, clock.now = clock.now, lambda: self.now
        self.owners = [make_person(session, f"Owner {n}") for n in range(3)]
        self.firms = [make_organisation(session, f"Firm {n}", owner=o) for n, o in enumerate(self.owners)]
        for firm in self.firms:
            hold_level(
                session,
                firm,
                4,
                status=LevelStatus.AT_RISK,
                status_until=self.now + timedelta(days=3000),
                valid_until=self.now + timedelta(days=3000),
            )
        self.brand = make_organisation(session, "Brand", kind=Kind.BRAND)
        self.people = [make_person(session, f"Person {n}") for n in range(3)]
        for person in self.people:
            award_certificate(session, person.id, "P1", source=("import", 1), by=None, now=self.now)
        session.flush()
        self.certificates = self.certificates_now()
        self.number = 0
        self.credits_of_both: set[int] = set()  # what two firms used before they became one

    def teardown(self) -> None:
        clock.now = self.clock_now
        context.use_sessions(None)
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    def certificates_now(self) -> list:
        ids = [p.id for p in self.people]
        held = self.session.exec(select(Credential).where(col(Credential.person_id).in_(ids)))
        facts = self.session.exec(
            select(Fact).where(col(Fact.person_id).in_(ids), Fact.kind == FactKind.CERTIFICATE)
        )
        return [
            sorted((c.uuid, c.person_id, c.status, c.valid_until) for c in held),
            sorted((f.id, f.true_from, f.true_until, f.retracted_at is None) for f in facts),
        ]

    def employed(self) -> list[Employment]:
        ids = [p.id for p in self.people]
        return list(
            self.session.exec(
                select(Employment)
                .where(col(Employment.person_id).in_(ids), Employment.status == EmploymentStatus.CONFIRMED)
                .order_by(col(Employment.id))
            )
        )

    def one_of(self, n: int) -> tuple[Employment, Person]:
        employed = self.employed()
        employment = employed[n % len(employed)]
        return employment, self.session.get_one(Person, employment.person_id)

    def lines(self) -> list[Handover]:
        return list(self.session.exec(select(Handover).where(col(Handover.done_at).is_(None))))

    def unanswered(self) -> list[Departure]:
        return list(
            self.session.exec(
                select(Departure).where(
                    Departure.ending == Ending.HIRED_BY_CLIENT, col(Departure.answered_at).is_(None)
                )
            )
        )

    def done(self) -> None:
        self.session.flush()
        self.now += timedelta(minutes=1)

    @rule(who=PEOPLE, firm=FIRMS, role=st.sampled_from([Role.SALES, Role.LEARNER, Role.OWNER]))
    def join(self, who: int, firm: int, role: Role) -> None:
        firm %= len(self.firms)
        person, organisation = self.people[who], self.firms[firm]
        employed = open_employment(self.session, person.id) is not None
        employment = invite(
            self.session, organisation, person.email, {role: None}, language="en", by=self.owners[firm],
            now=self.now,
        )  # fmt: skip
        try:
            accept_invitation(self.session, employment, person, now=self.now)
        except Refused:
            assert employed
            actions.depart(self.session, employment, Ending.REMOVED, by=self.owners[firm].id, now=self.now)
        else:
            assert not employed
        self.done()

    @precondition(employed)
    @rule(who=PEOPLE, how=st.sampled_from(Ending))
    def leave(self, who: int, how: Ending) -> None:
        employment, person = self.one_of(who)
        client = Client("Client", "hr@client.example", "en") if how is Ending.HIRED_BY_CLIENT else None
        by = person.id if how is Ending.LEFT else None
        actions.depart(self.session, employment, how, client=client, by=by, now=self.now)
        self.done()

    @precondition(employed)
    @rule(who=PEOPLE, lead=st.booleans())
    def begin_something(self, who: int, lead: bool) -> None:
        employment, person = self.one_of(who)
        self.number += 1
        if lead:
            brief = Brief(
                number=f"B-{self.number}",
                organisation_id=self.brand.id,
                once=f"once-{self.number}",
                title="A brief",
                status=BriefStatus.IN_TALKS,
                created_at=self.now,
                created_by=person.id,
            )
            self.session.add(brief)
            self.session.flush()
            thing: object = Introduction(
                brief_id=brief.id,
                organisation_id=employment.organisation_id,
                status=IntroductionStatus.ACCEPTED,
                offered_at=self.now,
                expires_at=self.now,
                responsible_id=person.id,
            )
        else:
            thing = Case(
                number=f"C-{self.number}",
                organisation_id=employment.organisation_id,
                once=f"once-{self.number}",
                title="A case",
                client_name="Client",
                created_by=person.id,
                responsible_id=person.id,
                created_at=self.now,
            )
        self.session.add(thing)
        self.done()

    @precondition(unanswered)
    @rule(answer=st.sampled_from(Answer))
    def client_answers(self, answer: Answer) -> None:
        actions.answer_as_client(self.session, self.unanswered()[0], answer, now=self.now)
        self.done()

    @precondition(lines)
    @rule(to=PEOPLE, owner=st.booleans())
    def hand_over(self, to: int, owner: bool) -> None:
        line = self.lines()[0]
        departure = self.session.get_one(Departure, line.departure_id)
        firm = next(n for n, f in enumerate(self.firms) if f.id == departure.organisation_id)
        taker = self.owners[firm] if owner else self.people[to]
        try:
            with self.session.begin_nested():
                actions.hand_over(
                    self.session, departure, {line.id: taker.id}, by=self.owners[firm].id, now=self.now
                )
        except Refused:
            assert not owner
        self.done()

    @rule(firm=FIRMS, metric=st.sampled_from(["staff_certified", "staff_senior"]))
    def use_the_credit(self, firm: int, metric: str) -> None:
        firm %= len(self.firms)
        try:
            with self.session.begin_nested():
                use_credit(self.session, self.firms[firm], metric, by=self.owners[firm].id, now=self.now)
        except Refused:
            pass
        self.done()

    @precondition(employed)
    @rule(who=PEOPLE)
    def ask(self, who: int) -> None:
        employment, _ = self.one_of(who)
        actions.ask_mailbox(self.session, employment.id, actions.Why.PERIOD, now=self.now)
        self.done()

    @precondition(employed)
    @rule(who=PEOPLE, answer=st.sampled_from(Answer))
    def answer(self, who: int, answer: Answer) -> None:
        employment, _ = self.one_of(who)
        check = queries.check_waiting(self.session, employment.id)
        if check:
            actions.answer_check(self.session, check.id, answer, by=None, now=self.now)
            self.done()

    @rule(who=PEOPLE, firm=FIRMS, lead=st.booleans(), how=st.sampled_from(Ending), days=st.integers(1, 9))
    def work_and_go(self, who: int, firm: int, lead: bool, how: Ending, days: int) -> None:
        """The way most of it happens, which single steps seldom hit: join, begin something, leave, time passes."""
        self.join(who, firm, Role.SALES)
        self.begin_something(who, lead)
        self.leave(who, how)
        self.time_passes(24 * days)

    @precondition(lambda self: len(self.firms) > 1)
    @rule(gone=FIRMS, into=FIRMS)
    def merge(self, gone: int, into: int) -> None:
        gone, into = gone % len(self.firms), into % len(self.firms)
        if gone == into:
            return
        old, new = self.firms[gone], self.firms[into]
        merger = propose(
            self.session,
            new,
            old.credit_code,
            "One firm, twice registered",
            by=self.owners[into].id,
            now=self.now,
        )
        lines = preview(self.session, old.id, new.id)
        answer_merger(
            self.session, merger.id, "confirm", seen=digest_of(lines), by=self.owners[gone].id, now=self.now
        )
        self.session.flush()
        self.credits_of_both |= {
            fact.id for fact in self.session.exec(select(Fact).where(Fact.kind == FactKind.CONTINUITY_CREDIT))
        }
        del self.firms[gone], self.owners[gone]
        self.done()

    @rule(hours=st.sampled_from([2, 9, 24, 24 * 6, 24 * 20, 24 * 200]))
    def time_passes(self, hours: int) -> None:
        self.session.commit()
        self.now += timedelta(hours=hours)
        sweep_departures()
        self.swept = self.now
        self.session.expire_all()

    @invariant()
    def nobody_counts_for_two_on_a_day(self) -> None:
        for person in self.people:
            spans = [
                (f.organisation_id, f.true_from, f.true_until or self.now + timedelta(days=9))
                for f in self.session.exec(
                    select(Fact).where(Fact.person_id == person.id, Fact.kind == FactKind.EMPLOYMENT)
                )
            ]
            days = [
                (
                    firm,
                    since.astimezone(CHINA).date(),
                    (until - timedelta(microseconds=1)).astimezone(CHINA).date(),
                )
                for firm, since, until in spans
                if since < until
            ]
            assert [
                (a, b)
                for n, a in enumerate(days)
                for b in days[n + 1 :]
                if a[0] != b[0] and a[1] <= b[2] and b[1] <= a[2]
            ] == []

    @invariant()
    def everything_open_has_somebody_or_a_clock(self) -> None:
        employed = set(
            self.session.exec(
                select(Employment.organisation_id, Employment.person_id).where(
                    Employment.status == EmploymentStatus.CONFIRMED
                )
            )
        )
        listed = {
            (kind, subject)
            for kind, subject, due in self.session.exec(
                select(Handover.kind, Handover.subject_id, Departure.handover_due_at)
                .join(Departure, col(Handover.departure_id) == col(Departure.id))
                .where(col(Handover.done_at).is_(None))
            )
            if due and due > self.swept
        }
        things = [
            *(("case", c) for c in self.session.exec(select(Case))),
            *(
                ("introduction", i)
                for i in self.session.exec(select(Introduction).where(col(Introduction.status).in_(RUNNING)))
            ),
        ]
        ours = {firm.id for firm in self.firms}
        for kind, thing in things:
            if thing.organisation_id in ours:
                somebody = (thing.organisation_id, thing.responsible_id) in employed
                assert somebody or (kind, thing.id) in listed

    @invariant()
    def no_certificate_is_lost_or_hidden(self) -> None:
        assert self.certificates_now() == self.certificates

    @invariant()
    def a_credit_at_most_once_in_twelve_months(self) -> None:
        for firm in self.firms:
            used = sorted(
                self.session.exec(
                    select(Fact.true_from, Fact.id).where(
                        Fact.organisation_id == firm.id, Fact.kind == FactKind.CONTINUITY_CREDIT
                    )
                )
            )
            soon = [(a, b) for (a, _), (b, i) in pairwise(used) if i not in self.credits_of_both]
            assert [b - a for a, b in soon if b - a < timedelta(days=365)] == []


def test_what_must_never_happen_never_does(engine):
    ensure_keys(clock.now())
    Machine.engine = engine
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=200 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
