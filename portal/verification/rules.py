"""What is checked before an organisation is verified: by the portal first, then five things by a person."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from rapidfuzz import fuzz
from stdnum import numdb

from portal.domains.rules import belongs, domain_of, own_domain
from portal.folding import fold
from portal.organisations.rules import VERIFY_WITHIN
from portal.refusal import mark
from portal.review.rules import Item

ITEMS = (
    Item(
        "name",
        mark("Does the name on the licence equal the registered name?"),
        mark("Every character, brackets too."),
    ),
    Item(
        "code",
        mark("Does the credit code on the licence equal the registered one?"),
        mark("Its check digit has been computed already."),
    ),
    Item("status", mark("Is the licence in force?"), mark("Not expired, not cancelled, and readable.")),
    Item(
        "scope",
        mark("Does the business scope cover what they offer?"),
        mark("Operation services, software, or the brand's own trade."),
    ),
    Item(
        "authority",
        mark("May this person act for the organisation?"),
        mark("Legal representative, or a letter of authority with a seal."),
    ),
)

REMIND_BEFORE = (7, 2)  # days before an unverified organisation is frozen
MOST_LOOK_UPS = 4  # how often a silent registry is asked
WAIT_SECONDS = (5, 15, 40)  # before the second, third and fourth time


# ——— The credit code, GB 32100-2015 and GB/T 2260 ———

_PREFIXES = """
    11 beijing 12 tianjin 13 hebei 14 shanxi 15 inner-mongolia 21 liaoning 22 jilin 23 heilongjiang
    31 shanghai 32 jiangsu 33 zhejiang 34 anhui 35 fujian 36 jiangxi 37 shandong 41 henan 42 hubei
    43 hunan 44 guangdong 45 guangxi 46 hainan 50 chongqing 51 sichuan 52 guizhou 53 yunnan 54 tibet
    61 shaanxi 62 gansu 63 qinghai 64 ningxia 65 xinjiang 71 taiwan 81 hong-kong 82 macau
""".split()  # noqa: SIM905  a list would be one item a line
PROVINCES = dict(zip(_PREFIXES[::2], _PREFIXES[1::2], strict=True))
COMPANY = "91"  # registering authority 9, market regulation; type 1, enterprise


@dataclass(frozen=True)
class CodeParts:
    """What the first eight digits of a credit code say."""

    authority: str  # registering authority and type of entity: 91 is an enterprise
    region: str  # six digits of GB/T 2260
    province: str | None  # the programme's key; None where the authority is a national one
    place: str  # the region's Chinese name, as far as it is known


def read_code(code: str) -> CodeParts:
    region = code[2:8]
    names = [
        re.sub(r"\[[^]]*\]", "", (info.get("province") or info.get("county") or "").split(",")[-1])
        for _, info in numdb.get("cn/loc").info(region)
    ]
    return CodeParts(
        code[:2], region, PROVINCES.get(region[:2]), " ".join(dict.fromkeys(filter(None, names)))
    )


# ——— Names ———

_SUFFIX = re.compile(
    r"(股份有限公司|有限责任公司|有限公司|集团|(?:co)?ltd|limited|inc|llc)$"
)  # the legal form says nothing about whose name it is
_BRACKETED = re.compile(r"^([^(]*)\(([^)]*)\)(.*)$")
NEAR = 0.85  # 上海晴川数字科技 and 上海晴川数码科技 are this near: two firms, so a person looks
PERHAPS = 0.8


def whole_name(name: str) -> str:
    """A name as two people would compare it letter by letter: one width, one script, no spaces or dots."""
    plain = fold(unicodedata.normalize("NFKC", name)).lower()
    return re.sub(r"[\s.,·'’&＆-]+", "", plain)


def core_name(name: str) -> str:
    """`whole_name` without legal form, a region in brackets moved to the front."""
    plain = whole_name(name)
    if found := _BRACKETED.match(plain):
        plain = found[2] + found[1] + found[3]
    while (shorter := _SUFFIX.sub("", plain)) not in (plain, ""):
        plain = shorter
    return plain


def name_similarity(one: str, other: str) -> float:
    """0–1: twice the longest common subsequence of the two core names over the sum of their lengths."""
    a, b = core_name(one), core_name(other)
    return fuzz.ratio(a, b) / 100 if a and b else 0.0


# ——— What is known ———


@dataclass(frozen=True)
class Entry:
    """What a registry says of one credit code; empty text where it does not say."""

    credit_code: str
    legal_name: str
    status: str = ""
    representative: str = ""
    scope: str = ""
    registered_on: date | None = None
    region: str = ""


@dataclass(frozen=True)
class Unavailable:
    """The registry gave no answer that can be used; `again`: it may give one later."""

    why: str
    again: bool = True


@dataclass(frozen=True)
class NoRegistry:
    """None is connected."""


Answer = Entry | Unavailable | NoRegistry | None


@dataclass(frozen=True)
class Risk:
    """A line of the risk list."""

    name: str
    code: str
    reason: str


@dataclass(frozen=True)
class Other:
    """Another organisation that might be the same."""

    id: int
    legal_name: str
    verified: bool
    province: str
    domains: frozenset[str]


@dataclass(frozen=True)
class Case:
    """All that the checks look at."""

    legal_name: str
    credit_code: str
    province: str
    website: str
    kind: str
    representative: str
    mailbox: str  # of the person who handed in
    proved_domains: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
    risks: tuple[Risk, ...] | None = ()  # None: the list could not be read


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One finding of the portal. `detail["why"]` names the sentence; the rest is for the reviewer."""

    key: str
    verdict: Verdict
    detail: dict[str, Any] = field(hash=False)


