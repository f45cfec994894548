import polars as pl

from foretaste.data.shop import ShopConfig, generate
from harness import RESULTS
from studies import content, main_job, next_action, quality, scaling, training_speed


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
    for study in (content, main_job, next_action, quality, scaling, training_speed):
        names = [cell.name for cell in study.cells()]
        assert len(set(names)) == len(names)


def test_recorded_cells_of_the_main_job_still_belong_to_it():
    recorded = {path.stem for path in (RESULTS / "cells" / "main_job").glob("*.json")}
    assert recorded <= {cell.name for cell in main_job.cells()}


def test_training_speed_races_run_cells_of_quality():
    borrowed = training_speed.borrowed()["quality"]
    assert set(borrowed) <= set(quality.cells())
    assert {cell.model for cell in borrowed} == {
        "sequence",
        "sequence-without-text",
        "rectools-sasrec",
        "recbole-sasrec",
    }
