"""Tells the demo's story: the features' own actions, carried out at past times, so that every rule holds of it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlmodel import Session
from stdnum.cn import uscc

from casebook.briefs import actions as briefs
from casebook.briefs import queries as brief_queries
from casebook.briefs.forms import Accept, Decide, Decline, EditBrief
from casebook.briefs.models import Brief, Introduction
from casebook.cases import actions as cases
from casebook.cases.forms import Answer, EditCase, EditOutcome, OutcomeAnswer
from casebook.cases.models import Case
from casebook.cases.queries import confirmations_of, outcomes_of
from casebook.cases.rules import Verdict, normal_client
from casebook.directory.actions import index_provider
from casebook.matching.queries import shortlisted_ids
from certification.benefits.actions import follow_stars
from certification.credentials.actions import award_certificate
from certification.exams.actions import (
    hand_in as hand_in_paper,
)
from certification.exams.actions import (
    import_bank,
    places_of,
    save_answer,
    save_exam,
    start_sitting,
    time_out,
    void_sitting,
)
from certification.exams.models import Answer as ExamAnswer
from certification.exams.models import Exam, Sitting
from certification.exams.queries import exam_by_code, questions_of_bank, questions_with
from certification.exams.rules import terms_of
from certification.privacy import certificates
from certification.standards.actions import close as close_standard
from certification.standards.actions import open_standard, rate
from certification.standing.actions import apply, grant_level, note_stars, recompute, use_credit
from certification.standing.queries import stars_out_of_date
from certification.standing.rules import Family
from demo import practice
from demo.benefits import use_benefits
from demo.cast import BRANDS, LOGINS, PASSWORD, PEOPLE, PROVIDERS, STAFF, WORK, Brand, Provider
from demo.conduct import complain, forge
from demo.course import tell_course
from demo.integrity import stand_out
from demo.lessons import tell_lessons
from demo.live import tell_live
from demo.marking import tell_exams
from demo.maturity import measure
from demo.programme import draft_rules
from demo.school import tell_school
from demo.season import announce, tell_season
from demo.texts import BRIEFS, CASES
from portal.accounts.actions import hasher
from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.db import Sessions, transaction
from portal.departures.actions import (
    Client,
    answer_as_client,
    answer_check,
    ask_mailbox,
    asked_every,
    depart,
)
from portal.departures.queries import check_waiting, people_to_ask
from portal.departures.rules import Answer as StillThere
from portal.domains.actions import claim_domain, prove_by_link
from portal.domains.rules import Method
from portal.factors.actions import give_demo_totp
from portal.group.models import OrganisationLink
from portal.group.rules import LinkStatus
from portal.history.actions import record
from portal.leaving.actions import ask_export, finish_export, leave
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import consider_sent
from portal.notices.actions import consider_read
from portal.organisations.actions import invite, join, save_storefront, set_roles
from portal.organisations.forms import EditStorefront
from portal.organisations.models import Employment, Organisation, Storefront
from portal.organisations.queries import open_employment, owners_of
from portal.organisations.rules import Ending, Kind, Role
from portal.people import actions as people
from portal.people.forms import EditPage
from portal.people.rules import CERTIFICATE, Use, scan_cookie
from portal.programme.queries import programme_at
from portal.review.actions import decide as decide_review
from portal.review.actions import take
from portal.review.kinds import KINDS
from portal.review.queries import latest_submission
from portal.settings import settings
from portal.staffing.actions import appoint
from portal.verification.actions import freeze, hand_in
from portal.verification.queries import verification_of
from portal.verification.rules import COMPANY, PROVINCES

LICENCE = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
REGIONS = {province: prefix for prefix, province in PROVINCES.items()}


class Story:
    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now = session, now
        self.names: Iterator[str] = itertools.cycle(PEOPLE)
        self.numbers = itertools.count(1)
        self.password = hasher.hash(PASSWORD)
        self.organisations: dict[str, Organisation] = {}
        self.owners: dict[str, Person] = {}
        self.teams: dict[str, list[Person]] = {}
        self.attributed = False  # a brief to a code
        self.reviewer = self.person("魏评审", "reviewer@yuqiao.example", login=True)

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def person(self, name: str, email: str, *, at: datetime | None = None, login: bool = False) -> Person:
        at = at or self.ago(900)
        person = Person(
            uuid=str(uuid4()),
            email=email,
            name=name,
            password_hash=self.password if login else "!",
            language="zh",
            created_at=at,
            confirmed_at=at,
            is_demo=True,
        )
        self.session.add(person)
        self.session.flush()
        return person

    def organisation(
        self, cast: Provider | Brand, kind: Kind, owner: Person, registered: float, **fields: Any
    ) -> Organisation:
        at = self.ago(registered)
        body = f"{COMPANY}{REGIONS[cast.province]}0000MA9{next(self.numbers):06d}"
        organisation = Organisation(
            kind=kind,
            slug=f"new-{cast.key}",
            legal_name=cast.legal,
            short_name=cast.name,
            credit_code=body + uscc.calc_check_digit(body),
            province=cast.province,
            city=cast.city,
            created_at=at,
            is_demo=True,
            website=f"https://{cast.key}.example",
            **fields,
        )
        self.session.add(organisation)
        self.session.flush()
        organisation.slug = f"yq-{at.year}-{organisation.id:04d}"
        record(
            self.session,
            "organisation registered",
            "organisation",
            organisation.id,
            by=owner.id,
            now=at,
            organisation_id=organisation.id,
            after={"name": organisation.legal_name, "code": organisation.credit_code},
        )
        self.employ(organisation, owner, [Role.OWNER], at)
        self.organisations[cast.key], self.owners[cast.key] = organisation, owner
        return organisation

    def employ(self, organisation: Organisation, person: Person, roles: Sequence[Role], at: datetime) -> None:
        employment = Employment(organisation_id=organisation.id or 0, email=person.email, invited_at=at)
        self.session.add(employment)
        self.session.flush()
        givers = owners_of(self.session, organisation.id or 0) or [person]
        set_roles(self.session, employment, dict.fromkeys(roles), by=givers[0].id or 0, now=at)
        join(self.session, employment, person, now=at)

    def verify(self, key: str, at: datetime, decision: str = "approve") -> None:
        """Through the review desk, as everybody."""
        organisation, owner = self.organisations[key], self.owners[key]
        hand_in(
            self.session,
            organisation,
            file_name="营业执照.pdf",
            content=LICENCE + key.encode() + b"\n%%EOF\n",
            representative=owner.name,
            note="",
            by=owner.id or 0,
            now=at,
        )
        if decision == "wait":
            return
        verdict = {
            "approve": ("pass", ""),
            "ask": ("fix", "授权书没有盖章。请补一份加盖公章的授权书，与执照合成一个文件上传。"),
            "reject": ("fail", "执照已注销。"),
        }[decision]
        submission = verification_of(self.session, organisation.id or 0).submission
        assert submission is not None  # noqa: S101
        verdicts = {item.key: ("pass", "") for item in KINDS["verification"].items} | {"authority": verdict}
        decide_review(
            self.session,
            submission,
            decision,
            verdicts,
            "",
            revision=submission.revision,
            by=self.reviewer.id or 0,
            now=at + timedelta(hours=3),
        )

    # Providers

    def provider(self, cast: Provider) -> None:
        session, registered = self.session, self.ago(cast.registered)
        logins = {"tangli": "owner@yuqiao.example", "shiguang": "new@yuqiao.example"}
        owner = self.person(
            next(self.names), logins.get(cast.key, f"owner@{cast.key}.example"), at=registered, login=True
        )
        organisation = self.organisation(
            cast,
            Kind.PROVIDER,
            owner,
            cast.registered,
            directions=["tools"] if cast.family == "isv" else ["operation"],
            industries=list(cast.industries),
            capabilities=list(cast.capabilities),
            about=cast.headline + "。",
        )
        if cast.parent:
            parent = self.organisations[cast.parent]
            organisation.parent_id = parent.id
            session.add(
                OrganisationLink(
                    child_id=organisation.id or 0,
                    parent_id=parent.id or 0,
                    asked_by_id=organisation.id or 0,
                    status=LinkStatus.CONFIRMED,
                    asked_at=registered,
                    answered_at=registered,
                )
            )
        self.teams[cast.key] = [owner]
        session.add(Storefront(organisation_id=organisation.id or 0, languages=["zh"]))
        session.flush()
        if cast.trust == "provisional":
            if cast.key == "kongzhan":
                self.verify(cast.key, self.ago(15), "reject")
            if cast.key in ("xingye", "songguo"):
                self.verify(
                    cast.key,
                    self.ago(2 if cast.key == "songguo" else 0.05),
                    "ask" if cast.key == "songguo" else "wait",
                )
            return
        if cast.trust == "frozen":
            freeze(session, organisation.id or 0, now=self.ago(cast.registered - 30))
            return
        self.verify(cast.key, registered + timedelta(days=1))
        if cast.key == "tangli":
            domain = claim_domain(
                session,
                organisation,
                "tangli.example",
                Method.MAIL,
                "admin@tangli.example",
                by=owner,
                now=registered + timedelta(days=2),
            )
            prove_by_link(session, domain, now=registered + timedelta(days=2, hours=1))
        save_storefront(
            session,
            organisation,
            EditStorefront(
                headline=cast.headline,
                about=organisation.about,
                modes=list(cast.modes),
                fee_model="subscription" if cast.family == "isv" else "monthly",
                price_low=cast.price[0],
                price_high=cast.price[1],
                exclusions="投放费、奖品与第三方工具另计；驻场差旅实报实销。",
                languages=["zh"],
                remote=True,
                accepting=True,
                capacity=cast.capacity,
            ),
            by=owner.id or 0,
            now=self.ago(min(cast.registered - 2, 6)),
        )
        for n in range(cast.staff - 1):
            login = cast.key == "tangli" and n == 0
            person = self.person(
                next(self.names),
                "member@yuqiao.example" if login else f"p{n}@{cast.key}.example",
                at=registered,
                login=login,
            )
            self.employ(organisation, person, WORK[n % len(WORK)], registered + timedelta(days=2))
            self.teams[cast.key].append(person)
        self.evidence(cast, organisation)
        if cast.stars:
            grant_level(
                session,
                organisation.id or 0,
                Family(cast.family),
                cast.stars,
                "评审通过",
                by=self.reviewer.id,
                now=self.ago(cast.granted),
            )

    def evidence(self, cast: Provider, organisation: Organisation) -> None:
        """What is in the ledger from before: certificates are real credentials, the rest is marked as imported."""
        session, team = self.session, self.teams[cast.key]
        oldest = min(cast.registered - 5, 340)
        before = cast.granted + 20 if cast.stars else 30  # the criteria held before the level was granted
        for code, count in (("P1", cast.p1), ("P2", cast.p2), ("T1", cast.t1), ("T2", cast.t2)):
            for n, person in enumerate(
                team[-count:] if code == "P2" and cast.key == "tangli" else team[:count]
            ):
                at = self.ago(min(cast.registered - 4, before + 25 + 3 * n))
                award_certificate(
                    session,
                    person.id or 0,
                    code,
                    source=("import", organisation.id or 0),
                    by=self.reviewer.id,
                    now=at,
                )
        write = self.writer(organisation)
        for n, person in enumerate(team):
            for part in range(4):
                write_fact(
                    session,
                    FactKind.TRAINING,
                    person_id=person.id,
                    source=("import", organisation.id),
                    now=self.ago(min(oldest, before + 5 + part * 7 + n % 9)),
                    hours=cast.hours / 4,
                    module=f"import-{part}",
                )
                if cast.stars and cast.granted > 100:  # and they went on learning
                    write_fact(
                        session,
                        FactKind.TRAINING,
                        person_id=person.id,
                        source=("import", organisation.id),
                        now=self.ago(20 + part * 15 + n % 9),
                        hours=cast.hours / 4,
                        module=f"import-{part}-2",
                    )
        clients = [normal_client(name) for name in cast.clients] or ["—"]

        def spread(n: int, of: int, since: float, until: float = 3) -> float:
            return since - (since - until) * (n + 0.5) / max(1, of)

        # Half of the evidence lies before the level was granted and half after, all of it inside its window.
        published, named = cast.cases
        for n in range(published):
            write(
                FactKind.CASE_PUBLISHED,
                spread(n, published, min(cast.registered - 6, 600), before),
                client=clients[n % len(clients)],
                named=n < named,
                industry="",
                case_id=None,
                capabilities=list(cast.capabilities[:3]),
            )
        for block_from, block_until in (
            (min(cast.registered - 6, before + 110), before),
            (max(before - 20, 4), 3),
        ):
            for n in range(cast.outcomes):
                write(
                    FactKind.OUTCOME_ATTESTED,
                    spread(n, cast.outcomes, block_from, block_until),
                    client=clients[n % len(clients)],
                    case_id=None,
                    attainment=round(min(1.2, cast.attainment + (-0.1, 0, 0.12)[n % 3]), 2),
                )
            if not cast.stars:
                break
        for n, rating in enumerate(cast.reviews):
            write(
                FactKind.REVIEW,
                spread(n, len(cast.reviews), min(cast.registered - 6, before + 120), before),
                client=clients[n % len(clients)],
                rating=rating,
            )
        renewed, of = cast.renewals
        for n in range(of):
            write(
                FactKind.RENEWAL,
                spread(n, of, min(cast.registered - 6, before + 200), before),
                client=clients[n % len(clients)],
                renewed=n < renewed,
            )
        self.responses(cast, write, before)
        if cast.maturity:
            write(FactKind.MATURITY_VERIFIED, min(before + 10, 330), until=-60, score=cast.maturity)
        self.products(cast, write, before)

    def responses(self, cast: Provider, write: Any, before: float) -> None:
        """Brief answers: good ones before the level; those of the last 90 days as the cast says."""
        in_time, of = cast.responses
        for n in range(of):
            good = n % of < in_time if cast.key != "beian" else n >= of - in_time
            write(FactKind.RESPONSE, 85 - 80 * (n + 0.5) / of, brief_id=None, in_time=good)
        if cast.stars and cast.granted > 90:
            for n in range(10):
                write(FactKind.RESPONSE, before + 40 - 4 * n, brief_id=None, in_time=True)

    def products(self, cast: Provider, write: Any, before: float) -> None:
        if not cast.isv:
            return
        for n in range(cast.isv["products"]):
            write(
                FactKind.PRODUCT_REVIEWED,
                before + 60 + n,
                until=-cast.isv["due"] - 90 * n,
                product=f"{cast.name} {'ABCD'[n]}",
            )
        for platform in cast.isv["platforms"]:
            write(FactKind.INTEGRATION, before + 50, platform=platform)
        for n in range(cast.isv["solutions"]):
            write(FactKind.SOLUTION_PUBLISHED, before + 30 + n, solution_id=None)
        for days in (before + 10, 10.0):
            for n in range(cast.isv["live"]):
                write(
                    FactKind.LIVE_CUSTOMER, days + n / 10, client=f"{cast.clients[n % len(cast.clients)]}{n}"
                )
            in_time, of = cast.isv["support"]
            for n in range(of):
                write(FactKind.SUPPORT, days + n, in_time=n < in_time)
        write(FactKind.OPENNESS, before + 20, items=cast.isv["openness"])
        write(FactKind.DATA_EXPORT, before + 20)
        write(FactKind.UPTIME, before + 20, share=cast.isv["uptime"])
        if failed := cast.isv.get("failed"):
            record(
                self.session,
                "product failed its review",
                "organisation",
                self.organisations[cast.key].id,
                by=self.reviewer.id,
                now=self.ago(18),
                organisation_id=self.organisations[cast.key].id,
                after={"product": failed},
                reason="未提供数据导出说明；第三项提出异议，待复核。",
            )

    def writer(self, organisation: Organisation) -> Any:
        def write(kind: FactKind, days_ago: float, *, until: float | None = None, **value: Any) -> None:
            write_fact(
                self.session,
                kind,
                organisation_id=organisation.id,
                source=("import", organisation.id),
                now=self.ago(days_ago),
                true_until=self.ago(until) if until is not None else None,
                by=self.reviewer.id,
                **value,
            )

        return write

    # What happened to some of them

    def troubles(self) -> None:
        session = self.session
        tangli = self.organisations["tangli"]
        for person in self.teams["tangli"][-2:]:  # two seniors leave
            employment = open_employment(session, person.id or 0)
            assert employment is not None  # noqa: S101
            depart(session, employment, Ending.LEFT, by=person.id or 0, now=self.ago(19))
        use_credit(session, tangli, "staff_senior", by=self.owners["tangli"].id or 0, now=self.ago(18))
        beian = self.organisations["beian"]
        for days in (30, 7):
            recompute(session, beian.id or 0, Family.OPERATOR, now=self.ago(days))
        luming, chaosheng = self.organisations["luming"], self.organisations["chaosheng"]
        for key, days in (("luming", 110), ("chaosheng", 30)):  # the one senior leaves
            senior = open_employment(session, self.teams[key][0].id or 0)
            assert senior is not None  # noqa: S101
            depart(session, senior, Ending.LEFT, by=self.teams[key][0].id or 0, now=self.ago(days))
        for days in (110, 75, 45):  # at risk, in remediation, fallen
            recompute(session, luming.id or 0, Family.OPERATOR, now=self.ago(days))
        recompute(session, chaosheng.id or 0, Family.OPERATOR, now=self.ago(24))
        luoxing, boss = self.organisations["luoxing"], self.owners["luoxing"].id or 0
        export = ask_export(session, luoxing, by=boss, now=self.ago(51))
        finish_export(session, export.id or 0, now=self.ago(51))
        leave(session, luoxing, "公司转做内容制作，申请退出。", by=boss, now=self.ago(50))
        qinghe = self.organisations["qinghe"]
        apply(
            session,
            qinghe,
            Family.OPERATOR,
            3,
            "三家客户均已续约，案例与口径可复核。",
            by=self.owners["qinghe"].id or 0,
            now=self.ago(3),
        )

    def odds_and_ends(self) -> None:
        """States that few ever see: an open invitation, a certificate replaced by a newer one, one taken back."""
        session, team = self.session, self.teams["yunzhan"]
        invite(
            session,
            self.organisations["yunzhan"],
            "newcomer@yunzhan.example",
            {Role.LEARNER: None},
            language="zh",
            by=self.owners["yunzhan"],
            now=self.ago(2),
        )
        by, source = self.reviewer.id, ("import", self.organisations["yunzhan"].id or 0)
        award_certificate(session, team[0].id or 0, "P1", source=source, by=by, now=self.ago(4))
        newcomer = self.teams["qunying"][2]
        self.sit(newcomer, self.ago(9))  # time ran out without an answer
        self.sit(newcomer, self.now - timedelta(minutes=12), open_still=True)
        left = self.person(next(self.names), "left@qianhe.example")
        passed = self.sit(left, self.ago(40), right=True)
        void_sitting(session, passed, "考试时由他人代答，本人承认。", by=by or 0, now=self.ago(20))

    def departures(self) -> None:
        """Links that ended in each way, and mailboxes that answered that they are still there."""
        session, yunzhan = self.session, self.organisations["yunzhan"]
        owner = self.owners["yunzhan"].id
        for n, (ending, by, days) in enumerate(
            (
                (Ending.REMOVED, owner, 60),
                (Ending.HIRED_BY_CLIENT, owner, 45),
                (Ending.DOMAIN_FAILED, None, 40),
            )
        ):
            person = self.person(next(self.names), f"former{n}@yunzhan.example")
            self.employ(yunzhan, person, [Role.LEARNER], self.ago(90))
            employment = open_employment(session, person.id or 0)
            assert employment is not None  # noqa: S101
            client = (
                Client("爱宠时光", "hr@aichong.example", "zh") if ending is Ending.HIRED_BY_CLIENT else None
            )
            departure = depart(session, employment, ending, client=client, by=by, now=self.ago(days))
            if departure and client:
                answer_as_client(session, departure, StillThere.YES, now=self.ago(days - 2))
        every = asked_every(session, self.now)
        for employment_id, why in people_to_ask(session, self.ago(30), every):
            ask_mailbox(session, employment_id, why, now=self.ago(30))
            session.flush()
            check = check_waiting(session, employment_id)
            assert check is not None  # noqa: S101
            answer_check(session, check.id or 0, StillThere.YES, by=None, now=self.ago(29))

    def pages(self) -> None:
        """Three pages with different consents: whole name and form, surname alone, the name one goes by."""
        session = self.session
        owner, member, senior = (
            self.owners["tangli"],
            self.teams["tangli"][1],
            self.teams["yunzhan"][1],
        )
        at = self.ago(200)
        known = {"languages": programme_at(session, at)["taxonomy"]["languages"]}
        for person, values, uses in (
            (
                owner,
                {
                    "headline": "宠物与母婴品牌的私域负责人",
                    "does": "从零搭建会员与社群，先定目标与责任人，再选工具。",
                    "about": "在品牌方做过六年会员运营，2019年起带团队服务品牌。",
                    "languages": ["zh", "en"],
                },
                {Use.FULL_NAME, Use.EMPLOYER, Use.ABOUT, Use.LANGUAGES, Use.CONTACT},
            ),
            (
                member,
                {"salutation": "ms", "headline": "社群运营", "does": "日常负责社群排期与导购培训。"},
                {Use.MASKED_NAME, Use.EMPLOYER, Use.ABOUT},
            ),
            (
                senior,
                {"nickname": "老沈", "headline": "只给自己看的一行", "languages": ["zh"]},
                {Use.NICKNAME, Use.LANGUAGES, Use.CONTACT},
            ),
        ):
            by = person.id or 0
            page = people.page_for(session, by)
            people.save_page(session, page, EditPage.model_validate(values, context=known), by=by, now=at)
            people.publish(session, by, uses, by=by, now=at)
            held = {f"{CERTIFICATE}{one.uuid}" for one in certificates(session, by, self.now)}
            people.publish(session, by, {*uses, *held}, by=by, now=self.ago(2))
        codes = [
            people.make_code(session, member.id or 0, label, by=member.id or 0, now=at)
            for label in ("杭州展会展位", "名片")
        ]
        for n, hours in enumerate((980, 975, 700, 699, 300, 170, 120, 119, 26, 3)):
            code, at = codes[n // 2 % 2], self.now - timedelta(hours=hours)
            people.note_scan(session, code, f"visitor-{n // 2}", now=at)

    def after_a_scan(self, brief: Brief, by: int, at: datetime) -> None:
        """The first brief that the brand's owner writes: after a scan at the booth, the day before."""
        brand = self.organisations["maitian"].id
        if brief.organisation_id != brand or self.attributed or at < self.ago(40):
            return
        session, member = self.session, self.teams["tangli"][1]
        code = people.make_code(
            session, member.id or 0, "品牌沙龙", by=member.id or 0, now=at - timedelta(days=3)
        )
        scan = people.note_scan(session, code, "brand", now=at - timedelta(days=1))
        cookie = scan_cookie(settings().secret, scan.id or 0, "brand")
        row = people.attribute(
            session, cookie, "brief", brief.id or 0, organisation_id=brief.organisation_id, by=by, now=at
        )
        self.attributed = row is not None

    def sit(self, person: Person, at: datetime, *, right: bool = False, open_still: bool = False) -> Sitting:
        """A sitting of P1 begun then: every answer right and handed in, or none until time ran out."""
        session, programme = self.session, programme_at(self.session, at)
        exam = exam_by_code(session, "P1")
        assert exam is not None  # noqa: S101
        employment = open_employment(session, person.id or 0)
        terms = terms_of(programme, exam.certificate, exam.blueprint, exam.minutes, exam.pass_marks)
        sitting = start_sitting(
            session,
            exam,
            terms,
            by=person.id or 0,
            organisation_id=employment.organisation_id if employment else None,
            now=at,
        )
        if right:
            for n, place in enumerate(places_of(sitting), 1):
                key = questions_with(session, [place.question])[place.question].key
                save_answer(session, sitting, n, place.shown(key), flagged=False, revision=1, now=at)
            hand_in_paper(session, sitting, by=person.id or 0, now=at + timedelta(minutes=35))
        elif not open_still:
            time_out(session, sitting, now=sitting.ends_at + timedelta(minutes=1))
        return sitting

    def practise(self, staff: dict[str, Person]) -> None:
        """A practice test that everybody sat once in the last four months; and judges who set pass marks."""
        session, at = self.session, self.ago(130)
        title, forms = practice.TITLE, practice.questions()
        import_bank(session, practice.CODE, title, forms, by=self.reviewer.id, now=at)
        exam = save_exam(
            session,
            practice.CODE,
            bank=practice.CODE,
            title=title,
            blueprint=practice.BLUEPRINT,
            minutes=practice.MINUTES,
            pass_marks=practice.PASS_MARKS,
            certificate=None,
            by=self.reviewer.id,
            now=at,
        )
        logins = {email for email, _ in LOGINS}
        people = [p for team in self.teams.values() for p in team if p.email not in logins]
        candidates = practice.Candidates([form.code for form in forms])
        questions = {q.id: q for q in questions_of_bank(session, exam.bank_id)}
        for n, person in enumerate(people):
            began = self.ago(120 - 115 * n / len(people))
            terms = terms_of(
                programme_at(session, began), None, exam.blueprint, exam.minutes, exam.pass_marks
            )
            by, ability = person.id or 0, candidates.ability()
            sitting = start_sitting(session, exam, terms, by=by, organisation_id=None, now=began)
            for place in places_of(sitting):
                question = questions[place.question]
                late = 2 * n > len(people)
                taken = candidates.answer(
                    question.code, len(question.options), question.key[0], ability, late=late
                )
                if taken:
                    session.add(
                        ExamAnswer(
                            sitting_id=sitting.id or 0,
                            question_id=place.question,
                            chosen=[taken],
                            revision=1,
                            saved_at=began + timedelta(minutes=5),
                        )
                    )
            hand_in_paper(session, sitting, by=by, now=began + timedelta(minutes=12 + n % 12))
        stand_out(session, exam, by=self.reviewer.id or 0, now=self.ago(0))
        self.judge(exam, staff)

    def judge(self, exam: Exam, staff: dict[str, Person]) -> None:
        """One session that is closed and may be adopted, one whose first round runs."""
        session = self.session
        chair, judges = staff["programme@yuqiao.example"], [self.reviewer, staff["manager@yuqiao.example"]]
        by = chair.id or 0
        first = open_standard(session, exam, "练习卷评审组", 20, by=by, now=self.ago(9))
        for n, judge in enumerate(judges):
            ratings = {q: (0.55 + 0.05 * ((q + 3 * n) % 8), "") for q in first.questions}
            rate(session, first, ratings, by=judge.id or 0, now=self.ago(8))
        close_standard(session, first, by=by, now=self.ago(7))
        real = exam_by_code(session, "P1")
        assert real is not None  # noqa: S101
        second = open_standard(session, real, "P1评审组", 10, by=by, now=self.ago(2))
        rate(session, second, dict.fromkeys(second.questions[:6], (0.7, "")), by=by, now=self.ago(1))

    # Cases

    def case(self, text: dict[str, Any]) -> None:
        session, organisation, owner = (
            self.session,
            self.organisations[text["provider"]],
            self.owners[text["provider"]],
        )
        finished = (
            text["published"] if text["state"] == "published" else -11 if text["state"] == "in_review" else 12
        )
        at = self.ago(finished + 25)
        period = [self.ago(d).date() for d in text["period"]] if text["period"] else [None, None]
        entry = EditCase(
            title=text["title"],
            client_name=text["client"],
            client_named=text["named"],
            client_alias=text["alias"],
            industry=text["industry"],
            stage=text["stage"],
            archetype=text["archetype"],
            capabilities=text["capabilities"],
            channels=text["channels"],
            period_from=period[0],
            period_until=period[1],
            before=text["before"],
            systems="\n".join(text["systems"]),
            failed_first=text["failed_first"],
            done=text["done"],
            sop_version=text["sop"],
        )
        outcomes = [
            EditOutcome(
                name=n,
                kind=k,
                baseline=b,
                value=v,
                target=t,
                unit=u,
                period_from=period[0],
                period_until=period[1],
                definition=d,
                source=s,
            )
            for n, k, b, v, t, u, d, s in text["outcomes"]
        ]
        row = cases.draft_case(session, organisation, uuid4().hex, entry, outcomes, by=owner.id or 0, now=at)
        if text["state"] != "draft":
            self.carry(row, text, organisation, owner, at)

    def carry(
        self, row: Case, text: dict[str, Any], organisation: Organisation, owner: Person, at: datetime
    ) -> None:
        """To the client, to the desk, into the casebook: as far as its state says."""
        session, state = self.session, text["state"]
        cases.send_to_client(
            session,
            row,
            organisation,
            f"contact{row.id}@client.example",
            "zh",
            by=owner,
            now=at + timedelta(days=2),
        )
        if state == "awaiting_client":
            return
        rating, comment, renewed, name, role = text["answer"]
        answers = {
            o.nth: OutcomeAnswer(
                verdict=Verdict.DISPUTED if text.get("dispute") else Verdict.CONFIRMED,
                attested_value=text.get("dispute"),
                client_note="按我们的后台重算" if text.get("dispute") else "",
            )
            for o in outcomes_of(session, row.id or 0)
        }
        session.flush()
        cases.answer_case(
            session,
            confirmations_of(session, row.id or 0)[0],
            row,
            Answer(rating=rating, comment=comment, renewed=renewed, name=name, role=role),
            answers,
            now=at + timedelta(days=6),
        )
        if state in ("disputed", "client_confirmed"):
            return
        session.flush()
        cases.submit_case(session, row, organisation, by=owner.id or 0, now=at + timedelta(days=9))
        if state == "taken_back":
            cases.retract_case(
                session, row, "客户希望先看完旺季的数", by=owner.id or 0, now=at + timedelta(days=11)
            )
            return
        submission = latest_submission(session, "case", row.id or 0)
        assert submission is not None  # noqa: S101
        if state == "in_review":
            take(session, submission, by=self.reviewer.id or 0, now=at + timedelta(days=10))
            return
        verdicts = {item.key: ("pass", "") for item in KINDS["case"].items}
        if state == "changes_asked":
            verdicts[KINDS["case"].items[2].key] = (
                "fix",
                "订单数有后台截图，但没有说明是否剔除新店。请补一行口径或一份剔除后的报表。",
            )
        decide_review(
            session,
            submission,
            "ask" if state == "changes_asked" else "approve",
            verdicts,
            "",
            revision=submission.revision,
            by=self.reviewer.id or 0,
            now=at + timedelta(days=25),
        )
        if state == "retracted":
            cases.retract_case(
                session, row, "与另一案例实为同一项目", by=self.reviewer.id or 0, now=self.ago(6)
            )

    # Brands and briefs

    def brand(self, cast: Brand) -> None:
        owner = self.person(
            next(self.names),
            "brand@yuqiao.example" if cast.key == "maitian" else f"brand@{cast.key}.example",
            at=self.ago(300),
            login=True,
        )
        self.organisation(cast, Kind.BRAND, owner, 300, industries=[cast.industry], about=cast.about)
        self.verify(cast.key, self.ago(298))

    def brief(self, text: dict[str, Any]) -> None:
        session, brand, by = (
            self.session,
            self.organisations[text["brand"]],
            self.owners[text["brand"]].id or 0,
        )
        at = self.ago(text["ago"])
        programme = programme_at(session, at)
        brief = briefs.new_brief(session, brand.id or 0, once=uuid4().hex, by=by, now=at)
        self.after_a_scan(brief, by, at)
        low, high = text["budget"]
        known = {
            name: list(options)
            for name, options in (
                ("capabilities", programme.leaves("capabilities")),
                ("industries", programme.leaves("industries")),
                *((t, programme.options(t)) for t in ("stages", "brand_scales", "provinces", "languages")),
            )
        }
        entry = EditBrief.model_validate(
            {
                "title": text["title"],
                "need": text["need"],
                "must_have": text["must"],
                "wished": text["wished"],
                "budget_low": low,
                "budget_high": high,
                "on_site": text["on_site"],
                "languages": ["zh"],
                "no_systems": not text.get("systems"),
                "start_by": date(at.year, at.month, at.day) + timedelta(days=45),
                "contact_name": self.owners[text["brand"]].name,
                "contact_phone": "13800138000",
                "contact_email": self.owners[text["brand"]].email,
                **{
                    k: v
                    for k, v in (
                        ("industry", text["industry"]),
                        ("stage", text["stage"]),
                        ("scale", text["scale"]),
                        ("province", text["province"]),
                    )
                    if v
                },
            },
            context=known,
        )
        briefs.save_brief(
            session,
            brief,
            entry,
            systems=text.get("systems", []),
            blocked=[],
            revision=brief.revision,
            by=by,
            now=at,
        )
        if text["state"] != "draft":
            briefs.publish(session, brief, programme, revision=brief.revision, by=by, now=at)
            session.flush()
            self.talk(brief, text["state"], by, at)

    def talk(self, brief: Brief, state: str, by: int, at: datetime) -> None:
        session, programme = self.session, programme_at(self.session, at)
        if state in ("open", "shortlisted"):
            return
        if state == "withdrawn":
            briefs.withdraw(session, brief, revision=brief.revision, by=by, now=at + timedelta(days=1))
            return
        if state == "stale":
            assert brief.due_at is not None  # noqa: S101
            briefs.lapse(session, brief.id or 0, now=brief.due_at + timedelta(hours=1))
            return
        shown = shortlisted_ids(session, brief.id or 0)
        invited = at + timedelta(hours=2)
        briefs.invite(session, brief, shown, programme, by=by, now=invited)
        session.flush()
        introductions = brief_queries.introductions_of(session, brief.id or 0)
        people = {o.id: self.owners[key] for key, o in self.organisations.items()}
        # Two briefs in talks show the ways an introduction can go; elsewhere all but the last say yes.
        old = at < self.ago(5)
        fates: tuple[str, ...] = (
            ("proposed", "met", "contacts_open", "expired", "declined") if old else ("accepted", "offered")
        )
        if state != "in_talks":
            fates = ("accepted",) * (len(introductions) - 1) + (
                "declined" if len(introductions) > 1 else "accepted",
            )
        for n, (one, fate) in enumerate(zip(introductions, fates, strict=False)):
            person, answered = people[one.organisation_id], invited + timedelta(hours=3 + n)
            if fate == "declined":
                decline = Decline.model_validate(
                    {"reason_code": "capacity", "note": "本季产能已满。"},
                    context={"decline_reasons": programme.matching["decline_reasons"]},
                )
                briefs.decline(
                    session, one, brief, decline, revision=one.revision, by=person.id or 0, now=answered
                )
            elif fate not in ("offered", "expired"):
                accept = Accept(
                    contact_name=person.name, contact_email=person.email, note="可在两周内派出三人小组。"
                )
                briefs.accept(
                    session,
                    one,
                    brief,
                    accept,
                    programme,
                    revision=one.revision,
                    by=person.id or 0,
                    now=answered,
                )
        session.flush()
        accepted = [i for i in introductions if i.status == "accepted"]
        for one in accepted[: 3 if state != "in_talks" or old else 0]:
            briefs.open_contacts(
                session, brief, one, programme, revision=one.revision, by=by, now=at + timedelta(days=1)
            )
        if state == "in_talks":
            self.steps(brief, dict(zip(fates, introductions, strict=False)), by, at)
        if state == "in_talks" or not accepted:
            return
        best = accepted[0]
        briefs.note_meeting(
            session, brief, best, programme, revision=best.revision, by=by, now=at + timedelta(days=4)
        )
        briefs.note_proposal(
            session, brief, best, programme, revision=best.revision, by=by, now=at + timedelta(days=8)
        )
        none = state == "decided_none"
        briefs.decide(
            session,
            brief,
            Decide(
                chosen="none" if none else str(best.id),
                reason_code="in-house" if none else "similar_case",
                reason="八周试点由自有团队先做，暂不外包。"
                if none
                else "案例与我们的品类最接近，交接方案写得最清楚。",
            ),
            programme,
            revision=brief.revision,
            by=by,
            now=at + timedelta(days=12),
        )
        if state in ("delivering", "closed"):
            briefs.start_delivery(session, brief, revision=brief.revision, by=by, now=at + timedelta(days=15))
        if state == "closed":
            briefs.close(
                session,
                brief,
                "活动期私域销售额比上年同期增长43%，SOP已交付，门店自己又做了一次。",
                revision=brief.revision,
                by=by,
                now=at + timedelta(days=50),
            )

    def steps(self, brief: Brief, fates: dict[str, Introduction], by: int, at: datetime) -> None:
        """How far each of the talks has come."""
        session, programme = self.session, programme_at(self.session, at)
        for fate in ("met", "proposed"):
            if one := fates.get(fate):
                briefs.note_meeting(
                    session, brief, one, programme, revision=one.revision, by=by, now=at + timedelta(days=4)
                )
        if one := fates.get("proposed"):
            briefs.note_proposal(
                session, brief, one, programme, revision=one.revision, by=by, now=at + timedelta(days=8)
            )
        silent = [one for fate, one in fates.items() if fate == "expired"]
        while silent:  # whoever is offered the place in turn may have been silent, too
            one = silent.pop()
            briefs.expire(session, one.id or 0, programme, now=one.expires_at + timedelta(minutes=1))
            session.flush()
            silent = [
                i
                for i in brief_queries.introductions_of(session, brief.id or 0)
                if i.status == "offered" and i.expires_at < self.now
            ]
        self.session.flush()
        for organisation_id in stars_out_of_date(self.session, self.now):
            note_stars(self.session, organisation_id, now=self.now)


