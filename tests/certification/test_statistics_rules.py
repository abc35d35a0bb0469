"""The figures against published ones, against values worked out by hand, and against what must always hold."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.marking.rules import Given, Key
from certification.statistics import irt
from certification.statistics.drift import Window, compare, difference, mantel_haenszel
from certification.statistics.item_analysis import (
    alpha_of,
    consistency,
    item_figures,
    option_figures,
    rest_scores,
    totals,
)
from certification.statistics.item_analysis import (
    test_figures as figures_of,
)
from certification.statistics.rules import (
    OptionShare,
    Period,
    day_of,
    flags_of,
    guess_score,
    letter,
    score_of,
    urgency,
)

ORACLES = Path(__file__).resolve().parents[2].parent / "shared" / "oracles"
needs_oracles = pytest.mark.skipif(not ORACLES.exists(), reason="the oracles are not here")
ALL = np.ones


def whole(x):
    """Every item of one point, all scored."""
    return x, np.ones(x.shape[1]), np.ones(x.shape[1], dtype=bool)


# ——— Oracles ———


def lsat(name):
    rows = list(csv.reader((ORACLES / f"{name}.csv").open()))[1:]
    x = np.array([[float(v) for v in row[:5]] for row in rows for _ in range(int(row[5]))])
    return x, json.loads((ORACLES / "oracles.json").read_text())["computed"][name]


@needs_oracles
@pytest.mark.parametrize("name", ["lsat6", "lsat7"])
def test_the_law_school_tests(name):
    x, known = lsat(name)
    classical, model = known["ctt"], known["2PL"]
    found = item_figures(*whole(x))
    test = figures_of(*whole(x))
    assert test.alpha == pytest.approx(classical["alpha"], abs=1e-4)
    assert (test.mean, test.sd, test.sem) == pytest.approx(
        (classical["mean"], classical["sd"], classical["sem"]), abs=1e-5
    )
    assert [f.p for f in found] == pytest.approx(classical["p"])
    assert [f.r_total for f in found] == pytest.approx(classical["point_biserial_with_total"], abs=1e-4)
    assert [f.r_rest for f in found] == pytest.approx(classical["point_biserial_rest"], abs=1e-4)
    fitted = irt.fit(x)
    assert fitted.log_likelihood == pytest.approx(model["loglik"], abs=0.01)
    for letter_, values in (("a", model["a"]), ("d", model["d"]), ("b", model["b"])):
        assert [getattr(i, letter_) for i in fitted.items] == pytest.approx(values, abs=0.005)
    none, every = int(np.argmin(x.sum(axis=1))), int(np.argmax(x.sum(axis=1)))
    assert [fitted.eap[none], fitted.eap_sd[none]] == pytest.approx(model["eap_00000"], abs=1e-3)
    assert [fitted.eap[every], fitted.eap_sd[every]] == pytest.approx(model["eap_11111"], abs=1e-3)
    abilities = np.array([float(t) for t in model["info_at"]])
    assert fitted.information(abilities) == pytest.approx(list(model["info_at"].values()), abs=1e-3)


@needs_oracles
def test_published_standard_errors():
    x, _ = lsat("lsat6")
    known = json.loads((ORACLES / "oracles.json").read_text())["published"]["lsat6"]
    fitted = irt.fit(x)
    assert [i.se_a for i in fitted.items] == pytest.approx(known["2pl_se_a"], abs=0.002)
    assert [i.se_b for i in fitted.items] == pytest.approx(known["2pl_se_b"], abs=0.002)


@needs_oracles
def test_63_item_figures_and_the_test_of_a_quiz():
    rows = list(csv.DictReader((ORACLES / "moodle_results00.csv").open()))
    x = np.array([[float(row[f"slots.{n}.mark"]) for n in range(1, 8)] for row in rows])
    names = {
        "facility": "p",
        "sd": "sd",
        "effectiveweight": "effective_weight",
        "covariance": "covariance",
        "markvariance": "variance",
        "othermarkvariance": "rest_variance",
        "discriminationindex": "index",
        "covariancemax": "covariance_max",
        "discriminativeefficiency": "efficiency",
    }
    compared = 0
    known = csv.DictReader((ORACLES / "moodle_qstats00.csv").open())
    for row, figures in zip(known, item_figures(*whole(x)), strict=True):
        for his, ours in names.items():
            assert getattr(figures, ours) == pytest.approx(float(row[his]), abs=2e-4), (row["slot"], his)
            compared += 1
    assert compared == 63
    test = figures_of(*whole(x))
    quiz = json.loads((ORACLES / "oracles.json").read_text())["published"]["moodle00"]["quiz"]
    assert [
        test.median,
        test.mean,
        test.sd,
        test.skewness,
        test.kurtosis,
        test.cic,
        test.error_ratio,
        test.sem,
    ] == pytest.approx(
        [
            quiz[name]
            for name in (
                "median",
                "firstattemptsavg",
                "standarddeviation",
                "skewness",
                "kurtosis",
                "cic",
                "errorratio",
                "standarderror",
            )
        ],
        rel=1.5e-5,
    )


# ——— By hand ———


def test_a_matrix_worked_out_by_hand():
    """Four candidates, three items: totals 3, 2, 1, 0, rest scores of the first item 2, 1, 0, 0."""
    x = np.array([[1.0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    first, second, third = item_figures(*whole(x))
    assert (first.n, first.p, first.variance) == (4, 0.75, 0.25)
    assert first.covariance == pytest.approx(0.25)  # 2.25/3 − 4·0.75·0.75/3 = (3 − 2.25)/3
    assert first.rest_variance == pytest.approx(11 / 12)
    assert first.r_rest == pytest.approx(0.25 / (0.25 * 11 / 12) ** 0.5)
    assert first.efficiency == pytest.approx(100)  # already in the best order
    assert first.intended_weight == pytest.approx(100 / 3)
    assert second.p == 0.5
    assert third.p == 0.25
    assert [f.effective_weight for f in (first, second, third)] == pytest.approx(
        [100 * v for v in np.sqrt([0.5, 2 / 3, 0.5]) / np.sqrt([0.5, 2 / 3, 0.5]).sum()]
    )
    test = figures_of(*whole(x))
    # ΣV(x) = 1/4 + 1/3 + 1/4, V(T) = 5/3
    assert test.alpha == pytest.approx(1.5 * (1 - (5 / 6) / (5 / 3)))
    assert (test.mean, test.median, test.sd) == pytest.approx((1.5, 1.5, (5 / 3) ** 0.5))
    assert test.sem == pytest.approx((5 / 3 * (1 - 0.75)) ** 0.5)


def test_drawn_papers_are_held_against_their_own_items():
    """Two candidates saw A and B, two saw A and C; the last two papers are worth twice as much."""
    nan = np.nan
    x = np.array([[1.0, 1, nan], [0, 1, nan], [1, nan, 3], [0, nan, 0]])
    top, scored = np.array([1.0, 1, 3]), np.ones(3, dtype=bool)
    assert totals(x, top, scored) == pytest.approx(np.array([1.0, 0.5, 1.0, 0.0]) * 3)
    asked, rest = rest_scores(x, top, scored, 0)
    assert asked.tolist() == [0, 1, 2, 3]
    assert rest == pytest.approx(np.array([1.0, 1.0, 1.0, 0.0]) * 2)
    a, b, c = item_figures(x, top, scored)
    assert [f.n for f in (a, b, c)] == [4, 2, 2]
    assert (b.r_rest, b.variance) == (None, 0.0)
    assert c.p == 0.5


def test_a_pilot_item_counts_for_nobody_and_is_measured_all_the_same():
    x = np.array([[1.0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1]])
    scored = np.array([True, True, True, False])
    test = figures_of(x, np.ones(4), scored)
    alone = figures_of(x[:, :3], np.ones(3), np.ones(3, dtype=bool))
    assert test == alone
    *_, pilot = item_figures(x, np.ones(4), scored)
    assert pilot.r_rest == pytest.approx(np.corrcoef(x[:, 3], x[:, :3].sum(axis=1))[0, 1])
    assert (pilot.intended_weight, pilot.effective_weight) == (None, None)


def test_options_by_hand():
    """Five candidates, rest scores 0 to 4: A by the two weakest, B by two, nothing by one."""
    chosen = np.array([1, 1, 0, 2, 2])
    a, b, none = option_figures(chosen, 2, np.arange(5), np.arange(5.0))
    assert (a.n, a.share, a.by_fifth) == (2, 0.4, (1, 1, 0, 0, 0))
    assert (b.n, b.share, b.by_fifth) == (2, 0.4, (0, 0, 0, 1, 1))
    assert (none.number, none.share, none.r) == (0, 0.2, pytest.approx(0))
    assert b.r == pytest.approx(np.corrcoef([0, 0, 0, 1, 1], [0, 1, 2, 3, 4])[0, 1])


def test_several_keys_are_bits():
    chosen = np.array([0b101, 0b001, 0b100])
    a, b, c, none = option_figures(chosen, 3, np.arange(3), np.array([2.0, 1, 0]))
    assert [o.n for o in (a, b, c, none)] == [2, 0, 2, 0]


def test_consistency_at_the_extremes():
    rng = np.random.default_rng(3)
    theta = rng.normal(size=400)
    x = (rng.random((400, 30)) < 1 / (1 + np.exp(-2 * theta[:, None]))).astype(float)
    total, test = totals(*whole(x)), figures_of(*whole(x))
    found = consistency(total, test, 15)
    assert 0.85 < found.agreement < 1
    assert 0.5 < found.kappa < found.agreement
    assert found.conditional_sem == pytest.approx((15 * 15 / 29) ** 0.5)
    assert consistency(total, test, 0).agreement == pytest.approx(1)
    assert consistency(total, test, 0).kappa is None
    assert consistency(total, test, 30).conditional_sem == 0
    flat = np.zeros((5, 3))
    assert consistency(totals(*whole(flat)), figures_of(*whole(flat)), 2) is None


def test_subkoviak_by_hand():
    """k = 2, α = 0 after clipping: everybody's true share is the mean, so P = 1 − (1 − p)² for a cut of one."""
    x = np.array([[1.0, 0], [0, 1], [1, 0], [1, 1]])
    test = figures_of(*whole(x))
    assert test.alpha < 0
    p = 5 / 8
    passes = 1 - (1 - p) ** 2
    found = consistency(totals(*whole(x)), test, 1)
    assert found.agreement == pytest.approx(passes**2 + (1 - passes) ** 2)
    assert found.kappa == pytest.approx(0, abs=1e-9)


