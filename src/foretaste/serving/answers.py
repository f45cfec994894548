"""What is asked of a service, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How a source is told to whoever gets the item.
_REASONS = {
    "popularity": "Popular with others",
    "popular": "Popular with others",
    "new": "New here",
    "similar": "Like what you chose lately",
    "pin": "Placed by the shop",
    "promotion": "Promoted by the shop",
}
_BY_MODEL = "Goes with what you chose before"


@dataclass(frozen=True)
class Ask:
    """Somebody wants a list.

    Attributes:
        recommendation_id: Of the list.
        user_id: Who; None is a session, of whom nothing is known but `history`.
        history: Item ids of a session, oldest first.
        k: Items.
        parameters: Values of the `$names` in the rules.
        age: Years; None where not known.
        reasons: Whether each item's reason is to be found from the person's own history.
    """

    recommendation_id: str
    user_id: str | None
    history: tuple[str, ...] = ()
    k: int = 10
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    age: int | None = None
    reasons: bool = False


@dataclass(frozen=True)
class GivenItem:
    """An item of a list, ranks from 1; see `foretaste.ranking.Recommended`."""

    item_id: str
    rank: int
    score: float
    source: str
    reason: str
    propensity: float = 1.0


@dataclass(frozen=True)
class StageTold:
    """What a stage did: items before and after it, and the milliseconds it took."""

    stage: str
    items_in: int
    items_out: int
    milliseconds: float


@dataclass(frozen=True)
class Given:
    """A list.

    Attributes:
        recommendation_id: Its id.
        model_version: Which model answered.
        items: Best first.
        degraded: Why this is not what it should be, in a word; empty where it is.
        stages: What every stage did, for all who were answered together.
        note: Why there are fewer items than were asked for; empty where there are not.
        history: How many actions of the person it was made from.
    """

    recommendation_id: str
    model_version: str
    items: tuple[GivenItem, ...]
    degraded: str = ""
    stages: tuple[StageTold, ...] = ()
    note: str = ""
    history: int = 0


def reason_of(source: str) -> str:
    """The reason that a source alone gives: "popular+new" is told by its first part."""
    return _REASONS.get(source.partition("+")[0], _BY_MODEL)
