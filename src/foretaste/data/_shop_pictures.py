"""Drawn pictures of goods: the shape says the category, the colour and the ground the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from foretaste.data._shop_items import CATEGORY, COLOUR, STYLE, Goods
from foretaste.data._shop_words import words

SIDE: Final = 96

_GROUND = (250, 249, 246)
_GROUND_PATTERN = (222, 219, 210)

Rgb = tuple[int, int, int]


def draw_goods(goods: Goods, files: list[Path], rng: np.random.Generator) -> None:
    """Draws every item into its file, a PNG; each stands a little elsewhere on its ground."""
    shop = words()
    leaves, colours = shop.leaves, list(shop.colours.values())
    shifts = rng.integers(-5, 6, (len(goods), 2))
    for file, traits, shift in zip(files, goods.traits, shifts, strict=True):
        drawing, rgb = leaves[traits[CATEGORY]].drawing, colours[traits[COLOUR]].rgb
        picture(drawing, rgb, ground=int(traits[STYLE]), shift=shift).save(file)


def picture(drawing: str, rgb: Rgb, *, ground: int, shift: NDArray[np.integer]) -> Image.Image:
    """One picture.

    Args:
        drawing: Shapes separated by ";": a letter (o oval, r rectangle, p polygon, l line) and
            coordinates in hundredths of the side; a capital asks for the paler colour.
        rgb: The colour.
        ground: Number of the pattern on the ground, 0 to 7.
        shift: int[2], how far the shapes are moved, in hundredths.
    """
    image = Image.new("RGB", (SIDE, SIDE), _GROUND)
    pen = ImageDraw.Draw(image)
    _draw_ground(pen, ground)
    pale, dark = _mix(rgb, (255, 255, 255), 0.55), _mix(rgb, (0, 0, 0), 0.5)
    for shape in drawing.split(";"):
        kind, *numbers = shape.split()
        points = (np.array(numbers, float).reshape(-1, 2) * 0.88 + 6 + shift) * SIDE / 100
        corners = [(float(x), float(y)) for x, y in points]
        fill = pale if kind.isupper() else rgb
        match kind.lower():
            case "o":
                pen.ellipse(corners, fill, dark)
            case "r":
                pen.rounded_rectangle(corners, 4, fill, dark)
            case "p":
                pen.polygon(corners, fill, dark)
            case _:
                pen.line(corners, dark, 3)
    return image


def _draw_ground(pen: ImageDraw.ImageDraw, number: int) -> None:
    """One of eight quiet patterns: plain, or any of rows, columns and slanting lines together."""
    for at in range(-SIDE, SIDE, 12):
        if number & 1:
            pen.line([(0, at), (SIDE, at)], _GROUND_PATTERN)
        if number & 2:
            pen.line([(at, 0), (at, SIDE)], _GROUND_PATTERN)
        if number & 4:
            pen.line([(at, 0), (at + SIDE, SIDE)], _GROUND_PATTERN)


def _mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    red, green, blue = (round(x * (1 - share) + y * share) for x, y in zip(a, b, strict=True))
    return red, green, blue
