"""Pins and promotions: items that a shop wants at certain places, within quotas.

Both only move candidates that are already in a list. Pinned and promoted items become candidates
through sources of their own, and have then gone through rules and safety like every other item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from foretaste.config import Config
from foretaste.data import PADDING
from foretaste.errors import InputError
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.rules.rules import Rules
from foretaste.ranking.stage import Outcome, Request


class Pin(Config):
    """An item at a place of everybody's list, where rules and safety let them have it.

    Attributes:
        item: Its id.
        place: From 1; in a shorter list, the last.
    """

    item: str | int
    place: int = Field(default=1, ge=1)


class Promotion(Config):
    """A quota of some items among the first places of everybody's list.

    Attributes:
        where: An INCLUDE rule without parameters, about items alone, that says which.
        least: So many are moved up, from wherever they stand in the list, where there are so many.
        most: No more than so many are left there; the others follow after. None: no limit.
        within: The number of first places this is about.
    """

    where: str
    least: int = Field(default=1, ge=0)
    most: int | None = Field(default=None, ge=0)
    within: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _quotas_fit(self) -> Self:
        if self.least > self.within or (self.most is not None and self.most < self.least):
            raise ValueError("a quota must be: least <= most, and least <= within")
        return self


@dataclass(frozen=True)
class Placement:
    """The stage that moves promoted items into their quotas and pinned ones to their places.

    Promotions go one after the other, then pins; where they contradict each other, the later one
    wins.

    Attributes:
        promotions: The quotas.
        promoted: bool[promotions, items + 1], which items each is about.
        pinned: int32[pins], item codes.
        places: int64[pins], from 0.
    """

    promotions: tuple[Promotion, ...]
    promoted: NDArray[np.bool_]
    pinned: NDArray[np.int32]
    places: NDArray[np.int64]
    name: str = "placement"

    @classmethod
    def of(
        cls, pins: tuple[Pin, ...], promotions: tuple[Promotion, ...], catalogue: Catalogue
    ) -> Placement:
        """Finds the items that pins and promotions are about.

        Raises:
            ConfigError: A pinned item is unknown.
            RuleError: A promotion's rule does not fit.
            InputError: An item is pinned twice, two are pinned to a place, or a promotion
                excludes, has parameters or asks about events.
        """
        codes = catalogue.codes([pin.item for pin in pins], "ranking.pins")
        places = np.array([pin.place - 1 for pin in pins], np.int64)
        if len(set(codes.tolist())) < len(pins) or len(set(places.tolist())) < len(pins):
            raise InputError(
                "an item is pinned twice, or two items to one place.", field="ranking.pins"
            )
        masks = [_matching(promotion, catalogue) for promotion in promotions]
        promoted = np.stack(masks) if masks else np.zeros((0, catalogue.size), bool)
        return cls(promotions, promoted, codes, places)

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Moves items; the others keep their order."""
        for promotion, promoted in zip(self.promotions, self.promoted, strict=True):
            lists = _within_quota(lists, promotion, promoted)
        return Outcome(self._pin(lists) if len(self.pinned) else lists)

    def _pin(self, lists: CandidateLists) -> CandidateLists:
        grid = lists.grid()
        items = np.where(grid < 0, PADDING, lists.items.values[grid])
        # bool[rows, pins, width]: where each pinned item stands.
        where = items[:, None] == self.pinned[:, None]
        # Places that pins take, of each row; what is not pinned flows through those left.
        width = max(grid.shape[1], int(self.places.max()) + 1)
        taken = np.zeros((len(lists), width), bool)
        rows, pins = np.nonzero(where.any(axis=2))
        taken[rows, self.places[pins]] = True
        free = np.argsort(taken, axis=1, kind="stable")
        pinned = where.any(axis=1)
        nth = np.cumsum(~pinned, axis=1) - 1
        flowing = np.take_along_axis(free, np.maximum(nth, 0), axis=1)
        goal = np.where(pinned, (where * self.places[:, None]).sum(axis=1), flowing)
        return _sorted_by(lists, grid, goal)


def _matching(promotion: Promotion, catalogue: Catalogue) -> NDArray[np.bool_]:
    """bool[items + 1], the items that a promotion is about."""
    if promotion.where.split()[:1] != ["INCLUDE"]:
        raise InputError("a promotion is an INCLUDE rule.", field="ranking.promotions.where")
    rules = Rules([promotion.where], catalogue)
    if rules.parameters:
        raise InputError(
            "a promotion's rule can't have parameters.", field="ranking.promotions.where"
        )
    allowed = rules.bind({}).verdict.allowed
    allowed[PADDING] = False
    return allowed


def _within_quota(
    lists: CandidateLists, promotion: Promotion, promoted: NDArray[np.bool_]
) -> CandidateLists:
    """Fills the first places from the list, in its order, as the quota wants."""
    grid = lists.grid()
    is_promoted = promoted[lists.items.values[grid]] & (grid >= 0)
    nth = np.cumsum(is_promoted, axis=1)
    must = is_promoted & (nth <= promotion.least)
    most = promotion.within if promotion.most is None else promotion.most
    may = ~must & ~(is_promoted & (nth > most)) & (grid >= 0)
    room = promotion.within - must.sum(axis=1, keepdims=True)
    first = must | (may & (np.cumsum(may, axis=1) <= room))
    return _sorted_by(lists, grid, (~first).astype(np.int64))


def _sorted_by(
    lists: CandidateLists, grid: NDArray[np.int64], keys: NDArray[np.int64]
) -> CandidateLists:
    """Sorts every list by keys, int64[rows, width]; equal ones keep their order."""
    last = np.iinfo(np.int64).max
    order = np.argsort(np.where(grid < 0, last, keys), axis=1, kind="stable")
    arranged = np.take_along_axis(grid, order, axis=1)
    return lists.arranged(arranged[arranged >= 0])
