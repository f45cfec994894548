"""The goods of the generated shop: what they are, and how a catalogue describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data._shop_words import words
from foretaste.data.schema import ITEM_ID

#: What is known of an item; a taste has one weight for every value of every facet.
FACETS: Final = ("category", "style", "make", "colour", "use", "brand")
CATEGORY, STYLE, MAKE, COLOUR, USE, BRAND = range(len(FACETS))

#: Half of the brand's items have the style that the brand is known for.
_BRAND_STYLE_SHARE = 0.5
_DAY = 86_400_000

#: Released after the last event: nobody can have seen it.
NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Facets:
    """The values of every facet, numbered through as the columns of taste tables.

    Attributes:
        values: The names of the values, facet by facet in the order of `FACETS`.
    """

    values: tuple[tuple[str, ...], ...]

    @classmethod
    def of_words(cls) -> Facets:
        """The facets of the shop's words."""
        shop = words()
        makes = dict.fromkeys(make for leaf in shop.leaves for make in leaf.makes)
        return cls(
            (
                tuple(leaf.name for leaf in shop.leaves),
                tuple(shop.styles),
                tuple(makes),
                tuple(shop.colours),
                tuple(shop.uses),
                tuple(brand for department in shop.departments for brand in department.brands),
            )
        )

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64[facets + 1]: the first column of every facet, and the number of columns."""
        return np.cumsum([0, *(len(names) for names in self.values)])

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.starts[-1])

    @cached_property
    def columns(self) -> pl.DataFrame:
        """Columns `facet` and `value`, one row a column of taste tables."""
        rows = [
            (facet, value)
            for facet, names in zip(FACETS, self.values, strict=True)
            for value in names
        ]
        return pl.DataFrame(rows, schema=["facet", "value"], orient="row")


@dataclass(frozen=True)
class Goods:
    """The items in codes, row `i` for item code `i + 1`.

    Attributes:
        facets: What the traits number.
        traits: int32[items, facets], the value of every facet, from 0 in each facet.
        price: float64[items].
        relative_price: float32[items], log of the price over the category's median.
        popularity: float64[items], how often it is put before people, relative to others.
        released: int64[items], milliseconds; `NEVER` where nobody can have seen it.
        new: bool[items], released late or never.
    """

    facets: Facets
    traits: NDArray[np.int32]
    price: NDArray[np.float64]
    relative_price: NDArray[np.float32]
    popularity: NDArray[np.float64]
    released: NDArray[np.int64]
    new: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.traits)

    @property
    def columns(self) -> NDArray[np.int32]:
        """int32[items, facets]: the taste column of every trait."""
        return self.traits + self.facets.starts[:-1].astype(np.int32)

    @cached_property
    def department(self) -> NDArray[np.int64]:
        """int64[items], which department sells it."""
        return department_of_category()[self.traits[:, CATEGORY]]


def department_of_category() -> NDArray[np.int64]:
    """int64[categories], the department of every category."""
    sizes = [len(department.leaves) for department in words().departments]
    return np.repeat(np.arange(len(sizes)), sizes)


def make_goods(
    n: int, *, new_share: float, start: int, end: int, rng: np.random.Generator
) -> Goods:
    """Draws `n` items; the period lasts from `start` to `end`, in milliseconds."""
    shop, facets = words(), Facets.of_words()
    categories = len(shop.leaves)
    popularity_of_category = rng.dirichlet(np.full(categories, 8.0))
    # Every category has an item, and the first of each is never a new one.
    category = np.concatenate(
        [np.arange(categories), rng.choice(categories, n - categories, p=popularity_of_category)]
    )
    may_be_new = np.arange(n) >= categories
    shuffle = rng.permutation(n)
    category, may_be_new = category[shuffle], may_be_new[shuffle]
    department = department_of_category()[category]
    n_brands = len(shop.brand_prices)
    brand = department * n_brands + rng.integers(0, n_brands, n)
    style = rng.integers(0, len(shop.styles), n)
    house_style = rng.integers(0, len(shop.styles), len(facets.values[BRAND]))
    style = np.where(rng.random(n) < _BRAND_STYLE_SHARE, house_style[brand], style)
    makes = [_numbers(leaf.makes, facets.values[MAKE]) for leaf in shop.leaves]
    uses = [_numbers(part.uses, facets.values[USE]) for part in shop.departments]
    traits = np.column_stack(
        [
            category,
            style,
            _one_of(makes, category, rng),
            rng.integers(0, len(shop.colours), n),
            _one_of(uses, department, rng),
            brand,
        ]
    ).astype(np.int32)
    median = np.array([leaf.price for leaf in shop.leaves])[category]
    factor = np.array(shop.brand_prices)[brand % n_brands] * rng.lognormal(0, 0.25, n)
    price = np.maximum(np.round(median * factor), 2) - 0.05
    released, new = _releases(may_be_new, new_share, start, end, rng)
    return Goods(
        facets=facets,
        traits=traits,
        price=price,
        relative_price=np.log(price / median).astype(np.float32),
        popularity=((rng.permutation(n) + 15.0) ** -0.6).astype(np.float64),
        released=released,
        new=new,
    )


def describe_goods(
    goods: Goods, ids: pl.Series, *, end: int, rng: np.random.Generator
) -> pl.DataFrame:
    """The catalogue: `item_id, title, description, brand, categories (a list), price, added`."""
    shop = words()
    slots = _slots(goods, rng)
    titles = _texts([part.titles for part in shop.departments], goods.department, slots, rng)
    descriptions = _texts(
        [
            tuple(
                text.replace("{made}", part.made).replace("{wrap}", part.wrap)
                for text in shop.descriptions
            )
            for part in shop.departments
        ],
        goods.department,
        slots,
        rng,
    )
    added = np.minimum(goods.released, end - 1)
    departments = pl.Series([part.name for part in shop.departments]).gather(goods.department)
    categories = pl.Series(goods.facets.values[CATEGORY]).gather(goods.traits[:, CATEGORY])
    return pl.DataFrame(
        {
            ITEM_ID: ids,
            "title": titles,
            "description": descriptions,
            "brand": pl.Series(goods.facets.values[BRAND]).gather(goods.traits[:, BRAND]),
            "categories": pl.DataFrame([departments, categories.alias("leaf")])
            .select(pl.concat_list(pl.all()))
            .to_series(),
            "price": goods.price,
            "added": pl.Series(added).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d"),
        }
    )


def _releases(
    may_be_new: NDArray[np.bool_],
    share: float,
    start: int,
    end: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When each item was released, and which are new: half in the last third, half never."""
    n = len(may_be_new)
    new = np.zeros(n, bool)
    chosen = rng.permutation(np.flatnonzero(may_be_new))[: round(n * share)]
    new[chosen] = True
    released = start - rng.integers(1, 730, n) * _DAY
    late = chosen[: len(chosen) // 2]
    released[late] = end - (rng.random(len(late)) * (end - start) / 3).astype(np.int64)
    released[chosen[len(chosen) // 2 :]] = NEVER
    return released, new


def _numbers(some: Sequence[str], known: Sequence[str]) -> list[int]:
    return [known.index(name) for name in some]


def _one_of(
    lists: list[list[int]], which: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """One member of ``lists[w]`` for every `w` in `which`."""
    lengths = np.array([len(members) for members in lists])
    starts = np.cumsum(lengths) - lengths
    flat = np.array([member for members in lists for member in members])
    return flat[starts[which] + rng.integers(0, lengths[which])]


def _slots(goods: Goods, rng: np.random.Generator) -> pl.DataFrame:
    """The words that fill the patterns, a column each; synonyms are drawn item by item."""
    shop = words()
    category, style, colour, use = goods.traits[:, [CATEGORY, STYLE, COLOUR, USE]].T
    spoken = [look.words[part.voice] for part in shop.departments for look in shop.styles.values()]
    partners = [tuple(name.lower() for name in leaf.partners) for leaf in shop.leaves]
    colours = [colour.names for colour in shop.colours.values()]
    uses, styles = list(shop.uses.values()), list(shop.styles.values())
    columns = {
        "style": _word(spoken, goods.department * len(shop.styles) + style, rng),
        "style_sentence": _word([look.sentences for look in styles], style, rng),
        "colour": _word(colours, colour, rng),
        "use": pl.Series([use.title for use in uses]).gather(use),
        "use_sentence": _word([use.sentences for use in uses], use, rng),
        "make": pl.Series(goods.facets.values[MAKE]).gather(goods.traits[:, MAKE]),
        "noun": _word([leaf.nouns for leaf in shop.leaves], category, rng),
        "unit": pl.Series([leaf.unit for leaf in shop.leaves]).gather(category),
        "partner": _word(partners, category, rng),
    }
    return pl.DataFrame(columns)


def _word(
    choices: Sequence[tuple[str, ...]], which: NDArray[np.integer], rng: np.random.Generator
) -> pl.Series:
    """One of ``choices[w]`` for every `w` in `which`."""
    known = list(dict.fromkeys(word for some in choices for word in some))
    numbers = [_numbers(some, known) for some in choices]
    return pl.Series(known).gather(_one_of(numbers, which.astype(np.int64), rng))


def _texts(
    patterns: Sequence[tuple[str, ...]],
    which: NDArray[np.int64],
    slots: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.Series:
    """Fills one of ``patterns[w]`` for every `w` in `which` with the words of the same row."""
    flat = list(dict.fromkeys(pattern for some in patterns for pattern in some))
    chosen = _one_of([_numbers(some, flat) for some in patterns], which, rng)
    rows = slots.with_columns(pattern=pl.Series(chosen)).with_row_index("row")
    filled = [
        rows.filter(pl.col("pattern") == number).select("row", text=_fill(pattern))
        for number, pattern in enumerate(flat)
    ]
    text = pl.concat(filled).sort("row")["text"]
    text = text.str.replace_all(r"\b(A|a) ([aeiouAEIOU])", "${1}n ${2}")
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)


def _fill(pattern: str) -> pl.Expr:
    names: list[str] = re.findall(r"{(\w+)}", pattern)
    return pl.format(re.sub(r"{\w+}", "{}", pattern), *names)
