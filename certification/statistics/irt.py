"""The two-parameter logistic model, P = 1/(1 + e^−(aθ + d)), by marginal maximum likelihood with θ ~ N(0, 1).

`x` is n candidates × k items of 0, 1 and NaN (not on that paper). Papers are drawn without looking at ability, so
what was not asked may be left out of the likelihood (missing by design; Mislevy and Wu, 1996).
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

from certification.statistics.rules import MODEL_FROM

Floats = NDArray[np.float64]
NODES = 41
A_BOUNDS = (0.05, 4.0)  # outside of them an item measures nothing, or is a copy of another one
D_BOUNDS = (-8.0, 8.0)
CHUNK = 1000  # candidates at a time, so that what is worked on stays near the processor


@dataclass(frozen=True)
class Left:
    """An item that the model was not fitted to."""

    item: int  # column
    reason: str  # "few", "constant" or "points"
    n: int


@dataclass(frozen=True)
class ItemModel:
    item: int  # column
    a: float
    d: float
    b: float  # difficulty, −d/a
    se_a: float | None  # None at a bound, or where the information is singular
    se_d: float | None
    se_b: float | None  # delta method
    at_bound: bool

    def chance(self, theta: Floats) -> Floats:
        """P of a right answer."""
        return np.asarray(expit(self.a * theta + self.d))

    def information(self, theta: Floats) -> Floats:
        """a²P(1 − P)."""
        p = self.chance(theta)
        return np.asarray(self.a**2 * p * (1 - p))


@dataclass(frozen=True)
class Model:
    items: tuple[ItemModel, ...]
    left: tuple[Left, ...]
    log_likelihood: float
    converged: bool
    candidates: int
    eap: Floats  # of each row of x; NaN without any fitted item
    eap_sd: Floats

    def information(self, theta: Floats) -> Floats:
        """Of the fitted items together; its inverse root is the standard error of θ."""
        return np.asarray(sum((one.information(theta) for one in self.items), np.zeros_like(theta)))


def nodes(count: int = NODES) -> tuple[Floats, Floats]:
    """Gauss–Hermite nodes and weights for the standard normal; the weights sum to 1."""
    theta, weight = hermegauss(count)
    return theta, weight / weight.sum()


def leave_out(x: Floats, least: int = MODEL_FROM) -> list[Left]:
    """Items with too few responses, with one and the same score, or with points between none and all."""
    left = []
    for item in range(x.shape[1]):
        own = x[~np.isnan(x[:, item]), item]
        values = set(np.unique(own).tolist())
        if own.size < least:
            left.append(Left(item, "few", int(own.size)))
        elif not values <= {0.0, 1.0}:
            left.append(Left(item, "points", int(own.size)))
        elif len(values) < 2:
            left.append(Left(item, "constant", int(own.size)))
    return left


def fit(x: Floats, *, least: int = MODEL_FROM, count: int = NODES) -> Model | None:
    """Fit by L-BFGS on the marginal likelihood with its analytic gradient; None with fewer than three items left.

    Standard errors from the observed information (Louis, 1982), which is exact at the nodes.
    """
    left = leave_out(x, least)
    columns = [c for c in range(x.shape[1]) if c not in {one.item for one in left}]
    if len(columns) < 3:
        return None
    kept = x[:, columns]
    rows = np.flatnonzero((~np.isnan(kept)).any(axis=1))
    asked = (~np.isnan(kept[rows])).astype(np.float64)
    right = np.nan_to_num(kept[rows])
    wrong = asked - right
    theta, weight = nodes(count)
    k, n = len(columns), rows.size
    design = np.stack([theta, np.ones_like(theta)])

    def posterior(parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """(log-likelihood of each candidate, posterior over the nodes n×Q, logits k×Q)."""
        logits = parameters[:k, None] * theta + parameters[k:, None]
        joint = right @ log_expit(logits) + wrong @ log_expit(-logits) + np.log(weight)
        each = logsumexp(joint, axis=1)
        return each, np.exp(joint - each[:, None]), logits

    def objective(parameters: Floats) -> tuple[float, Floats]:
        each, over, logits = posterior(parameters)
        surplus = right.T @ over - (asked.T @ over) * expit(logits)
        gradient = design @ surplus.T  # 2×k: towards a, towards d
        return -float(each.sum()) / n, -gradient.ravel() / n

    p = right.sum(axis=0) / asked.sum(axis=0)
    start = np.concatenate([np.ones(k), np.clip(1.2 * np.log(p / (1 - p)), -6, 6)])
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[A_BOUNDS] * k + [D_BOUNDS] * k,
        options={"maxiter": 500, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7},
    )
    parameters = np.asarray(found.x)
    each, over, logits = posterior(parameters)
    lower = np.array([A_BOUNDS[0]] * k + [D_BOUNDS[0]] * k)
    upper = np.array([A_BOUNDS[1]] * k + [D_BOUNDS[1]] * k)
    stuck = (parameters <= lower + 1e-9) | (parameters >= upper - 1e-9)
    covariance = _inverse(_information(theta, over, right, asked, expit(logits)), ~stuck)
    mean = over @ theta
    eap, spread = np.full(x.shape[0], np.nan), np.full(x.shape[0], np.nan)
    eap[rows], spread[rows] = mean, np.sqrt(np.maximum(over @ theta**2 - mean**2, 0))
    return Model(
        tuple(_item(column, i, k, parameters, covariance, stuck) for i, column in enumerate(columns)),
        tuple(left),
        float(each.sum()),
        bool(found.success),
        int(n),
        eap,
        spread,
    )


def _information(theta: Floats, over: Floats, right: Floats, asked: Floats, p: Floats) -> Floats:
    """−(second derivatives) of the marginal log-likelihood, 2k × 2k, a before d.

    Louis: expected complete information − expected squared score + (expected score)², summed over candidates.
    """
    n, k = right.shape
    mass = over.sum(axis=0)
    complete = np.zeros((3, k))  # a², ad, d²
    squared = np.zeros((3, k, k))
    for q in np.flatnonzero(mass > 1e-10 * n):  # the outermost nodes hold nobody
        product = np.zeros((k, k))
        for start in range(0, n, CHUNK):
            some = slice(start, start + CHUNK)
            surplus = right[some] - asked[some] * p[:, q]
            product += (over[some, q, None] * surplus).T @ surplus
        each = (asked.T @ over[:, q]) * p[:, q] * (1 - p[:, q])
        for nth, power in enumerate((theta[q] ** 2, theta[q], 1.0)):
            squared[nth] += power * product
            complete[nth] += power * each
    level = right - asked * (over @ p.T)
    slope = right * (over @ theta)[:, None] - asked * ((over * theta) @ p.T)
    scores = np.hstack([slope, level])
    expected = np.block(
        [[np.diag(complete[0]), np.diag(complete[1])], [np.diag(complete[1]), np.diag(complete[2])]]
    )
    outer = np.block([[squared[0], squared[1]], [squared[1].T, squared[2]]])
    return np.asarray(expected - outer + scores.T @ scores)


def _inverse(information: Floats, free: NDArray[np.bool_]) -> Floats:
    """The covariance of the free parameters; NaN for those at a bound and where nothing can be inverted."""
    covariance = np.full_like(information, np.nan)
    places = np.ix_(free, free)
    try:
        np.linalg.cholesky(information[places])
        covariance[places] = np.linalg.inv(information[places])
    except np.linalg.LinAlgError:
        pass
    return covariance


def _item(
    column: int, i: int, k: int, parameters: Floats, covariance: Floats, stuck: NDArray[np.bool_]
) -> ItemModel:
    a, d = float(parameters[i]), float(parameters[k + i])
    v_a, v_d, both = covariance[i, i], covariance[k + i, k + i], covariance[i, k + i]
    v_b = v_d / a**2 + d**2 * v_a / a**4 - 2 * d * both / a**3  # of −d/a

    def root(variance: float) -> float | None:
        return float(np.sqrt(variance)) if np.isfinite(variance) and variance > 0 else None

    at_bound = bool(stuck[i] or stuck[k + i])
    return ItemModel(column, a, d, -d / a, root(v_a), root(v_d), root(v_b), at_bound)
