"""TensorFlow's part of `frameworks.network`: forward, gradient and AdamW; and a SavedModel for whoever serves by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from training_data import Slice

from frameworks.graph import INPUT, OUTPUT
from frameworks.network import FURTHEST, FittedNetwork, Preparation, Settings, Singles, fit_network


class TensorNetwork(tf.Module):
    """See `frameworks.network.Network`."""

    def __init__(self, weights: list[Singles], settings: Settings) -> None:
        super().__init__()
        self._variables = [tf.Variable(array) for array in weights]
        self._optimizer = tf.keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
        self._optimizer.build(self._variables)
        self._step = tf.function(self._descend, reduce_retracing=True)

    def forward(self, x: Any) -> Any:
        """Log-odds of what `Preparation` made of the rows, [rows]."""
        for at in range(0, len(self._variables), 2):
            x = tf.matmul(x, self._variables[at]) + self._variables[at + 1]
            x = tf.nn.relu(x) if at + 2 < len(self._variables) else x
        return x[:, 0]

    def _descend(self, x: Any, label: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=self.forward(x)))
        self._optimizer.apply(tape.gradient(loss, self._variables), self._variables)

    def step(self, x: Singles, label: Singles) -> None:
        self._step(tf.constant(x), tf.constant(label))

    def margins(self, x: Singles) -> Singles:
        return self.forward(tf.constant(x)).numpy()

    def weights(self) -> list[Singles]:
        return [variable.numpy().copy() for variable in self._variables]

    def restore(self, weights: list[Singles]) -> None:
        for variable, array in zip(self._variables, weights, strict=True):
            variable.assign(array)


class Served(tf.Module):
    """The rows as they come → margins, with the same input and output as the ONNX graph."""

    def __init__(self, network: TensorNetwork, preparation: Preparation) -> None:
        super().__init__()
        self._network = network
        self._median, self._mean, self._scale = (
            tf.constant(array) for array in (preparation.median, preparation.mean, preparation.scale)
        )
        row = tf.TensorSpec([None, len(preparation.median)], tf.float32, name=INPUT)
        self.serve = tf.function(self._serve, input_signature=[row])

    def _serve(self, x: Any) -> dict[str, Any]:
        null = tf.math.is_nan(x)
        filled = tf.where(null, self._median, x)
        z = (tf.sign(filled) * tf.math.log(tf.abs(filled) + 1.0) - self._mean) / self._scale
        z = tf.clip_by_value(z, -FURTHEST, FURTHEST)
        return {OUTPUT: self._network.forward(tf.concat([z, tf.cast(null, tf.float32)], axis=1))}


@dataclass(frozen=True)
class FittedTensorNetwork(FittedNetwork):
    """The graph, and beside it saved_model/1, which nothing here serves and no hash of the manifest covers: TensorFlow
    does not write the same bytes twice."""

    def save(self, folder: Path) -> None:
        super().save(folder)
        assert isinstance(self.network, TensorNetwork)
        served = Served(self.network, self.preparation)
        signatures = {"serving_default": served.serve.get_concrete_function()}
        tf.saved_model.save(served, str(folder / "saved_model" / "1"), signatures=signatures)


def fit(model: dict[str, Any], train: Slice, validation: Slice, parameters: dict[str, Any]) -> FittedTensorNetwork:
    """See `frameworks.network.Settings` for the parameters."""
    # Threads add in another order, and other bytes come out.
    tf.config.experimental.enable_op_determinism()
    found = fit_network(TensorNetwork, model, train, validation, parameters)
    return FittedTensorNetwork(found.network, found.preparation, found.train, found.epochs)


def versions() -> dict[str, str]:
    return {"tensorflow": tf.__version__, "numpy": np.__version__}