# ——— What must always hold ———

CELLS = st.sampled_from([0.0, 0.5, 1.0, float("nan")])


@st.composite
def matrices(draw):
    n, k = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    cells = draw(st.lists(CELLS, min_size=n * k, max_size=n * k))
    return np.array(cells).reshape(n, k)


@settings(max_examples=80, deadline=None)
@given(matrices(), st.randoms(use_true_random=False))
def test_what_always_holds(x, chance):
    top, scored = np.ones(x.shape[1]), np.ones(x.shape[1], dtype=bool)
    items, test = item_figures(x, top, scored), figures_of(x, top, scored)
    assert test.alpha is None or test.alpha <= 1
    assert all(f.r_rest is None or -1 <= f.r_rest <= 1 for f in items)
    assert all(f.p is None or 0 <= f.p <= 1 for f in items)
    assert all(f.efficiency is None or f.efficiency <= 100 + 1e-6 for f in items)
    order = list(range(x.shape[0]))
    chance.shuffle(order)

    def numbers(figures):
        return [np.nan if v is None else v for v in vars(figures).values()]

    again = item_figures(x[order], top, scored)
    for one, other in zip(items, again, strict=True):
        assert numbers(one) == pytest.approx(numbers(other), nan_ok=True, abs=1e-8)
    assert numbers(test) == pytest.approx(numbers(figures_of(x[order], top, scored)), nan_ok=True, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30), st.randoms())
