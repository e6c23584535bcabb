"""Intervals that hold at every look: asymptotic confidence sequences for a difference of means or proportions.

Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
arXiv 2103.06476v7, equation 9. A plain interval that is looked at each day misses the truth far more often than it
says; this one misses it at any look with probability alpha, for samples that are large enough for the central limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Outcomes of the entities of one arm: how many, their sum and the sum of their squares.

    `binary`: each is 0 or 1, and the variance is that of a proportion.
    """

    n: int
    total: float
    squares: float
    binary: bool = False

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Of one outcome; 0 with fewer than two."""
        if self.n < 2:
            return 0.0
        if self.binary:
            return self.mean * (1 - self.mean)
        return max(0.0, (self.squares - self.total**2 / self.n) / (self.n - 1))


@dataclass(frozen=True)
class Estimate:
    """A difference (second arm minus first), or one as a share of the first arm's mean, with its interval.

    `p_value` is valid at every look: below alpha exactly where the interval leaves 0 out.
    """

    value: float
    low: float
    high: float
    p_value: float


def mixture_rho(planned: int, alpha: float) -> float:
    """The rho with which the interval is narrowest at `planned` outcomes of both arms.

    sqrt((-W(-alpha^2 / e) - 1) / planned), W being the lower branch of Lambert's function: y = -W solves
    y - ln y = 1 - 2 ln alpha.
    """
    wanted = 1 - 2 * math.log(alpha)
    y = wanted + math.log(wanted)
    for _ in range(50):
        step = (y - math.log(y) - wanted) / (1 - 1 / y)
        y -= step
        if abs(step) < 1e-15 * y:
            break
    return math.sqrt((y - 1) / planned)


def half_width(variance: float, n: int, rho: float, alpha: float) -> float:
    """Half of the interval. `variance`: of the estimate; `n`: outcomes of both arms that it is made of."""
    spread = n * rho**2 + 1
    return math.sqrt(n * variance * 2 * spread / (n * rho) ** 2 * math.log(math.sqrt(spread) / alpha))


def always_valid_p(value: float, variance: float, n: int, rho: float) -> float:
    """Dual of the interval: the inverse of the mixture martingale, at most 1."""
    spread = n * rho**2 + 1
    return min(1.0, math.exp(0.5 * math.log(spread) - rho**2 * n * value**2 / variance / (2 * spread)))


def difference(first: Sample, second: Sample, rho: float, alpha: float) -> Estimate | None:
    """Mean of the second less that of the first; None where there is no spread to judge it by."""
    if first.n < 2 or second.n < 2:
        return None
    variance = first.variance / first.n + second.variance / second.n
    return _estimate(second.mean - first.mean, variance, first.n + second.n, rho, alpha)


def relative_lift(first: Sample, second: Sample, rho: float, alpha: float) -> Estimate | None:
    """The difference as a share of the first's mean, by the delta method; None where that mean is 0."""
    if first.n < 2 or second.n < 2 or first.mean == 0:
        return None
    variance = second.variance / (second.n * first.mean**2) + first.variance * second.mean**2 / (
        first.n * first.mean**4
    )
    return _estimate((second.mean - first.mean) / first.mean, variance, first.n + second.n, rho, alpha)


def _estimate(value: float, variance: float, n: int, rho: float, alpha: float) -> Estimate | None:
    if variance <= 0:
        return None
    half = half_width(variance, n, rho, alpha)
    return Estimate(value, value - half, value + half, always_valid_p(value, variance, n, rho))
