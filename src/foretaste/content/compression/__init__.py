"""Text models made smaller and faster: every form is a folder that `TextEncoder` loads."""

from foretaste.content.compression.distillation import DistillationConfig, distil
from foretaste.content.compression.onnx import export_onnx
from foretaste.content.compression.pruning import keep_layers, prune_heads, prune_neurons

__all__ = [
    "DistillationConfig",
    "distil",
    "export_onnx",
    "keep_layers",
    "prune_heads",
    "prune_neurons",
]
