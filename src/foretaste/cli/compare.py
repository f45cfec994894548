"""`foretaste compare`: models side by side on your own data, or two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.train import plain_name
from foretaste.errors import InputError

if TYPE_CHECKING:
    from foretaste.pipeline.compare import Compared
    from foretaste.pipeline.compare_interest import ComparedInterest

_USUAL = ("popularity", "itemknn", "als", "ease", "content", "sequence")


def compare(
    config: Annotated[
        Path, typer.Argument(help="A configuration; see foretaste init. Or a run, with --with.")
    ],
    models: Annotated[
        str | None,
        typer.Option(
            help=f"Names, with commas; by default {','.join(_USUAL)}. Of an interest model those "
            "of its bodies."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Goes before the file's setting."),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the comparison.")] = "comparison",
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    other: Annotated[
        Path | None,
        typer.Option("--with", metavar="RUN", help="Compare two runs that there are already."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Train several models on the same split and set them side by side.

    Quality with its interval, and what it costs: seconds, memory, lists a second. The runs, the
    table and two pictures are written to runs/<name>/. Given again, the command goes on where it
    stopped, and trains only models that are not there yet.

    Where the task is interest, what is compared are the bodies of the model, by AUC.

    foretaste compare foretaste.yaml
    foretaste compare foretaste.yaml --models popularity,bpr,hybrid --name second
    foretaste compare interest.yaml --models lr,trees,trees+din
    foretaste compare runs/first --with runs/second
    """
    from foretaste import pipeline
    from foretaste.pipeline.compare import compare_models
    from foretaste.pipeline.compare_interest import compare_bodies

    if other is not None:
        _runs(config, other, json)
        return
    if config.is_dir():
        raise InputError(
            "this is a folder, not a configuration.",
            file=config,
            hint="To compare two runs, name the other one with --with.",
        )
    folder = runs / plain_name(name)
    run_config = pipeline.load_task(config, settings or [])
    wanted = [model.strip() for model in (models or "").split(",") if model.strip()]
    if isinstance(run_config, pipeline.InterestRunConfig):
        compared = compare_bodies(run_config, wanted, folder, tell)
        if json:
            told = {"history": compared.history, "models": compared.table.to_dicts()}
            print_json({"folder": folder, "split_fingerprint": compared.fingerprint, **told})
        else:
            _show_interest(compared)
        return
    found = compare_models(run_config, wanted or _USUAL, folder, tell)
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


def _runs(first: Path, second: Path, json: bool) -> None:
    from foretaste.pipeline.compare_interest import compare_runs

    found = compare_runs(first, second)
    if json:
        print_json(found.to_dict())
    else:
        say(str(found))


def _show_interest(found: ComparedInterest) -> None:
    say(
        f"\nHow well each model foresees the test pairs, known: {found.history} "
        f"(split {found.fingerprint[:12]}):\n"
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("goal", "model", "figure (95% interval)", "behind the best"):
        table.add_column(heading, no_wrap=True)
    table.add_column("trained in", justify="right")
    for row in found.table.iter_rows(named=True):
        if row.get("problem"):
            table.add_row("", row["model"], Text(row["problem"], style="dim"))
            continue
        table.add_row(
            row["goal"],
            row["model"],
            f"{row['figure']} {_with_interval(row, 'value')}",
            "best" if row["behind"] is None else _with_interval(row, "behind", "behind_"),
            f"{row['fit_seconds']:.1f} s",
        )
    say(table)
    say(f"\nThe runs and the table are in {found.folder}.")


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
        _with_interval(row, metric),
        "best" if row["p_value"] is None else f"{row['p_value']:.3f}",
        f"{row['fit_seconds']:.1f} s",
        f"{row['peak_memory_mib']:,} MiB",
        f"{row['users_per_second']:,.0f}",
    ]


def _with_interval(row: dict[str, Any], figure: str, of: str = "") -> str:
    return f"{row[figure]:.4f} [{row[of + 'low']:.4f}, {row[of + 'high']:.4f}]"
