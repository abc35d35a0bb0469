"""The command line: `yuqiao setup | serve | worker | migrate | sweep | questions | exams | keys | credentials | programme | history | files`."""

import argparse
import signal
import sys
from datetime import timedelta


def migrate() -> None:
    from alembic import command
    from alembic.config import Config

    from portal.settings import ROOT

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")


def setup() -> None:
    """Migrate, load the programme, the lessons and the banks, and on first start the demo."""
    from certification.credentials.keyring import check as check_keys
    from certification.credentials.keyring import ensure_keys
    from certification.exams.actions import load_own_banks
    from certification.signing.actions import register_keys
    from portal import clock, context
    from portal.app import put_together
    from portal.db import transaction
    from portal.programme.actions import load_default
    from portal.programme.queries import programme_at
    from portal.seasons.actions import ensure_season
    from portal.settings import settings
    from training.lessons.actions import publish_shipped

    settings().data_dir.mkdir(parents=True, exist_ok=True)
    migrate()
    put_together()
    now = clock.now()
    with transaction(context.sessions(), read_only=True) as session:
        check_keys(session)
    ensure_keys(now)
    with transaction(context.sessions()) as session:
        since = now - timedelta(days=3 * 365)
        first = load_default(session, now=now, effective_from=since)
        publish_shipped(session, now=now, since=since if first else now)
        load_own_banks(session, programme_at(session, now), now=now)
        register_keys(session, now=now)
        ensure_season(session, now=now)
    if first and settings().demo:
        from demo.story import tell

        tell(context.sessions(), now=now)
    if settings().demo:
        from demo.registry import write_registry

        write_registry(context.sessions(), settings().data_dir / "registry.csv")


def serve() -> None:
    import uvicorn

    from portal import context
    from portal.accounts.queries import has_demo_people
    from portal.db import transaction
    from portal.files.store import check_store
    from portal.settings import Misconfigured, settings

    settings().require_complete()
    check_store()
    setup()
    with transaction(context.sessions(), read_only=True) as session:
        if settings().production and has_demo_people(session):
            raise Misconfigured(
                "Not started. This database holds the demo's logins; production needs one of its own."
            )
    if settings().demo:
        from demo.welcome import welcome

        print(welcome(context.sessions()), flush=True)
    from portal.app import create_app

    uvicorn.run(
        create_app(),
        host=settings().host,
        port=settings().port,
        log_level="warning",
        access_log=False,
        proxy_headers=settings().production,
        forwarded_allow_ips=settings().trusted_proxies,
        timeout_graceful_shutdown=5,
    )


def worker() -> None:
    import dramatiq

    from portal.app import put_together
    from portal.jobs import broker
    from portal.settings import settings
    from portal.worker import Sweeper

    settings().require_complete()
    put_together()
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(
        signal.SIG_BLOCK, ends
    )  # before any thread starts; what is blocked can be waited for
    threads, sweeper = dramatiq.Worker(broker, worker_threads=8), Sweeper()
    threads.start()
    sweeper.start()
    try:
        signal.sigwait(ends)
    finally:
        sweeper.stop()
        threads.stop()


def sweep() -> None:
    from portal import worker as background
    from portal.app import put_together

    put_together()
    background.sweep()


def main() -> int:
    parser = argparse.ArgumentParser(prog="yuqiao", description="The Yuqiao portal.")
    commands = parser.add_subparsers(required=True)
    for function, text in (
        (setup, "migrate, load the programme, and the demo on first start"),
        (serve, "set up, then serve"),
        (migrate, "bring the database's schema up to date"),
        (worker, "run background jobs (with REDIS_URL)"),
        (sweep, "one round of what is due"),
    ):
        commands.add_parser(function.__name__, help=text).set_defaults(run=function)
    _more_commands(commands)
    arguments = vars(parser.parse_args())
    run = arguments.pop("run")
    from portal.settings import Misconfigured

    try:
        result = run(**arguments)
    except Misconfigured as problem:
        print(problem, file=sys.stderr)
        return 2
    return int(result or 0)


