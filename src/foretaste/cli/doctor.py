"""`foretaste doctor`: why a service's answers are stale, not personal, or missing."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say
from foretaste.cli.serve import ConfigOption, StateOption, StoreOption

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def doctor(
    config: ConfigOption = None,
    store: StoreOption = None,
    state: StateOption = None,
    json: JsonFlag = False,
) -> None:
    """Look at a service's store, state, live model and latest answers, and say what to do.

    foretaste doctor --config service.yaml

    Exit code 1 where something is wrong.
    """
    from foretaste.serving import load_serving_config
    from foretaste.serving.doctor import examine
    from foretaste.serving.state import open_state
    from foretaste.serving.store import open_store

    settings = load_serving_config(config, {"store": store, "state": state})
    url = None if settings.state is None else settings.state.get_secret_value()
    found = examine(
        open_store(settings.store.get_secret_value(), tenant=settings.tenant),
        open_state(url, tenant=settings.tenant),
    )
    if json:
        print_json({"findings": [asdict(finding) for finding in found]})
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        for finding in found:
            level = Text(finding.level, style=_STYLES[finding.level])
            table.add_row(level, finding.about, f"{finding.says} {finding.remedy}".strip())
        say(table)
    if any(finding.level == "problem" for finding in found):
        raise typer.Exit(1)
