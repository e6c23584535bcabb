"""Each check of leaks.py catches its leak, names its input, and lets honest data pass."""

from dataclasses import replace

import numpy as np
import pytest
from card_words import leak_sentence
from leaks import leaks_of_inputs, shuffle, with_shuffled
from logistic import sigmoid
from training_data import Slice

INPUTS = ("silence", "visits", "peek")


def part(name: str, seed: int, peek=None) -> Slice:
    """600 entities at two instants; the label follows silence. `peek` makes the third input of (label, random)."""
    random = np.random.default_rng(seed)
    rows = 1200
    silence, visits = random.normal(size=rows), random.normal(size=rows)
    label = (random.random(rows) < sigmoid(1.2 * silence)).astype(np.int64)
    third = random.normal(size=rows) if peek is None else peek(label, random)
    entity = np.array([str(i % 600) for i in range(rows)])
    return Slice(name, entity, np.repeat([0, 7], 600), label, np.column_stack([silence, visits, third]), INPUTS)


def blind(test: Slice):
    """Margins that know nothing, of another direction with every seed."""
    return lambda seed: test.x @ np.random.default_rng(seed).normal(size=3)


def found(train: Slice, test: Slice, max_auc: float = 0.93, shuffled=None) -> list[tuple[str, str | None]]:
    leaks = with_shuffled(leaks_of_inputs(train, test, max_auc), test, shuffled or blind(test))
    assert all(leak_sentence(one) for one in leaks["failed"])
    return [(one["check"], one["input"]) for one in leaks["failed"]]


def test_honest_inputs_pass():
    assert found(part("train", 1), part("test", 2)) == []


def with_nulls(label, random):
    """Written only for those whose label is 1: null says all."""
    return np.where(label == 1, 3.0, np.nan)


@pytest.mark.parametrize("peek", [lambda label, _: label, lambda label, _: 1.0 - label, with_nulls])
def test_an_input_that_is_the_label_is_caught(peek):
    assert found(part("train", 1, peek), part("test", 2, peek)) == [
        ("input_is_label", "peek"),
        ("single_input", "peek"),
    ]
    # And where the use case allows any AUC.
    assert found(part("train", 1, peek), part("test", 2, peek), max_auc=1.0) == [("input_is_label", "peek")]


def test_an_input_that_alone_tells_nearly_all_is_caught():
    def near(label, random):
        return label + random.normal(0, 0.4, len(label))

    assert found(part("train", 1, near), part("test", 2, near)) == [("single_input", "peek")]


def test_an_input_that_was_written_afterwards_in_training_only_is_caught():
    def afterwards(label, random):
        return label + random.normal(0, 0.9, len(label))

    assert found(part("train", 1, afterwards), part("test", 2)) == [("auc_jump", "peek")]
    # Drift of the same size as chance is none.
    assert found(part("train", 1), part("test", 9)) == []


def test_a_jump_within_the_noise_of_few_entities_is_none():
    def afterwards(label, random):
        return label + random.normal(0, 1.6, len(label))

    train, test = part("train", 1, afterwards), part("test", 2)
    assert found(train, test) == [("auc_jump", "peek")]
    few = [replace(one, entity_id=np.array([str(i % 8) for i in range(len(one))])) for one in (train, test)]
    assert found(few[0], few[1]) == []


def test_a_job_that_knows_the_labels_of_test_is_caught():
    test = part("test", 2)
    assert found(part("train", 1), test, shuffled=lambda _: test.x[:, 0]) == [("shuffled_labels", None)]


def test_a_shuffle_keeps_the_rate_of_each_instant():
    train = part("train", 1)
    shuffled = shuffle(train, 3)
    for t in (0, 7):
        assert shuffled.label[train.t == t].sum() == train.label[train.t == t].sum()
    assert 0.3 < (shuffled.label != train.label).mean() < 0.7
    assert np.array_equal(shuffled.label, shuffle(train, 3).label)
