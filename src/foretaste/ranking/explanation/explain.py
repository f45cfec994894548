"""Why an item is recommended to a person: evidence, figures, and a sentence made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError
from foretaste.models import Recommender
from foretaste.ranking.explanation import sentence
from foretaste.ranking.explanation.case import Case, Id
from foretaste.ranking.explanation.contributions import Explainer
from foretaste.ranking.explanation.naming import explainer_for, named_evidence, strongest
from foretaste.ranking.explanation.words import LikenessParts, likeness_parts

_TITLE = "title"

#: History items that an explanation lists, strongest first.
_LISTED = 10


@dataclass(frozen=True)
class Evidence:
    """An item of the history, and what it adds.

    Attributes:
        item_id: Its id.
        title: Its title, or its id where it has none.
        contribution: What it adds to the score; may be negative.
        named: Whether the reason names it.
    """

    item_id: Id
    title: str
    contribution: float
    named: bool


@dataclass(frozen=True)
class Explanation:
    """Why an item got its score.

    Attributes:
        item_id: The item.
        title: Its title, or its id where it has none.
        score: What the model says of it; 0 where it knows nothing of the person.
        method: "exact", "leave-one-out", or "popularity" where the history says nothing.
        evidence: The items of the history that add most, strongest first.
        drop: How far the score falls without the evidence that is named.
        likeness: What makes the item read like the strongest named evidence, where the model
            reads content.
        words: Those of its words that the reason names, strongest first.
        reason: One or two sentences; they name nothing but named evidence and words.
    """

    item_id: Id
    title: str
    score: float
    method: str
    evidence: tuple[Evidence, ...]
    drop: float
    likeness: LikenessParts | None
    words: tuple[str, ...]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return asdict(self)


def explain(
    model: Recommender,
    items: pl.DataFrame,
    history: Sequence[Id],
    item: Id,
    *,
    encoder: Encoder | None = None,
    explainer: Explainer | None = None,
) -> Explanation:
    """Explains the score of an item to a person.

    Args:
        model: A fitted model.
        items: The catalogue: `item_id`, and the titles and texts there are.
        history: Ids of the items the person acted on, oldest first; the item itself and items the
            model does not know are passed over.
        item: Id of the item.
        encoder: Of the items' text, for the words that carry a likeness; give it only for a model
            that reads content, for with others words carry nothing.
        explainer: What says what each item of the history adds; None takes `explainer_for`.

    Raises:
        UnknownIdError: The model does not know the item.
        InputError: The catalogue has no column `item_id`.
    """
    if ITEM_ID not in items.columns:
        raise InputError("the catalogue has no such column.", field=ITEM_ID)
    case = Case.of(model, history, item)
    code = np.array([case.item], np.int32)
    [(item_id, title)] = _titled(model, items, code)
    if not case.says_something:
        reason = sentence.popularity_sentence(int(model.item_counts[case.item]))
        return Explanation(item_id, title, case.score, "popularity", (), 0.0, None, (), reason)
    explainer = explainer or explainer_for(case)
    contributions = explainer(case)
    named, drop = named_evidence(case, contributions)
    order = np.argsort(-contributions, kind="stable")[:_LISTED]
    evidence = tuple(
        Evidence(known_id, known, float(contributions[part]), part in named)
        for part, (known_id, known) in zip(
            order, _titled(model, items, case.parts[order]), strict=True
        )
    )
    likeness, words = None, ()
    if encoder is not None and len(named):
        rows = [_row(items, model, case.item), _row(items, model, int(case.parts[named[0]]))]
        if all(len(row) for row in rows):
            likeness = likeness_parts(encoder, *rows)
            words = _named_words(likeness)
    return Explanation(
        item_id=item_id,
        title=title,
        score=case.score,
        method=explainer.__name__.replace("_", "-"),
        evidence=evidence,
        drop=drop,
        likeness=likeness,
        words=words,
        reason=_reason([piece.title for piece in evidence if piece.named], words),
    )


def _reason(titles: list[str], words: tuple[str, ...]) -> str:
    if not titles:
        return sentence.NOTHING_STANDS_OUT
    about_words = f" {sentence.words_sentence(words, titles[0])}" if words else ""
    return sentence.history_sentence(titles) + about_words


def _named_words(likeness: LikenessParts) -> tuple[str, ...]:
    words = list(likeness.words)
    falls = np.array([likeness.words[word] for word in words])
    return tuple(words[place] for place in strongest(falls))


def _titled(
    model: Recommender, items: pl.DataFrame, codes: NDArray[np.int32]
) -> list[tuple[Id, str]]:
    """Id and title, or the id again, of every code."""
    ids = model.item_vocabulary.decode(codes)
    if _TITLE not in items.columns:
        return [(known, str(known)) for known in ids]
    catalogue = items.select(pl.col(ITEM_ID).cast(ids.dtype), pl.col(_TITLE).cast(pl.String))
    joined = (
        ids.alias(ITEM_ID).to_frame().join(catalogue, on=ITEM_ID, how="left", maintain_order="left")
    )
    titles = joined[_TITLE].fill_null("").to_list()
    return [(known, title or str(known)) for known, title in zip(ids, titles, strict=True)]


def _row(items: pl.DataFrame, model: Recommender, code: int) -> pl.DataFrame:
    """The catalogue's row of an item; empty where it has none."""
    ids = model.item_vocabulary.decode(np.array([code], np.int32))
    return items.filter(pl.col(ITEM_ID).cast(ids.dtype) == ids[0])
