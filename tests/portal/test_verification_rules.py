"""Names, codes, domains, verdicts and reminders: the pure part of verification."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from portal import clock
from portal.domains import rules as domains
from portal.organisations.rules import VERIFY_WITHIN
from portal.programme.actions import DEFAULT
from portal.review.rules import may_ask
from portal.verification import rules
from portal.verification.rules import (
    AUTOMATIC_NEEDS,
    Case,
    Check,
    Entry,
    NoRegistry,
    Other,
    Risk,
    Unavailable,
    Verdict,
    core_name,
    hints,
    may_approve,
    name_similarity,
    read_code,
    reminder_due,
    run_checks,
    sentence,
    wait_before,
    whole_name,
)

NAME = "上海晴川数字科技有限公司"
OTHER_NAME = "上海晴川数码科技有限公司"


def code(region: str = "310000", authority: str = "91") -> str:
    body = f"{authority}{region}MA0000001"
    return body + uscc.calc_check_digit(body)


def case(**changes) -> Case:
    return Case(
        **{
            "legal_name": NAME,
            "credit_code": code(),
            "province": "shanghai",
            "website": "https://qingchuan.example",
            "kind": "provider",
            "representative": "顾晴川",
            "mailbox": "owner@qingchuan.example",
        }
        | changes
    )


def entry(**changes) -> Entry:
    return Entry(
        **{
            "credit_code": code(),
            "legal_name": NAME,
            "status": "存续（在营、开业、在册）",
            "representative": "顾晴川",
            "scope": "软件开发；互联网营销服务",
            "registered_on": date(2020, 1, 2),
            "region": "上海市",
        }
        | changes
    )


def found(asked: Case, answer) -> dict[str, tuple[str, str]]:
    return {c.key: (c.verdict.value, c.detail["why"]) for c in run_checks(asked, answer)}


# ——— Names ———


@pytest.mark.parametrize(
    ("one", "other", "same", "similarity"),
    [
        (NAME, NAME, True, 1.0),
        ("云栈数字科技（上海）有限公司", "云栈数字科技(上海)有限公司", True, 1.0),
        ("云栈 数字科技（上海）有限公司", "云栈数字科技（上海）有限公司", True, 1.0),
        ("雲棧數字科技（上海）有限公司", "云栈数字科技（上海）有限公司", True, 1.0),
        ("Ｔａｎｇｌｉ Co., Ltd", "tangli co ltd", True, 1.0),
        ("云栈数字科技（上海）有限公司", "上海云栈数字科技有限公司", False, 1.0),
        ("苏州码上通软件有限公司", "苏州码上通软件股份有限公司", False, 1.0),
        (NAME, OTHER_NAME, False, 0.875),
        ("云栈数字科技（上海）有限公司", "云栈数字科技（北京）有限公司", False, 0.75),
        (NAME, "成都轻舟云计算有限公司", False, 0.0),
        ("", NAME, False, 0.0),
    ],
)
def test_names(one, other, same, similarity):
    assert (whole_name(one) == whole_name(other), name_similarity(one, other)) == (same, similarity)


@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_a_share_and_the_same_both_ways(one, other):
    assert 0 <= name_similarity(one, other) <= 1
    assert name_similarity(one, other) == pytest.approx(name_similarity(other, one))
    assert name_similarity(one, one) in (0.0, 1.0)


def test_a_name_that_is_only_a_legal_form_stays():
    assert core_name("有限公司") == "有限公司"


# ——— The code ———


def test_what_a_code_says():
    parts = read_code(code("310115"))
    assert (parts.authority, parts.region, parts.province, parts.place) == (
        "91",
        "310115",
        "shanghai",
        "上海市 浦东新区",
    )
    assert read_code(code("100000")).province is None


def test_the_prefixes_are_the_programmes_provinces():
    import yaml

    provinces = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))["taxonomy"]["provinces"]
    assert sorted(rules.PROVINCES.values()) == sorted(provinces)


@pytest.mark.parametrize(
    ("credit_code", "province", "verdict"),
    [
        (code(), "shanghai", ("pass", "fits")),
        (code("440305"), "shanghai", ("fail", "elsewhere")),
        (code("100000"), "shanghai", ("unknown", "national")),
        (code(authority="92"), "shanghai", ("unknown", "not_a_company")),
        (code(authority="12"), "shanghai", ("unknown", "not_a_company")),
    ],
)
def test_the_region(credit_code, province, verdict):
    assert found(case(credit_code=credit_code, province=province), NoRegistry())["region"] == verdict


# ——— The registry ———

CLEAN = {
    "region": ("pass", "fits"),
    "name": ("pass", "same"),
    "status": ("pass", "in_force"),
    "representative": ("pass", "same"),
    "scope": ("pass", "covers"),
    "duplicate": ("pass", "none"),
    "risk": ("pass", "none"),
    "mailbox": ("pass", "website"),
}


def test_a_clean_case():
    assert found(case(), entry()) == CLEAN
    assert may_approve(run_checks(case(), entry()))


@pytest.mark.parametrize(
    ("changes", "key", "verdict"),
    [
        ({"legal_name": OTHER_NAME}, "name", ("unknown", "near")),
        ({"legal_name": "成都轻舟云计算有限公司"}, "name", ("fail", "other")),
        ({"status": "吊销"}, "status", ("fail", "not_in_force")),
        ({"status": ""}, "status", ("unknown", "not_said")),
        ({"representative": "别人"}, "representative", ("fail", "other")),
        ({"representative": "顾*"}, "representative", ("unknown", "not_said")),
        ({"representative": ""}, "representative", ("unknown", "not_said")),
        ({"scope": ""}, "scope", ("unknown", "not_said")),
        ({"scope": "养殖水产品"}, "scope", ("unknown", "unclear")),
    ],
)
def test_each_difference_is_a_persons(changes, key, verdict):
    checks = found(case(), entry(**changes))
    assert checks == CLEAN | {key: verdict}
    assert not may_approve(run_checks(case(), entry(**changes)))


def test_what_a_brand_sells_is_its_own_affair():
    assert found(case(kind="brand"), entry(scope="养殖水产品"))["scope"] == ("pass", "covers")


@pytest.mark.parametrize(
    ("answer", "why"), [(NoRegistry(), "no_registry"), (Unavailable("x"), "silent"), (None, "not_listed")]
)
def test_without_an_answer_everything_goes_to_a_person(answer, why):
    checks = found(case(), answer)
    assert {checks[key][1] for key in ("name", "status", "representative", "scope")} == {why}
    assert not may_approve(run_checks(case(), answer))


# ——— Doubles, risks, mailboxes ———


def other(**changes) -> Other:
    return Other(
        **{
            "id": 7,
            "legal_name": OTHER_NAME,
            "verified": True,
            "province": "shanghai",
            "domains": frozenset({"x.example"}),
        }
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "reasons"),
    [
        ({}, "fail", ["name"]),
        ({"verified": False}, "unknown", ["name"]),
        ({"province": "sichuan"}, "pass", None),
        ({"legal_name": "成都轻舟云计算有限公司"}, "pass", None),
        (
            {"legal_name": "成都轻舟云计算有限公司", "domains": frozenset({"qingchuan.example"})},
            "fail",
            ["domain"],
        ),
    ],
)
def test_doubles(changes, verdict, reasons):
    check = next(c for c in run_checks(case(others=(other(**changes),)), entry()) if c.key == "duplicate")
    assert check.verdict == verdict
    assert [c["reasons"] for c in check.detail.get("candidates", [])] == ([reasons] if reasons else [])
    assert may_approve(run_checks(case(others=(other(**changes),)), entry())) is (reasons is None)


def test_a_public_mail_host_makes_nobody_a_double():
    asked = case(
        mailbox="someone@qq.com", website="", others=(other(domains=frozenset({"qq.com"}), province="x"),)
    )
    assert found(asked, entry())["duplicate"] == ("pass", "none")


@pytest.mark.parametrize(
    ("risks", "verdict"),
    [
        ((Risk("别家有限公司", "", "x"),), ("pass", "none")),
        ((Risk("", code(), "x"),), ("unknown", "hit")),
        ((Risk("上海晴川數字科技股份有限公司", "", "x"),), ("unknown", "hit")),
        (None, ("unknown", "unread")),
    ],
)
def test_risks_never_decide_but_never_pass_either(risks, verdict):
    checks = run_checks(case(risks=risks), entry())
    assert found(case(risks=risks), entry())["risk"] == verdict
    assert may_approve(checks) is (verdict[0] == "pass")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"mailbox": "a@mail.qingchuan.example"}, ("pass", "website")),
        ({"mailbox": "a@163.com"}, ("unknown", "public")),
        ({"mailbox": "a@other.example"}, ("unknown", "unrelated")),
        ({"mailbox": "a@other.example", "proved_domains": ("other.example",)}, ("pass", "proved")),
        ({"mailbox": "a@163.com", "proved_domains": ("other.example",)}, ("pass", "proved_other")),
        ({"mailbox": "a@notqingchuan.example"}, ("unknown", "unrelated")),
    ],
)
def test_mailboxes(changes, verdict):
    assert found(case(**changes), entry())["mailbox"] == verdict


VERDICTS = st.sampled_from(list(Verdict))


@given(st.fixed_dictionaries(dict.fromkeys((*AUTOMATIC_NEEDS, "mailbox"), VERDICTS)))
def test_only_what_wholly_passes_is_approved(verdicts):
    checks = [Check(key, verdict, {"why": ""}) for key, verdict in verdicts.items()]
    clean = all(verdicts[key] is Verdict.PASS for key in AUTOMATIC_NEEDS)
    assert may_approve(checks) is (clean and verdicts["mailbox"] is not Verdict.FAIL)
    assert may_approve(checks, []) is False


def test_every_finding_has_its_sentence_and_none_tells_what_others_hold():
    answers = [entry(), entry(legal_name="X 机密", representative="机密", scope="机密", status="机密"), None]
    answers += [NoRegistry(), Unavailable("机密")]
    cases = [
        case(),
        case(others=(other(legal_name="上海晴川数字机密有限公司"),), risks=(Risk("", code(), "机密"),)),
    ]
    for asked in cases:
        for answer in answers:
            for check in run_checks(asked, answer):
                text = sentence(check.key, check.detail) % {"domain": "d.example"}
                assert "机密" not in text
                assert text.endswith(".")


def test_hints_choose_only_what_passes():
    given_ = hints(run_checks(case(), entry(status="吊销")))
    assert {item: hint.verdict for item, hint in given_.items()} == {
        "name": "pass",
        "code": "pass",
        "status": "",
        "scope": "pass",
        "authority": "pass",
    }
    assert given_["status"].sentences[1][1]["registry"] == "吊销"


# ——— Domains ———


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("https://www.Tangli.example/about?x", "tangli.example"),
        ("tangli.example", "tangli.example"),
        ("someone@tangli.example", "tangli.example"),
        ("棠梨.example", "xn--30vpe.example"),
    ],
)
def test_domains_are_read(typed, domain):
    assert domains.read_domain(typed) == domain


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "localhost",
        "127.0.0.1",
        "a..b",
        "-x.example",
        "a b.example",
        "x." + "y" * 64,
        "qq.com",
        "_x.example",
    ],
)
def test_what_is_no_domain_of_ones_own(typed):
    with pytest.raises(ValueError, match=r"\.$"):
        domains.read_domain(typed)


NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_when_the_dns_is_asked_again():
    claimed = NOW - timedelta(days=1)
    assert domains.next_check(proved=True, claimed_at=claimed, now=NOW) == NOW + timedelta(days=1)
    assert domains.next_check(proved=False, claimed_at=claimed, now=NOW) == NOW + timedelta(minutes=10)
    assert domains.next_check(proved=False, claimed_at=NOW - timedelta(days=4), now=NOW) is None
    assert not domains.is_lost(NOW - timedelta(days=7) + timedelta(seconds=1), NOW)
    assert domains.is_lost(NOW - timedelta(days=7), NOW)


# ——— Clocks ———


@pytest.mark.parametrize(
    ("left", "sent", "due"),
    [
        (timedelta(days=8), (), None),
        (timedelta(days=7), (), 7),
        (timedelta(days=3), (), 7),
        (timedelta(days=3), (7,), None),
        (timedelta(days=2), (7,), 2),
        (timedelta(days=1), (), 2),
        (timedelta(days=1), (7, 2), None),
        (timedelta(days=1), (2,), None),
        (timedelta(0), (), None),
        (timedelta(days=-1), (), None),
    ],
)
def test_reminders(left, sent, due):
    assert reminder_due(NOW + left - VERIFY_WITHIN, sent, NOW) == due


def test_a_silent_registry_is_done_within_three_minutes():
    waits = [wait_before(n) for n in range(1, rules.MOST_LOOK_UPS + 1)]
    assert waits[-1] is None
    from portal.verification.registries import TIMEOUT_SECONDS

    total = sum((w for w in waits if w), timedelta(0)) + timedelta(seconds=TIMEOUT_SECONDS) * len(waits)
    assert total < timedelta(minutes=3)


def test_two_supplement_rounds():
    assert [may_ask(round_, 2) for round_ in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2025-01-26", True),  # a Sunday before the Spring Festival
        ("2025-02-08", True),  # a Saturday after it
        ("2025-01-28", False),
        ("2025-02-04", False),
        ("2025-04-27", True),
        ("2025-09-28", True),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-28", True),
        ("2026-02-23", False),
        ("2026-09-20", True),
        ("2026-10-10", True),
        ("2026-10-07", False),
        ("2026-11-21", False),  # an ordinary Saturday
        ("2026-11-23", True),
    ],
)
def test_the_working_days_of_china(day, works):
    assert clock.is_working_day(date.fromisoformat(day)) is works


def test_the_calendar_says_how_far_it_is_official():
    """Later years are estimated: the festival is known, the shifted weekends are not."""
    through = clock.official_through()
    assert through >= 2026
    later = [date(through + 1, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [day for day in later if day.weekday() >= 5 and clock.is_working_day(day)] == []
