"""Intervals and tests of experiments against vectors of others, and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from tidemark_spark.experiments import bayes, sequential, srm
from tidemark_spark.experiments.sequential import Sample

ALPHA = 0.05
MEANS = Sample(3000, 1396.87, 52377.9767), Sample(3461, 2422.7, 134698.29)
SHARES = Sample(3000, 1396, 1396, True), Sample(3461, 2422, 2422, True)


def growthbook_rho(planned: int) -> float:
    """A bracket differs there from the paper's approximation."""
    return math.sqrt((-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / planned)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.2, 0.5])
def test_rho_is_lamberts(alpha: float) -> None:
    exact = math.sqrt((-special.lambertw(-(alpha**2) / math.e, -1).real - 1) / 1000)
    assert sequential.mixture_rho(1000, alpha) == pytest.approx(exact, rel=1e-12)


def test_rho_makes_the_interval_narrowest_at_the_planned_sample() -> None:
    assert sequential.mixture_rho(1000, ALPHA) == pytest.approx(0.09062, abs=5e-6)
    widths = {rho: sequential.half_width(1 / 1000, 1000, rho, ALPHA) for rho in np.linspace(0.05, 0.15, 10_001)}
    assert min(widths, key=lambda rho: widths[rho]) == pytest.approx(0.09062, abs=1e-4)
    assert growthbook_rho(1000) == pytest.approx(0.08909, abs=5e-6)


def test_relative_lift_of_means_as_gbstats() -> None:
    """GrowthBook's gbstats 0.8.0, tests/frequentist/test_tests.py, sequential two-sided t-test."""
    lift = sequential.relative_lift(*MEANS, growthbook_rho(1000), ALPHA)
    assert lift is not None
    found = [round(one, 5) for one in (lift.value, lift.low, lift.high, lift.p_value)]
    assert found == [0.50336, -0.55844, 1.56516, 1]


def test_relative_lift_of_proportions_as_gbstats() -> None:
    lift = sequential.relative_lift(*SHARES, growthbook_rho(5000), ALPHA)
    assert lift is not None
    assert [round(one, 5) for one in (lift.value, lift.low, lift.high)] == [0.50386, 0.40098, 0.60675]


@pytest.mark.parametrize("pair", [MEANS, SHARES])
def test_p_is_alpha_where_the_interval_ends_at_zero(pair: tuple[Sample, Sample]) -> None:
    rho = sequential.mixture_rho(6000, ALPHA)
    first, second = pair
    variance = first.variance / first.n + second.variance / second.n
    n = first.n + second.n
    half = sequential.half_width(variance, n, rho, ALPHA)
    assert sequential.always_valid_p(half, variance, n, rho) == pytest.approx(ALPHA, rel=1e-9)
    estimate = sequential.difference(first, second, rho, ALPHA)
    assert estimate is not None
    assert (estimate.p_value < ALPHA) == (estimate.low > 0 or estimate.high < 0)


def test_samples_have_the_variance_of_their_values() -> None:
    values = np.random.default_rng(1).lognormal(size=50)
    sample = Sample(50, values.sum(), (values**2).sum())
    assert sample.variance == pytest.approx(values.var(ddof=1))


def test_nothing_is_said_without_spread() -> None:
    one, same = Sample(1, 1, 1), Sample(10, 10, 10, True)
    assert sequential.difference(one, same, 0.1, ALPHA) is None
    assert sequential.difference(same, same, 0.1, ALPHA) is None
    assert sequential.relative_lift(Sample(10, 0, 0, True), Sample(10, 5, 5, True), 0.1, ALPHA) is None


@pytest.mark.parametrize(
    ("counts", "shares", "p"),
    [
        ([500, 600], [0.5, 0.5], 0.0025688),
        ([100, 900], [0.5, 0.5], 3.3e-141),
        ([300, 275, 306], [0.3, 0.3, 0.4], 0.0034055),
    ],
)
def test_final_mismatch(counts: list[int], shares: list[float], p: float) -> None:
    found = srm.final_p(counts, shares)
    assert found == pytest.approx(p, rel=2e-2 if p < 1e-9 else 1e-4)
    expected = [sum(counts) * share for share in shares]
    assert found == pytest.approx(stats.chisquare(counts, expected).pvalue, rel=1e-9)


@pytest.mark.parametrize("arms", range(2, 8))
def test_final_mismatch_of_any_number_of_arms_as_scipy(arms: int) -> None:
    counts = [100 + 7 * arm for arm in range(arms)]
    found = srm.final_p(counts, [1 / arms] * arms)
    assert found == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-9)
    assert srm.final_p([0] * arms, [1 / arms] * arms) == 1


def test_sequential_mismatch_is_a_bayes_factor() -> None:
    """By scipy's Dirichlet-multinomial, with the sequence's coefficient in both."""
    counts, shares = np.array([530, 470]), np.array([0.5, 0.5])
    null = stats.multinomial.logpmf(counts, 1000, shares)
    near = stats.dirichlet_multinomial.logpmf(counts, 10_000 * shares, 1000)
    anywhere = stats.dirichlet_multinomial.logpmf(counts, [1, 1], 1000)
    factor = (np.exp(near - null) + np.exp(anywhere - null)) / 2
    assert srm.sequential_p([counts.tolist()], shares.tolist()) == pytest.approx(min(1, 1 / factor), rel=1e-6)


def test_sequential_mismatch_never_forgets() -> None:
    looks = [[80, 20], [500, 500]]
    assert srm.sequential_p(looks, [0.5, 0.5]) == srm.sequential_p(looks[:1], [0.5, 0.5]) < srm.THRESHOLD
    assert srm.sequential_p([], [0.5, 0.5]) == 1


def test_description_of_proportions_and_means() -> None:
    found = bayes.describe(*SHARES, wanted=1)
    assert found is not None
    exact = stats.beta(1 + 2422, 1 + 3461 - 2422).mean() - stats.beta(1 + 1396, 1 + 3000 - 1396).mean()
    assert found.low < exact < found.high
    assert found.chance_better == 1
    assert found.expected_loss == 0
    first, second = MEANS
    of_means, turned = bayes.describe(first, second, wanted=1), bayes.describe(first, second, wanted=-1)
    assert of_means is not None
    assert turned is not None
    spread = math.sqrt(first.variance / first.n + second.variance / second.n)
    d = second.mean - first.mean
    assert of_means.chance_better == pytest.approx(stats.norm.cdf(d / spread), abs=0.005)
    assert of_means.low == pytest.approx(d - 1.96 * spread, abs=0.01 * spread)
    assert turned.chance_better == pytest.approx(1 - of_means.chance_better, abs=1e-9)
    assert bayes.describe(first, second, wanted=1) == of_means
    assert bayes.describe(Sample(1, 1, 1), second, wanted=1) is None
