"""Settings of interest models."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from foretaste.config import Config
from foretaste.content import TextEncoderConfig
from foretaste.models.interest.bodies import BODIES, CONSISTENT, OF_SEVERAL_GOALS, BodyConfig
from foretaste.models.interest.calibration import Method
from foretaste.models.interest.imbalance import ImbalanceConfig
from foretaste.models.interest.inputs import FeaturesConfig
from foretaste.models.interest.question import Goal, QuestionConfig, goals_of


class InterestConfig(Config):
    """Settings of `InterestModel`.

    Attributes:
        bodies: What makes log-odds of a pair's features; of several, the mean of the log-odds
            counts. One that is named twice is fitted twice, with other draws.
        question: What interest is.
        content: How the words of items become vectors; None does without words.
        features: What is read of a pair.
        body: Settings of the bodies.
        imbalance: What is done where one label is rare.
        calibration: How scores become probabilities, on validation labels.
        staleness: Each training pair is seen a second time with what was known some time before,
            up to this share of the time of the training events: pairs may be asked about long
            after the last label. 0 leaves that out.
        refit: Learn again from training and validation pairs together, with as many epochs or
            trees as validation found best.
        seed: Of everything drawn.
    """

    bodies: tuple[str, ...] = Field(default=("trees",), min_length=1)
    question: QuestionConfig = QuestionConfig()
    content: TextEncoderConfig | None = None
    features: FeaturesConfig = FeaturesConfig()
    body: BodyConfig = BodyConfig()
    imbalance: ImbalanceConfig = ImbalanceConfig()
    calibration: Method = "platt"
    staleness: float = Field(default=0.5, ge=0, le=1)
    refit: bool = True
    seed: int = Field(default=0, ge=0)

    @field_validator("bodies")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in BODIES:
                raise ValueError(f"there is no body '{name}'; known: {', '.join(BODIES)}")
        return names

    @model_validator(mode="after")
    def _bodies_can_do_it(self) -> InterestConfig:
        if self.question.goals:
            _only(self.bodies, OF_SEVERAL_GOALS, "learn several goals at once")
            if self.imbalance.kind != "none" or self.body.rating:
                raise ValueError(
                    "of several goals each says itself if it is a rating, and what it weighs: "
                    "leave out imbalance and body.rating"
                )
        if self.body.consistency:
            _only(self.bodies, CONSISTENT, "learn from pairs without labels (body.consistency)")
            if self.imbalance.kind != "none":
                raise ValueError("imbalance is about labels; with body.consistency leave it out")
        return self

    @property
    def goals(self) -> tuple[Goal, ...]:
        """What is foreseen."""
        return goals_of(self.question, rating=self.body.rating)


def _only(bodies: tuple[str, ...], able: tuple[str, ...], what: str) -> None:
    for name in bodies:
        if name not in able:
            raise ValueError(f"the body '{name}' can't {what}; those that can: {', '.join(able)}")
