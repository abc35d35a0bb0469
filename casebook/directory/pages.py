"""The directory and a provider's public page. Nobody pays for a place."""

from urllib.parse import urlencode

from litestar import Request, Response, Router
from litestar.response import Redirect
from sqlmodel import Session

from casebook.awards.pages import badges
from casebook.cases.queries import public_cases
from casebook.directory import queries
from casebook.directory.queries import Listed, Proofs
from casebook.directory.rules import PROOF_NAMES, Proof, by_proof, proof_of
from casebook.search.queries import search
from certification.standing.rules import Family
from portal import clock
from portal.group.queries import family_of
from portal.mergers.queries import merged_slug
from portal.organisations.models import Organisation
from portal.organisations.rules import DAYS
from portal.profile.rules import capacity_ends
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.web.forms import Form, whole
from portal.web.html import found, get, html, pick
from portal.web.viewer import public


def _capabilities(
    programme: Programme, organisation: Listed | Organisation, proofs: Proofs
) -> list[tuple[str, Proof]]:
    return by_proof(
        (
            key,
            proof_of(
                key,
                programme.group_of("capabilities", key),
                shown=proofs.shown,
                certificates=proofs.certificates,
            ),
        )
        for key in organisation.capabilities
    )


@get("/providers")
def directory(request: Request, session: Session) -> Response[str]:
    now, asked = clock.now(), request.query_params
    programme = programme_at(session, now)
    industries, leaves = programme["taxonomy"]["industries"], programme.leaves("industries")
    industry = pick(industries, asked.get("industry")) or pick(leaves, asked.get("industry"))
    chosen = {
        "family": pick({family.value: 1 for family in Family}, asked.get("family")),
        "stars": pick({"3": 1, "4": 1, "5": 1}, asked.get("stars")),
        "industry": industry,
        "capability": pick(programme.leaves("capabilities"), asked.get("capability")),
        "province": pick(programme.options("provinces"), asked.get("province")),
        "accepting": pick({"1": 1}, asked.get("accepting")),
    }
    query = asked.get("q", "").strip()[:200]
    page = min(max(1, whole(asked.get("page", ""))), 10_000)
    rows, total = queries.providers(
        session,
        programme,
        ids=search(session, "provider", query, 200) if query else None,
        family=chosen["family"],
        stars=int(chosen["stars"]) if chosen["stars"] else None,
        capability=chosen["capability"],
        province=chosen["province"],
        industries=_industry_keys(programme, industry),
        accepting=bool(chosen["accepting"]),
        page=page,
    )
    ids = [row.id for row in rows]
    proofs, (families, stars) = queries.proofs_of(session, ids, now=now), queries.facets(session, programme)
    return html(
        request,
        "directory/directory.html",
        rows=rows,
        total=total,
        page=page,
        size=queries.PAGE,
        q=query,
        chosen=chosen,
        address="/providers?"
        + "".join(f"{urlencode({k: v})}&" for k, v in {"q": query, **chosen}.items() if v),
        form=Form.of({**chosen, "q": query}),
        programme=programme,
        levels=queries.levels_of(session, ids),
        proofs=proofs,
        capabilities={row.id: _capabilities(programme, row, proofs[row.id]) for row in rows},
        proof_names=PROOF_NAMES,
        families=families,
        stars=stars,
        filters=sum(1 for value in chosen.values() if value),
    )


def _industry_keys(programme: Programme, industry: str | None) -> list[str]:
    """Organisations name groups or leaves: a group finds its leaves too, a leaf those of the whole group."""
    if industry is None:
        return []
    group = programme["taxonomy"]["industries"].get(industry)
    if group:
        return [industry, *group["leaves"]]
    above = programme.group_of("industries", industry)
    return [industry, above] if above else [industry]


@get("/providers/{slug:str}")
def provider(request: Request, session: Session, slug: str) -> Response:
    """What everybody may know of a provider; how to reach it is not among it. A merged one lives on elsewhere."""
    now = clock.now()
    programme = programme_at(session, now)
    listed = queries.listed_organisation(session, programme, slug)
    if listed is None and (now_at := merged_slug(session, slug)):
        return Redirect(f"/providers/{now_at}", status_code=301)
    organisation, storefront = found(listed)
    organisation_id = organisation.id or 0
    proofs = queries.proofs_of(session, [organisation_id], now=now)[organisation_id]
    cases, total = public_cases(session, organisation_id=organisation_id, size=10)
    return html(
        request,
        "directory/provider.html",
        organisation=organisation,
        storefront=storefront,
        programme=programme,
        levels=queries.levels_of(session, [organisation_id])[organisation_id],
        proofs=proofs,
        cases=cases,
        total=total,
        awards=badges(session, programme, organisation_id=organisation_id),
        capabilities=_capabilities(programme, organisation, proofs),
        proof_names=PROOF_NAMES,
        family=family_of(session, organisation),
        days=DAYS,
        today=clock.today(now),
        capacity_ends=capacity_ends(
            storefront.capacity_confirmed_at if storefront else None, programme.matching["capacity_expires_d"]
        ),
    )


routers = [Router("/", route_handlers=[directory, provider], guards=[public])]
