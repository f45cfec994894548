"""What every recommender must do, whatever it learns and however.

Subclass `RecommenderContract` (for models that learn from behaviour `CollaborativeContract`), give
`make`, and pytest runs every test here on your model.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste import artifacts
from foretaste.data import Ragged
from foretaste.errors import ConfigError, InputError, NotFittedError, UnknownIdError
from foretaste.models import ByVectors, Popularity, Recommender
from foretaste.models.reading import encoder_of
from tests.contracts.worlds import COLD, PEOPLE, checkerboard, dataset, two_tastes

WORLD = two_tastes()
ITEMS = WORLD.item_vocabulary.ids.to_list()
USERS = WORLD.user_vocabulary.ids.to_list()
HISTORIES = [["garden-1", "garden-2"], ["desk-3"], ["desk-1", "garden-1", "desk-1", "desk-9"]]

NEW_ITEMS = pl.DataFrame({"item_id": ["desk-new"], "title": ["A new thing for the desk"]})
NEWS = pl.DataFrame(
    [
        ("newcomer", "desk-1", 1),
        ("newcomer", "desk-new", 2),
        ("newcomer", "desk-later", 3),
        ("p1", "desk-new", 2),
        ("p2", "desk-new", 5),
        ("p2", "desk-3", 4),
    ],
    schema=["user_id", "item_id", "timestamp"],
    orient="row",
)
WORLD_LATER = pl.concat(
    [WORLD.items, NEW_ITEMS, pl.DataFrame({"item_id": ["desk-later"]})], how="diagonal"
)


def scores(model: Recommender, histories: Sequence[Sequence[str | int]] = HISTORIES) -> np.ndarray:
    return model.score(histories, model.item_vocabulary.ids.to_list())


def by_person(table: pl.DataFrame) -> list[pl.DataFrame]:
    return table.partition_by("user_id", maintain_order=True)


@cache
def fitted(contract: type[RecommenderContract]) -> Recommender:
    return contract().make().fit(WORLD)


class RecommenderContract(ABC):
    """The tests; `make` gives the model, small enough to be fitted in a second."""

    #: Whether learning on ends where a fit on all events does.
    exact = False

    @abstractmethod
    def make(self) -> Recommender:
        """A new one."""

    @pytest.fixture
    def model(self) -> Recommender:
        """Fitted on `WORLD`, once for all tests: not to be changed."""
        return fitted(type(self))

    # Answers.

    def test_answer_is_a_table_of_ranks(self, model: Recommender) -> None:
        table = model.recommend(users=USERS[:3], k=4)
        assert table.schema == {
            "user_id": pl.String,
            "item_id": pl.String,
            "rank": pl.Int32,
            "score": pl.Float32,
            "source": pl.String,
        }
        assert table["user_id"].unique(maintain_order=True).to_list() == USERS[:3]
        for rows in by_person(table):
            assert rows["rank"].to_list() == [1, 2, 3, 4]
            assert rows["score"].is_sorted(descending=True)
            assert rows["item_id"].is_unique().all()
        assert set(table["source"]) == {model.name}

    def test_integer_ids_stay_integers(self) -> None:
        model = self.make().fit(dataset([(7, [1, 2, 3]), (8, [2, 3, 4]), (9, [4, 1, 2])]))
        table = model.recommend(users=[8], k=2)
        assert table.schema["user_id"] == table.schema["item_id"] == pl.Int64
        assert set(table["user_id"]) == {8}

    def test_seen_items_are_left_out(self, model: Recommender) -> None:
        for user in USERS[:4]:
            seen = set(model.history_of(user))
            recommended = set(model.recommend(users=[user], k=len(ITEMS))["item_id"])
            assert recommended == set(ITEMS) - seen

    def test_seen_items_are_kept_on_request(self, model: Recommender) -> None:
        table = model.recommend(histories=HISTORIES, k=len(ITEMS), exclude_seen=False)
        for rows in by_person(table):
            assert set(rows["item_id"]) == set(ITEMS)

    def test_more_than_the_catalogue(self, model: Recommender) -> None:
        table = model.recommend(histories=[["desk-1"]], k=10 * len(ITEMS))
        assert table["rank"].to_list() == list(range(1, len(ITEMS)))

    @pytest.mark.parametrize("k", [0, -1])
    def test_fewer_than_one(self, model: Recommender, k: int) -> None:
        with pytest.raises(InputError) as raised:
            model.recommend(users=USERS[:1], k=k)
        assert raised.value.field == "k"

    def test_candidates_only(self, model: Recommender) -> None:
        chosen = ["desk-1", "garden-7", COLD]
        table = model.recommend(histories=[["desk-2"]], k=10, candidates=[*chosen, "unheard of"])
        assert sorted(table["item_id"]) == sorted(chosen)

    def test_no_known_candidate(self, model: Recommender) -> None:
        with pytest.raises(InputError) as raised:
            model.recommend(users=USERS[:1], candidates=["unheard of"])
        assert raised.value.field == "candidates"

    def test_users_or_histories_not_both(self, model: Recommender) -> None:
        with pytest.raises(InputError):
            model.recommend(users=USERS[:1], histories=HISTORIES)
        with pytest.raises(InputError):
            model.recommend()

    # Each subclass runs it in its own right: none of them replays another's example.
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],
    )
    @given(
        histories=st.lists(st.lists(st.sampled_from([*ITEMS, "unheard of"]), max_size=8)),
        k=st.integers(1, 30),
        exclude_seen=st.booleans(),
    )
    def test_never_padding_never_twice(
        self, histories: list[list[str]], k: int, exclude_seen: bool
    ) -> None:
        model = fitted(type(self))
        table = model.recommend(histories=histories, k=k, exclude_seen=exclude_seen)
        assert table["item_id"].is_in(ITEMS).all()
        assert not table.select("user_id", "item_id").is_duplicated().any()
        assert table["score"].is_finite().all()
        for row, history in enumerate(histories):
            rows = table.filter(pl.col("user_id") == row)
            seen = set(history) & set(ITEMS) if exclude_seen else set[str]()
            assert rows["rank"].to_list() == list(range(1, min(k, len(ITEMS) - len(seen)) + 1))
            assert not seen & set(rows["item_id"])

    # People and items that are unknown or new.

    def test_strangers_get_what_is_popular(self, model: Recommender) -> None:
        popular = Popularity().fit(WORLD).recommend(histories=[[]], k=5)
        for table in (
            model.recommend(users=["nobody"], k=5),
            model.recommend(histories=[[]], k=5),
            model.recommend(histories=[["unheard of"]], k=5),
        ):
            assert table["item_id"].equals(popular["item_id"])
            assert set(table["source"]) == {"popularity"}

    def test_strangers_and_friends_in_one_batch(self, model: Recommender) -> None:
        both = model.recommend(users=["nobody", USERS[0]], k=3)
        assert by_person(both)[1]["item_id"].equals(
            model.recommend(users=[USERS[0]], k=3)["item_id"]
        )
        assert both["source"].to_list() == ["popularity"] * 3 + [model.name] * 3

    def test_unknown_items_are_passed_over(self, model: Recommender) -> None:
        with_unknown = [["unheard of", *history, "unheard of"] for history in HISTORIES]
        np.testing.assert_array_equal(scores(model, with_unknown), scores(model))

    def test_unknown_item_has_no_score(self, model: Recommender) -> None:
        with pytest.raises(UnknownIdError, match="unheard of"):
            model.score(HISTORIES, ["desk-1", "unheard of"])

    def test_unknown_user_has_no_history(self, model: Recommender) -> None:
        with pytest.raises(UnknownIdError, match="nobody"):
            model.history_of("nobody")

    def test_cold_item_has_a_score(self, model: Recommender) -> None:
        assert np.isfinite(model.score(HISTORIES, [COLD])).all()
        table = model.recommend(histories=HISTORIES, candidates=[COLD])
        assert table["item_id"].to_list() == [COLD] * len(HISTORIES)

    def test_history_of_cold_items(self, model: Recommender) -> None:
        [source] = set(model.recommend(histories=[[COLD]], k=3)["source"])
        assert source == ("popularity" if model.needs_behaviour else model.name)

    def test_added_items_are_cold_items(self) -> None:
        model = self.make().fit(WORLD)
        before = scores(model)
        added = pl.DataFrame({"item_id": ["desk-new"], "title": ["A new thing for the desk"]})
        model.add_items(added)
        assert model.item_vocabulary.ids.to_list() == [*ITEMS, "desk-new"]
        np.testing.assert_allclose(scores(model)[:, :-1], before, rtol=1e-5, atol=1e-6)
        assert np.isfinite(model.score(HISTORIES, ["desk-new"])).all()
        again = type(model).from_state(model.state())
        np.testing.assert_array_equal(scores(again), scores(model))

    def test_a_copy_goes_its_own_way(self) -> None:
        model = self.make().fit(WORLD)
        before = scores(model)
        other = model.copied()
        assert encoder_of(other) is encoder_of(model)
        self._assert_same(other, model)
        other.add_items(NEW_ITEMS)
        assert other.item_vocabulary.ids.to_list() == [*ITEMS, "desk-new"]
        np.testing.assert_allclose(scores(other)[:, :-1], before, rtol=1e-5, atol=1e-6)
        assert model.item_vocabulary == WORLD.item_vocabulary
        np.testing.assert_array_equal(scores(model), before)

    # Batches.

    def test_batch_equals_one_by_one(self, model: Recommender) -> None:
        histories = [model.history_of(user) for user in USERS]
        alone = np.concatenate([scores(model, [history]) for history in histories])
        np.testing.assert_allclose(scores(model, histories), alone, rtol=1e-4, atol=1e-6)

    def test_users_are_their_histories(self, model: Recommender) -> None:
        histories = [model.history_of(user) for user in USERS]
        as_users = model.recommend(users=USERS, k=5)
        as_histories = model.recommend(histories=histories, k=5)
        assert as_users.drop("user_id").equals(as_histories.drop("user_id"))

    def test_scores_of_each_history_s_own_items(self, model: Recommender) -> None:
        _, histories = model.people(histories=[*HISTORIES, []])
        items = Ragged.from_rows([[3, 1], [], [5], [2, 4]])
        everything = scores(model, [*HISTORIES, []])
        expected = everything[items.row_of_value, items.values - 1]
        found = model.score_rows(histories, items)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

    def test_scores_are_products_of_vectors(self, model: Recommender) -> None:
        if not isinstance(model, ByVectors):
            pytest.skip("its score is no product of two vectors")
        _, histories = model.people(histories=HISTORIES)
        people, items = model.user_vectors(histories), model.item_vectors
        assert people.dtype == items.dtype == np.float32
        assert len(items) == model.item_vocabulary.size
        products = np.array([[float(p @ i) for i in items[1:]] for p in people])
        np.testing.assert_allclose(products, scores(model), rtol=1e-4, atol=1e-6)

    def test_added_items_leave_the_vectors_of_others(self) -> None:
        model = self.make().fit(WORLD)
        if not isinstance(model, ByVectors):
            pytest.skip("its score is no product of two vectors")
        before = model.item_vectors.copy()
        model.add_items(NEW_ITEMS)
        assert len(model.item_vectors) == len(before) + 1
        np.testing.assert_array_equal(model.item_vectors[:-1], before)

    def test_one_person_twice(self, model: Recommender) -> None:
        table = model.recommend(users=[USERS[3], USERS[3]], k=4)
        assert table["item_id"].to_list()[:4] == table["item_id"].to_list()[4:]

    def test_nobody(self, model: Recommender) -> None:
        assert model.recommend(users=[], k=3).is_empty()
        assert model.recommend(histories=[], k=3).is_empty()
        assert scores(model, []).shape == (0, len(ITEMS))

    # Fitting, remembering, saving.

    def test_not_fitted(self) -> None:
        with pytest.raises(NotFittedError):
            self.make().recommend(users=["p1"])
        with pytest.raises(NotFittedError):
            self.make().state()

    def test_same_seed_same_model(self, model: Recommender) -> None:
        np.testing.assert_array_equal(scores(self.make().fit(WORLD)), scores(model))

    def test_second_fit_forgets_the_first(self, model: Recommender) -> None:
        other = dataset([(f"q{n}", ["x", "y", "z", "desk-1"]) for n in range(5)])
        again = self.make().fit(other).fit(WORLD)
        np.testing.assert_array_equal(scores(again), scores(model))
        assert again.user_vocabulary == WORLD.user_vocabulary

    def test_one_person_one_item(self) -> None:
        model = self.make().fit(dataset([("p", ["i", "i"])]))
        assert model.recommend(users=["p"], k=3).is_empty()
        kept = model.recommend(users=["p"], k=3, exclude_seen=False)
        assert kept["item_id"].to_list() == ["i"]

    def test_remembering_changes_histories_only(self, model: Recommender) -> None:
        other = self.make().fit(WORLD)
        known = dataset([("new", ["desk-2", "desk-5"])], WORLD.items)
        other.remember(known)
        assert other.history_of("new") == ["desk-2", "desk-5"]
        np.testing.assert_array_equal(scores(other), scores(model))

    def test_remembering_other_items(self, model: Recommender) -> None:
        with pytest.raises(InputError):
            model.remember(dataset([("p", ["some", "thing", "else"])]))

    # Learning on.

    def learnt_on(self) -> Recommender:
        return self.make().fit(WORLD).partial_fit(NEWS, NEW_ITEMS)

    def test_learning_on_is_refused_with_a_way_out(self, model: Recommender) -> None:
        if model.learns_on:
            pytest.skip("it learns on")
        before = scores(model)
        with pytest.raises(InputError, match="can't learn on") as raised:
            model.partial_fit(NEWS, NEW_ITEMS)
        assert "Fit it again" in str(raised.value)
        assert model.item_vocabulary == WORLD.item_vocabulary
        np.testing.assert_array_equal(scores(model), before)

    def test_learning_on_takes_in_events_items_and_people(self, model: Recommender) -> None:
        if not model.learns_on:
            pytest.skip("it can't learn on")
        other = self.learnt_on()
        assert other.item_vocabulary.ids.to_list() == [*ITEMS, "desk-new", "desk-later"]
        assert other.history_of("p1") == [*model.history_of("p1"), "desk-new"]
        assert other.history_of("newcomer") == ["desk-1", "desk-new", "desk-later"]
        counts = dict(zip(["", *other.item_vocabulary.ids], other.item_counts, strict=True))
        assert counts["desk-new"] == NEWS["item_id"].to_list().count("desk-new")
        assert not len(other.known.news)
        again = type(model).from_state(other.state())
        self._assert_same(again, other)
        assert np.isfinite(scores(other)).all()
        np.testing.assert_array_equal(scores(self.learnt_on()), scores(other))

    def test_learning_on_exactly(self) -> None:
        if not self.exact:
            pytest.skip("it goes on from where it was")
        other = self.learnt_on()
        everything = other.known.as_dataset()
        afresh = self.make().fit(replace(everything, items=WORLD_LATER))
        np.testing.assert_allclose(scores(other), scores(afresh), rtol=1e-5, atol=1e-6)

    def test_what_is_remembered_is_learnt_from_when_it_catches_up(self) -> None:
        model = self.make().fit(dataset([("p", ["a", "b"]), ("q", ["b", "a", "b"])]))
        if not model.learns_on:
            pytest.skip("it can't learn on")
        model.remember(dataset([("p", ["a", "b", "a"]), ("new", ["b"])]))
        assert model.known.learnt.tolist() == [0, 2]
        assert model.item_counts.tolist() == [0, 2, 3]
        model.catch_up()
        assert model.known.learnt.tolist() == [1, 3]
        assert model.item_counts.tolist() == [0, 2, 2]

    def test_bad_events_change_nothing(self, model: Recommender) -> None:
        if not model.learns_on:
            pytest.skip("it can't learn on")
        before = scores(model)
        for bad in (NEWS.drop("timestamp"), NEWS.head(0), NEWS.with_columns(item_id=None)):
            with pytest.raises(InputError):
                model.partial_fit(bad)
        assert model.item_vocabulary == WORLD.item_vocabulary
        np.testing.assert_array_equal(scores(model), before)

    def test_state_is_plain_data(self, model: Recommender) -> None:
        state = model.state()
        assert json.loads(json.dumps(state.settings, allow_nan=False)) == state.settings
        assert all(tensor.dtype.kind in "biuf" for tensor in state.tensors.values())

    def test_state_round_trip(self, model: Recommender) -> None:
        self._assert_same(type(model).from_state(model.state()), model)

    def test_saved_and_loaded(self, model: Recommender, tmp_path: Path) -> None:
        loaded = artifacts.load(artifacts.save(model, tmp_path / "run"))
        assert type(loaded) is type(model)
        self._assert_same(loaded, model)

    @pytest.mark.parametrize(
        ("name", "spoil"),
        [
            ("history_values", lambda values: values + 1_000_000),
            ("history_values", lambda values: -values),
            ("history_values", lambda values: values.astype(np.float32)),
            ("history_values", lambda values: values[:-1]),
            ("history_offsets", lambda offsets: offsets[:-1]),
            ("history_offsets", lambda offsets: offsets[::-1].copy()),
            ("item_counts", lambda counts: counts[:-1]),
        ],
    )
    def test_contradictory_state_is_refused(
        self, model: Recommender, name: str, spoil: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        state = model.state()
        spoilt = {f"base.{name}": spoil(state.tensors[f"base.{name}"])}
        with pytest.raises(ValueError, match="histories"):
            type(model).from_state(replace(state, tensors=state.tensors | spoilt))

    def test_settings_round_trip(self) -> None:
        config = self.make().config
        assert type(config).parse(config.model_dump(mode="json")) == config

    def test_unknown_setting(self, model: Recommender) -> None:
        with pytest.raises(ConfigError):
            type(model)(no_such_setting=1)

    def _assert_same(self, one: Recommender, other: Recommender) -> None:
        np.testing.assert_array_equal(scores(one), scores(other))
        assert one.recommend(users=USERS, k=5).equals(other.recommend(users=USERS, k=5))
        assert one.history_of(USERS[0]) == other.history_of(USERS[0])
        assert one.config == other.config


class CollaborativeContract(RecommenderContract):
    """For models that learn who acts on what."""

    def test_checkerboard(self) -> None:
        size = 20
        board = checkerboard(size)
        table = self.make().fit(board).recommend(users=list(range(size)), k=1)
        assert table["item_id"].to_list() == list(range(size))

    def test_tastes_are_told_apart(self, model: Recommender) -> None:
        table = model.recommend(users=USERS, k=3)
        taste = {f"p{person}": "garden" if person % 2 else "desk" for person in range(PEOPLE)}
        right = [item.startswith(taste[user]) for user, item in table[:, :2].iter_rows()]
        assert all(right)