# What must pass before the portal approves by itself, unless the programme says otherwise.
AUTOMATIC_NEEDS = ("region", "name", "status", "representative", "scope", "duplicate", "risk")
_IN_FORCE = ("存续", "在业", "开业", "在营", "正常", "active", "in force", "registered")
# A provider's scope names one of these; what a brand sells is its own affair.
_SCOPE_WORDS = (
    *("运营", "营销", "广告", "咨询", "软件", "信息技术", "技术服务", "互联网", "网络", "数字", "数据"),
    *("电子商务", "企业管理", "策划", "传媒", "文化", "marketing", "software", "consult"),
)


def run_checks(case: Case, answer: Answer) -> list[Check]:
    """Every check, in the order in which it is shown."""
    return [
        _region(case, answer),
        *_registry(case, answer),
        _duplicate(case),
        _risk(case),
        _mailbox(case),
    ]


def may_approve(checks: Iterable[Check], needs: Sequence[str] = AUTOMATIC_NEEDS) -> bool:
    """A clean case: everything needed passes and nothing at all fails. No needs: never."""
    checks = list(checks)
    passed = {c.key for c in checks if c.verdict is Verdict.PASS}
    return bool(needs) and set(needs) <= passed and not any(c.verdict is Verdict.FAIL for c in checks)


def _found(key: str, verdict: Verdict, why: str, **detail: Any) -> Check:
    return Check(key, verdict, {"why": why, **detail})


def _region(case: Case, answer: Answer) -> Check:
    parts = read_code(case.credit_code)
    detail = {"authority": parts.authority, "region": parts.region, "place": parts.place}
    if isinstance(answer, Entry) and answer.region:
        detail["registry"] = answer.region
    if parts.authority != COMPANY:
        return _found("region", Verdict.UNKNOWN, "not_a_company", **detail)
    if parts.province is None:
        return _found("region", Verdict.UNKNOWN, "national", **detail)
    if parts.province != case.province:
        return _found("region", Verdict.FAIL, "elsewhere", **detail)
    return _found("region", Verdict.PASS, "fits", **detail)


def _registry(case: Case, answer: Answer) -> list[Check]:
    keys = ("name", "status", "representative", "scope")
    if isinstance(answer, NoRegistry):
        return [_found(key, Verdict.UNKNOWN, "no_registry") for key in keys]
    if isinstance(answer, Unavailable):
        return [_found(key, Verdict.UNKNOWN, "silent", problem=answer.why) for key in keys]
    if answer is None:
        return [
            _found("name", Verdict.UNKNOWN, "not_listed"),
            _found("status", Verdict.FAIL, "not_listed"),
            *(_found(key, Verdict.UNKNOWN, "not_listed") for key in keys[2:]),
        ]
    return [_name(case, answer), _status(answer), _representative(case, answer), _scope(case, answer)]


def _name(case: Case, entry: Entry) -> Check:
    similarity = round(name_similarity(case.legal_name, entry.legal_name), 3)
    detail = {"registry": entry.legal_name, "similarity": similarity}
    if whole_name(case.legal_name) == whole_name(entry.legal_name):
        return _found("name", Verdict.PASS, "same", **detail)
    if similarity >= PERHAPS:
        return _found("name", Verdict.UNKNOWN, "near", **detail)
    return _found("name", Verdict.FAIL, "other", **detail)


