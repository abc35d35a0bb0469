"""Ask the DNS whether a proof is there, or still there."""

import dramatiq

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.domains.dns import ask_dns
from portal.domains.queries import domains_due
from portal.jobs import broker  # noqa: F401  set before any actor is made


@dramatiq.actor(max_retries=3, min_backoff=5_000, time_limit=60_000)
def check_domain(domain_id: int) -> None:
    """One look; the row says when the next is due."""
    from portal.domains.actions import claim_check, finish_check  # noqa: PLC0415  actions send this job

    with transaction(sessions()) as session:  # committed first: no lock is held while the DNS answers
        row = claim_check(session, domain_id, now=clock.now())
    if row is None:
        return
    answer = ask_dns(row.domain, row.token)
    with transaction(sessions()) as session:
        finish_check(session, domain_id, row.token, answer, now=clock.now())


def sweep_domains() -> None:
    """New proofs that wait for their record, and every proved one once a day."""
    with transaction(sessions(), read_only=True) as session:
        due = domains_due(session, clock.now())
    for domain_id in due:
        check_domain.send(domain_id)