def _more_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Commands of the features."""
    from certification.banks.command import export_questions, import_questions
    from portal.factors.command import forget_factors
    from portal.staffing.command import appoint

    forgetting = commands.add_parser("forget-factors", help="remove the second factors of an account")
    forgetting.add_argument("email")
    forgetting.set_defaults(run=forget_factors)
    appointing = commands.add_parser("appoint", help="give an account a role on the platform")
    appointing.add_argument("email")
    appointing.add_argument("role")
    appointing.set_defaults(run=appoint)
    questions = commands.add_parser("questions", help="question banks").add_subparsers(required=True)
    reading = questions.add_parser("import", help="questions from a file into a bank")
    reading.add_argument("file")
    reading.add_argument("--bank", required=True)
    reading.add_argument("--title", default="")
    reading.add_argument("--format", choices=("own", "csv", "pool", "moodle", "gift", "aiken", "qti"))
    reading.add_argument("--dry-run", action="store_true")
    reading.add_argument("--json", action="store_true", dest="as_json")
    reading.set_defaults(run=import_questions)
    writing = questions.add_parser("export", help="the questions of a bank into a file")
    writing.add_argument("--bank", required=True)
    writing.add_argument("--format", required=True, choices=("moodle", "qti", "csv"))
    writing.add_argument("--out", default="")
    writing.set_defaults(run=export_questions)

    from certification.exams.command import replay
    from certification.statistics.command import stats

    exams = commands.add_parser("exams", help="what the numbers say about an exam").add_subparsers(
        required=True
    )
    counting = exams.add_parser("stats", help="figures of the test and of each item")
    counting.add_argument("code")
    counting.add_argument("--since", default="", help="a day such as 2026-11-01")
    counting.add_argument("--until", default="", help="the last day that counts")
    counting.add_argument("--json", action="store_true", dest="as_json")
    counting.set_defaults(run=stats)
    again = exams.add_parser("replay", help="draw a paper again from its seed and compare")
    again.add_argument("token", help="of the sitting, as in its address")
    again.set_defaults(run=replay)

    _key_commands(commands)

    _rules_commands(commands)

    from portal.files.command import sweep_orphans
    from portal.history.command import head, verify

    history = commands.add_parser("history", help="the record of changes").add_subparsers(required=True)
    verifying = history.add_parser("verify", help="is every row as it was written")
    verifying.add_argument("--head", default="", help="a file of heads kept elsewhere")
    verifying.set_defaults(run=verify)
    history.add_parser("head", help="where the record ends, as a line of JSON").set_defaults(run=head)

    files = commands.add_parser("files", help="the file store").add_subparsers(required=True)
    files.add_parser("sweep", help="remove what no row names").set_defaults(run=sweep_orphans)


def _key_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from certification.signing.command import USES, add, list_keys, reissue, revoke

    keys = commands.add_parser("keys", help="the keys that sign credentials").add_subparsers(required=True)
    adding = keys.add_parser("add", help="a new key: published at once, signs a day later")
    adding.add_argument("use", choices=USES, nargs="?", default="credential")
    adding.set_defaults(run=add)
    keys.add_parser("list", help="all keys, and what stands on them").set_defaults(run=list_keys)
    revoking = keys.add_parser("revoke", help="a key that others may have; what it signed is issued again")
    revoking.add_argument("name", metavar="key", help="such as key-2026-11")
    revoking.add_argument("--reissue", required=True, metavar="REASON", dest="reason")
    revoking.set_defaults(run=revoke)
    issued = commands.add_parser("credentials", help="credentials in force").add_subparsers(required=True)
    again = issued.add_parser("reissue", help="all of an achievement again, in the programme's present words")
    again.add_argument("code", help="such as P1 or operator-3")
    again.add_argument("--reason", required=True)
    again.set_defaults(run=reissue)


def _rules_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from certification.sandbox import command as rules

    programme = commands.add_parser("programme", help="the rules as a file").add_subparsers(required=True)
    checking = programme.add_parser("check", help="say what is wrong with a programme file, by line")
    checking.add_argument("file")
    checking.set_defaults(run=rules.check)
    differing = programme.add_parser("diff", help="every value that differs from a version")
    differing.add_argument("file")
    differing.add_argument("--against", default="", help="a version such as 2026.1; else the one in force")
    differing.set_defaults(run=rules.diff)
    publishing = programme.add_parser("publish", help="try it on everybody, then put it in force")
    publishing.add_argument("file")
    for name, what in (
        ("--reason", "why the rules change"),
        ("--effective", "the day from which they hold"),
        ("--by", "the address of who hands it in"),
        ("--second", "the address of a second person"),
    ):
        publishing.add_argument(name, required=True, help=what)
    publishing.set_defaults(run=rules.publish)


if __name__ == "__main__":
    sys.exit(main())
