"""A registry for the demo: its own organisations, so that the automatic checks can be seen."""

import csv
from pathlib import Path

from demo.cast import PROVIDERS
from demo.queries import demo_organisations
from portal.db import Sessions, transaction
from portal.organisations.queries import owners_of
from portal.verification.registries import COLUMNS

SCOPE = "互联网营销服务；信息技术咨询服务；软件开发；品牌运营管理；企业管理咨询。"
# Near, but not the same: what waits at the desk is there for a person to compare.
OTHERWISE = {p.legal: p.legal.replace("有限公司", "科技有限公司") for p in PROVIDERS if p.key == "xingye"}


def write_registry(sessions: Sessions, path: Path) -> None:
    with transaction(sessions, read_only=True) as session:
        known = [
            (organisation, owners[0].name if (owners := owners_of(session, organisation.id or 0)) else "")
            for organisation in demo_organisations(session)
        ]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for organisation, owner in known:
            rows.writerow(
                {
                    "credit_code": organisation.credit_code,
                    "legal_name": OTHERWISE.get(organisation.legal_name, organisation.legal_name),
                    "status": "存续（在营、开业、在册）",
                    "representative": owner,
                    "scope": SCOPE,
                    "registered_on": organisation.created_at.date().isoformat(),
                    "region": organisation.city,
                }
            )
