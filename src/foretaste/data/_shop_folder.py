"""Writing a generated shop as a folder: the data as a shop has it, and the truth beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from foretaste.data._shop_items import FACETS, NEVER
from foretaste.data._shop_people import DEVICES
from foretaste.data._shop_visits import PARTS_OF_DAY
from foretaste.data._shop_words import words
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.data.shop import Shop
from foretaste.errors import InputError

_README = """\
# A generated shop

Written by Foretaste; every name, item and event is made up.

- `events.csv`: what people did: views, carts and purchases, with time (UTC), session and device.
- `items.csv`: the catalogue. `users.csv`: the people.
- `images/`: a drawn picture of every item, if they were asked for.
- `truth/`: what generated the events, for tests; a recommender must not read it.
  - `config.json`: the settings; with them, Foretaste generates the same shop again.
  - `items.parquet`: the traits of every item, its popularity, its release (null: after the last
    event), and the number of the shilling group that pushes it, if any.
  - `people.parquet`: the circle of like-minded people, price sensitivity, and for dishonest
    accounts their kind and group.
  - `tastes.parquet`: the liking of every trait at the start; `drift.parquet`: what is added to it
    by the end.
  - `context.parquet`: what device and time of day add to the liking of departments.
"""


def write_shop(shop: Shop, folder: Path, *, images: bool) -> Path:
    """Writes the shop under a temporary name and renames it: see `Shop.write`."""
    if folder.exists():
        raise InputError(
            "the folder exists already.", file=folder, hint="Name one that does not exist."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_data(shop, draft, images=images)
        _write_truth(shop, draft / "truth")
        (draft / "README.md").write_text(_README, encoding="utf-8")
        draft.chmod(0o755)
        os.rename(draft, folder)  # noqa: PTH104
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _write_data(shop: Shop, folder: Path, *, images: bool) -> None:
    items = shop.dataset.items
    if images:
        from foretaste.data._shop_pictures import draw_goods

        (folder / "images").mkdir()
        items = items.with_columns(image=pl.format("images/{}.png", ITEM_ID))
        files = [folder / name for name in items["image"]]
        draw_goods(shop.truth.goods, files, np.random.default_rng(shop.config.seed))
    items.with_columns(pl.col("categories").list.join("|")).write_csv(folder / "items.csv")
    shop.dataset.users.write_csv(folder / "users.csv")
    time = pl.col(TIMESTAMP).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    in_order = shop.dataset.events.sort(TIMESTAMP, maintain_order=True)
    in_order.with_columns(time).write_csv(folder / "events.csv")


def _write_truth(shop: Shop, folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(shop.config.model_dump_json(indent=2), encoding="utf-8")
    people = shop.truth.people
    names = _taste_columns(shop)
    users = shop.dataset.users.select(USER_ID)
    tables = {
        "items": _items(shop),
        "people": _people(shop),
        "tastes": users.hstack(pl.DataFrame(people.tastes, schema=names)),
        "drift": users.hstack(pl.DataFrame(people.drift, schema=names)),
        "context": _context(shop),
    }
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")


def _taste_columns(shop: Shop) -> list[str]:
    """Names of the columns of taste tables, such as "style=rustic"."""
    columns = shop.truth.goods.facets.columns
    return columns.select(pl.format("{}={}", "facet", "value")).to_series().to_list()


def _items(shop: Shop) -> pl.DataFrame:
    goods, targets = shop.truth.goods, shop.truth.deceit.targets
    traits = {
        facet: pl.Series(values).gather(goods.traits[:, number])
        for number, (facet, values) in enumerate(zip(FACETS, goods.facets.values, strict=True))
    }
    pushed = pl.DataFrame(
        {
            "row": targets.ravel(),
            "pushed_by": np.repeat(np.arange(len(targets)), targets.shape[1]),
        }
    ).unique("row", keep="first", maintain_order=True)
    return (
        shop.dataset.items.select(ITEM_ID)
        .with_columns(**traits, popularity=goods.popularity, new=goods.new, released=goods.released)
        .with_columns(pl.col("released").replace(NEVER, None).cast(pl.Datetime("ms", "UTC")))
        .with_row_index("row")
        .join(pushed.cast({"row": pl.UInt32}), on="row", how="left", maintain_order="left")
        .drop("row")
    )


def _people(shop: Shop) -> pl.DataFrame:
    people = shop.truth.people
    accounts = shop.truth.deceit.accounts.cast({"person": pl.UInt32})
    return (
        shop.dataset.users.select(USER_ID)
        .with_columns(circle=people.circle, price_sensitivity=people.price_sensitivity)
        .with_row_index("person")
        .join(accounts, on="person", how="left", maintain_order="left")
        .drop("person")
        .with_columns(pl.col("kind").fill_null("honest"))
    )


def _context(shop: Shop) -> pl.DataFrame:
    departments = [part.name for part in words().departments]
    context = shop.truth.context
    effects = np.concatenate([context.device, context.part_of_day])
    situations = [*DEVICES, *PARTS_OF_DAY]
    return pl.DataFrame(
        {
            "situation": np.repeat(situations, len(departments)),
            "department": departments * len(situations),
            "effect": effects.ravel(),
        }
    )
