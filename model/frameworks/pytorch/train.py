"""PyTorch's part of `frameworks.network`: forward, gradient and AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from training_data import Slice

from frameworks.network import FittedNetwork, Settings, Singles, fit_network


class TorchNetwork:
    """See `frameworks.network.Network`."""

    def __init__(self, weights: list[Singles], settings: Settings) -> None:
        layers: list[torch.nn.Module] = []
        for kernel in weights[::2]:
            layers += [torch.nn.Linear(*kernel.shape), torch.nn.ReLU()]
        self._linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
        self._net = torch.nn.Sequential(*layers[:-1])
        self.restore(weights)
        self._optimizer = torch.optim.AdamW(
            self._net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._loss = torch.nn.BCEWithLogitsLoss()

    def step(self, x: Singles, label: Singles) -> None:
        self._optimizer.zero_grad()
        self._loss(self._net(torch.from_numpy(x))[:, 0], torch.from_numpy(label)).backward()
        self._optimizer.step()

    def margins(self, x: Singles) -> Singles:
        with torch.no_grad():
            return self._net(torch.from_numpy(x))[:, 0].numpy()

    def weights(self) -> list[Singles]:
        found: list[Singles] = []
        for layer in self._linear:
            found += [layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()]
        return found

    def restore(self, weights: list[Singles]) -> None:
        with torch.no_grad():
            for layer, kernel, bias in zip(self._linear, weights[::2], weights[1::2], strict=True):
                layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel.T)))
                layer.bias.copy_(torch.from_numpy(bias))


def fit(model: dict[str, Any], train: Slice, validation: Slice, parameters: dict[str, Any]) -> FittedNetwork:
    """See `frameworks.network.Settings` for the parameters."""
    # Threads add in another order, and other bytes come out.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return fit_network(TorchNetwork, model, train, validation, parameters)


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}
