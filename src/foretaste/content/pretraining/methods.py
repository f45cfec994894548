"""Which of a network's weights are trained."""

from __future__ import annotations

from typing import Any

from torch import nn

from foretaste.content.pretraining.config import PretrainingConfig
from foretaste.content.pretraining.reader import Reader
from foretaste.errors import ConfigError, MissingExtraError


def prepare(reader: Reader, config: PretrainingConfig) -> None:
    """Makes the reader's transformer trainable by the configured method.

    Raises:
        ConfigError: The method does not fit the model.
        MissingExtraError: It needs `peft`, which is not installed.
    """
    if config.method == "last-layers":
        _freeze_all_but_the_last(reader.transformer, config.layers)
    elif config.method != "full":
        try:
            from peft import get_peft_model
        except ImportError:
            raise MissingExtraError("peft", "pretrain") from None
        try:
            reader.transformer = get_peft_model(reader.transformer, _peft_config(config))
        except ValueError as error:
            raise ConfigError(
                f"'{config.method}' does not fit this model: {str(error).partition(chr(10))[0]}",
                field="pretraining.method",
                hint="Choose another method, such as lora.",
            ) from None


def merged(reader: Reader, config: PretrainingConfig) -> tuple[Any, Any]:
    """The trained transformer without adapters, and the prefix that can't be part of it.

    Returns:
        A plain transformer; a `PeftModel` for "prefix", else None.
    """
    if config.method in ("lora", "ia3"):
        return reader.transformer.merge_and_unload(), None
    if config.method == "prefix":
        return reader.transformer.get_base_model(), reader.transformer
    return reader.transformer, None


def layers_of(transformer: nn.Module) -> nn.ModuleList:
    """The layers of a transformer, whatever it calls them: its longest list of modules.

    Raises:
        ConfigError: It has none.
    """
    lists = [module for module in transformer.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ConfigError(
            "this model has no list of layers.",
            field="pretraining.method",
            hint="Choose another method, such as full.",
        )
    return max(lists, key=lambda found: sum(p.numel() for p in found.parameters()))


def _freeze_all_but_the_last(transformer: nn.Module, layers: int) -> None:
    for parameter in transformer.parameters():
        parameter.requires_grad = False
    for layer in layers_of(transformer)[-layers:]:
        for parameter in layer.parameters():
            parameter.requires_grad = True


def _peft_config(config: PretrainingConfig) -> Any:
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, TaskType

    task = TaskType.FEATURE_EXTRACTION
    if config.method == "lora":
        return LoraConfig(
            task_type=task, r=config.rank, lora_alpha=2 * config.rank, target_modules="all-linear"
        )
    if config.method == "ia3":
        return IA3Config(task_type=task)
    return PrefixTuningConfig(task_type=task, num_virtual_tokens=config.rank)
