"""What a programme file is made of: every entry that is read, with the kind of its value. Pure."""

from portal.organisations.rules import Role
from portal.programme.kinds import Either, Entry, Flag, Kind, ListOf, MapOf, Number, OneOf, Words

LEVELS = ("3", "4", "5")
STARS = ("1", "2", *LEVELS)
STAFF = ("reviewer", "partner_manager", "programme_manager", "administrator")
STEPS = ("visitor", "provisional", "verified", "2", *LEVELS, "frozen", "suspended", "closed")
VERSION = r"[0-9A-Za-z][0-9A-Za-z.\-]{0,19}"
DAY = r"\d\d-\d\d"
CHECKS = ("region", "name", "status", "representative", "scope", "duplicate", "risk", "mailbox")
FILTERS = (
    "certified_and_accepting",
    "capacity_left",
    "must_have_capability",
    "language",
    "region_if_on_site",
    "price_floor",
    "start_date",
    "provider_refusals",
    "blocked_by_brand",
    "level_gate",
    "minimum_score",
)
PARTS = (
    "capability",
    "similar_case",
    "industry",
    "price",
    "reviews",
    "certification",
    "region_language",
    "evidence",
    "size_fit",
    "responsiveness",
)
ONLINES = ("owner", "employee", "management", "product", "marketing", "training", "customer")

days, count, share = Number(0, 3650, whole=True), Number(0, 10_000, whole=True), Number(0, 1)
some_days = Number(1, 3650, whole=True)
percent = Number(0, 100)
name = Words(60)
NAMES: dict[str, Kind] = {"zh": Words(200), "en": Words(200)}
names = Entry(NAMES)
unit_names = Entry({"zh": Words(20, empty=True), "en": Words(20, empty=True)})
options = MapOf(names)
code = Words(20, like=r"[A-Za-z0-9-]{1,20}")
key = Words(60, like=r"[a-z][a-z0-9_-]{1,59}")


FORMS = ("nomination", "cohort", "shortlist", "objection", "jury", "winners")
AWARD_PARTS = (
    *("attainment", "review", "outcomes", "replicable", "fresh", "reuse", "industries"),  # of a case
    *("maturity", "dimensions", "hours", "cases", "attested", "reviews", "answered", "trust", "reviewers"),
    *("small", "province", "industry"),
)
AWARD_TARGETS = (
    *("outcomes", "fresh_d", "reuse", "industries", "maturity", "dimensions", "hours", "cases", "attested"),
    *("reviewers", "small", "province", "industry", "small_budget", "scarce_below"),
)
AWARD_GATES: dict[str, Kind] = {
    "stars_min": Number(0, 5, whole=True),
    "conduct_min": percent,
    "major_open_max": count,
    "verified_d_max": days,
}
AWARD = Entry(
    {
        "key": key,
        "subject": OneOf(("case", "provider")),
        "jury": percent,
        **NAMES,
        "weights": Entry({}, dict.fromkeys(AWARD_PARTS, percent)),
    },
    {"gates": Entry({}, AWARD_GATES)},
)


def by_level(kind: Kind) -> MapOf:
    return MapOf(kind, LEVELS)


def fields(kind: Kind, text: str) -> dict[str, Kind]:
    return dict.fromkeys(text.split(), kind)


