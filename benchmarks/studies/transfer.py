"""Transfer: a sequence model that learnt in one shop starts in another, against starting cold.

Source and target share no item and no person, only a language. The target's training events are
those of a share of its people, from none (zero-shot) to all; its test targets are always the same.
`transferred` begins from the source's backbone, over items whose words are turned into coordinates
that mean what they meant there, as far as the last training actions of the target's people bear it
out, and else from nothing; `cold` begins from nothing; both then train for a few epochs on
what there is. `cold-long` trains until validation says stop, `content` learns nothing at all.
Between Beauty and ML-1M both languages and tastes are far apart; the generated shops sell like
things to other people. How it is done was chosen by the validation targets of shops 3 and 4, and of
Beauty to ML-1M; that trust is chosen, after ML-1M to Beauty had failed, by Beauty's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import foretaste as ft
from figures import NDCG, at_least, done, figure
from foretaste.data import Dataset, Split
from foretaste.data.shop import ShopConfig, generate
from foretaste.models import Recommender
from foretaste.models.sequence import SequenceConfig, transferred
from foretaste.training import TrainingConfig
from harness import Cell
from measuring import read
from studies.main_job import BEAUTY, ML_1M

SPLIT = "leave-one-out"
SHARES = (0.0, 0.01, 0.05, 0.2, 1.0)
FEW = 3
#: Epochs of a source; the log of ML-1M takes minutes an epoch.
SOURCE_EPOCHS = {BEAUTY: 30, ML_1M: 8, "shop-1": 30}
TRANSFERRED, COLD, LONG, CONTENT = "transferred", "cold", "cold-long", "content"
_SHOP = ShopConfig(items=2000, people=1500)


def cells() -> list[Cell]:
    """Both ways between the real sets, and from shop to shop with more seeds."""
    pairs = [("shop-1", "shop-2", 0), ("shop-1", "shop-2", 1), ("shop-1", "shop-2", 2)]
    pairs += [(BEAUTY, ML_1M, 0), (ML_1M, BEAUTY, 0)]
    return [
        Cell(data=f"{source}-to-{target}", split=SPLIT, model="sequence", seed=seed)
        for source, target, seed in pairs
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains the source, and goes on in the target with ever more of its people."""
    source, target = cell.data.split("-to-")
    origin = shop(source, data).split(SPLIT)
    taught = build(SOURCE_EPOCHS[source], cell.seed)
    taught.fit(origin.train, validation=origin.validation)
    split = shop(target, data).split(SPLIT)
    curve = [
        {"share": share, "events": len(train), **compared(taught, train, split, cell.seed)}
        for share in SHARES
        for train in [some_people(split.train, share, cell.seed)]
    ]
    return {
        "source_fingerprint": origin.fingerprint,
        "split_fingerprint": split.fingerprint,
        "curve": curve,
    }


def shop(name: str, data: Path) -> Dataset:
    """A data set by its name, or a generated shop by its number."""
    if name.startswith("shop-"):
        config = _SHOP.model_copy(update={"seed": int(name.removeprefix("shop-"))})
        return generate(config).dataset
    return read(data / name)


def build(epochs: int, seed: int) -> ft.SequenceRecommender:
    """The sequence model with its defaults, for so many epochs."""
    settings = SequenceConfig(seed=seed, training=TrainingConfig(epochs=epochs))
    return ft.SequenceRecommender(settings, content=ft.TextEncoder())


def some_people(train: Dataset, share: float, seed: int) -> Dataset:
    """Only the events of a share of the people."""
    drawn = np.random.default_rng(seed).random(train.user_vocabulary.size) < share
    return train.take_events(drawn[train.user_codes])


def compared(
    taught: ft.SequenceRecommender, train: Dataset, split: Split, seed: int
) -> dict[str, float]:
    """Test NDCG@10 of every way to begin."""
    start = transferred(taught, train)
    content = ft.ContentBased(content=ft.TextEncoder()).fit(train)
    found: dict[str, Recommender] = {TRANSFERRED: start, CONTENT: content}
    if len(train):
        few = build(FEW, seed)
        found[TRANSFERRED] = few.fit(train, split.validation, start_from=start)
        found[COLD] = build(FEW, seed).fit(train, split.validation)
        found[LONG] = build(TrainingConfig().epochs, seed).fit(train, split.validation)
    reports = {name: ft.evaluate(model, split, resamples=100) for name, model in found.items()}
    return {name: figure({"report": report.to_dict()}) for name, report in reports.items()}


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Curves by pair of shops, means over seeds."""
    tables: dict[str, Any] = {}
    for name in dict.fromkeys(cell.data for cell in cells()):
        found = done(records, data=name)
        if found:
            tables[f"{name}, {NDCG} by share of people"] = {
                f"{share:.0%}": means([r["curve"][place] for r in found])
                for place, share in enumerate(SHARES)
            }
    return tables


def means(points: list[dict[str, Any]]) -> dict[str, Any]:
    """One line: the mean of every way to begin."""
    ways = [way for way in (TRANSFERRED, COLD, LONG, CONTENT) if way in points[0]]
    return {"events": points[0]["events"]} | {
        way: round(float(np.mean([point[way] for point in points])), 4) for way in ways
    }


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was learnt elsewhere must help where there is little to learn from."""
    found = []
    for name in dict.fromkeys(cell.data for cell in cells()):
        measured = done(records, data=name)
        for place, share in enumerate(SHARES[1:3], 1):
            line = means([r["curve"][place] for r in measured]) if measured else {}
            found.append(
                at_least(
                    f"{name}, {share:.0%} of people: transferred ahead of cold: {NDCG}",
                    line.get(COLD, 0.0),
                    line.get(TRANSFERRED),
                )
            )
    return found
