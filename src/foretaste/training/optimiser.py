"""Adam with warm-up and clipping, which also takes gradients of a few rows of a large table."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from foretaste.training.config import TrainingConfig

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class Optimiser:
    """AdamW (Loshchilov & Hutter, 2019) on a network's parameters.

    Only matrices are decayed, and those of modules with a true attribute `undecayed` are spared:
    shrinking norms, biases and item vectors costs accuracy. A parameter with sparse gradients is
    updated by `RowAdam`.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        self._config = config
        self._parameters = list(network.parameters())
        sparse = _parameters_of(network, "row_sparse")
        undecayed = _parameters_of(network, "undecayed") | sparse
        dense = [p for p in self._parameters if p not in sparse]
        decayed = [p for p in dense if p.ndim >= 2 and p not in undecayed]
        rest = [p for p in dense if p.ndim < 2 or p in undecayed]
        groups = [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        dense_adam = torch.optim.AdamW(groups, config.learning_rate, _BETAS, _EPSILON)
        self._optimisers: list[torch.optim.Optimizer] = [dense_adam]
        if sparse:
            self._optimisers.append(RowAdam([p for p in self._parameters if p in sparse]))
        self.steps = 0

    def step(self, *, scale: float = 1.0, warming: bool = True) -> None:
        """Moves the parameters by their gradients, and forgets those.

        Args:
            scale: Of the configured learning rate.
            warming: Whether the learning rate may still be on its way up.
        """
        rate = self._config.learning_rate * scale
        if warming:
            rate *= min(1.0, (self.steps + 1) / (self._config.warmup_steps + 1))
        self._clip()
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.steps += 1

    def state(self) -> dict[str, Tensor]:
        """What the optimiser remembers of each parameter, by names of its own."""
        return {
            f"{which}.{place}.{name}": value
            for which, optimiser in enumerate(self._optimisers)
            for place, remembered in optimiser.state_dict()["state"].items()
            for name, value in remembered.items()
        }

    def restore(self, tensors: dict[str, Tensor], steps: int) -> None:
        """Takes back what `state` gave after so many steps."""
        self.steps = steps
        for which, optimiser in enumerate(self._optimisers):
            whole = optimiser.state_dict()
            for key, value in tensors.items():
                number, place, name = key.split(".")
                if int(number) == which:
                    whole["state"].setdefault(int(place), {})[name] = value
            optimiser.load_state_dict(whole)

    def _clip(self) -> None:
        """Shortens the whole gradient to at most the configured norm."""
        gradients: list[Tensor] = []
        for parameter in self._parameters:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
                gradients.append(parameter.grad.values())
            elif parameter.grad is not None:
                gradients.append(parameter.grad)
        norm = nn.utils.get_total_norm(gradients)
        scale = (self._config.gradient_clip / norm).clamp(max=1.0)
        torch._foreach_mul_(gradients, scale)  # pyright: ignore


class RowAdam(torch.optim.Optimizer):
    """Adam on the rows that a sparse gradient names; the others rest, and so do their moments.

    As `torch.optim.SparseAdam`, twenty times as fast for thousands of rows of a table of millions:
    a step then costs the same in a large catalogue as in a small one.

    Args:
        tables: Parameters, float[rows, d], whose gradients are sparse and coalesced.
    """

    def __init__(self, tables: Iterable[nn.Parameter]) -> None:
        super().__init__(tables, {"lr": 1e-3})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore - the closure of the base class has no use here
        """Moves the named rows."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._move(table, table.grad, group["lr"])

    def _move(self, table: Tensor, change: Tensor, rate: float) -> None:
        state = self.state[table]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["mean"] = torch.zeros_like(table)
            state["square"] = torch.zeros_like(table)
        state["step"] += 1
        rows, gradient = change.indices()[0], change.values()
        fast, slow = _BETAS
        mean = state["mean"][rows].lerp_(gradient, 1 - fast)
        square = state["square"][rows].lerp_(gradient.square(), 1 - slow)
        state["mean"][rows], state["square"][rows] = mean, square
        step = float(state["step"])
        root = square.div_(1 - slow**step).sqrt_().add_(_EPSILON)
        table.index_add_(0, rows, mean / root, alpha=-rate / (1 - fast**step))


def _parameters_of(network: nn.Module, mark: str) -> set[nn.Parameter]:
    """Parameters of the modules that carry a true attribute `mark`."""
    return {
        parameter
        for module in network.modules()
        if getattr(module, mark, False)
        for parameter in module.parameters()
    }