def test_shares_sum_to_one(rows, chance):
    """One of four options, or none."""

    def figures(rows):
        chosen = np.array([1 << (o - 1) if o else 0 for o, _ in rows])
        return option_figures(chosen, 4, np.arange(len(rows)), np.array([float(r) for _, r in rows]))

    found = figures(rows)
    assert sum(o.share for o in found) == pytest.approx(1)
    for fifth in zip(*(o.by_fifth for o in found), strict=True):
        assert fifth[0] is None or sum(fifth) == pytest.approx(1)
    chance.shuffle(rows)
    assert [o.by_fifth for o in figures(rows)] == [o.by_fifth for o in found]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 1), (1, 3), (5, 1)])
@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_matrices_without_anything_in_them(shape, value):
    x = np.full(shape, value)
    items, test = item_figures(*whole(x)), figures_of(*whole(x))
    assert len(items) == shape[1]
    assert all(f.r_rest is None and f.efficiency is None for f in items)
    assert (test.alpha, test.skewness, test.kurtosis) == (None, None, None)
    assert irt.fit(x, least=1) is None


def test_alpha_of_drawn_papers_is_near_that_of_whole_ones():
    rng = np.random.default_rng(8)
    theta, difficulty = rng.normal(size=4000), rng.normal(0, 1.5, size=40)
    x = (rng.random((4000, 40)) < 1 / (1 + np.exp(-(theta[:, None] - difficulty)))).astype(float)
    half = x.copy()
    for row in half:
        row[rng.permutation(40)[:20]] = np.nan
    of_20 = np.mean([alpha_of(x[:, rng.permutation(40)[:20]], ALL(20, bool)) for _ in range(20)])
    assert alpha_of(half, ALL(40, bool)) == pytest.approx(of_20, abs=0.015)


