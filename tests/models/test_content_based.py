from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.content import TextEncoder, TextEncoderConfig
from foretaste.data import Dataset
from foretaste.errors import DataError, InputError
from foretaste.evaluation import evaluate
from foretaste.models import ContentBased, TfIdf
from tests.content.words import WordCounts

KINDS = 30
TITLES = {1: "Garden lamp", 2: "Garden", 3: "Desk lamp", 4: "Desk", 5: None, 6: "Garden garden"}


def dataset() -> Dataset:
    items = pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())})
    events = pl.DataFrame({"user_id": [7, 7, 8], "item_id": [1, 2, 3], "timestamp": [1, 2, 3]})
    return Dataset.from_tables(events, items, clock="order")


def fitted(**settings: object) -> ContentBased:
    return ContentBased(content=WordCounts(), **settings).fit(dataset())


def test_scores_are_cosines_with_the_mean_of_unit_vectors():
    model = fitted(half_life=None)
    garden, desk, lamp = np.eye(3)
    person = (garden + lamp) / np.sqrt(2) + desk
    person /= np.linalg.norm(person)
    vectors = [(garden + lamp) / np.sqrt(2), garden, (desk + lamp) / np.sqrt(2), desk]
    expected = [person @ vector for vector in vectors]
    np.testing.assert_allclose(model.score([[1, 4]], [1, 2, 3, 4])[0], expected, atol=1e-6)


def test_the_latest_actions_count_most():
    model = fitted(half_life=1.0)
    garden, desk = model.score([[2, 4]], [2, 4])[0]
    np.testing.assert_allclose([garden, desk], np.array([0.5, 1]) / np.hypot(0.5, 1), atol=1e-6)
    even = fitted(half_life=None).score([[2, 4]], [2, 4])[0]
    assert even[0] == pytest.approx(even[1])


def test_an_item_nobody_touched_is_ranked_by_its_words():
    answer = fitted().recommend(histories=[[2]], k=2)
    assert answer["item_id"].to_list() == [6, 1]
    assert answer["source"].to_list() == ["content", "content"]


def test_an_item_without_words_scores_zero():
    scores = fitted().score([[1], [5]], [5, 1])
    assert scores[0, 0] == 0
    assert scores[1].tolist() == [0, 0]


def test_new_items_are_read_and_old_answers_stay():
    model = fitted()
    before = model.score([[1]], list(TITLES))
    new = pl.DataFrame(
        {"item_id": [9, 2, 8, 9], "title": ["Desk", "ignored: known", "Garden lamp", "twice"]}
    )
    assert model.add_items(new) is model
    assert np.array_equal(model.score([[1]], list(TITLES)), before)
    assert model.score([[1]], [8, 9])[0].tolist() == pytest.approx([1, 0])
    assert model.item_counts.tolist()[-2:] == [0, 0]
    assert model.recommend(histories=[[8]], k=1)["item_id"].to_list() == [1]
    again = ContentBased.from_state(model.state())
    assert np.array_equal(again.score([[9]], [8, 9]), model.score([[9]], [8, 9]))


class Drowned:
    """Vectors whose first coordinate is loud and says nothing; the others say which kind it is."""

    dimension = 1 + KINDS
    fingerprint = "drowned"

    def encode(self, items: pl.DataFrame) -> np.ndarray:
        kinds = np.eye(KINDS, dtype=np.float32)[items["kind"].to_numpy()]
        loud = np.random.default_rng(0).normal(0, 9, (1000, 1)).astype(np.float32)
        return np.hstack([loud[items["item_id"].to_numpy()], kinds])


def loyal_people() -> Dataset:
    """Everybody acts on items of one kind."""
    codes = np.arange(20 * KINDS)
    items = pl.DataFrame({"item_id": codes, "kind": codes % KINDS})
    rng = np.random.default_rng(1)
    events = pl.DataFrame(
        [
            {"user_id": person, "item_id": KINDS * int(turn) + person % KINDS, "timestamp": time}
            for person in range(300)
            for time, turn in enumerate(rng.permutation(20)[:8])
        ]
    )
    return Dataset.from_tables(events, items, clock="order")


