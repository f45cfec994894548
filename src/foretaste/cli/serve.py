"""`foretaste serve`: recommendations over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import tell

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings of the service, YAML."),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH|DSN",
        envvar="FORETASTE_STORE",
        help="An SQLite file, or postgresql://...; by default foretaste.db.",
    ),
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="URL",
        envvar="FORETASTE_STATE",
        help="redis://...; by default this process.",
    ),
]


def serve(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run folder; by default what the registry says is live."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="By default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="By default 8080.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    state: StateOption = None,
    interest: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run of 'task: interest', for /predict.")
    ] = None,
) -> None:
    """Answer over HTTP, in real time: what people do counts from the next answer on.

    foretaste serve runs/first
    foretaste serve runs/first --host 0.0.0.0 --config service.yaml
    foretaste serve --store postgresql://me@db/shop --state redis://cache

    Nothing but the run is needed: events go into foretaste.db. Until a key is made ('foretaste
    keys add'), only this machine can call. The interface describes itself at /v1/openapi.json.
    """
    # A request is small work: threads for it, of Polars or of the index, would wait for each other
    # longer than they save. Read once, when the libraries are loaded.
    for threads in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    from foretaste.artifacts import open_run
    from foretaste.serving import load_serving_config
    from foretaste.serving import serve as run_service

    given = {"host": host, "port": port, "store": store, "state": state}
    settings = load_serving_config(config, given)
    scheme = "http" if settings.certificate is None else "https"
    tell(f"Foretaste at {scheme}://{settings.host}:{settings.port}/v1 (stop with Ctrl-C)")
    model = None if interest is None else open_run(interest).interest
    run_service(settings, run, model, config_file=config)
