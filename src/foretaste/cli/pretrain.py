"""`foretaste pretrain`: a language model that knows the shop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.train import plain_name


def pretrain(
    config: Annotated[Path, typer.Argument(help="A configuration; see foretaste init.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Goes before the file's setting."),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the model.")] = "shop",
    encoders: Annotated[Path, typer.Option(help="The folder of all such models.")] = Path(
        "encoders"
    ),
    json: JsonFlag = False,
) -> None:
    """Train the encoder's language model further on the shop, and write encoders/<name>/.

    It learns from the words of the items (mlm, sections, contrastive) or from what people take
    one after the other (behaviour), never from held-out events. A training that was stopped goes
    on after its last whole epoch when the command is given again.

    foretaste pretrain foretaste.yaml --set pretraining.objective=contrastive --name words
    foretaste pretrain foretaste.yaml --set pretraining.objective=behaviour
    --set pretraining.method=lora --set content.model=encoders/words --name taste
    foretaste train foretaste.yaml --set content.model=encoders/taste
    """
    from foretaste import pipeline
    from foretaste.pipeline.pretraining import pretrain_encoder

    run_config = pipeline.load_config(config, settings or [])
    folder = encoders / plain_name(name)
    prepared = pipeline.prepare(run_config, tell)
    wanted = run_config.pretraining
    tell(f"Pretraining by {wanted.objective}, {wanted.method}")
    done = pretrain_encoder(run_config, prepared, folder)
    if json:
        print_json(done.to_dict())
        return
    if done.silent:
        say(f"{done.silent:,} items without words were passed over.")
    for epoch, losses in enumerate(zip(done.curve.loss, done.curve.held_out, strict=True), 1):
        kept = "  kept" if epoch == done.curve.best else ""
        say(f"epoch {epoch}  loss {losses[0]:.4f}  held out {losses[1]:.4f}{kept}")
    share = done.trainable / done.weights
    say(
        f"{done.trainable:,} of {done.weights:,} weights ({share:.1%}) trained in "
        f"{done.seconds:.0f} s; {done.peak_memory_mib:,} MiB at most."
    )
    say(f"\nSaved to {folder}. Next: foretaste train {config} --set content.model={folder}")
