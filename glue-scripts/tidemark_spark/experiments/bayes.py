"""A description of what the data say. It has no guarantee against looking often, so nothing is decided by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.experiments.sequential import Sample

DRAWS = 200_000
_SEED = 20_210_306


@dataclass(frozen=True)
class Description:
    """Of the difference (second arm minus first): how likely it is to go the wanted way, and where 95 % of it lies.

    `expected_loss`: what choosing the second arm costs on average where it is the worse one.
    """

    chance_better: float
    low: float
    high: float
    expected_loss: float


def describe(first: Sample, second: Sample, wanted: int) -> Description | None:
    """None where an arm has fewer than two outcomes. `wanted`: 1 where more is better, -1 where less is.

    Proportions: Beta(1, 1) before the data. Means: normal, by their standard errors, with a flat prior. The draws are
    seeded: the same data have the same description.
    """
    if first.n < 2 or second.n < 2:
        return None
    random = np.random.default_rng(_SEED)
    gain = wanted * (_draws(random, second) - _draws(random, first))
    low, high = np.quantile(wanted * gain, [0.025, 0.975])
    return Description(float((gain > 0).mean()), float(low), float(high), float(np.maximum(-gain, 0).mean()))


def _draws(random: np.random.Generator, sample: Sample) -> NDArray[np.float64]:
    if sample.binary:
        return random.beta(1 + sample.total, 1 + sample.n - sample.total, DRAWS)
    return random.normal(sample.mean, np.sqrt(sample.variance / sample.n), DRAWS)
