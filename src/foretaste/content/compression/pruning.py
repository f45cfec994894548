"""Parts of a network that say least, left out; without any training after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.content._heads import attentions
from foretaste.content._network import Layout
from foretaste.content.compression._folder import (
    load_transformer,
    source_layout,
    write_transformer,
)
from foretaste.errors import ConfigError, InputError


def prune_neurons(model: str, target: Path, share: float) -> Path:
    """Leaves out the neurons of the feed-forward layers whose weights are smallest.

    A neuron's magnitude is the product of the lengths of the weights that lead to and from it
    (structured magnitude pruning, after Li et al., "Pruning filters for efficient ConvNets",
    2017). Whole neurons go, as many in every layer, so that the model is smaller and faster
    everywhere; zeros strewn over the weights would need a processor that skips them.

    Args:
        model: As in `TextEncoderConfig`; a network of BERT's shape.
        target: The folder to be written.
        share: Of the neurons, from 0 to below 1.

    Raises:
        InputError: The model can't be used, or the folder is there already.
        ConfigError: The share is out of range.
    """
    folder, layout, transformer = _source(model, share)
    pairs = _feed_forwards(transformer)
    if not pairs:
        raise _other_shape(folder)
    kept = max(1, round((1 - share) * transformer.config.intermediate_size))
    for block, output in pairs:
        magnitude = block.dense.weight.norm(dim=1) * output.dense.weight.norm(dim=0)
        rows = magnitude.topk(kept).indices.sort().values
        block.dense = _taken(block.dense, rows=rows)
        output.dense = _taken(output.dense, columns=rows)
    transformer.config.intermediate_size = kept
    return write_transformer(transformer, layout, folder, target)


def prune_heads(model: str, target: Path, share: float) -> Path:
    """Silences the attention heads that say least, over all layers; one a layer stays.

    What a head says is measured by the norm of what it makes of its input, W_O W_V of that head;
    that heads can be spared is from Michel et al., "Are sixteen heads really better than one?",
    2019. In the folder they are zeros, as its format asks for equally many in every layer; when
    it is loaded, and in an ONNX graph made of it, they are gone.

    Args:
        model: As in `TextEncoderConfig`; a network of BERT's shape.
        target: The folder to be written.
        share: Of the heads, from 0 to below 1.

    Raises:
        InputError: The model can't be used, or the folder is there already.
        ConfigError: The share is out of range.
    """
    folder, layout, transformer = _source(model, share)
    layers = list(attentions(transformer))
    if not layers:
        raise _other_shape(folder)
    says = np.stack([_what_heads_say(attention) for attention in layers])
    says[np.arange(len(layers)), says.argmax(axis=1)] = np.inf
    silenced = np.argsort(says, axis=None)[: min(round(share * says.size), says.size - len(layers))]
    for layer, head in zip(*np.unravel_index(silenced, says.shape), strict=True):
        attention = layers[int(layer)]
        with torch.no_grad():
            attention.out.weight[:, head * attention.size : (head + 1) * attention.size] = 0
    return write_transformer(transformer, layout, folder, target)


def keep_layers(transformer: Any, count: int) -> None:
    """Leaves out layers, evenly: the first and the last stay, as far as there are two.

    Args:
        transformer: A network of BERT's shape; it is changed.
        count: Layers that stay.

    Raises:
        InputError: It has fewer layers, or no list of layers where BERT has it.
    """
    layers = getattr(getattr(transformer, "encoder", None), "layer", None)
    if layers is None or not 1 <= count <= len(layers):
        raise InputError(
            "the model has no layers that can be left out, or not so many.",
            field="layers",
            hint=f"It has {'none' if layers is None else len(layers)}; {count} were asked for.",
        )
    places = np.linspace(len(layers) - 1, 0, count).round().astype(int)[::-1]
    transformer.encoder.layer = nn.ModuleList(layers[int(place)] for place in places)
    transformer.config.num_hidden_layers = count


def _what_heads_say(attention: Any) -> np.ndarray:
    """float[heads]."""
    values = attention.inner.value.weight.detach().unflatten(0, (-1, attention.size))
    maps = torch.einsum("ohs,hsi->hoi", attention.parts(), values)
    return maps.norm(dim=(1, 2)).numpy()


def _feed_forwards(transformer: Any) -> list[tuple[Any, Any]]:
    found = [
        (getattr(module, "intermediate", None), getattr(module, "output", None))
        for module in transformer.modules()
    ]
    return [(a, b) for a, b in found if hasattr(a, "dense") and hasattr(b, "dense")]


def _taken(
    linear: nn.Linear, *, rows: Tensor | None = None, columns: Tensor | None = None
) -> nn.Linear:
    """The given rows (outputs) or columns (inputs) of a linear map."""
    weight, bias = linear.weight.detach(), linear.bias.detach()
    if rows is not None:
        weight, bias = weight[rows], bias[rows]
    if columns is not None:
        weight = weight[:, columns]
    smaller = nn.Linear(weight.shape[1], weight.shape[0])
    smaller.weight, smaller.bias = nn.Parameter(weight.contiguous()), nn.Parameter(bias)
    return smaller


def _source(model: str, share: float) -> tuple[Path, Layout, Any]:
    """The folder of a model that a share is taken from, how it is laid out, and its network."""
    if not 0 <= share < 1:
        raise ConfigError(f"it must be at least 0 and below 1 (got {share}).", field="share")
    folder, layout = source_layout(model)
    return folder, layout, load_transformer(folder, layout)


def _other_shape(folder: Path) -> InputError:
    return InputError(
        "only networks of BERT's shape (BERT, MiniLM, RoBERTa, ELECTRA) can be pruned.",
        file=folder,
        field="model",
        hint="Distil it into one of fewer layers, or export it to ONNX in int8.",
    )
