"""Keep the directory's index."""

from datetime import datetime

from sqlmodel import Session

from casebook.directory.queries import indexable
from casebook.search.actions import index, remove
from portal.programme.queries import programme_at


def index_provider(session: Session, organisation_id: int, *, now: datetime) -> None:
    """(Re)index a provider, or take it out when it is not listed now."""
    programme = programme_at(session, now)
    found = indexable(session, programme, organisation_id)
    if found is None:
        remove(session, "provider", organisation_id)
        return
    organisation = found.organisation
    labels = [
        *(programme.label("capabilities", key) for key in organisation.capabilities),
        *(programme.label("industries", key) for key in organisation.industries),
        *(
            programme.label("industries", programme.group_of("industries", key))
            for key in organisation.industries
        ),
        *(programme.label("modes", key) for key in (found.storefront.modes if found.storefront else [])),
        programme.label("provinces", organisation.province),
    ]
    body = [
        organisation.legal_name,
        organisation.slug,
        organisation.city,
        organisation.about,
        found.storefront.headline if found.storefront else "",
        *(text for label in labels for text in label.values()),
        *found.case_titles,
    ]
    index(session, "provider", organisation_id, organisation.short_name, "\n".join(body), stamp=found.stamp)