def _status(entry: Entry) -> Check:
    word = entry.status.strip().lower()
    registered = entry.registered_on.isoformat() if entry.registered_on else ""
    detail = {"registry": entry.status, "registered_on": registered}
    if not word:
        return _found("status", Verdict.UNKNOWN, "not_said", **detail)
    if word.startswith(_IN_FORCE):
        return _found("status", Verdict.PASS, "in_force", **detail)
    return _found("status", Verdict.FAIL, "not_in_force", **detail)


def _representative(case: Case, entry: Entry) -> Check:
    detail = {"registry": entry.representative}
    if not entry.representative or re.search(r"[*＊?]", entry.representative):
        return _found("representative", Verdict.UNKNOWN, "not_said", **detail)
    if whole_name(case.representative) == whole_name(entry.representative):
        return _found("representative", Verdict.PASS, "same", **detail)
    return _found("representative", Verdict.FAIL, "other", **detail)


def _scope(case: Case, entry: Entry) -> Check:
    detail = {"registry": entry.scope[:1000]}
    if not entry.scope:
        return _found("scope", Verdict.UNKNOWN, "not_said", **detail)
    if case.kind != "provider" or any(word in entry.scope.lower() for word in _SCOPE_WORDS):
        return _found("scope", Verdict.PASS, "covers", **detail)
    return _found("scope", Verdict.UNKNOWN, "unclear", **detail)


def _duplicate(case: Case) -> Check:
    """Candidates by domain and by name; one that is verified blocks automatic approval and fails."""
    domains = {own_domain(case.website), own_domain(case.mailbox), *case.proved_domains} - {""}
    candidates = []
    for other in case.others:
        similarity = name_similarity(case.legal_name, other.legal_name)
        reasons = ["domain"] if domains & other.domains else []
        if other.province == case.province and similarity >= NEAR:
            reasons.append("name")
        if reasons:
            candidates.append(
                {
                    "id": other.id,
                    "name": other.legal_name,
                    "verified": other.verified,
                    "reasons": reasons,
                    "similarity": round(similarity, 3),
                }
            )
    if not candidates:
        return _found("duplicate", Verdict.PASS, "none")
    if any(c["verified"] for c in candidates):
        return _found("duplicate", Verdict.FAIL, "verified", candidates=candidates)
    return _found("duplicate", Verdict.UNKNOWN, "alike", candidates=candidates)


def _risk(case: Case) -> Check:
    """By code or by near name. A hit decides nothing: a person looks."""
    if case.risks is None:
        return _found("risk", Verdict.UNKNOWN, "unread")
    hits = [
        {"name": risk.name, "reason": risk.reason}
        for risk in case.risks
        if (risk.code and risk.code.upper() == case.credit_code)
        or (risk.name and name_similarity(case.legal_name, risk.name) >= NEAR)
    ]
    if hits:
        return _found("risk", Verdict.UNKNOWN, "hit", hits=hits)
    return _found("risk", Verdict.PASS, "none")


def _mailbox(case: Case) -> Check:
    domain = own_domain(case.mailbox)
    if any(belongs(domain, proved) for proved in case.proved_domains):
        return _found("mailbox", Verdict.PASS, "proved", domain=domain)
    if case.proved_domains:
        return _found("mailbox", Verdict.PASS, "proved_other", domain=case.proved_domains[0])
    if not domain:
        return _found("mailbox", Verdict.UNKNOWN, "public")
    if belongs(domain, domain_of(case.website)):
        return _found("mailbox", Verdict.PASS, "website", domain=domain)
    return _found("mailbox", Verdict.UNKNOWN, "unrelated", domain=domain)


# ——— Words ———

