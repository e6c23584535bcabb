"""A small network on rows of numbers and nulls: what PyTorch and TensorFlow have in common here.

Both begin with the same weights, see the same batches in the same order and stop by the same rule; the gradients and
the steps are the framework's. What is done to a row before the first layer is in the graph too, so whoever serves it
needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from training_data import Slice, TrainingDataError

from frameworks.background import medians, write_background
from frameworks.graph import INPUT, Graph
from frameworks.parameters import check_names

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
FURTHEST = 8.0
"""In standard deviations: what lies beyond all training rows is as far as these, and not a new world."""
_DEFAULTS: dict[str, Any] = {
    "hidden": "32,16",
    "learning_rate": 0.002,
    "weight_decay": 0.0001,
    "batch_size": 256,
    "epochs": 200,
    "patience": 10,
}


class Network(Protocol):
    """Layers with ReLU between them, in a framework's hands. Weights: kernel [in, out], bias [out], kernel, bias, …"""

    def step(self, x: Singles, label: Singles) -> None:
        """One step down the gradient of the log loss of a batch."""
        ...

    def margins(self, x: Singles) -> Singles:
        """Log-odds, [rows]."""
        ...

    def weights(self) -> list[Singles]:
        """A copy."""
        ...

    def restore(self, weights: list[Singles]) -> None: ...


@dataclass(frozen=True)
class Settings:
    """How to fit."""

    hidden: tuple[int, ...]
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    seed: int

    @staticmethod
    def of(model: dict[str, Any], parameters: dict[str, Any]) -> Settings:
        """Raises TrainingDataError for a parameter or a value it doesn't know."""
        check_names(parameters, _DEFAULTS)
        given = _DEFAULTS | parameters
        sizes = [part.strip() for part in str(given["hidden"]).split(",")]
        if not all(size.isdecimal() and 0 < int(size) <= 1024 for size in sizes) or len(sizes) > 4:
            raise TrainingDataError(
                f"model.hyperparameters.hidden: found {given['hidden']!r}; allowed: up to 4 sizes from 1 to 1024, "
                "as in '32,16'"
            )
        for name in ("learning_rate", "batch_size", "epochs", "patience"):
            if not float(given[name]) > 0:
                raise TrainingDataError(f"model.hyperparameters.{name}: found {given[name]!r}; allowed: above 0")
        return Settings(
            tuple(int(size) for size in sizes),
            float(given["learning_rate"]),
            float(given["weight_decay"]),
            *(int(given[name]) for name in ("batch_size", "epochs", "patience")),
            seed=int(model["seed"]),
        )


@dataclass(frozen=True)
class Preparation:
    """Null → median and a flag, signed logarithm, standard deviations from the mean; all in float32."""

    median: Singles
    mean: Singles
    scale: Singles

    @staticmethod
    def fit(x: Floats) -> Preparation:
        median = np.nan_to_num(medians(x)).astype(np.float32)
        logs = _logs(x.astype(np.float32), median)
        deviation = logs.std(axis=0)
        return Preparation(median, logs.mean(axis=0), np.where(deviation > 0, deviation, 1).astype(np.float32))

    def apply(self, x: Floats) -> Singles:
        """[rows, inputs] → [rows, 2 * inputs]: the values, then the flags of nulls."""
        single = x.astype(np.float32)
        z = (_logs(single, self.median) - self.mean) / self.scale
        flags = np.isnan(single).astype(np.float32)
        return np.concatenate([np.clip(z, -FURTHEST, FURTHEST), flags], axis=1, dtype=np.float32)

    def add_to(self, graph: Graph) -> str:
        """The same in a graph; returns the name of the first layer's input."""
        null = graph.add("IsNaN", INPUT)
        filled = graph.add("Where", null, graph.constant(self.median), INPUT)
        one = graph.constant(np.ones(1, np.float32))
        size = graph.add("Log", graph.add("Add", graph.add("Abs", filled), one))
        logs = graph.add("Mul", graph.add("Sign", filled), size)
        centred = graph.add("Sub", logs, graph.constant(self.mean))
        z = graph.add("Div", centred, graph.constant(self.scale))
        ends = (graph.constant(np.array(end, np.float32)) for end in (-FURTHEST, FURTHEST))
        return graph.add("Concat", graph.add("Clip", z, *ends), graph.add("Cast", null, to=1), axis=1)


def _logs(x: Singles, median: Singles) -> Singles:
    filled = np.where(np.isnan(x), median, x)
    return (np.sign(filled) * np.log(np.abs(filled) + np.float32(1))).astype(np.float32)


@dataclass(frozen=True)
class FittedNetwork:
    """See `frameworks.Fitted`."""

    network: Network
    preparation: Preparation
    train: Slice
    epochs: int

    @property
    def details(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def margins(self, x: Floats) -> Floats:
        return self.network.margins(self.preparation.apply(x)).astype(np.float64)

    def save(self, folder: Path) -> None:
        graph = Graph(len(self.train.inputs))
        at, weights = self.preparation.add_to(graph), self.network.weights()
        for layer in range(0, len(weights), 2):
            kernel, bias = (graph.constant(array) for array in weights[layer : layer + 2])
            at = graph.add("Add", graph.add("MatMul", at, kernel), bias)
            if layer + 2 < len(weights):
                at = graph.add("Relu", at)
        (folder / "model.onnx").write_bytes(graph.finish(at))
        write_background(folder, self.train)


def fit_network(
    make: Callable[[list[Singles], Settings], Network],
    model: dict[str, Any],
    train: Slice,
    validation: Slice,
    parameters: dict[str, Any],
) -> FittedNetwork:
    """The weights of the epoch whose log loss on the validation slice was the least; `patience` epochs without a lesser
    one end the fit."""
    settings = Settings.of(model, parameters)
    preparation = Preparation.fit(train.x)
    x, label = preparation.apply(train.x), train.label.astype(np.float32)
    later, truth = preparation.apply(validation.x), validation.label
    random = np.random.default_rng(settings.seed)
    network = make(initial_weights(random, x.shape[1], settings.hidden, float(label.mean())), settings)
    best, weights, at = np.inf, network.weights(), 0
    for epoch in range(1, settings.epochs + 1):
        order = random.permutation(len(x))
        for begin in range(0, len(x), settings.batch_size):
            rows = order[begin : begin + settings.batch_size]
            network.step(x[rows], label[rows])
        z = network.margins(later).astype(np.float64)
        loss = float(np.mean(np.logaddexp(0, z) - truth * z))
        if not np.isfinite(loss):
            raise ArithmeticError(f"epoch {epoch}: found a log loss of {loss}; allowed: finite. Lower learning_rate.")
        if loss < best:
            best, weights, at = loss, network.weights(), epoch
        elif epoch - at >= settings.patience:
            break
    network.restore(weights)
    return FittedNetwork(network, preparation, train, at)


def initial_weights(
    random: np.random.Generator, width: int, hidden: tuple[int, ...], base_rate: float
) -> list[Singles]:
    """He et al. 2015 (arXiv 1502.01852) for the hidden layers; the last one begins at the base rate of the labels."""
    found: list[Singles] = []
    for size_in, size_out in zip((width, *hidden), (*hidden, 1), strict=True):
        kernel = random.normal(0, np.sqrt(2 / size_in), (size_in, size_out)).astype(np.float32)
        found += [kernel, np.zeros(size_out, np.float32)]
    found[-2] *= np.float32(0.1)
    found[-1][:] = np.log(base_rate / (1 - base_rate))
    return found
