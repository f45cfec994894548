"""`foretaste encoders`: choosing a model that reads, and making it small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from foretaste.pipeline.encoders import ComparedEncoders

_DEFAULT = ",".join(
    f"all-MiniLM-L6-v2{steps}" for steps in ("", "+whiten+normalise", "+pca:128+normalise")
)
_Models = Annotated[str, typer.Option(help="Names or folders, with commas; steps after a +.")]

encoders = typer.Typer(
    no_args_is_help=True, help="Choose a model that reads your items, and make it small."
)


@encoders.command()
def compare(
    config: Annotated[Path, typer.Argument(help="A configuration; see foretaste init.")],
    models: _Models = _DEFAULT,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Goes before the file's setting."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Set text encoders side by side on your own data.

    Quality on known and on untouched items with its interval, and what it costs.

    foretaste encoders compare foretaste.yaml --models all-MiniLM-L6-v2,models/small
    foretaste encoders compare foretaste.yaml --models all-MiniLM-L6-v2+pca:64+normalise
    """
    from foretaste import pipeline
    from foretaste.pipeline.encoders import compare_encoders

    run_config = pipeline.load_config(config, settings or [])
    found = compare_encoders(run_config, _names(models), tell)
    if json:
        print_json({"metric": found.metric, "encoders": found.table.to_dicts()})
    else:
        _show(found)


@encoders.command()
def compress(
    model: Annotated[str, typer.Argument(help="A name or a folder.")],
    target: Annotated[Path, typer.Argument(help="The folder to be written.")],
    form: Annotated[
        str, typer.Option(help="onnx, int8, heads:SHARE, neurons:SHARE or layers:COUNT.")
    ] = "int8",
    config: Annotated[
        Path | None, typer.Option(help="Of the data whose texts a student of fewer layers learns.")
    ] = None,
) -> None:
    """Make a text model smaller and faster; what is written is used like any other model.

    foretaste encoders compress all-MiniLM-L6-v2 models/small
    foretaste encoders compress all-MiniLM-L6-v2 models/three --form layers:3 --config my.yaml
    """
    from foretaste.content.files import size_mib

    _compress(model, target, form, config)
    say(f"{target}: {size_mib(str(target)):.1f} MiB, from {size_mib(model):.1f} MiB.")


@encoders.command(name="map")
def map_(
    config: Annotated[Path, typer.Argument(help="A configuration; see foretaste init.")],
    target: Annotated[Path, typer.Argument(help="The picture: .png, .svg or .pdf.")],
    models: _Models = _DEFAULT,
    colour: Annotated[
        str | None, typer.Option(help="Column whose frequent values are coloured.")
    ] = None,
) -> None:
    """Draw the catalogue as text encoders see it, side by side: what is alike lies together.

    foretaste encoders map foretaste.yaml map.png --models all-MiniLM-L6-v2,models/mine
    foretaste encoders map foretaste.yaml map.png --colour brand
    """
    from foretaste import pipeline
    from foretaste.pipeline.encoders import map_encoders

    map_encoders(pipeline.load_config(config, []), _names(models), target, tell, colour=colour)
    say(f"The map is in {target}.")


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _compress(model: str, target: Path, form: str, config: Path | None) -> None:
    from foretaste.content import compression

    kind, _, amount = form.partition(":")
    match kind:
        case "onnx" | "int8" if not amount:
            compression.export_onnx(model, target, int8=kind == "int8")
        case "heads":
            compression.prune_heads(model, target, _number(amount))
        case "neurons":
            compression.prune_neurons(model, target, _number(amount))
        case "layers":
            settings = compression.DistillationConfig.parse({"layers": _number(amount)})
            compression.distil(model, _texts(config), target, settings)
        case _:
            raise ConfigError(
                f"there is no form '{form}'.",
                field="form",
                hint="Choose one of: onnx, int8, heads:SHARE, neurons:SHARE, layers:COUNT.",
            )


def _number(amount: str) -> float:
    try:
        return float(amount)
    except ValueError:
        raise ConfigError(
            f"'{amount}' is no number.", field="form", hint="Give one, as in heads:0.3."
        ) from None


def _texts(config: Path | None) -> list[str]:
    from foretaste import pipeline
    from foretaste.content import item_texts

    if config is None:
        raise ConfigError(
            "a student of fewer layers learns from texts.",
            field="config",
            hint="Give --config, a configuration whose data has them.",
        )
    run_config = pipeline.load_config(config, [])
    fields = None if run_config.content is None else run_config.content.fields
    return item_texts(pipeline.prepare(run_config, tell).dataset.items, fields).to_list()


def _show(found: ComparedEncoders) -> None:
    say(f"\nHow well people are shown what reads like what they had, {found.metric}:\n")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("encoder", "known items", "untouched items"):
        table.add_column(heading)
    for heading in ("texts/s", "seconds", "memory", "size", "length"):
        table.add_column(heading, justify="right")
    for row in found.table.iter_rows(named=True):
        table.add_row(row["encoder"], *_cells(row))
    say(table)


def _cells(row: dict[str, Any]) -> list[Text | str]:
    if row.get("problem"):
        return [Text(row["problem"], style="dim")]
    quality = [
        f"{row[group]:.4f} [{row[f'{group}_low']:.4f}, {row[f'{group}_high']:.4f}]"
        for group in ("warm", "cold")
    ]
    return [
        *quality,
        f"{row['texts_per_second']:,.0f}",
        f"{row['seconds']:.1f}",
        f"{row['peak_memory_mib']:,} MiB",
        f"{row['size_mib']:,.1f} MiB",
        f"{row['dimension']}",
    ]