# ——— The model ———


def simulated(n, k, share=1.0, seed=5):
    rng = np.random.default_rng(seed)
    a, d, theta = rng.uniform(0.6, 1.8, k), rng.normal(0.4, 1, k), rng.normal(size=n)
    x = (rng.random((n, k)) < 1 / (1 + np.exp(-(a * theta[:, None] + d)))).astype(float)
    if share < 1:
        x[rng.random((n, k)) > share] = np.nan
    return x, a, d, theta


@pytest.mark.parametrize("share", [1.0, 0.5], ids=["all asked", "drawn"])
def test_known_parameters_come_back_within_their_errors(share):
    x, a, d, theta = simulated(1500, 12, share)
    model = irt.fit(x)
    assert model.converged
    assert model.left == ()
    z = np.array([((i.a - a[i.item]) / i.se_a, (i.d - d[i.item]) / i.se_d) for i in model.items])
    assert np.abs(z).max() < 3.6
    assert 0.4 < (z**2).mean() < 1.8  # the errors are neither too large nor too small
    assert np.corrcoef(model.eap, theta)[0, 1] > (0.8 if share == 1 else 0.65)
    # An EAP score's posterior SD says how far it is off.
    assert ((model.eap - theta) ** 2).mean() == pytest.approx((model.eap_sd**2).mean(), rel=0.2)