def test_vectors_are_whitened_where_validation_targets_say_that_it_helps():
    split = loyal_people().split("leave-one-out")
    as_they_are = ContentBased(content=Drowned(), whitening=0).fit(split.train)
    chosen = ContentBased(content=Drowned()).fit(split.train, split.validation)
    before, after = (
        evaluate(model, split).metric("NDCG@10").value for model in (as_they_are, chosen)
    )
    assert after > 1.2 * before
    without = ContentBased(content=Drowned()).fit(split.train)
    assert np.array_equal(without.item_vectors, as_they_are.item_vectors)
    # What comes later is read in the same way.
    again = ContentBased.from_state(chosen.state())
    again.content.encoder = Drowned()
    new = pl.DataFrame({"item_id": [970, 971], "kind": [1, 2]})
    again.add_items(new)
    scores = again.score([[1, 1 + KINDS]], [970, 971])[0]
    assert scores[0] > scores[1]
    assert np.array_equal(chosen.add_items(new).item_vectors, again.item_vectors)


def test_full_whitening_makes_all_directions_alike():
    model = ContentBased(content=Drowned(), whitening=1).fit(loyal_people())
    variance = (model.item_vectors[1:] ** 2).mean(axis=0)
    assert variance[variance > 1e-6].min() > 0.5 * variance.max()


def test_items_that_cannot_be_read_leave_the_model_as_it_was():
    model = ContentBased(content=WordCounts()).fit(dataset())
    later = ContentBased.from_state(model.state())
    new = pl.DataFrame({"item_id": [9], "title": ["Desk"]})
    with pytest.raises(InputError, match="no encoder"):
        later.add_items(new)
    assert later.item_vocabulary == model.item_vocabulary
    assert np.array_equal(later.score([[1]], list(TITLES)), model.score([[1]], list(TITLES)))
    later.content.encoder = WordCounts()
    assert later.add_items(new).score([[4]], [9])[0, 0] == pytest.approx(1)
    with pytest.raises(DataError, match="no such column"):
        later.add_items(new.drop("item_id"))


def test_settings_hold_the_text_encoder_that_was_given():
    model = ContentBased(content=TextEncoder(fields=["name"]), half_life=None)
    assert model.config.content == TextEncoderConfig(fields=("name",))
    assert model.config.half_life is None
    assert ContentBased(content=WordCounts()).config.content is None
    assert ContentBased().config.content == TextEncoderConfig()


def test_loading_and_scoring_need_no_encoder():
    model = ContentBased.from_state(fitted().state())
    assert model.content.encoder is None
    assert model.score([[1]], [1])[0, 0] == pytest.approx(1)


def test_shared_rare_words_bring_items_together() -> None:
    model = TfIdf(half_life=None).fit(dataset())
    scores = model.score([[4]], list(TITLES))[0]
    assert scores[3] == pytest.approx(1)
    assert scores[2] > 0
    assert scores[[0, 1, 4, 5]].tolist() == [0, 0, 0, 0]


def test_words_decay_with_the_history_like_vectors_do() -> None:
    garden, desk = TfIdf(half_life=1.0).fit(dataset()).score([[2, 4]], [2, 4])[0]
    np.testing.assert_allclose([garden, desk], np.array([0.5, 1]) / np.hypot(0.5, 1), atol=1e-6)


def test_new_items_are_read_by_the_words_that_are_known() -> None:
    model = TfIdf().fit(dataset())
    model.add_items(pl.DataFrame({"item_id": [9], "title": ["Desk unheard"]}))
    again = TfIdf.from_state(model.state())
    assert again.score([[4]], [9])[0, 0] == pytest.approx(1)
    with pytest.raises(DataError, match="no text"):
        again.add_items(pl.DataFrame({"item_id": [10], "name": ["Desk"]}))