def tell(sessions: Sessions, *, now: datetime) -> None:
    """Everything or nothing: a story cut off in the middle is told again from the start."""
    with transaction(sessions) as session:
        story = Story(session, now)
        staff: dict[str, Person] = {}
        for email, name, roles in STAFF:
            person = staff[email] = (
                story.reviewer if email == story.reviewer.email else story.person(name, email, login=True)
            )
            for role in roles:
                appoint(session, person, StaffRole(role), by=None, now=story.ago(800))
            give_demo_totp(session, person, now=story.ago(800))
        announce(story)
        for brand in BRANDS:
            story.brand(brand)
        for provider in sorted(PROVIDERS, key=lambda p: bool(p.stars)):
            if not provider.stars:
                story.provider(provider)
        # In the order in which it happened: nobody is matched before being certified.
        events: list[tuple[float, int, Callable[[], None]]] = [
            (
                max([p.granted, *(c.granted + 1 for c in PROVIDERS if c.parent == p.key)]),
                0,
                partial(story.provider, p),
            )
            for p in PROVIDERS
            if p.stars
        ]
        events += [(text.get("published", 5), 1, partial(story.case, text)) for text in CASES]
        events += [(text["ago"], 2, partial(story.brief, text)) for text in BRIEFS]
        for _, _, happens in sorted(events, key=lambda e: (-e[0], e[1])):
            happens()
            session.flush()
        by_staff = tuple(staff[f"{who}@yuqiao.example"].id or 0 for who in ("programme", "admin", "manager"))
        bosses = {key: owner.id or 0 for key, owner in story.owners.items()}
        forge(session, story.organisations["qianhe"], bosses["qianhe"], by_staff, now=story.ago(6))
        story.troubles()
        providers = {k: o for k, o in story.organisations.items() if o.kind is Kind.PROVIDER}
        complain(session, providers, bosses, by_staff, now=now)
        use_benefits(session, providers["tangli"], bosses["tangli"], manager=by_staff[2], now=now)
        story.practise(staff)
        candidate, patient = story.teams["xiaoman"][:2]
        tell_exams(session, candidate, patient, staff, now)
        story.odds_and_ends()
        story.departures()
        story.pages()
        measure(story)  # before tasks are set: a self-test may be one
        tell_school(story)
        tell_live(story, staff["programme@yuqiao.example"].id or 0)
        tell_season(story, staff)
        owner, member = story.teams["tangli"][:2]
        tell_lessons(session, member, staff, now)
        tell_course(
            session,
            staff=staff["programme@yuqiao.example"].id or 0,
            finished=owner.id or 0,
            begun=member.id or 0,
            now=now,
        )
        for organisation in story.organisations.values():
            if organisation.kind is Kind.PROVIDER:
                session.flush()
                follow_stars(session, organisation.id or 0, now)  # periods that ended meanwhile
                index_provider(session, organisation.id or 0, now=now)
        draft_rules(session, by=staff["programme@yuqiao.example"].id or 0, now=now)
        consider_sent(session, now=now)
        consider_read(session, before=now - timedelta(days=7))
        session.info.pop("jobs", None)  # these mails are part of the story, not for sending
        assert {address for address, _ in LOGINS} >= {email for email, _, _ in STAFF}  # noqa: S101
