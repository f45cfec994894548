from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.errors import InputError
from foretaste.models import SequenceRecommender
from foretaste.models.sequence import is_another_shop, transferred
from tests.content.words import WordCounts
from tests.contracts.worlds import dataset


def shop(seed: int, people: int = 40) -> Dataset:
    """After something for the garden comes a desk, and after a desk a lamp, in every shop."""
    rng = np.random.default_rng(seed)
    kinds = ("garden", "desk", "lamp")
    ids = [f"{kind}-{seed}-{n}" for n in range(8) for kind in kinds]
    items = pl.DataFrame({"item_id": ids, "title": [f"A {name.split('-')[0]}" for name in ids]})
    starts = rng.integers(3, size=people)
    return dataset(
        (
            (
                f"p{person}",
                [f"{kinds[(start + n) % 3]}-{seed}-{rng.integers(8)}" for n in range(8)],
            )
            for person, start in enumerate(starts)
        ),
        items,
    )


def follows(model: SequenceRecommender, seed: int) -> float:
    """Share of a list of five that is what follows in every shop: a third by chance.

    So small a network learns two of the three rules, or all, as chance will have it.
    """
    pairs = (("garden", "desk"), ("desk", "lamp"), ("lamp", "garden"))
    right = 0
    for before, after in pairs:
        table = model.recommend(histories=[[f"{before}-{seed}-0"]], k=5)
        right += sum(item.startswith(after) for item in table["item_id"])
    return right / 15


@pytest.fixture(scope="module")
def source() -> SequenceRecommender:
    settings = {"epochs": 40, "learning_rate": 0.01, "warmup_steps": 0, "average": 0.9}
    model = SequenceRecommender(content=WordCounts(), dimension=4, heads=1, training=settings)
    return model.fit(shop(1))


def test_what_was_learnt_in_one_shop_holds_in_another(source: SequenceRecommender) -> None:
    model = transferred(source, shop(2), trust=1)
    assert follows(source, 1) > 0.8
    assert follows(model, 2) > 0.6
    assert model.item_vocabulary == shop(2).item_vocabulary
    assert model.history_of("p0")[0].split("-")[1] == "2"
    # The source is as it was.
    assert source.history_of("p0")[0].split("-")[1] == "1"


def test_without_trust_only_likeness_holds(source: SequenceRecommender) -> None:
    model = transferred(source, shop(2), trust=0)
    assert follows(model, 2) == 0
    table = model.recommend(histories=[["desk-2-0"]], k=5)
    assert all(item.startswith("desk") for item in table["item_id"])
    with pytest.raises(InputError, match="from 0 to 1"):
        transferred(source, shop(2), trust=1.5)


def test_an_id_means_nothing_in_another_shop(source: SequenceRecommender) -> None:
    world = shop(1)
    renamed = world.items.with_columns(pl.col("title").reverse())
    model = transferred(source, Dataset.from_tables(world.events, renamed, clock="order"))
    codes = np.arange(1, 25, dtype=np.int32)
    lent = model.input_vectors(codes).numpy()
    # Items that read the same are the same, whatever they were called before.
    titles = renamed["title"].to_list()
    assert np.allclose(lent[titles.index("A desk")], lent[titles.index("A desk") + 3])
    assert not np.allclose(lent, source.input_vectors(codes).numpy())


def test_learning_goes_on_from_there(source: SequenceRecommender) -> None:
    few = shop(3, people=6)
    brief = source.config.model_copy(
        update={"training": source.config.training.model_copy(update={"epochs": 1})}
    )
    started = SequenceRecommender(brief, content=WordCounts())
    started.fit(few, start_from=transferred(source, few, trust=1))
    cold = SequenceRecommender(brief, content=WordCounts()).fit(few)
    assert follows(started, 3) > 0.6
    assert follows(cold, 3) < 0.5


def test_a_model_without_words_has_nothing_to_carry() -> None:
    model = SequenceRecommender(dimension=4, heads=1, training={"epochs": 1}).fit(shop(1))
    with pytest.raises(InputError, match="no words"):
        transferred(model, shop(2))


def test_another_encoder_is_refused(source: SequenceRecommender) -> None:
    moved = SequenceRecommender.from_state(source.state())
    moved.content.encoder = WordCounts("words-2")
    with pytest.raises(InputError, match="not the one"):
        transferred(moved, shop(2))


def test_what_people_do_there_says_how_far_to_trust(source: SequenceRecommender) -> None:
    def head(model: SequenceRecommender) -> np.ndarray:
        return model.network.backbone.get_submodule("head").weight.detach().numpy()

    def world(*then: str) -> Dataset:
        """People with something for the garden, a desk or a lamp, and after it one of `then`."""
        rows = (
            (f"p{place}-{kind}", [f"{kind}-2-{place}", f"{after}-2-{(place + 1) % 8}"])
            for place in range(8)
            for kind, after in zip(("garden", "desk", "lamp"), then, strict=True)
        )
        return dataset(rows, shop(2).items)

    learnt = head(source)
    same, like = world("desk", "lamp", "garden"), world("garden", "desk", "lamp")
    np.testing.assert_allclose(head(transferred(source, same)), learnt)
    np.testing.assert_allclose(head(transferred(source, like)), learnt / 2)
    # Nothing of the backbone at all.
    assert not head(transferred(source, shop(2), trust=0)).any()


def numbered(shift: int, kinds: tuple[str, ...] = ("garden", "desk", "lamp")) -> Dataset:
    """Items 1 to 24 of three kinds in turn, told from `shift` on."""
    ids = list(range(1, 25))
    items = pl.DataFrame({"item_id": ids, "title": [f"A {kinds[(n + shift) % 3]}" for n in ids]})
    return dataset(((f"p{p}", [1 + (p + n) % 24 for n in range(6)]) for p in range(20)), items)


def test_a_shop_is_another_if_its_ids_stand_for_other_items(source: SequenceRecommender) -> None:
    settings = {"dimension": 4, "heads": 1, "training": {"epochs": 1}}
    model = SequenceRecommender(content=WordCounts(), **settings).fit(numbered(0))
    assert not is_another_shop(model, numbered(0))
    assert is_another_shop(model, numbered(1))
    assert is_another_shop(source, numbered(0))
    wordless = SequenceRecommender(content=None, **settings).fit(numbered(0))
    assert not is_another_shop(wordless, numbered(1))
