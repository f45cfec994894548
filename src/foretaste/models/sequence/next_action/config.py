"""Settings of the model of the next action."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from foretaste.models.sequence.config import SequenceConfig


class NextActionConfig(SequenceConfig):
    """The shape and training of `NextAction`.

    Attributes:
        context: Columns of the events that say in what situation they happened, such as the
            device; read as categories, of past events only.
        event_weights: What foreseeing the next item of a kind counts, by `event_type`; types not
            named count 1, those of 0 are read but not foreseen. The kind of the next event is
            learnt from all of them alike, so that its probabilities are those of the log.
        action_weight: Of the loss of the kind of the next event, beside that of its item.
        collapse_repeats: Whether the same action on the same item over and over counts once.
        blind_share: Of the training rows, those read without kinds, times and context, so that a
            history of item ids alone is nothing new to the model.
    """

    context: tuple[str, ...] = ()
    event_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    action_weight: float = Field(default=1.0, gt=0)
    collapse_repeats: bool = True
    blind_share: float = Field(default=0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _reads_forward(self) -> Self:
        if self.backbone == "bert4rec":
            raise ValueError("the next action needs a backbone that reads forward, not bert4rec")
        return self
