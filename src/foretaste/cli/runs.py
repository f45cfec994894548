"""`foretaste runs`: the runs there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say
from foretaste.errors import ArtifactError, InputError

if TYPE_CHECKING:
    from foretaste.artifacts import Run
    from foretaste.evaluation import EvaluationReport

#: The figures that the table has room for, at every length of list.
_SHOWN = ("NDCG@", "HR@", "auc", "uauc")


def runs(
    folder: Annotated[Path, typer.Argument(help="The folder of all runs.")] = Path("runs"),
    json: JsonFlag = False,
) -> None:
    """List the runs in a folder: model, figures, split and date.

    foretaste runs
    foretaste runs foretaste-demo/runs --json
    """
    if not folder.is_dir():
        raise InputError("there is no such folder.", file=folder, hint="Train first, or name it.")
    found = [_described(path.parent) for path in sorted(folder.glob("[!.]*/manifest.json"))]
    if json:
        print_json({"folder": folder, "runs": found})
    else:
        say(_table(found) if found else f"There are no runs in {folder}.")


def _described(path: Path) -> dict[str, Any]:
    from foretaste.artifacts import Run, read_manifest

    try:
        # Only listed here, so not every file is verified: that would read whole models.
        run = Run(path, read_manifest(path))
        report = run.report
    except ArtifactError as error:
        return {"run": path, "problem": str(error)}
    figures = _figures(run, report)
    return {
        "run": path,
        "model": run.manifest.model,
        "created": run.manifest.created.isoformat(),
        "split": run.manifest.split_fingerprint,
        "metrics": figures,
    }


def _figures(run: Run, report: EvaluationReport | None) -> dict[str, float]:
    """Of a recommender those of all targets, of an interest model those of streaming."""
    if report is not None:
        return {name: figure.value for name, figure in report.groups["all"].metrics.items()}
    interest = run.interest_report
    return {} if interest is None else list(interest.histories.values())[-1]


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("run", "model", "figures", "split", "made (UTC)"):
        table.add_column(heading)
    for run in found:
        if "problem" in run:
            table.add_row(run["run"].name, "damaged", Text(run["problem"]))
            continue
        metrics = run["metrics"].items()
        # Of several goals, the name of the goal goes before that of the figure.
        shown = {n: v for n, v in metrics if n.rpartition(": ")[2].startswith(_SHOWN)}
        figures = [f"{name} {value:.4f}" for name, value in shown.items()]
        table.add_row(
            run["run"].name,
            run["model"],
            "  ".join(figures),
            (run["split"] or "")[:12],
            run["created"][:16].replace("T", " "),
        )
    return table
