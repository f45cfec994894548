"""Bodies by name."""

from __future__ import annotations

from typing import Final

from foretaste.models.interest.bodies.base import Body, BodyConfig, Shape

#: Names of bodies, from the simplest on; "trees" is the baseline to beat.
BODIES: Final = (
    "lr",
    "fm",
    "mlp",
    "widedeep",
    "deepfm",
    "dcnv2",
    "finalmlp",
    "din",
    "fused",
    "trees",
    "language",
)

#: Those that can learn several goals at once.
OF_SEVERAL_GOALS: Final = ("mlp", "din", "fused")
#: Those that can learn from pairs without a label.
CONSISTENT: Final = tuple(name for name in BODIES if name not in ("trees", "language"))


def make(name: str, shape: Shape, config: BodyConfig) -> Body:
    """A body that has learnt nothing yet.

    Args:
        name: One of `BODIES`.
        shape: Of the inputs.
        config: Settings.
    """
    if name == "trees":
        from foretaste.models.interest.bodies.trees import TreesBody

        return TreesBody(shape, config)
    if name == "language":
        from foretaste.models.interest.bodies.language import LanguageBody

        return LanguageBody(shape, config)
    from foretaste.models.interest.bodies import deep, history, shallow
    from foretaste.models.interest.bodies.networks import Network, NetworkBody

    networks: dict[str, Network] = {
        "lr": shallow.LogisticRegression,
        "fm": shallow.FactorisationMachine,
        "mlp": deep.Deep,
        "widedeep": deep.WideAndDeep,
        "deepfm": deep.DeepFM,
        "dcnv2": deep.DCNv2,
        "finalmlp": deep.FinalMLP,
        "din": history.DIN,
        "fused": history.Fused,
    }
    return NetworkBody(networks[name], shape, config)
