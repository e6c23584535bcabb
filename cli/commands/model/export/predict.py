"""Scores rows outside of AWS: `python predict.py < rows.ndjson`, one JSON object a line, one score a line.

Needs numpy and onnxruntime (requirements.txt). A row has the inputs of manifest.json by name; one that is missing or
null is unknown to the model, and not 0.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    """The graph and its calibration, from the folder of this file."""

    def __init__(self) -> None:
        folder = Path(__file__).parent
        self.inputs = json.loads((folder / "manifest.json").read_text())["inputs"]
        self.calibration = json.loads((folder / "calibration.json").read_text())
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def score(self, rows: list[dict[str, float | None]]) -> list[float]:
        """A probability for each row, in their order."""
        table = [[np.nan if row.get(name) is None else row[name] for name in self.inputs] for row in rows]
        x = np.array(table, dtype=np.float32).reshape(len(rows), len(self.inputs))
        margins = np.asarray(self.session.run(["margins"], {"inputs": x})[0], dtype=np.float64)
        if self.calibration["method"] == "isotonic":
            return np.interp(margins, self.calibration["x"], self.calibration["y"]).tolist()
        return (1 / (1 + np.exp(-(self.calibration["intercept"] + self.calibration["slope"] * margins)))).tolist()


if __name__ == "__main__":
    for found in Model().score([json.loads(line) for line in sys.stdin if line.strip()]):
        print(found)
