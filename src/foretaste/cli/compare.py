"""`foretaste compare`: models side by side on your own data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.train import plain_name

if TYPE_CHECKING:
    from foretaste.pipeline.compare import Compared

_DEFAULT = "popularity,itemknn,als,ease,content,sequence"


def compare(
    config: Annotated[Path, typer.Argument(help="A configuration; see foretaste init.")],
    models: Annotated[str, typer.Option(help="Names of models, with commas.")] = _DEFAULT,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Goes before the file's setting."),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the comparison.")] = "comparison",
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    json: JsonFlag = False,
) -> None:
    """Train several models on the same split and set them side by side.

    Quality with its interval, and what it costs: seconds, memory, lists a second. The runs, the
    table and two pictures are written to runs/<name>/. Given again, the command goes on where it
    stopped, and trains only models that are not there yet.

    foretaste compare foretaste.yaml
    foretaste compare foretaste.yaml --models popularity,bpr,hybrid --name second
    """
    from foretaste import pipeline
    from foretaste.pipeline.compare import compare_models

    folder = runs / plain_name(name)
    run_config = pipeline.load_config(config, settings or [])
    wanted = [model.strip() for model in models.split(",") if model.strip()]
    found = compare_models(run_config, wanted, folder, tell)
    if json:
        print_json(
            {
                "folder": folder,
                "split_fingerprint": found.fingerprint,
                "metric": found.metric,
                "models": found.table.to_dicts(),
            }
        )
    else:
        _show(found)


def _show(found: Compared) -> None:
    say(f"\nHow well each model foresees the held-out events (split {found.fingerprint[:12]}):\n")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("model", f"{found.metric} (95% interval)", "p"):
        table.add_column(heading)
    for heading in ("trained in", "memory", "lists/s"):
        table.add_column(heading, justify="right")
    for row in found.table.iter_rows(named=True):
        table.add_row(row["model"], *_figures(row, found.metric))
    say(table)
    say(
        "\np: the chance of a difference as large as that to the best model, were there none."
        f"\nThe runs, the table and the pictures are in {found.folder}."
    )


def _figures(row: dict[str, Any], metric: str) -> list[Text | str]:
    if row.get("problem"):
        return [Text(row["problem"], style="dim")]
    return [
        f"{row[metric]:.4f} [{row['low']:.4f}, {row['high']:.4f}]",
        "best" if row["p_value"] is None else f"{row['p_value']:.3f}",
        f"{row['fit_seconds']:.1f} s",
        f"{row['peak_memory_mib']:,} MiB",
        f"{row['users_per_second']:,.0f}",
    ]