METRIC = Entry(
    {
        "key": key,
        "weight": percent,
        "levels": by_level(ListOf(Number(), exactly=2, once=False)),
        "grace_d": days,
    },
    {
        "min_sample": by_level(count),
        "neutral_when_sample_below": count,
        "sla_h": by_level(count),
        "fix_days": by_level(Number(0, 365)),
    },
)
FAMILY = Entry(
    {**NAMES, "hard_gates": by_level(MapOf(Either())), "metrics": ListOf(METRIC, least=1)},
    {
        "technical_review": Entry(
            {
                **fields(some_days, "valid_d surveillance_at_d"),
                "recheck_on_major_version": Flag(),
                "stages": ListOf(key),
            }
        )
    },
)
RIGHT = Entry(
    {**NAMES, "steps": ListOf(OneOf(STEPS)), "roles": ListOf(OneOf(tuple(Role)))},
    {"side": OneOf(("provider", "brand"))},
)
RIGHTS = Entry(
    {
        "steps": MapOf(names, STEPS),
        "roles": MapOf(names, tuple(Role)),
        "table": MapOf(RIGHT),
        "staff": MapOf(Entry({**NAMES, "roles": ListOf(OneOf(STAFF), least=1)})),
    }
)
STAR = Entry({**NAMES, "public": Flag(), "auto": Flag()}, {"sustained_4star_days": days})
SCORING = Entry(
    {
        "pass_score": by_level(percent),
        "every_metric_nonzero": OneOf((True,)),
        "partial_points": OneOf(("weight * min(1, value / target)",)),
        "hold_days_before_upgrade": days,
        "one_person_counts_once_per_role": OneOf((True,)),
        "person_counts_for_orgs_max": OneOf((1,)),
        "same_client_max_share_of_evidence": Number(0.01, 1),
    }
)
METRICS = Entry(
    {
        "groups": options,
        "names": MapOf(Entry({**NAMES, "group": key, "unit": key})),
        "gates": options,
        "score": names,
        "units": MapOf(unit_names),
    }
)
LIFECYCLE = Entry(
    {
        "validity_d": some_days,
        "return_d": days,
        "states": ListOf(key),
        "renewal_window_d": ListOf(Number(-365, 365, whole=True), exactly=2),
        "auto_renew_when_all_met": Flag(),
        "reminders_d": ListOf(some_days, least=1),
        "upgrade": OneOf(("any_time",)),
        "downgrade": OneOf(("only_after_grace",)),
        "at_risk_visible_to": ListOf(key),
        "probation_visible_to": OneOf(("public",)),
        "probation_starts_at_fraction_of_grace": share,
        **fields(days, "rule_change_grandfather_d hard_gate_grace_d score_grace_d"),
        "staff_departure": Entry(
            {
                "personal_credential_stays_with_person": OneOf((True,)),
                "org_count_drops": OneOf(("immediately",)),
                "continuity_credit": Entry(
                    {"max_share_of_required_heads": share, "days": some_days, "uses_per_12m": OneOf((1,))}
                ),
                "handover_checklist_wd": some_days,
                "mailbox_check": Entry(fields(some_days, "every_d answer_wd owners_answer_wd")),
                "hired_by_client": Entry(
                    {"tag": name, "extra_grace_d": days, "client_confirmation": OneOf((True,))}
                ),
            }
        ),
        "suspension_immediate_for": ListOf(key),
    }
)
REVIEWS = Entry(
    {
        **fields(some_days, "completeness_wd expert_wd countersign_wd supplement_d coi_lookback_d"),
        "supplement_rounds": Number(0, 10, whole=True),
        "cooldown_after_final_reject_d": days,
        "reviewers_per_item": Number(1, 5, whole=True),
        "third_reviewer_if_score_gap_over": percent,
        "blind": Entry({"org_name": Flag(), "reviewer_name": Flag()}),
        "appeal": Entry(
            {
                **fields(some_days, "window_d decide_wd"),
                "fresh_panel": OneOf((True,)),
                "rounds": Number(1, 5, whole=True),
                "may_worsen": OneOf((False,)),
            }
        ),
    }
)
PAPER = {
    "bank_min_per_exam": count,
    "questions": Number(1, 200, whole=True),
    "minutes": Number(1, 600, whole=True),
}
EXAMS = Entry(
    {
        **PAPER,
        "pass": percent,
        "attempts_per_30d": Number(1, 30, whole=True),
        "cooldown_d": days,
        "practical_from": ListOf(code),
        "practical": Entry({"days": some_days, "pass": percent}),
        "personal_validity_d": some_days,
        "annual_maintenance_minutes": Number(0, 600, whole=True),
    }
)
CERTIFICATE = Entry(
    {
        "code": code,
        **NAMES,
        "family": OneOf(("operator", "isv", "both")),
        "counts_as": key,
        "tracks": ListOf(code, least=1),
    },
    {"needs": ListOf(code), "paper": Entry({}, {**PAPER, "pass": percent})},
)
TRACK = Entry(
    {"code": code, **NAMES, "hours": Number(0.25, 500), "modules": ListOf(names, least=1)},
    {"mandatory": Flag()},
)
FOSTERED = ("maturity", "hours", "certificates", "newcomer", "size", "waited", "scarce")
FOSTERING = Entry(
    {
        "weights": MapOf(percent, FOSTERED),
        **fields(some_days, "newcomer_d waited_d"),
        **fields(Number(0, 10_000, whole=True), "small_heads large_heads scarce_below"),
        "names": MapOf(names, FOSTERED),
    }
)
MATURITY = Entry(
    {
        "review_wd": some_days,
        "valid_quarters": Number(0, 20, whole=True),
        "over_claim": percent,
        "seven_onlines": Entry(
            {
                "order": ListOf(OneOf(ONLINES), exactly=7),
                "prerequisites": MapOf(ListOf(OneOf(ONLINES)), some=ONLINES, least=0),
                "items_per_dimension": OneOf((5,)),
                "zh": MapOf(Words(20), ONLINES),
            }
        ),
        "five_rises": MapOf(
            Entry({"zh": Words(40), "lifts": ListOf(OneOf(ONLINES), least=1)}),
            ("store", "training", "supervise", "content", "close"),
        ),
        "four_forces": MapOf(Words(20), ("organisation", "goods", "operation", "product")),
        "four_layers": MapOf(Words(20), ("product", "traffic", "marketing", "management")),
    }
)
GROUPS = MapOf(Entry({**NAMES, "leaves": options}))
TAXONOMY = Entry(
    {
        "directions": MapOf(names, ("tools", "industry", "operation")),
        **fields(GROUPS, "industries capabilities"),
        **fields(options, "stages modes fee_models channels brand_scales languages provinces"),
        "archetypes": MapOf(Entry({**NAMES, "private_share": ListOf(share, exactly=2, once=False)})),
        "platform_products": ListOf(name),
    }
)
BENEFIT = Entry(
    {
        "key": key,
        "class": OneOf(("技术", "业务", "资源", "流量")),
        **NAMES,
        "stars": MapOf(Either(), some=STARS),
        "unit": Words(40),
    }
)
MATCHING = Entry(
    {
        "weights": MapOf(percent, PARTS),
        "hard_filters": ListOf(OneOf(FILTERS)),
        "minimum_score": percent,
        "price_floor_ratio": Number(1, 10),
        "level_gates": MapOf(
            Number(1, 5, whole=True), ("smb", "growth", "ka", "on_site_delivery", "strategic_co_creation")
        ),
        "shortlist_size": Number(1, 20, whole=True),
        "places": MapOf(Number(0, 20, whole=True), ("merit", "fair")),
        **fields(share, "pool_epsilon guarantee_alpha"),
        "owed_threshold": Number(0, 100),
        "debt_half_life_d": some_days,
        **fields(Number(1, 240, whole=True), "case_half_life_months reviews_window_months"),
        **fields(Flag(), "shuffle_display_order contacts_hidden_until_mutual_accept"),
        "capacity_expires_d": some_days,
        "brief_completeness_to_publish": percent,
        "clocks": Entry(
            fields(
                some_days,
                "triage_wh shortlist_wd provider_response_wh provider_response_ka_wh brand_decision_wd"
                " first_meeting_wd update_every_d stale_after_d",
            )
        ),
        "outcome_checkpoints_d": ListOf(some_days, least=1),
        **fields(options, "decline_reasons lost_reasons"),
        "brand_reliability": Entry(fields(percent, "ghosting_penalty start needs_manual_triage_below")),
    }
)
PHASE = Entry({"key": key, **NAMES, "from": Words(5, like=DAY), "to": Words(5, like=DAY)})
SHAPE = Entry(
    {
        "version": Words(20, like=VERSION),
        "notice": names,
        "rights": RIGHTS,
        "stars": MapOf(STAR, STARS),
        "scoring": SCORING,
        "families": MapOf(FAMILY, ("operator", "isv")),
        "metrics": METRICS,
        "lifecycle": LIFECYCLE,
        "reviews_of_submissions": REVIEWS,
        "profile": Entry(
            fields(
                count,
                "directions_max industries_max capabilities_max conflicts_max capacity_reminder_d"
                " merge_answer_d export_kept_d",
            )
        ),
        "verification": Entry({"automatic_needs": ListOf(OneOf(CHECKS))}),
        "exams": EXAMS,
        "personal_certificates": ListOf(CERTIFICATE, least=1),
        "tracks": ListOf(TRACK, least=1),
        "mandatory": Entry({"valid_d": some_days, "reminders_d": ListOf(some_days, least=1)}),
        "fostering": FOSTERING,
        "maturity": MATURITY,
        "taxonomy": TAXONOMY,
        "benefits": ListOf(BENEFIT),
        "matching": MATCHING,
        "deal_registration": Entry(
            {
                "open_max_per_org": count,
                **fields(some_days, "protect_d extend_once_d needs_activity_every_d"),
                "duplicate_check": ListOf(key),
            }
        ),
        "conduct": Entry(
            {
                **fields(percent, "start recovery_per_clean_month"),
                "deductions": MapOf(percent, like=r"[a-z0-9_]{3,40}"),
                "award_formula": Words(80),
            }
        ),
        "provisional_activation": Entry(
            {"verify_within_d": some_days, "auto_check_target_minutes": some_days}
        ),
        "season": Entry(
            {
                "code": code,
                "phases": ListOf(PHASE, least=1),
                "quarterly_evaluation": ListOf(Words(5, like=DAY), exactly=4),
                "opens": MapOf(key, FORMS),
                "shortlist_size": count,
                "jurors": count,
                "award_gates": Entry({}, AWARD_GATES),
                "award_targets": MapOf(Number(1), AWARD_TARGETS),
                "awards": ListOf(AWARD),
                "award_parts": MapOf(names, AWARD_PARTS),
                "jury_rubric": options,
                "vision_counters": MapOf(count, ("brands_over_10bn", "brands_over_1bn", "brands_over_100m")),
            }
        ),
    }
)
