"""`foretaste models` and `foretaste refit`: which model is live, and how it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from foretaste.cli.keys import opened
from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.serve import ConfigOption, StoreOption

models = typer.Typer(no_args_is_help=True, help="The registry of a service's models.")


@models.command()
def add(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Register a run as a candidate: for an experiment, or to be promoted."""
    from foretaste.serving.live_models import register

    tell(f"Registered '{register(opened(config, store), run).version}'.")


@models.command("list")
def list_models(
    config: ConfigOption = None, store: StoreOption = None, json: JsonFlag = False
) -> None:
    """List the models, which is live, what each was made from and how it was judged."""
    found = opened(config, store).models()
    if json:
        print_json(
            {"models": [vars(record) | {"metrics": dict(record.metrics)} for record in found]}
        )
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("version", "status", "made from", "NDCG@10 before", "after"):
        table.add_column(column)
    for record in found:
        before, after = (record.metrics.get(name) for name in ("old", "new"))
        table.add_row(
            record.version,
            record.status,
            record.parent or "",
            "" if before is None else f"{before:.4f}",
            "" if after is None else f"{after:.4f}",
        )
    say(table)


@models.command()
def promote(
    version: Annotated[str, typer.Argument(help="As foretaste models list shows it.")],
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Make a model the live one; services change over within a second, no request fails."""
    from foretaste.artifacts import open_run

    with_store = opened(config, store)
    for record in with_store.models():
        if record.version == version:
            open_run(Path(record.path))  # A damaged run is told of here, not by the service.
    with_store.set_live(version)
    tell(f"'{version}' is live.")


@models.command()
def rollback(config: ConfigOption = None, store: StoreOption = None) -> None:
    """Go back to the model before the live one."""
    from foretaste.serving.live_models import previous_of

    with_store = opened(config, store)
    version = previous_of(with_store).version
    with_store.set_live(version)
    tell(f"'{version}' is live again.")


def refit(
    folder: Annotated[Path, typer.Argument(help="Where run folders are made.")] = Path("runs"),
    config: ConfigOption = None,
    store: StoreOption = None,
    json: JsonFlag = False,
) -> None:
    """Let the live model learn on from the events that came since; fit for cron.

    The new model goes live unless it foretells the latest events worse than the old one.

    foretaste refit runs --config service.yaml
    """
    from foretaste.serving import load_serving_config
    from foretaste.serving.refit import refit as learn_on
    from foretaste.serving.store import open_store

    settings = load_serving_config(config, {"store": store})
    with_store = open_store(settings.store.get_secret_value(), tenant=settings.tenant)
    verdict = learn_on(
        with_store,
        settings.tenant,
        folder,
        holdout=settings.refit.holdout,
        least_events=settings.refit.least_events,
        tell=tell,
    )
    if json:
        judged = None if verdict is None else vars(verdict.judged)
        print_json({"version": None if verdict is None else verdict.version, "judged": judged})
    elif verdict is None:
        say(f"Nothing done: fewer than {settings.refit.least_events:,} fresh events.")
    else:
        judged = verdict.judged
        why_not = "it is worse" if judged.people else "nobody's later events could be foretold"
        outcome = "is live" if judged.better else f"was refused: {why_not}"
        say(
            f"'{verdict.version}' {outcome}. NDCG@10 of {judged.people:,} people's later events: "
            f"{judged.old:.4f} before, {judged.new:.4f} after "
            f"(difference between {judged.low:+.4f} and {judged.high:+.4f})."
        )
