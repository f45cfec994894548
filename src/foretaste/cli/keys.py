"""`foretaste keys`: who may call a service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.serve import ConfigOption, StoreOption
from foretaste.errors import UnknownIdError

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.serving.store.base import Store

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys of a service.")


@keys.command()
def add(
    name: Annotated[str, typer.Argument(help="Who uses it.")],
    role: Annotated[
        Literal["ingest", "read", "admin"],
        typer.Option(help="ingest: send events and items; read: ask; admin: all."),
    ] = "read",
    days: Annotated[float | None, typer.Option(help="After which it expires.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Make a key; it is printed once, and only its hash is kept.

    foretaste keys add shop --role read --days 90
    """
    from foretaste.serving.access import make_key

    with_store = opened(config, store)
    _, secret = make_key(with_store, name, role, days=days)
    tell("Keep this key: it can't be shown again.")
    say(secret)


@keys.command("list")
def list_keys(
    config: ConfigOption = None, store: StoreOption = None, json: JsonFlag = False
) -> None:
    """List the keys, without their secrets."""
    found = opened(config, store).keys()
    if json:
        names = ("key_id", "name", "role", "created", "expires", "revoked")
        print_json({"keys": [{name: getattr(key, name) for name in names} for key in found]})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("key", "name", "role", "expires", ""):
        table.add_column(column)
    for key in found:
        until = "never" if key.expires is None else _day(key.expires)
        table.add_row(key.key_id, key.name, key.role, until, "revoked" if key.revoked else "")
    say(table)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id, as foretaste keys list shows it.")],
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Make a key good for nothing; a running service knows within seconds."""
    if not opened(config, store).revoke_key(key_id):
        raise UnknownIdError(f"there is no key '{key_id}'.", hint="See foretaste keys list.")
    tell(f"Revoked {key_id}.")


def opened(config: Path | None, store: str | None) -> Store:
    """The store that a service with these settings has."""
    from foretaste.serving import load_serving_config
    from foretaste.serving.store import open_store

    settings = load_serving_config(config, {"store": store})
    return open_store(settings.store.get_secret_value(), tenant=settings.tenant)


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
