"""The scorer that walks model.json in TypeScript, held to XGBoost: random models, rows that stand on the edge."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from calibration import Calibration, Isotonic, Platt

ROOT = Path(__file__).resolve().parents[3]
FEATURES = 6
ROWS = 10_000
EXPLAINED = 300
SEED = 20_260

# One a kind of model: how deep, with what else.
MODELS: dict[str, dict[str, Any]] = {
    "stump": {"max_depth": 1, "rounds": 5},
    "shallow": {"max_depth": 2, "rounds": 40},
    "usual": {"max_depth": 4, "rounds": 120, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.7},
    "deep": {"max_depth": 8, "rounds": 30, "min_child_weight": 0.1},
    "monotone": {"max_depth": 5, "rounds": 30, "monotone_constraints": (1, -1, 0, 0, 1, 0)},
    "by leaves": {"grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0, "rounds": 20},
    "rare": {"max_depth": 3, "rounds": 20, "base_rate": 0.01},
    "given base": {"max_depth": 3, "rounds": 10, "base_score": 0.3},
    "forest": {"max_depth": 3, "rounds": 4, "num_parallel_tree": 5, "subsample": 0.5},
    "pruned": {"max_depth": 6, "rounds": 10, "gamma": 5.0},
    "exact": {"max_depth": 4, "rounds": 10, "tree_method": "exact"},
    "large margins": {"max_depth": 6, "rounds": 60, "eta": 1.0, "reg_lambda": 0.0, "min_child_weight": 0.01},
}


def data(random: np.random.Generator, n: int, base_rate: float) -> tuple[Any, Any]:
    """Whole numbers, sums, times in ms and noise; a tenth of it is null, of one input two thirds are."""
    x = np.column_stack(
        [
            random.poisson(3, n).astype(float),
            random.exponential(5000, n).round(2),
            random.integers(0, 3, n).astype(float),
            random.integers(0, 90 * 86_400_000, n).astype(float),
            random.normal(size=n),
            random.normal(size=n) * 1e-3,
        ]
    )
    x[random.random(x.shape) < 0.1] = np.nan
    x[random.random(n) < 0.66, 4] = np.nan
    known = np.nan_to_num(x)
    log_odds = 0.4 * known[:, 0] - known[:, 1] / 8000 + known[:, 3] / 4e9 + np.isnan(x[:, 4]) + random.normal(size=n)
    return x, (log_odds > np.quantile(log_odds, 1 - base_rate)).astype(int)


def grown(name: str, random: np.random.Generator) -> xgb.Booster:
    parameters = dict(MODELS[name])
    rounds, base_rate = parameters.pop("rounds"), parameters.pop("base_rate", 0.3)
    x, y = data(random, 2000, base_rate)
    fixed = {"objective": "binary:logistic", "nthread": 1, "seed": SEED, "tree_method": "hist"}
    matrix = xgb.DMatrix(x, label=y, feature_names=names())
    return xgb.train(fixed | parameters, matrix, num_boost_round=rounds)


def names() -> list[str]:
    return [f"f{i}" for i in range(FEATURES)]


def edges(booster: xgb.Booster, x: Any, random: np.random.Generator) -> Any:
    """Half of the rows stand on thresholds, a step of binary32 or binary64 beside them, on both zeros, or far out."""
    trees = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
    cuts: list[list[float]] = [[] for _ in range(FEATURES)]
    for tree in trees:
        for left, feature, cut in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left != -1:
                cuts[feature].append(cut)
    x = x.copy()
    half = len(x) // 2
    for feature, own in enumerate(cuts):
        cut = np.array([*own, 0.0, -0.0, 3.0e38, -3.0e38, 1e-45], dtype=np.float32)[
            random.integers(0, len(own) + 5, half)
        ]
        beside = [cut, np.nextafter(cut, np.float32(np.inf)), np.nextafter(cut, np.float32(-np.inf))]
        wide = cut.astype(np.float64)
        steps = [*(one.astype(np.float64) for one in beside), np.nextafter(wide, np.inf), np.nextafter(wide, -np.inf)]
        # Halfway between two numbers of binary32: which one it becomes is the rounding's to say.
        steps.append((beside[0].astype(np.float64) + beside[1]) / 2)
        x[:half, feature] = np.choose(random.integers(0, len(steps), half), steps)
    x[:half][random.random((half, FEATURES)) < 0.2] = np.nan
    return x


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """The TypeScript scorer's answer."""
    command = ["node", "--import", "tsx", str(Path(__file__).with_name("trees_bridge.ts"))]
    given = json.dumps(question, allow_nan=False)
    done = subprocess.run(command, input=given, text=True, cwd=ROOT, capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def nulls(x: Any) -> list[list[float | None]]:
    return [[None if value != value else value for value in row] for row in x.tolist()]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """All models with their rows, asked at once: a process starts slowly."""
    folder = tmp_path_factory.mktemp("trees")
    random = np.random.default_rng(SEED)
    models: dict[str, tuple[xgb.Booster, Any]] = {}
    question = []
    for name in MODELS:
        booster = grown(name, random)
        rows = edges(booster, data(random, -(-ROWS // len(MODELS)), 0.3)[0], random)
        file = folder / f"{name}.json"
        booster.save_model(file)
        models[name] = booster, rows
        question.append({"file": str(file), "inputs": names(), "rows": nulls(rows), "explained": EXPLAINED})
    return dict(zip(models, zip(models.values(), ask({"models": question})["models"], strict=True), strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_margins_are_xgboosts(asked, name):
    (booster, rows), answer = asked[name]
    expected = booster.predict(xgb.DMatrix(rows, feature_names=names(), nthread=1), output_margin=True)
    found = np.array(answer["margins"])
    assert np.isfinite(expected).all()
    assert np.abs(found - expected).max() <= 1e-6, name
    # Added up in the same order in binary32: not near, but the same.
    np.testing.assert_array_equal(found.astype(np.float32), expected)


@pytest.mark.parametrize("name", MODELS)
def test_contributions_are_xgboosts_and_add_up(asked, name):
    (booster, rows), answer = asked[name]
    explained = rows[:EXPLAINED]
    expected = booster.predict(xgb.DMatrix(explained, feature_names=names(), nthread=1), pred_contribs=True)
    found = np.array(answer["contributions"])
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5, name
    np.testing.assert_allclose(found.sum(axis=1), answer["margins"][:EXPLAINED], atol=1e-5)


def test_the_rows_are_ten_thousand_and_more_than_half_meet_an_edge(asked):
    assert sum(len(rows) for (_, rows), _ in asked.values()) >= ROWS
    for (booster, rows), _ in asked.values():
        assert np.isnan(rows).any()
        assert not np.array_equal(rows.astype(np.float32).astype(np.float64), rows, equal_nan=True)
        assert booster.num_boosted_rounds() > 0


@pytest.fixture(scope="module")
def small():
    x, y = data(np.random.default_rng(1), 400, 0.3)
    return x, y


def saved(folder: Path, name: str, booster: xgb.Booster) -> str:
    file = folder / f"{name}.json"
    booster.save_model(file)
    return str(file)


def test_what_is_no_such_model_is_refused_by_name(small, tmp_path):
    x, y = small
    fixed = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3}
    matrix = xgb.DMatrix(x, label=y, feature_names=names())
    codes = xgb.DMatrix(
        np.nan_to_num(x[:, :1]), label=y, feature_names=["f0"], feature_types=["c"], enable_categorical=True
    )
    several = xgb.DMatrix(x, label=np.column_stack([y, 1 - y]), feature_names=names())
    good = saved(tmp_path, "good", xgb.train(fixed, matrix, 3))
    models = {
        "gradient_booster: found dart": xgb.train(fixed | {"booster": "dart"}, matrix, 2),
        "gradient_booster: found gblinear": xgb.train(fixed | {"booster": "gblinear"}, matrix, 2),
        "objective: found reg:squarederror": xgb.train(fixed | {"objective": "reg:squarederror"}, matrix, 2),
        "objective: found multi:softprob": xgb.train(
            fixed | {"objective": "multi:softprob", "num_class": 2}, matrix, 2
        ),
        "num_class: found several outputs": xgb.train(fixed, several, 2),
        "trees.0: found a split by categories": xgb.train(fixed | {"max_cat_to_onehot": 1}, codes, 2),
    }
    question = [
        {"file": saved(tmp_path, str(i), booster), "inputs": booster.feature_names}
        for i, booster in enumerate(models.values())
    ]
    question.append({"file": good, "inputs": [*names()[1:], "f0"]})
    broken = tmp_path / "broken.json"
    broken.write_text(Path(good).read_text()[:-20])
    question.append({"file": str(broken), "inputs": names()})
    question.append({"file": good, "inputs": names()})
    expected = [*models, "feature_names: found other inputs", "body: found text that is not valid JSON", "taken"]
    for found, wanted in zip(ask({"refused": question})["refused"], expected, strict=True):
        assert wanted in found


def test_early_stopping_is_cut_before_and_a_base_score_has_two_forms(small, tmp_path):
    x, y = small
    matrix = xgb.DMatrix(x, label=y, feature_names=names())
    later = xgb.DMatrix(x[::-1], label=(np.arange(len(y)) % 2), feature_names=names())
    whole = xgb.train(
        {"objective": "binary:logistic", "nthread": 1, "max_depth": 3},
        matrix,
        50,
        evals=[(later, "later")],
        early_stopping_rounds=5,
        verbose_eval=False,
    )
    assert whole.best_iteration + 1 < whole.num_boosted_rounds()
    cut = whole[: whole.best_iteration + 1]
    files = [saved(tmp_path, "whole", whole), saved(tmp_path, "cut", cut)]
    document = json.loads(Path(files[1]).read_text())
    param = document["learner"]["learner_model_param"]
    assert param["base_score"].startswith("[")
    param["base_score"] = param["base_score"].strip("[]")
    files.append(str(tmp_path / "former.json"))
    Path(files[2]).write_text(json.dumps(document))
    question = [{"file": file, "inputs": names(), "rows": nulls(x), "explained": 0} for file in files]
    of_whole, of_cut, of_former = (answer["margins"] for answer in ask({"models": question})["models"])
    np.testing.assert_array_equal(np.float32(of_whole), whole.predict(matrix, output_margin=True))
    np.testing.assert_array_equal(np.float32(of_cut), cut.predict(matrix, output_margin=True))
    assert of_former == of_cut != of_whole


def test_calibrations_are_pythons(tmp_path):
    random = np.random.default_rng(3)
    margins = np.concatenate([random.normal(scale=6, size=500), [-800.0, 800.0, 0.0, -0.0]])
    knots = np.sort(random.normal(scale=3, size=20))
    levels = np.sort(random.random(20))
    edge = np.concatenate([margins, knots, np.nextafter(knots, np.inf)])
    platt, isotonic = tmp_path / "platt.json", tmp_path / "isotonic.json"
    Platt(-0.3, 1.7).write(platt)
    Isotonic(knots, levels).write(isotonic)
    question = [
        {"calibration": json.loads(platt.read_text()), "margins": margins.tolist()},
        {"calibration": json.loads(isotonic.read_text()), "margins": edge.tolist()},
    ]
    scores = ask({"calibrations": question})["scores"]
    np.testing.assert_allclose(scores[0], Calibration.read(platt).apply(margins), rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores[1], Calibration.read(isotonic).apply(edge), rtol=0, atol=1e-12)


def test_the_committed_vectors_are_xgboosts(tmp_path):
    """test/conformance/trees.json, which the tests of TypeScript alone read."""
    vectors = json.loads((ROOT / "test/conformance/trees.json").read_text())
    file = tmp_path / "model.json"
    file.write_text(json.dumps(vectors["model"]))
    booster = xgb.Booster(model_file=file)
    rows = np.array(vectors["rows"], dtype=np.float64)
    matrix = xgb.DMatrix(rows, feature_names=vectors["inputs"], nthread=1)
    np.testing.assert_array_equal(booster.predict(matrix, output_margin=True), np.float32(vectors["margins"]))
    np.testing.assert_allclose(booster.predict(matrix, pred_contribs=True), vectors["contributions"], atol=1e-6)
