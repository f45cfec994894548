from __future__ import annotations

import numpy as np
import pytest
import torch

from foretaste.models.interest.bodies.base import Examples
from foretaste.models.interest.bodies.networks import focal_loss
from foretaste.models.interest.imbalance import ImbalanceConfig, balanced
from foretaste.models.interest.inputs import Inputs


def examples(n: int = 2000, share: float = 0.1) -> Examples:
    rng = np.random.default_rng(0)
    labels = (rng.random(n) < share).astype(np.float32)
    codes = np.arange(n, dtype=np.int32)
    numbers = (rng.normal(size=(n, 3)) + labels[:, None]).astype(np.float32)
    past = np.zeros((n, 2), np.int32)
    inputs = Inputs(codes, codes, codes[:, None], numbers, numbers, past, past.astype(np.float32))
    return Examples(inputs, labels, np.ones(n, np.float32))


@pytest.mark.parametrize("kind", ["weights", "oversample", "undersample", "smote", "downsample"])
def test_what_is_added_to_log_odds_is_told(kind: str) -> None:
    train = examples()
    found, added = balanced(train, ImbalanceConfig(kind=kind, keep=0.2), seed=1)
    share = np.average(found.labels, weights=found.weights)
    before = train.labels.mean()
    odds = np.log(share / (1 - share)) - np.log(before / (1 - before))
    assert added == pytest.approx(odds, abs=1e-4)
    if kind != "downsample":
        assert share == pytest.approx(0.5, abs=0.01)
    assert found.labels.sum() >= train.labels.sum() or kind == "undersample"


def test_smote_makes_rare_examples_between_rare_ones() -> None:
    pytest.importorskip("imblearn")
    train = examples()
    found, _ = balanced(train, ImbalanceConfig(kind="smote"), seed=1)
    made = found.inputs.scaled[len(train) :]
    assert (found.labels[len(train) :] == 1).all()
    rare = train.inputs.scaled[train.labels > 0]
    assert not (made[:, None] == rare).all(axis=2).any(axis=1).all()
    assert (made >= rare.min(axis=0) - 1e-6).all()
    assert (made <= rare.max(axis=0) + 1e-6).all()
    # Ids are those of a rare example.
    assert set(found.inputs.items[len(train) :]) <= set(train.inputs.items[train.labels > 0])


def test_nothing_to_balance() -> None:
    train = examples(share=0.0)
    found, added = balanced(train, ImbalanceConfig(kind="oversample"), seed=0)
    assert found is train
    assert added == 0


def test_focal_loss_is_less_for_what_was_expected() -> None:
    log_odds, labels = torch.tensor([2.0, -2.0]), torch.tensor([1.0, 1.0])
    plain, focal = (focal_loss(log_odds, labels, exponent) for exponent in (0, 2))
    p = log_odds.sigmoid()
    torch.testing.assert_close(focal, plain * (1 - p) ** 2)
