from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from foretaste.content.pretraining import PretrainingConfig
from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.models import MODELS
from harness import RESULTS
from peers.checks import CHECKS
from studies import (
    cold_start,
    exposure_bias,
    learning_on,
    models,
    pretraining,
    quality,
    training_speed,
)

STUDIES = [
    import_module(f"studies.{path.stem}")
    for path in sorted(Path(quality.__file__).parent.glob("[a-z]*.py"))
]


def test_the_control_has_the_same_words_on_other_items():
    split = generate(ShopConfig(items=200, people=100)).dataset.split("leave-one-out")
    permuted = quality.with_permuted_text(split, seed=0).train
    before = split.train.items
    assert permuted.items["item_id"].equals(before["item_id"])
    assert permuted.items["title"].sort().equals(before["title"].sort())
    moved = pl.Series(permuted.items["title"] != before["title"]).mean()
    assert moved > 0.9
    assert permuted.events.equals(split.train.events)


def test_every_variant_is_a_valid_configuration_of_its_own():
    models = [quality.build(name, 0) for name in quality.OURS | quality.ABLATIONS]
    assert all(model.config.training.validation_users == 10**9 for model in models)
    assert quality.build(quality.WITHOUT_TEXT, 0).config.content is None
    assert quality.build("sequence-no-average", 0).config.training.average == 0


def test_cells_have_names_of_their_own():
    for study in STUDIES:
        names = [cell.name for cell in study.cells()]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("study", STUDIES)
def test_recorded_cells_still_belong_to_their_study(study: ModuleType):
    folder = RESULTS / "cells" / study.__name__.rpartition(".")[2]
    recorded = {path.stem for path in folder.glob("*.json")}
    assert recorded <= {cell.name for cell in study.cells()}


def test_training_speed_races_run_cells_of_quality():
    borrowed = training_speed.borrowed()["quality"]
    assert set(borrowed) <= set(quality.cells())
    assert {cell.model for cell in borrowed} == {
        "sequence",
        "sequence-without-text",
        "rectools-sasrec",
        "recbole-sasrec",
    }


def test_stated_interests_are_the_most_frequent_categories():
    items = pl.DataFrame(
        {"item_id": [1, 2, 3], "categories": [["Beauty", "Nails"], ["Beauty", "Hair"], None]}
    )
    events = pl.DataFrame(
        {"user_id": [7, 7, 7, 8, 9], "item_id": [1, 2, 2, 3, 1], "timestamp": range(5)}
    )
    data = Dataset.from_tables(events, items, clock="order")
    told = cold_start.stated_interests(data.histories(), data.items)
    assert told.to_list() == ["Hair, Nails", None, "Nails"]


def test_strangers_are_not_told_what_they_are_asked_for():
    dataset = generate(ShopConfig(items=200, people=100)).dataset
    split = dataset.split("random")
    told, asked = cold_start.strangers(dataset, split)
    assert not set(asked.users) & set(split.train.user_codes)
    assert not asked.histories.lengths.any()
    for row, user in enumerate(asked.users):
        whole = dataset.histories()[user - 1]
        assert told[row].tolist() == whole[::2].tolist()
        assert asked.items[row].tolist() == whole[1::2].tolist()


def test_slices_cut_the_log_or_every_history():
    dataset = generate(ShopConfig(items=200, people=100)).dataset
    for cut in (learning_on.by_time, learning_on.by_place):
        slices = cut(dataset)
        counts = np.bincount(slices, minlength=len(learning_on.CUTS) + 1)
        assert counts[0] / len(dataset) == pytest.approx(learning_on.CUTS[0], abs=0.05)
        assert (counts[1:] > 0).all()
    by_time = learning_on.by_time(dataset)
    assert dataset.timestamps[by_time == 0].max() <= dataset.timestamps[by_time > 0].min()
    known, later = (dataset.take_events(by_time == number) for number in (0, 1))
    targets = learning_on.targets_of(known, later)
    for row in range(len(targets)):
        assert not set(targets.items[row]) & set(targets.histories[row])


def test_the_truly_best_lists_are_the_truth_s():
    liking = np.random.default_rng(0).normal(size=(4, 200)).astype(np.float32)
    warm = np.arange(1, 180)
    histories = np.array([[3, 0], [5, 9], [0, 0], [1, 2]])
    open_to = np.full_like(liking, -np.inf)
    open_to[:, warm] = liking[:, warm]
    np.put_along_axis(open_to, histories, -np.inf, axis=1)
    best = np.argsort(-open_to, axis=1)
    assert exposure_bias.truly_best(liking, best[:, :10], histories, warm) == pytest.approx(1)
    assert exposure_bias.truly_best(liking, best[:, 60:70], histories, warm) == 0


def test_every_model_and_check_has_its_cells():
    cells = models.cells()
    assert {cell.model for cell in cells if not cell.model.startswith("check-")} == set(MODELS)
    for name, check in CHECKS.items():
        built = models.build(check.model, 0, **check.settings)
        assert built.name == check.model
        assert {f"check-{name}-ours", f"check-{name}-theirs"} <= {cell.model for cell in cells}


@pytest.mark.parametrize("name", pretraining.TRAINED)
def test_an_encoder_is_trained_on_what_it_is_named_after(name):
    config = PretrainingConfig(**pretraining.TRAINED[name])
    assert config.objective == {"scratch": "mlm"}.get(name, name.partition("-")[0])
