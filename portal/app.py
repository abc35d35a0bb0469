"""The front door: puts the features together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dramatiq
from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.static_files import create_static_files_router

from casebook import privacy as casebook_privacy
from casebook.awards import home as awards_home
from casebook.awards import lifecycle as awards_lifecycle
from casebook.awards import pages as awards_pages
from casebook.awards import staff_pages as awards_staff_pages
from casebook.awards.jobs import sweep_awards
from casebook.briefs import home as briefs_home
from casebook.briefs import lifecycle as briefs_lifecycle
from casebook.briefs import pages as briefs_pages
from casebook.briefs.handing import BRIEFS, INTRODUCTIONS
from casebook.briefs.jobs import sweep_briefs, sweep_introductions
from casebook.cases import home as cases_home
from casebook.cases import lifecycle as cases_lifecycle
from casebook.cases import pages as cases_pages
from casebook.cases.handing import CASES
from casebook.cases.kind import CASE
from casebook.directory import pages as directory_pages
from casebook.directory.actions import index_provider
from casebook.directory.jobs import sweep_providers
from certification import privacy as certification_privacy
from certification.authoring import pages as authoring_pages
from certification.authoring.jobs import sweep_uploads
from certification.benefits import lifecycle as benefits_lifecycle
from certification.benefits import pages as benefits_pages
from certification.benefits.actions import follow_stars
from certification.benefits.jobs import sweep_benefits
from certification.conduct import lifecycle as conduct_lifecycle
from certification.conduct import pages as conduct_pages
from certification.conduct import staff_pages as conduct_staff_pages
from certification.conduct.jobs import sweep_conduct
from certification.credentials import open_pages
from certification.credentials import pages as credentials_pages
from certification.credentials.jobs import sweep_certificates
from certification.exams import home as exams_home
from certification.exams import pages as exams_pages
from certification.exams import staff_pages as exams_staff_pages
from certification.exams.jobs import sweep_sittings
from certification.funnel import pages as funnel_pages
from certification.integrity import pages as integrity_pages
from certification.integrity.jobs import sweep_integrity
from certification.marking import pages as marking_pages
from certification.papers import pages as papers_pages
from certification.papers.jobs import sweep_forms
from certification.sandbox import pages as sandbox_pages
from certification.sandbox.jobs import sweep_backtests
from certification.signing.jobs import sweep_reissues
from certification.standards import pages as standards_pages
from certification.standing import home as standing_home
from certification.standing import lifecycle as standing_lifecycle
from certification.standing import pages as standing_pages
from certification.standing import whatif_pages
from certification.standing.actions import extend_grace, people_changed
from certification.standing.jobs import sweep_levels
from certification.standing.kind import LEVEL
from certification.statistics import pages as statistics_pages
from portal import context
from portal.accounts import pages as accounts_pages
from portal.accounts import security_pages
from portal.accounts.jobs import sweep_accounts, sweep_resets
from portal.db import Sessions
from portal.departures import home as departures_home
from portal.departures import pages as departures_pages
from portal.departures.jobs import sweep_departures
from portal.desk import own
from portal.desk import pages as desk_pages
from portal.desk.parts import CONTRIBUTIONS
from portal.domains import pages as domains_pages
from portal.domains.jobs import sweep_domains
from portal.factors import pages as factors_pages
from portal.files.jobs import sweep_files
from portal.group import pages as group_pages
from portal.history.jobs import sweep_heads
from portal.identities import pages as identities_pages
from portal.identities.jobs import sweep_proofs
from portal.jobs import broker
from portal.leaving import own as leaving_own
from portal.leaving import pages as leaving_pages
from portal.leaving.actions import succeed
from portal.leaving.jobs import sweep_exports
from portal.limits.jobs import sweep_attempts
from portal.mail.jobs import sweep_mails
from portal.mergers import own as mergers_own
from portal.mergers import pages as mergers_pages
from portal.notices import pages as notices_pages
from portal.notices.jobs import sweep_notices, sweep_tips
from portal.organisations import pages as organisation_pages
from portal.people import pages as people_pages
from portal.privacy import own as own_areas
from portal.privacy import pages as privacy_pages
from portal.privacy.jobs import sweep_privacy
from portal.profile import home as profile_home
from portal.profile import pages as profile_pages
from portal.profile.jobs import sweep_capacity
from portal.profile.kind import PROFILE_CHANGE
from portal.programme import pages as programme_pages
from portal.review import pages as review_pages
from portal.review.kinds import add_kind
from portal.seasons import own as seasons_own
from portal.seasons import pages as seasons_pages
from portal.seasons import staff_pages as seasons_staff_pages
from portal.seasons.jobs import sweep_seasons
from portal.settings import ROOT, settings
from portal.staffing import pages as staffing_pages
from portal.verification import pages as verification_pages
from portal.verification.jobs import sweep_checks, sweep_unverified
from portal.verification.kind import VERIFICATION
from portal.web.errors import HANDLERS
from portal.web.forms import read_form
from portal.web.hosts import ByHost
from portal.web.limits import ReadTooLarge
from portal.web.middleware import Csrf, Visitors
from portal.web.session import open_session, use_threads
from portal.worker import Sweeper
from training import privacy as training_privacy
from training.cohorts import home as cohorts_home
from training.cohorts import lifecycle as cohorts_lifecycle
from training.cohorts import pages as cohorts_pages
from training.cohorts import staff_pages as cohorts_staff_pages
from training.cohorts.jobs import sweep_cohorts
from training.lessons import pages as lessons_pages
from training.live import home as live_home
from training.live import lifecycle as live_lifecycle
from training.live import pages as live_pages
from training.live import staff_pages as live_staff_pages
from training.live.actions import people_changed as free_seats
from training.live.jobs import sweep_live
from training.maturity import home as maturity_home
from training.maturity import lifecycle as maturity_lifecycle
from training.maturity import pages as maturity_pages
from training.maturity import staff_pages as maturity_staff_pages
from training.maturity.jobs import sweep_maturity
from training.maturity.kind import MATURITY
from training.packages import content_pages, record_pages
from training.packages import pages as packages_pages
from training.placement import pages as placement_pages
from training.renewal import pages as renewal_pages
from training.renewal.jobs import sweep_renewals
from training.supervision import home as supervision_home
from training.supervision import pages as supervision_pages
from training.tasks import home as tasks_home
from training.tasks import lifecycle as tasks_lifecycle
from training.tasks import pages as tasks_pages
from training.tasks.actions import people_changed as give_and_end_tasks
from training.tasks.handing import TASKS
from training.tasks.jobs import sweep_tasks
from training.tracks import home as tracks_home
from training.tracks import pages as tracks_pages

ROUTERS = [
    *accounts_pages.routers,
    security_pages.router,
    *factors_pages.routers,
    *identities_pages.routers,
    *desk_pages.routers,
    *programme_pages.routers,
    *notices_pages.routers,
    *people_pages.routers,
    *privacy_pages.routers,
    *organisation_pages.routers,
    *departures_pages.routers,
    *profile_pages.routers,
    *group_pages.routers,
    *mergers_pages.routers,
    *leaving_pages.routers,
    review_pages.router,
    *seasons_pages.routers,
    seasons_staff_pages.router,
    staffing_pages.router,
    *verification_pages.routers,
    *domains_pages.routers,
    *tracks_pages.routers,
    *lessons_pages.routers,
    *placement_pages.routers,
    *renewal_pages.routers,
    *tasks_pages.routers,
    *supervision_pages.routers,
    *maturity_pages.routers,
    maturity_staff_pages.router,
    *live_pages.routers,
    live_staff_pages.router,
    *cohorts_pages.routers,
    cohorts_staff_pages.router,
    *packages_pages.routers,
    *content_pages.routers,
    *record_pages.routers,
    *exams_pages.routers,
    *exams_staff_pages.routers,
    *marking_pages.routers,
    *authoring_pages.routers,
    *statistics_pages.routers,
    *standards_pages.routers,
    *papers_pages.routers,
    *integrity_pages.routers,
    open_pages.router,
    *credentials_pages.routers,
    *standing_pages.routers,
    *whatif_pages.routers,
    *sandbox_pages.routers,
    *benefits_pages.routers,
    *conduct_pages.routers,
    *conduct_staff_pages.routers,
    *funnel_pages.routers,
    *awards_pages.routers,
    awards_staff_pages.router,
    *cases_pages.routers,
    *directory_pages.routers,
    *briefs_pages.routers,
]


def put_together() -> None:
    """Tell the desk and the home page what the features contribute. Safe to call again."""
    for kind in (VERIFICATION, LEVEL, CASE, PROFILE_CHANGE, MATURITY):
        add_kind(kind)
    c = CONTRIBUTIONS
    c.next[:] = [
        exams_home.resume,
        tasks_home.next_step,
        own.next_step,
        departures_home.next_step,
        leaving_own.come_back,
        briefs_home.next_step,
        standing_home.rescue,
        tracks_home.next_step,
        exams_home.sit_exam,
        cases_home.next_step,
        standing_home.next_step,
    ]
    c.clocks[:] = [
        own.clocks,
        departures_home.clocks,
        exams_home.clocks,
        tasks_home.clocks,
        live_home.clocks,
        awards_home.clocks,
        integrity_pages.clocks,
        conduct_pages.clocks,
        standing_home.clocks,
        benefits_pages.clocks,
        briefs_home.clocks,
    ]
    c.home[:] = [
        departures_home.left_part,
        standing_home.part,
        cases_home.part,
        supervision_home.part,
        tracks_home.part,
        maturity_home.part,
        profile_home.capacity,
    ]
    c.desk[:] = [
        own.review_lines,
        own.calendar_lines,
        briefs_home.desk_lines,
        departures_home.desk_lines,
        marking_pages.desk_lines,
        authoring_pages.desk_lines,
        lessons_pages.desk_lines,
        tasks_home.desk_lines,
        cohorts_home.desk_lines,
        awards_home.desk_lines,
        integrity_pages.desk_lines,
        sandbox_pages.desk_lines,
        conduct_staff_pages.desk_lines,
        benefits_pages.desk_lines,
    ]
    c.front[:] = [standing_home.front_card, standing_home.front_register]
    c.season[:] = [awards_home.season_part]
    c.level_changed[:] = [
        lambda session, organisation_id, now: index_provider(session, organisation_id, now=now)
    ]
    c.stars_changed[:] = [follow_stars]
    c.person_joined[:] = [people_changed, give_and_end_tasks]
    c.person_left[:] = [people_changed, give_and_end_tasks, free_seats]
    c.client_confirmed[:] = [extend_grace]
    c.departure[:] = [standing_home.departure_part]
    c.handings.clear()
    c.handings.update({handing.kind: handing for handing in (CASES, INTRODUCTIONS, BRIEFS, TASKS)})
    c.possible[:] = [cases_home.possible]
    c.certificates[:] = [certification_privacy.certificates]
    c.personal[:] = [  # children before those that they name
        *casebook_privacy.PERSONAL,
        *certification_privacy.PERSONAL,
        *training_privacy.PERSONAL,
        *seasons_own.PERSONAL,
        *own_areas.PERSONAL,
    ]
    c.why_not_erase[:] = [certification_privacy.why_not_erase]
    c.before_erasure[:] = [certification_privacy.before_erasure]
    c.merge_preview[:] = [
        mergers_own.preview,
        standing_lifecycle.merge_preview,
        benefits_lifecycle.merge_preview,
        conduct_lifecycle.merge_preview,
        tasks_lifecycle.merge_preview,
        maturity_lifecycle.merge_preview,
        live_lifecycle.merge_preview,
        cohorts_lifecycle.merge_preview,
        awards_lifecycle.merge_preview,
        cases_lifecycle.merge_preview,
        briefs_lifecycle.merge_preview,
    ]
    c.merge[:] = [  # levels first: they end while their facts are still there
        standing_lifecycle.merge,
        conduct_lifecycle.merge,
        mergers_own.carry_out,
        tasks_lifecycle.merge,
        maturity_lifecycle.merge,
        live_lifecycle.merge,
        cohorts_lifecycle.merge,
        awards_lifecycle.merge,
        cases_lifecycle.merge,
        briefs_lifecycle.merge,
    ]
    c.merged[:] = [standing_lifecycle.merged, briefs_lifecycle.merged]
    c.leave_preview[:] = [
        leaving_own.leave_preview,
        standing_lifecycle.leave_preview,
        benefits_lifecycle.leave_preview,
        briefs_lifecycle.leave_preview,
        tasks_lifecycle.leave_preview,
        cohorts_lifecycle.leave_preview,
        awards_lifecycle.leave_preview,
        cases_lifecycle.leave_preview,
    ]
    c.leave[:] = [
        tasks_lifecycle.leave,
        briefs_lifecycle.leave,
        maturity_lifecycle.leave,
        live_lifecycle.leave,
        cohorts_lifecycle.leave,
        awards_lifecycle.leave,
        leaving_own.leave,
        standing_lifecycle.leave,
    ]
    c.export[:] = [
        leaving_own.export,
        maturity_lifecycle.export,
        tasks_lifecycle.export,
        live_lifecycle.export,
        cohorts_lifecycle.export,
        awards_lifecycle.export,
        standing_lifecycle.export,
        benefits_lifecycle.export,
        conduct_lifecycle.export,
        cases_lifecycle.export,
        briefs_lifecycle.export,
    ]
    c.verified[:] = [succeed]
    c.sweeps[:] = [
        sweep_resets,
        sweep_mails,
        sweep_checks,
        sweep_accounts,
        sweep_proofs,
        sweep_attempts,
        sweep_unverified,
        sweep_domains,
        sweep_departures,
        sweep_sittings,
        sweep_forms,
        sweep_reissues,
        sweep_integrity,
        sweep_uploads,
        sweep_renewals,
        sweep_tasks,
        sweep_live,
        sweep_cohorts,
        sweep_conduct,  # before the levels, which read what it writes
        sweep_seasons,
        sweep_awards,
        sweep_levels,
        sweep_certificates,
        sweep_backtests,
        sweep_benefits,
        sweep_providers,
        sweep_introductions,
        sweep_briefs,
        sweep_heads,
        sweep_files,
        sweep_capacity,
        sweep_maturity,
        sweep_exports,
        sweep_tips,
        sweep_notices,
        sweep_privacy,
    ]


@asynccontextmanager
async def workers(_app: Litestar) -> AsyncIterator[None]:
    """Background work inside the server, unless a Redis says that workers run elsewhere."""
    if settings().redis_url:
        yield
        return
    worker, sweeper = dramatiq.Worker(broker, worker_threads=2, worker_timeout=200), Sweeper()
    worker.start()
    sweeper.start()
    try:
        yield
    finally:
        sweeper.stop()
        worker.stop(timeout=5_000)


def _csrf() -> CSRFConfig:
    return CSRFConfig(
        secret=settings().secret,
        cookie_name="csrf",
        cookie_httponly=True,
        cookie_samesite="lax",
        cookie_secure=settings().production,
    )


def create_app(sessions: Sessions | None = None, *, with_workers: bool = True) -> Litestar:
    put_together()
    use_threads()
    sessions = sessions or context.sessions()
    app = Litestar(
        route_handlers=[
            *ROUTERS,
            create_static_files_router(
                path="/static",
                directories=[ROOT / "static"],
                cache_control=CacheControlHeader(max_age=31_536_000, public=True),
                opt={"public": True},
            ),
        ],
        dependencies={"session": Provide(open_session), "form": Provide(read_form)},
        middleware=[ReadTooLarge, Visitors, DefineMiddleware(Csrf, config=_csrf())],
        exception_handlers=HANDLERS,  # type: ignore[arg-type]
        lifespan=[workers] if with_workers else [],
        state=State({"sessions": sessions, "sqlite": settings().database.startswith("sqlite")}),
        request_max_body_size=1024 * 1024,
        openapi_config=None,
        debug=False,
    )
    app.asgi_handler = ByHost(app.asgi_handler)  # before routing, which errors don't pass the middleware of
    return app
