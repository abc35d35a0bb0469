"""Leaving the programme, coming back, and what an export holds."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.refusal import mark


class ExportStatus(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


EXPORT_MOVES = {
    (ExportStatus.WAITING, "finish"): ExportStatus.READY,
    (ExportStatus.WAITING, "fail"): ExportStatus.FAILED,
    (ExportStatus.READY, "remove"): ExportStatus.GONE,
}
EXPORT_NAMES = {
    ExportStatus.WAITING: mark("being made"),
    ExportStatus.READY: mark("ready"),
    ExportStatus.FAILED: mark("could not be made"),
    ExportStatus.GONE: mark("removed"),
}
MOST_ATTEMPTS = 3
AGAIN_AFTER = timedelta(minutes=10)  # longer than making one may take
LASTING = frozenset({ExportStatus.WAITING, ExportStatus.READY})

README = """# {name}

{made}

## 中文

这是域桥上本组织的全部数据。时间均为协调世界时（UTC），金额为人民币元。

| 文件 | 内容 |
| --- | --- |
| organisation.json | 登记信息、店面、归属关系、合并记录 |
| people.json | 人员、角色与起止时间 |
| facts.json | 账本中的事实：何时成立、何时记录、来源、是否撤回 |
| history.json | 每一次变更：何时、何人、由何至何、缘由 |
| verification.json、domains.json、reviews.json | 核验、域名、评审结论 |
| files.json、files/ | 上传的文件与清单 |
| self-tests.json | 七在线自测 |
| levels.json、level-applications.json | 等级与申请 |
| certificates.json、certificates/ | 组织与在职人员的证书；文件夹内为签名原件 |
| cases.json、evidence/ | 案例、结果、客户答复与证据文件 |
| briefs.json、introductions.json | 需求与引荐；对方联系方式仅在双方同意后列出 |
| manifest.json | 每个文件的大小与 SHA-256 |

## English

This is everything of the organisation on Yuqiao. Times are UTC, amounts are CNY.

| file | holds |
| --- | --- |
| organisation.json | the registration, the storefront, links, mergers |
| people.json | people, their roles and since when |
| facts.json | facts of the ledger: when true, when recorded, from what, whether retracted |
| history.json | every change: when, who, from what to what, why |
| verification.json, domains.json, reviews.json | verification, domains, decisions |
| files.json, files/ | uploaded files and their list |
| self-tests.json | the Seven Onlines, as claimed |
| levels.json, level-applications.json | levels and applications |
| certificates.json, certificates/ | certificates of the organisation and of its people; the signed originals in the folder |
| cases.json, evidence/ | cases, outcomes, clients' answers, and the evidence |
| briefs.json, introductions.json | briefs and introductions; the other side's contacts only once both agreed |
| manifest.json | size and SHA-256 of every file |
"""


def as_data(row: Any, *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row as JSON keeps it, without what opens something."""
    data: dict[str, Any] = row.model_dump(mode="json", exclude=set(leave_out))
    return data


def manifest_of(contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(contents.items())
    ]


def same_name(typed: str, name: str) -> bool:
    """What was typed is the organisation's name; spaces, width of signs and case do not matter."""

    def plain(text: str) -> str:
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()

    return bool(plain(typed)) and plain(typed) == plain(name)


def may_return(left_at: datetime, now: datetime, days: int) -> bool:
    return now < left_at + timedelta(days=days)