def test_the_gradient_is_that_of_the_likelihood():
    """At the maximum nothing pulls: moving any parameter makes the likelihood smaller."""
    x, *_ = simulated(600, 5)
    best = irt.fit(x, least=100)
    theta, weight = irt.nodes()

    def likelihood(a, d):
        p = 1 / (1 + np.exp(-(a[:, None] * theta + d[:, None])))
        each = np.prod(np.where(x[:, :, None] == 1, p, 1 - p), axis=1)
        return float(np.log(each @ weight).sum())

    a, d = (np.array([getattr(i, name) for i in best.items]) for name in ("a", "d"))
    assert likelihood(a, d) == pytest.approx(best.log_likelihood, abs=1e-6)
    for i in range(5):
        for step in (0.01, -0.01):
            moved = np.eye(5)[i] * step
            assert likelihood(a + moved, d) < best.log_likelihood
            assert likelihood(a, d + moved) < best.log_likelihood


def test_the_observed_information_is_the_second_derivative():
    x, *_ = simulated(500, 3, 0.8)
    best = irt.fit(x, least=100)
    theta, weight = irt.nodes()
    asked = ~np.isnan(x)

    def likelihood(v):
        p = 1 / (1 + np.exp(-(v[:3, None] * theta + v[3:, None])))
        each = np.prod(np.where(asked[:, :, None], np.where(x[:, :, None] == 1, p, 1 - p), 1.0), axis=1)
        return float(np.log(each @ weight).sum())

    at, h = np.array([i.a for i in best.items] + [i.d for i in best.items]), 1e-3
    steps = np.eye(6) * h
    hessian = np.array(
        [
            [
                (
                    likelihood(at + r + s)
                    - likelihood(at + r - s)
                    - likelihood(at - r + s)
                    + likelihood(at - r - s)
                )
                / (4 * h * h)
                for s in steps
            ]
            for r in steps
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert [i.se_a for i in best.items] + [i.se_d for i in best.items] == pytest.approx(errors, rel=1e-3)


def test_what_the_model_leaves_out_and_when_it_is_not_fitted():
    x, *_ = simulated(400, 6)
    x[:150, 0] = np.nan
    x[:, 1] = 1
    x[0, 2] = 0.5
    model = irt.fit(x)
    assert [(one.item, one.reason, one.n) for one in model.left] == [
        (0, "few", 250),
        (1, "constant", 400),
        (2, "points", 400),
    ]
    assert [i.item for i in model.items] == [3, 4, 5]
    assert irt.fit(x[:299]) is None


def test_an_item_with_a_wrong_key_stops_at_the_bound():
    x, *_ = simulated(1500, 8)
    x[:, 4] = 1 - x[:, 4]
    wrong = irt.fit(x).items[4]
    assert (wrong.at_bound, wrong.se_a, wrong.se_b) == (True, None, None)
    assert wrong.a == pytest.approx(irt.A_BOUNDS[0])


def test_nodes_integrate_the_normal():
    theta, weight = irt.nodes(21)
    assert [float(weight @ theta**power) for power in (0, 1, 2, 4)] == pytest.approx([1, 0, 1, 3], abs=1e-9)


# ——— Drift ———


def window(right, n, rest=None):
    share = np.array([1.0] * right + [0.0] * (n - right))
    return Window(share, np.zeros(n) if rest is None else np.asarray(rest, dtype=float))


def test_two_proportions_by_hand():
    change, low, high, z = difference(0.5, 100, 0.7, 100)
    assert change == pytest.approx(0.2)
    assert z == pytest.approx(0.2 / (0.6 * 0.4 * 0.02) ** 0.5)
    # Newcombe (1998), table II: 56/70 against 48/80 by method 10
    _, low, high, _ = difference(48 / 80, 80, 56 / 70, 70)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference(1, 40, 1, 50)[3] is None


def test_mantel_haenszel_by_hand():
    """One stratum: the odds ratio of a fourfold table, and its chi-square with continuity correction."""
    found = mantel_haenszel(window(50, 100), window(75, 100))
    assert found.odds == pytest.approx(3)
    assert found.delta == pytest.approx(-2.35 * np.log(3))
    assert found.z**2 == pytest.approx((abs(75 - 62.5) - 0.5) ** 2 / (100 * 100 * 125 * 75 / (200**2 * 199)))
    assert mantel_haenszel(window(100, 100), window(100, 100)) is None


def test_better_candidates_are_not_an_easier_item():
    """Facility moves with ability in both windows; at equal rest scores nothing has changed."""
    rng = np.random.default_rng(2)

    def sat(mean, shift=0.0):
        theta = rng.normal(mean, 1, 1500)
        rest = rng.binomial(30, 1 / (1 + np.exp(-theta)))
        return Window((rng.random(1500) < 1 / (1 + np.exp(-theta - shift))).astype(float), rest.astype(float))

    same = compare(sat(0), sat(0.8))
    assert same.z > 5
    assert same.flags == ()
    known = compare(sat(0), sat(0, 2.0))
    assert [(f.code, known.matched.delta < -1.5) for f in known.flags] == [("matched", True)]
    harder = compare(sat(0), sat(0, -2.0))
    assert harder.matched.delta > 1.5


def test_few_responses_are_not_judged_and_some_say_what_they_can_not_tell():
    assert [f.code for f in compare(window(10, 29), window(90, 100)).flags] == ["few"]
    assert [f.code for f in compare(window(15, 50), window(45, 50)).flags] == ["moved"]
    assert compare(window(25, 50), window(28, 50)).flags == ()
    empty = compare(window(0, 0), window(5, 10))
    assert (empty.change, empty.flags) == (None, ())


# ——— Rules ———


def test_flags_say_every_reason_and_nothing_too_early():
    def codes(*args):
        return [flag.code for flag in flags_of(*args)]

    assert codes(29, 0.1, -0.5, [OptionShare(1, False, 0.9, 0.5)]) == ["few"]
    assert codes(30, 0.5, 0.3) == []
    assert codes(30, 0.24, 0.3) == ["hard"]
    assert codes(30, 0.96, 0.3) == ["easy"]
    assert (codes(30, 0.25, 0.15), codes(30, 0.95, None)) == ([], [])
    assert codes(30, 0.5, 0.14) == ["key"]
    options = [
        OptionShare(1, True, 0.5, 0.4),
        OptionShare(2, False, 0.3, 0.01),
        OptionShare(3, False, 0.05, -0.2),
        OptionShare(4, False, 0.04, 0.3),
        OptionShare(5, False, 0.0, None),
    ]
    flags = flags_of(100, 0.5, 0.4, options)
    assert [(flag.code, flag.values) for flag in flags] == [
        ("distractor", {"option": "B", "r": "0.010"}),
        ("rare", {"options": "D (4%), E (0%)"}),
    ]
    assert urgency(flags_of(100, 0.5, 0.1)) > urgency(flags) > urgency(flags_of(100, 0.96, 0.4))
    assert urgency(flags_of(3, 0.5, 0.1)) == 0


def test_guessing_marking_and_letters():
    assert (guess_score("one", 4), guess_score("several", 3), guess_score("numeric", 0)) == (
        0.25,
        1 / 7,
        None,
    )
    several = Key("several", (1, 3), points=2)
    assert [score_of(several, Given(said))[0] for said in ((1, 3), (1,), (1, 2, 3), ())] == [2, 0, 0, 0]
    assert score_of(Key("numeric", accept=[{"low": 1, "high": 2}]), Given(text="1,5")) == (1, 1)
    assert score_of(Key("long", points=10), Given(text="Much"), 7) == (7, 10)
    assert score_of(Key("long", points=10), Given(text="Much")) == (0, 10)
    assert (letter(1), letter(26), letter(27)) == ("A", "Z", "27")


def test_days_and_periods():
    from portal.clock import CHINA

    assert day_of(" 2026-11-30 ").isoformat() == "2026-11-30"
    assert [day_of(text) for text in ("", "x", "2026-13-01", "0001-01-01", "9999-12-31")] == [None] * 5
    since, after = Period(day_of("2026-11-01"), day_of("2026-11-01")).bounds(CHINA)
    assert (after - since).days == 1
    assert Period().bounds(CHINA) == (None, None)
