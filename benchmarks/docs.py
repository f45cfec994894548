"""Writes `docs/benchmarks.md` from the files in `benchmarks/results/`: no figure is typed.

python benchmarks/docs.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pictures import pictures_of

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    results = [json.loads(path.read_text()) for path in sorted((HERE / "results").glob("*.json"))]
    head = [
        "# Benchmarks",
        "",
        "Made by `python benchmarks/docs.py` from `benchmarks/results/`. A study is",
        "redone by `python benchmarks/run.py STUDY --redo ''`; other libraries need their own",
        "environments, made once by `python benchmarks/run.py peers`.",
    ]
    PAGE.write_text("\n".join([*head, *(line for r in results for line in study(r))]) + "\n")


def study(result: dict[str, Any]) -> list[str]:
    """One chapter: what was done, on what, the figures, the targets."""
    machine, versions = result["machine"], result["versions"]
    lines = ["", f"## {result['study']}", "", result["what"], ""]
    lines.append(
        f"On {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + "."
    )
    for title, models in result["summary"].items():
        columns = list(dict.fromkeys(column for row in models.values() for column in row))
        rows = [[name, *(shown(row.get(c)) for c in columns)] for name, row in models.items()]
        lines += ["", f"### {title}", "", *table(["", *columns], rows)]
        fingerprints = split_fingerprints(result["cells"], title)
        if fingerprints:
            lines += ["", f"Split {', '.join(fingerprints)}."]
    for conditions, names in disturbed(result["cells"]).items():
        lines += ["", f"Under other conditions ({conditions}): {'; '.join(names)}."]
    for title, path in pictures_of(result, PAGE.parent).items():
        lines += ["", f"![{title}]({path.name})"]
    rows = [
        [t["name"], t["wanted"], shown(t["got"]), "yes" if t["met"] else "**no**"]
        for t in result["targets"]
    ]
    return [*lines, "", "### Targets", "", *table(["what", "wanted", "got", "met"], rows)]


def disturbed(cells: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What was measured under conditions that are told, by those, in as few words as say it."""
    found: dict[str, list[str]] = {}
    told = {record["conditions"] for record in cells if "conditions" in record}
    for conditions in sorted(told):
        names: dict[str, list[str]] = {}
        whole: dict[str, bool] = {}
        for record in cells:
            cell = record["cell"]
            where = f"{cell['data']} {cell['split']}"
            is_so = record.get("conditions") == conditions
            whole[where] = whole.get(where, True) and is_so
            if is_so:
                names.setdefault(where, []).append(f"{cell['model']} {cell['seed']}")
        found[conditions] = (
            ["all of it"]
            if all(whole.values())
            else [
                f"all of {where}" if whole[where] else f"{where} {', '.join(models)}"
                for where, models in names.items()
            ]
        )
    return found


def split_fingerprints(cells: list[dict[str, Any]], title: str) -> list[str]:
    """The fingerprints of the splits that the cells under a title were measured on."""
    found = {
        cell["split_fingerprint"][:12]
        for cell in cells
        if "split_fingerprint" in cell
        and title in (f"{cell['cell']['data']} {cell['cell']['split']}", cell["cell"]["data"])
    }
    return sorted(found)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    rule = ["---"] * len(head)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def shown(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
