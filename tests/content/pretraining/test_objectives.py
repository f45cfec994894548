from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from foretaste.content.pretraining import PretrainingConfig
from foretaste.content.pretraining.behaviour import Behaviour, RecentMean
from foretaste.content.pretraining.catalogue import Catalogue
from foretaste.content.pretraining.objectives import Contrast, Objective, Sections, Words, some_of
from foretaste.content.pretraining.start import Start, from_model
from foretaste.data import Dataset
from foretaste.errors import DataError
from tests.contracts.worlds import dataset


def settings(**given: object) -> PretrainingConfig:
    return PretrainingConfig(**{"precision": "fp32", **given})


def started(model: Path, config: PretrainingConfig) -> Start:
    return from_model(str(model), config)


def objective_of(name: str, model: Path, shop: Dataset, **given: object) -> Objective:
    config = settings(objective=name, **given)
    start, catalogue = started(model, config), Catalogue.of(shop.items, None)
    if name == "mlm":
        return Words(start.reader, config, catalogue, start.language_model)
    if name == "behaviour":
        return Behaviour(start.reader, config, catalogue, shop, RecentMean())
    return (Sections if name == "sections" else Contrast)(start.reader, config, catalogue)


def same(one: dict, other: dict) -> bool:
    return all(
        same(value, other[name]) if isinstance(value, dict) else torch.equal(value, other[name])
        for name, value in one.items()
    )


@pytest.mark.parametrize("name", ["mlm", "sections", "contrastive", "behaviour"])
def test_a_batch_is_a_function_of_its_rows_and_the_seed(
    name: str, plain_model: Path, shop: Dataset
) -> None:
    objective = objective_of(name, plain_model, shop)
    rows = objective.rows[:8].tolist()
    torch.manual_seed(1)
    first = objective.batch(rows)
    torch.manual_seed(2)
    assert same(first, objective.batch(rows))
    loss = objective(**first)
    assert loss.ndim == 0
    assert loss.item() > 0
    loss.backward()


def test_hidden_words_are_what_is_asked_for(plain_model: Path, shop: Dataset) -> None:
    objective = objective_of("mlm", plain_model, shop, mask=0.5)
    rows = objective.rows.tolist()
    batch = objective.batch(rows)
    hidden = batch["labels"] != -100
    told = objective.reader.tokens([Catalogue.of(shop.items, None).texts[row] for row in rows])
    assert torch.equal(batch["labels"][hidden], told["input_ids"][hidden])
    special = torch.isin(told["input_ids"], torch.tensor([0, 2, 3]))
    assert not hidden[special].any()
    assert 0.4 < hidden.sum() / (~special).sum() < 0.6


def test_sections_are_of_one_item_where_the_label_says_so(plain_model: Path, shop: Dataset) -> None:
    objective = objective_of("sections", plain_model, shop)
    rows = np.tile(objective.rows, 3).tolist()
    batch = objective.batch(rows)
    fields = Catalogue.of(shop.items, None).fields
    own = objective.reader.tokens(
        [fields[row][0] for row in rows], [fields[row][1] for row in rows]
    )
    swapped = objective.reader.tokens(
        [fields[row][1] for row in rows], [fields[row][0] for row in rows]
    )
    for place, label in enumerate(batch["labels"].tolist()):
        read = batch["tokens"]["input_ids"][place]
        either = [
            torch.equal(read[read != 0], pair["input_ids"][place][pair["input_ids"][place] != 0])
            for pair in (own, swapped)
        ]
        # A stranger's field may chance to be the same words.
        assert any(either) or not label
    assert 0.3 < batch["labels"].float().mean() < 0.7


def test_a_view_holds_some_of_the_fields_and_most_of_their_words() -> None:
    rng = np.random.default_rng(0)
    fields = ["red chair", "garden , wood", "a b c d e f g h"]
    views = [some_of(fields, rng) for _ in range(300)]
    assert all(set(view.split()) <= {*" ".join(fields).split(), "."} for view in views)
    assert all(view.strip() for view in views)
    assert len(set(views)) > 50
    alone = sum(view in fields for view in views)
    assert 0 < alone < 300


def test_two_views_of_one_item_are_told_from_those_of_others(
    sentence_model: Path, shop: Dataset
) -> None:
    objective = objective_of("contrastive", sentence_model, shop, views="dropout").eval()
    catalogue = Catalogue.of(shop.items, None)
    tokens = objective.reader.tokens([catalogue.texts[row] for row in (0, 5, 30)] * 2)
    vectors = objective.reader(tokens)[:3].detach().numpy()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = vectors @ vectors.T / 0.05
    expected = (np.log(np.exp(logits).sum(1)) - np.diag(logits)).mean()
    assert objective(tokens=tokens).item() == pytest.approx(expected, rel=1e-4)


def test_popular_items_are_corrected_for_and_what_one_took_is_no_negative(
    plain_model: Path,
) -> None:
    items = pl.DataFrame({"item_id": [*range(1, 13)], "title": [f"lamp {n}" for n in range(12)]})
    data = dataset([("a", [1, 2, 3]), ("b", [4, 2]), ("c", [2, 5])], items)
    objective = objective_of("behaviour", plain_model, data, temperature=0.5, tower="item").eval()
    objective.tower = torch.nn.Identity()
    batch = objective.batch([0, 1])
    found = batch["items"].tolist()
    assert found == [1, 2, 3, 4]
    vectors = objective.reader(batch["tokens"]).detach().numpy()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    counts = np.array([1, 3, 1, 1])
    logits = vectors @ vectors.T / 0.5 - np.log(counts / 7)
    losses = []
    for person, (given, taken) in [("a", (1, 2)), ("a", (2, 3)), ("b", (4, 2))]:
        own = {1, 2, 3} if person == "a" else {4, 2}
        rivals = [i for i in found if i not in own or i == taken]
        row = logits[given - 1]
        losses.append(np.log(np.exp(row[[i - 1 for i in rivals]]).sum()) - row[taken - 1])
    assert objective(**batch).item() == pytest.approx(np.mean(losses), rel=1e-4)


def test_items_without_words_leave_histories(plain_model: Path, shop: Dataset) -> None:
    silent = pl.when(pl.int_range(pl.len()) < 5).then(None)
    mute = shop.items.with_columns(
        silent.otherwise(pl.col("title")).alias("title"), pl.lit(None).alias("categories")
    )
    catalogue = Catalogue.of(mute, None)
    assert catalogue.silent == 5
    config = settings(objective="behaviour")
    start = started(plain_model, config)
    objective = Behaviour(start.reader, config, catalogue, shop, RecentMean())
    batch = objective.batch(objective.rows.tolist())
    assert batch["items"].min() > 5


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(DataError, match="too few"):
        Catalogue.of(pl.DataFrame({"title": ["a", None, "", "b"]}), None)


def test_duplicates_are_learnt_from_once() -> None:
    items = pl.DataFrame({"title": [*"abcdefgh", "a", "b", None]})
    catalogue = Catalogue.of(items, None)
    assert catalogue.spoken().tolist() == list(range(8))
    assert catalogue.silent == 1


def test_the_recent_mean_is_what_profiles_are() -> None:
    vectors = torch.randn(1, 4, 3)
    weights = torch.tensor([0.125, 0.25, 0.5, 1.0])
    expected = (weights[:, None] * vectors[0]).sum(0)
    assert torch.allclose(RecentMean()(vectors)[0, -1], expected, atol=1e-6)
    assert torch.allclose(RecentMean(None)(vectors)[0, -1], vectors[0].sum(0), atol=1e-6)
