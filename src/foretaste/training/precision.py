"""In what numbers networks compute."""

from __future__ import annotations

from typing import Literal

import torch

#: "auto" is bf16 where the processor computes in it, else fp32.
Precision = Literal["auto", "fp32", "bf16"]


def resolve(precision: Precision) -> Literal["fp32", "bf16"]:
    """What "auto" means here."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    has = torch.cpu.get_capabilities()
    return "bf16" if has.get("avx512_bf16") or has.get("amx_bf16") else "fp32"


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context in which matrices are multiplied in `precision`; weights stay in fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=resolve(precision) == "bf16")
