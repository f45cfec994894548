from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from transformers import AutoTokenizer

from foretaste.data import Dataset
from foretaste.errors import ConfigError
from foretaste.models.interest import InterestModel, QuestionConfig, divide, labelled
from foretaste.models.interest.bodies.base import LanguageConfig
from foretaste.models.interest.bodies.language import Prompts
from foretaste.models.interest.measures import auc
from tests.content.conftest import plain_model  # noqa: F401 - a fixture
from tests.models.interest import worlds

TEXTS = ["", "red lamp", "blue desk", "garden chair"]


def decoded(folder: Path, config: LanguageConfig, labels: list[float]) -> str:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = Prompts(TEXTS, config, tokenizer)
    past = np.array([1, 2, 1, 0, 0])
    written = prompts.write(3, past, np.array([*labels, 0, 0], np.float32))
    assert len(written) <= config.max_tokens
    return tokenizer.decode(written)


def settings(folder: Path, **given: object) -> LanguageConfig:
    templates = {"acted": "nail {title}", "passed": "polish {title}", "separator": " . "}
    return LanguageConfig.parse({"model": str(folder), **templates, **given})


def test_history_and_item_are_written_as_the_templates_say(plain_model: Path) -> None:  # noqa: F811
    text = decoded(plain_model, settings(plain_model), [1, 0, 1])
    assert text == ("[CLS] nail red lamp. polish blue desk. nail red lamp [SEP] garden chair [SEP]")
    turned = settings(plain_model, prompt="the {title} , {history}")
    assert decoded(plain_model, turned, [1, 0, 1]).startswith("[CLS] the garden chair, nail red")


def test_what_is_cut_are_the_oldest_actions(plain_model: Path) -> None:  # noqa: F811
    config = settings(plain_model, max_tokens=16, separator=" . . . ")
    text = decoded(plain_model, config, [1, 0, 1])
    assert "polish blue desk" in text
    assert text.endswith("nail red lamp [SEP] garden chair [SEP]")
    assert text.count("nail") == 1


def test_templates_are_checked() -> None:
    for bad in ({"prompt": "{title}"}, {"acted": "liked"}):
        with pytest.raises(ConfigError, match="must hold"):
            LanguageConfig.parse(bad)


@pytest.mark.parametrize("rank", [0, 4])
def test_it_reads_what_is_liked_and_comes_back_the_same(
    plain_model: Path,  # noqa: F811
    rank: int,
) -> None:
    """People act on lamps, whoever they are."""
    table, _ = worlds.pairs(900)
    odd = table["item_id"].to_numpy() % 2 == 1
    chance = np.random.default_rng(3).random(len(table))
    table = table.with_columns(label=np.where(odd, chance < 0.1, chance < 0.9).astype(int))
    titles = ["garden desk" if n % 2 else "red lamp" for n in range(worlds.ITEMS)]
    items = worlds.catalogue().with_columns(title=pl.Series(titles))
    parts = divide(labelled(Dataset.from_tables(table, items=items), QuestionConfig()))
    training = {**worlds.QUICK, "epochs": 4, "batch_tokens": 1024, "learning_rate": 5e-3}
    model = InterestModel(
        bodies=("language",),
        features={"history": 4},
        body={
            "dropout": 0.0,
            "language": {
                "model": str(plain_model),
                "lora_rank": rank,
                "max_tokens": 32,
                "training": training,
            },
        },
        refit=False,
    )
    model.fit(parts.train, parts.validation).remember(parts.known("streaming"))
    said = model.predict(parts.test.events)
    assert auc(parts.test.events["label"].to_numpy(), said) > 0.75
    state = model.state()
    json.dumps(state.settings)
    whole = sum(t.size for name, t in state.tensors.items() if name.startswith("0."))
    assert rank == 0 or whole < 5_000
    again = InterestModel.from_state(state)
    np.testing.assert_allclose(again.predict(parts.test.events), said, atol=1e-6)