NAMES = {
    "region": mark("Credit code and province"),
    "name": mark("Registered name"),
    "status": mark("Standing in the registry"),
    "representative": mark("Legal representative"),
    "scope": mark("Business scope"),
    "duplicate": mark("Registered only once"),
    "risk": mark("Risk list"),
    "mailbox": mark("Mailbox and domain"),
}
_SILENT = {
    "no_registry": mark("No registry is connected, so a person compares it with the licence."),
    "silent": mark("The registry did not answer, so a person compares it with the licence."),
    "not_listed": mark("The registry has no entry for this credit code; a person compares the licence."),
    "not_said": mark("The registry does not say; a person compares it with the licence."),
}
# What the owner reads: what was compared and how it went, nothing of what the registry or others hold.
SENTENCES: Mapping[tuple[str, str], str] = {
    ("region", "fits"): mark("The region in the credit code (digits 3 to 8) lies in the province given."),
    ("region", "elsewhere"): mark(
        "The region in the credit code (digits 3 to 8) lies in another province than the one given. A firm that has moved keeps its code, so a person looks."
    ),
    ("region", "national"): mark(
        "The credit code was given by a national authority and names no province; a person looks."
    ),
    ("region", "not_a_company"): mark(
        "The credit code is not that of an enterprise (it does not begin with 91); a person looks."
    ),
    **{
        (key, why): text
        for key in ("name", "status", "representative", "scope")
        for why, text in _SILENT.items()
    },
    ("name", "same"): mark("The name given equals the one in the registry."),
    ("name", "near"): mark(
        "The name given is near to the one in the registry, but not the same. A person compares them."
    ),
    ("name", "other"): mark("The name given differs from the one in the registry."),
    ("status", "in_force"): mark("The registry says that the organisation is in operation."),
    ("status", "not_in_force"): mark("The registry does not say that the organisation is in operation."),
    ("representative", "same"): mark("The legal representative given equals the one in the registry."),
    ("representative", "other"): mark(
        "The legal representative given differs from the one in the registry. Whoever acts for them needs a letter of authority with a seal."
    ),
    ("scope", "covers"): mark("The business scope in the registry covers the kind of service."),
    ("scope", "unclear"): mark("Whether the business scope covers the kind of service is read by a person."),
    ("duplicate", "none"): mark("No other registered organisation looks like yours."),
    ("duplicate", "alike"): mark(
        "Another registered organisation looks like yours, by its name or its domain. A person looks whether it is the same."
    ),
    ("duplicate", "verified"): mark(
        "A verified organisation looks like yours, by its name or its domain. If it is yours, ask its owner for an invitation instead; if not, a person looks and verifies you."
    ),
    ("risk", "none"): mark("Compared with the programme's risk list."),
    ("risk", "hit"): mark("Compared with the programme's risk list; a person reads the result."),
    ("risk", "unread"): mark("The risk list could not be read; a person looks."),
    ("mailbox", "proved"): mark("Your mailbox is at %(domain)s, a domain your organisation has proved."),
    ("mailbox", "proved_other"): mark("Your organisation has proved the domain %(domain)s."),
    ("mailbox", "website"): mark("Your mailbox is at %(domain)s, the domain of your website."),
    ("mailbox", "public"): mark(
        "Your mailbox is at a public mail host. That is allowed; a proved domain speaks for you."
    ),
    ("mailbox", "unrelated"): mark(
        "Your mailbox is at %(domain)s, which is not the domain of your website. Prove the domain to settle it."
    ),
}
REGISTRY_SAYS = mark("Registry: %(registry)s")
RUNNING = mark("The automatic checks are still running.")
BY_ITSELF = mark(
    "The registry confirms name, standing and legal representative; region, scope, doubles and risk list raise no question."
)
# Which checks speak to which of the reviewer's five items.
_SPEAKS_TO = {
    "name": ("name",),
    "code": ("region",),
    "status": ("status",),
    "scope": ("scope",),
    "authority": ("representative",),
}


@dataclass(frozen=True)
class Hint:
    """What the portal found about a reviewer's item: a verdict only where it passes, and why."""

    verdict: str
    sentences: list[tuple[str, dict[str, Any]]] = field(hash=False)


def sentence(key: str, detail: Mapping[str, Any]) -> str:
    return SENTENCES[key, detail["why"]]


def hints(checks: Iterable[Check]) -> dict[str, Hint]:
    """Item → what the portal found. A failed check leaves the verdict to the reviewer."""
    by_key = {c.key: c for c in checks}
    found = {}
    for item, keys in _SPEAKS_TO.items():
        speaking = [by_key[key] for key in keys if key in by_key]
        if not speaking:
            continue
        said = []
        for check in speaking:
            said.append((sentence(check.key, check.detail), dict(check.detail)))
            if check.detail.get("registry"):
                said.append((REGISTRY_SAYS, dict(check.detail)))
        passes = all(c.verdict is Verdict.PASS for c in speaking)
        found[item] = Hint("pass" if passes else "", said)
    return found


def wait_before(attempts: int) -> timedelta | None:
    """How long to wait before a silent registry is asked again, after so many attempts; None: no more."""
    return timedelta(seconds=WAIT_SECONDS[attempts - 1]) if attempts < MOST_LOOK_UPS else None


def reminder_due(registered: datetime, sent: Iterable[int], now: datetime) -> int | None:
    """Which reminder (days before the freeze) is to be sent now; the later one when both have come due."""
    left = registered + VERIFY_WITHIN - now
    if left <= timedelta(0):
        return None
    days = min((days for days in REMIND_BEFORE if left <= timedelta(days=days)), default=None)
    return None if days is None or any(earlier <= days for earlier in sent) else days
