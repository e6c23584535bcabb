"""Sample-ratio mismatch: whether entities came to the arms in the shares that they were assigned in.

Where they did not, something loses entities of one arm, and no comparison of the arms means anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

THRESHOLD = 0.001
"""Below it the experiment is broken. Far below 0.05: a mismatch is a fault, not an effect one looks for."""
_CONCENTRATION = 10_000.0
_SLAB = 0.5


def final_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Pearson's chi-squared test, for one look at the end. 1 without any entity. `shares` add up to 1."""
    total = sum(counts)
    if total == 0:
        return 1.0
    expected = [total * share for share in shares]
    statistic = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    return _chi_squared_tail(statistic, len(counts) - 1)


def sequential_p(counts_by_look: Sequence[Sequence[int]], shares: Sequence[float]) -> float:
    """Valid at every look: the least inverse Bayes factor so far, of the declared shares against others.

    Lindon and Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022). The alternative is a mixture
    of shares close to the declared ones, which sees a small mismatch among many entities, and of any shares at all,
    which sees a large one early. `counts_by_look`: of all entities up to each look.
    """
    near = [_CONCENTRATION * share for share in shares]
    anywhere = [1.0] * len(shares)
    least = 1.0
    for counts in counts_by_look:
        null = sum(count * math.log(share) for count, share in zip(counts, shares, strict=True))
        factors = [_log_evidence(counts, prior) - null for prior in (near, anywhere)]
        top = max(factors)
        factor = top + math.log((1 - _SLAB) * math.exp(factors[0] - top) + _SLAB * math.exp(factors[1] - top))
        least = min(least, math.exp(min(0.0, -factor)))
    return least


def _log_evidence(counts: Sequence[int], prior: Sequence[float]) -> float:
    """Log of the probability of a sequence with these counts, its shares being drawn from a Dirichlet distribution."""
    total, weight = sum(counts), sum(prior)
    parts = sum(math.lgamma(a + count) - math.lgamma(a) for a, count in zip(prior, counts, strict=True))
    return math.lgamma(weight) - math.lgamma(weight + total) + parts


def _chi_squared_tail(statistic: float, degrees: int) -> float:
    """P(X >= statistic), by the recurrence of the incomplete gamma function from one or two degrees of freedom."""
    half = statistic / 2
    if half == 0:
        return 1.0
    a = 0.5 if degrees % 2 else 1.0
    tail = math.erfc(math.sqrt(half)) if degrees % 2 else math.exp(-half)
    while a < degrees / 2:
        tail += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return tail
