"""The words of the generated shop, from `shop_words.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from foretaste.config import Config


class Style(Config):
    """What a style is called by each voice (thing, wear, play, care), and sentences about it."""

    words: dict[str, tuple[str, ...]]
    sentences: tuple[str, ...]


class Colour(Config):
    """A colour as shops call it, and as it is drawn (red, green, blue)."""

    names: tuple[str, ...]
    rgb: tuple[int, int, int]


class Use(Config):
    """What a thing can be for: the words of a title, and sentences of a description."""

    title: str
    sentences: tuple[str, ...]


class Leaf(Config):
    """One kind of goods.

    Attributes:
        name: Of the category.
        nouns: What one of the goods is called.
        makes: What it can be made of, or about, or smell of.
        partners: Names of the categories it goes with.
        price: Median price.
        drawing: Its shapes, drawn one over the other; see `_shop_pictures`.
        unit: Words before the noun in a sentence, such as "pair of ".
    """

    name: str
    nouns: tuple[str, ...]
    makes: tuple[str, ...]
    partners: tuple[str, ...]
    price: float
    drawing: str
    unit: str = ""


class Department(Config):
    """Goods that are spoken of in the same way.

    Attributes:
        name: Of the upper category.
        voice: Whose words for styles it uses.
        made: How a sentence brings in the make, at "{make}".
        wrap: How a sentence brings in the colour, at "{colour}".
        titles: Patterns of titles.
        uses: What its goods can be for.
        brands: Dearer from left to right.
        leaves: Its categories.
    """

    name: str
    voice: str
    made: str
    wrap: str
    titles: tuple[str, ...]
    uses: tuple[str, ...]
    brands: tuple[str, ...]
    leaves: tuple[Leaf, ...]


class Words(Config):
    """All words of the shop.

    Attributes:
        brand_prices: Prices of a department's brands relative to the category's median.
        descriptions: Patterns of descriptions.
        styles: By name.
        colours: By name.
        uses: By name.
        departments: Eight, each with its categories.
    """

    brand_prices: tuple[float, ...]
    descriptions: tuple[str, ...]
    styles: dict[str, Style]
    colours: dict[str, Colour]
    uses: dict[str, Use]
    departments: tuple[Department, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The categories of all departments, in order."""
        return tuple(leaf for department in self.departments for leaf in department.leaves)


@cache
def words() -> Words:
    """The words of the shop, read once."""
    text = files("foretaste.data").joinpath("shop_words.toml").read_text(encoding="utf-8")
    return Words.parse(tomllib.loads(text), file="shop_words.toml")
