"""Search: queries made from the titles and categories of held-out items, and what the person adds.

For people drawn from the targets, the item they chose next is searched for: by one word of its
title (`word`), by two (`title`), by two with a slip of the finger in one (`slip`), and by the one
of its categories that the fewest items have (`category`). NDCG@10 counts the chosen item alone as
right. `words`, `meaning` and `both` are the rankings without the person; `personal` mixes `both`
with ItemKNN's scores, at the slider that was best for each kind of query on the validation
targets, and the gain is over slider 0. Intent is right when a category of the chosen item is among
the three guesses. An audience is as good as the share of people who come after the one who chose
the item. The segmentation of Chinese is measured on a dozen product titles, beside jieba where it
is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import foretaste as ft
from foretaste.data import Dataset, Split, Targets
from foretaste.data.schema import ITEM_ID
from foretaste.models import ItemKNN, Recommender
from foretaste.search import SLIDER, AudienceConfig, SearchConfig, SearchEngine, Seeker, words_of
from foretaste.search.audience import standing
from foretaste.search.lexical import WordIndex
from harness import Cell
from measuring import read
from studies.main_job import BEAUTY, ML_1M

SPLIT = "leave-one-out"
QUERIES = ("word", "title", "slip", "category")
#: Such that many items fit them.
BROAD = ("word", "category")
RANKINGS = ("words", "meaning", "both")
SLIDERS = (0.0, 0.15, 0.3, 0.5, 0.7, 1.0)
PEOPLE, ITEMS, K = 300, 100, 10
CHINESE = "chinese"


def cells() -> list[Cell]:
    return [
        *(Cell(data=data, split=SPLIT, model="itemknn", seed=0) for data in (BEAUTY, ML_1M)),
        Cell(data=CHINESE, split="titles", model="segmentation", seed=0),
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    if cell.data == CHINESE:
        return {"hits": chinese()}
    dataset = read(data / cell.data)
    split = dataset.split(cell.split)
    model = ItemKNN().fit(split.train, validation=split.validation)
    engines = engines_of(dataset.items)
    rng = np.random.default_rng(cell.seed)
    validation = drawn(split.validation, rng)
    test = drawn(split.test, rng)
    return {
        "split_fingerprint": split.fingerprint,
        "queries": {
            kind: queries_of_a_kind(kind, engines, model, dataset, (validation, test), rng)
            for kind in QUERIES
        },
        "audience": audience(model, split, rng),
    }


def engines_of(items: pl.DataFrame) -> dict[str, SearchEngine]:
    """Search by words alone, by (almost) meaning alone, and by both."""
    encoder = ft.TextEncoder()
    by_meaning = SearchConfig(meaning_weight=1e6)
    return {
        "words": SearchEngine(items),
        "meaning": SearchEngine(items, encoder=encoder, config=by_meaning),
        "both": SearchEngine(items, encoder=encoder),
    }


def drawn(targets: Targets, rng: np.random.Generator) -> Targets:
    return targets.take(np.sort(rng.permutation(len(targets))[:PEOPLE]))


def queries_of_a_kind(
    kind: str,
    engines: dict[str, SearchEngine],
    model: Recommender,
    dataset: Dataset,
    parts: tuple[Targets, Targets],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """NDCG of the rankings on test targets, and with the slider chosen on validation targets."""
    make = makers(dataset.items, rng)[kind]
    validation, test = (asked(make, dataset, targets) for targets in parts)
    both = engines["both"]
    chosen = max(SLIDERS, key=lambda slider: mean_ndcg(both, validation, model, slider)[0])
    figures: dict[str, Any] = {"queries": len(test)}
    for name in RANKINGS:
        figures[name], figures[f"{name} ms"] = mean_ndcg(engines[name], test)
    figures["at default slider"], _ = mean_ndcg(both, test, model, SLIDER)
    figures["slider"] = chosen
    figures["personal"], _ = mean_ndcg(both, test, model, chosen)
    figures["gain"] = round(figures["personal"] / max(figures["both"], 1e-9) - 1, 4)
    figures["intent@3"] = intent(both, test, dataset.items)
    return figures


#: A query, the history of who asks, and the id of the item they chose.
Asked = tuple[str, list[Any], Any]


def asked(
    make: Callable[[dict[str, Any]], str | None], dataset: Dataset, targets: Targets
) -> list[Asked]:
    found: list[Asked] = []
    decode = dataset.item_vocabulary.decode
    for row in range(len(targets)):
        code = targets.items[row][-1:]
        query = make(dataset.items.row(int(code[0]) - 1, named=True))
        if query is not None:
            found.append((query, decode(targets.histories[row]).to_list(), decode(code)[0]))
    return found


def makers(
    items: pl.DataFrame, rng: np.random.Generator
) -> dict[str, Callable[[dict[str, Any]], str | None]]:
    """How a query of each kind is made from an item's row; None where it can't be."""
    sizes: dict[str, int] = {}
    if "categories" in items.columns:
        counts = items["categories"].explode().drop_nulls().value_counts()
        sizes = dict(counts.iter_rows())

    def word(row: dict[str, Any]) -> str | None:
        query = title(row)
        return query and query.split()[0]

    def title(row: dict[str, Any]) -> str | None:
        words = [word for word in words_of(row["title"] or "") if len(word) > 2]
        return " ".join(rng.permutation(words)[:2]) if words else None

    def slip(row: dict[str, Any]) -> str | None:
        query = title(row)
        if query is None:
            return None
        first, *rest = query.split()
        place = int(rng.integers(1, len(first) - 1))
        swapped = first[:place] + first[place + 1] + first[place] + first[place + 2 :]
        return " ".join([swapped, *rest])

    def category(row: dict[str, Any]) -> str | None:
        return min(row.get("categories") or [], key=lambda name: sizes[name], default=None)

    return {"word": word, "title": title, "slip": slip, "category": category}


def mean_ndcg(
    engine: SearchEngine,
    questions: Sequence[Asked],
    model: Recommender | None = None,
    slider: float = 0.0,
) -> tuple[float, float]:
    """NDCG@10 of the chosen item, and milliseconds a query."""
    started = time.perf_counter()
    gains = []
    for query, history, wanted in questions:
        seeker = None if model is None else Seeker(model, history)
        found = engine.search(query, K, seeker=seeker, slider=slider).items
        places = found.filter(pl.col(ITEM_ID) == wanted)["rank"].to_list()
        gains.append(1 / np.log2(places[0] + 1) if places else 0.0)
    seconds = time.perf_counter() - started
    return round(float(np.mean(gains)), 4), round(1e3 * seconds / len(questions), 2)


def intent(engine: SearchEngine, questions: Sequence[Asked], items: pl.DataFrame) -> float | None:
    """How often a category of the chosen item is among three guesses."""
    if "categories" not in items.columns:
        return None
    of = dict(items.select(ITEM_ID, "categories").iter_rows())
    right = []
    for query, _, wanted in questions:
        guesses = engine.search(query, K).intent.guesses["categories"]
        right.append(any(guess.value in (of[wanted] or []) for guess in guesses))
    return round(float(np.mean(right)), 4)


def audience(model: Recommender, split: Split, rng: np.random.Generator) -> dict[str, float]:
    """The share of other people that stand below the one who chose an item next."""
    test = split.test
    rows = rng.permutation(len(test))[:ITEMS]
    people = np.flatnonzero(test.histories.lengths > 0)
    below = []
    for row in np.intersect1d(rows, people):
        scores = standing(
            model, test.histories.take(people), test.items[row][-1:], AudienceConfig()
        )
        own = scores[people == row]
        others = scores[people != row]
        below.append(float(((own > others) + 0.5 * (own == others)).mean()))
    return {"items": len(below), "share below": round(float(np.mean(below)), 4)}


_TITLES = (
    "红色丝绸连衣裙 女士夏季",
    "男士防水登山靴",
    "无线蓝牙降噪耳机",
    "不锈钢保温杯 500毫升",
    "北京大学出版社 数据结构",
    "儿童益智积木玩具",
    "纯棉四件套床上用品",
    "手机壳 透明防摔",
    "苹果手机充电器",
    "南京市长江大桥 模型",
    "羊毛围巾 加厚保暖",
    "日式陶瓷茶具套装",
)
_ASKED = {
    0: ("连衣裙", "红裙"),
    1: ("登山", "靴", "防水靴"),
    2: ("耳机", "蓝牙耳机", "降噪"),
    3: ("保温", "杯子"),
    4: ("数据结构", "北京大学"),
    5: ("积木", "玩具"),
    6: ("床上", "四件套"),
    8: ("手机充电", "充电器"),
    9: ("长江大桥", "南京"),
    10: ("围巾", "毛围巾"),
    11: ("茶具", "陶瓷茶"),
}


def chinese() -> dict[str, float | None]:
    """Share of queries that find the right title first, by way of cutting text into words.

    None for a way whose package is not installed.
    """
    cuts: dict[str, Callable[[str], list[str]] | None] = {
        "characters and pairs": words_of,
        "jieba": None,
        "jieba, search mode": None,
    }
    if find_spec("jieba") is not None:
        import jieba

        cuts |= {"jieba": jieba.lcut, "jieba, search mode": jieba.lcut_for_search}
    return {name: None if cut is None else first_hits(cut) for name, cut in cuts.items()}


def first_hits(cut: Callable[[str], list[str]]) -> float:
    """Words are handed over as numbers, so that each way's own cuts are what is compared."""
    known: dict[str, str] = {}

    def numbered(text: str) -> str:
        return " ".join(known.setdefault(word, f"w{len(known)}") for word in cut(text))

    index = WordIndex(language=None)
    codes = np.arange(1, len(_TITLES) + 1, dtype=np.int32)
    index.add(codes, [numbered(title) for title in _TITLES], [""] * len(_TITLES))
    right = [
        index.search(numbered(query).split(), 1)[0].tolist() == [title + 1]
        for title, queries in _ASKED.items()
        for query in queries
    ]
    return round(float(np.mean(right)), 4)


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """By data set and kind of query."""
    tables: dict[str, Any] = {}
    for record in records:
        if record["status"] != "done":
            continue
        title = f"{record['cell']['data']} {record['cell']['split']}"
        if "hits" in record:
            tables[title] = {name: {"hits@1": hits} for name, hits in record["hits"].items()}
        else:
            tables[title] = record["queries"]
            tables[f"{title}, audience"] = {record["cell"]["model"]: record["audience"]}
    return tables


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Knowing the person must help to find what they choose next."""
    found = []
    for data in (BEAUTY, ML_1M):
        [queries] = [
            r["queries"] for r in records if r["status"] == "done" and r["cell"]["data"] == data
        ] or [None]
        for kind in QUERIES:
            figures = None if queries is None else queries[kind]
            gain = None if figures is None else figures["gain"]
            found.append(
                {
                    "name": f"{data}, {kind}: personalisation gain on the next item, NDCG@10",
                    "wanted": "> 0" if kind in BROAD else ">= 0",
                    "got": gain,
                    "met": gain is not None and (gain > 0 or (kind not in BROAD and gain == 0)),
                }
            )
    return found
