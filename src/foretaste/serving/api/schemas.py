"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

#: No NUL, which databases can't hold.
_PRINTABLE = r"^[^\u0000]*$"


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: An id from outside: a string, or a whole number that is taken as it is written.
Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=_PRINTABLE),
    BeforeValidator(_as_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 256, "pattern": _PRINTABLE},
                {"type": "integer"},
            ]
        },
        mode="validation",
    ),
]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=_PRINTABLE)]
Plain = str | int | float | bool | None
Moment = Annotated[int, Field(ge=0, lt=2**53, description="Milliseconds since 1970, UTC.")]


class Wire(BaseModel):
    """The base of all: unknown fields are errors, and no value is taken for one of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class EventIn(Wire):
    """What somebody did."""

    user_id: Id
    item_id: Id
    timestamp: Moment | None = Field(default=None, description="By default the time it came.")
    event_type: Text | None = None
    event_value: float | None = None
    event_id: Id | None = Field(default=None, description="Sent again, it counts once.")
    session_id: Id | None = None
    recommendation_id: Id | None = Field(default=None, description="Of the list it came from.")
    context: dict[Text, Plain] = Field(default_factory=dict, max_length=50)


class EventsIn(Wire):
    """Events; each is checked by itself, so that a wrong one keeps no other out."""

    events: list[dict[str, Any]] = Field(min_length=1, description="Each as `EventIn`.")


class RowError(Wire):
    """What is wrong with a row."""

    row: int = Field(description="From 0.")
    field: str | None = None
    message: str


class EventsOut(Wire):
    """What became of events."""

    accepted: int = Field(description="New, and on disk.")
    duplicates: int = Field(description="Known by their `event_id`.")
    errors: list[RowError] = Field(description="Rows that were not kept.")


class Person(Wire):
    """For whom: a user, or a session of somebody unknown."""

    user_id: Id | None = None
    history: list[Id] = Field(
        default_factory=list, max_length=1000, description="Items of the session, oldest first."
    )
    age: int | None = Field(default=None, ge=0, le=150)
    parameters: dict[Text, Plain | list[Plain]] = Field(
        default_factory=dict, max_length=50, description="Values of the `$names` in the rules."
    )


class RecommendIn(Person):
    """A list is wanted."""

    k: int = Field(default=10, ge=1, le=1000)
    reasons: bool = Field(default=False, description="Reasons from the person's own history.")
    trace: bool = Field(default=False, description="What every stage did.")


class PageIn(Wire):
    """A later page of a list is wanted."""

    recommendation_id: Id
    page: int = Field(ge=1, le=1000)
    k: int = Field(default=10, ge=1, le=1000)


class RankIn(Person):
    """Given items are wanted in the order that suits somebody."""

    items: list[Id] = Field(min_length=1, max_length=1000)


class ItemOut(Wire):
    """An item of a list."""

    item_id: str
    rank: int
    score: float
    source: str
    reason: str
    propensity: float = 1.0


class StageOut(Wire):
    """What a stage did, for all who were answered together."""

    stage: str
    items_in: int
    items_out: int
    milliseconds: float


class ListOut(Wire):
    """A list for somebody."""

    recommendation_id: str
    model_version: str
    experiment: str | None = Field(description='"name:variant", outside any null.')
    items: list[ItemOut]
    degraded: str = Field(description='"model" or "store" where that failed; else empty.')
    note: str = Field(description="Why there are fewer items than asked for.")
    trace: list[StageOut] | None = None


class ItemsOut(Wire):
    """A list that is for nobody in particular."""

    model_version: str
    items: list[ItemOut]


class SearchIn(Person):
    """Words are searched for."""

    query: Text
    k: int = Field(default=10, ge=1, le=1000)
    slider: float = Field(default=0.3, ge=0, le=1, description="How much the order is theirs.")


class FoundOut(Wire):
    """An item that was found."""

    item_id: str
    rank: int
    score: float
    source: str


class SearchOut(Wire):
    """What was found."""

    model_version: str
    items: list[FoundOut]
    intent: dict[str, Any]
    corrections: dict[str, str]
    reason: str


class Suggestion(Wire):
    """What somebody may be about to type."""

    text: str
    kind: str
    score: float


class SuggestOut(Wire):
    """Completions, the likeliest first."""

    suggestions: list[Suggestion]


class ExplainIn(Person):
    """Why would somebody be shown an item?"""

    item_id: Id


class EvidenceOut(Wire):
    """An item of the history, and what it adds to the score."""

    item_id: str
    title: str
    contribution: float
    named: bool


class ExplainOut(Wire):
    """Why."""

    model_version: str
    item_id: str
    title: str
    score: float
    method: str
    evidence: list[EvidenceOut]
    drop: float
    words: list[str]
    reason: str


class PairIn(Wire):
    """Will this person act on this item?"""

    user_id: Id
    item_id: Id
    timestamp: Moment | None = None
    context: dict[Text, Plain] = Field(default_factory=dict, max_length=50)


class PredictIn(Wire):
    """Probabilities are wanted."""

    pairs: list[PairIn] = Field(min_length=1, max_length=10_000)


class PredictOut(Wire):
    """What is foreseen of the pairs, in their order."""

    probabilities: dict[str, list[float]] = Field(
        description='By goal; "probability" where the model has but one. Of a rating, the rating.'
    )


class Described(Wire):
    """An item or a person with all that is known."""

    id: Id
    fields: dict[Annotated[str, StringConstraints(min_length=1, max_length=256)], Any] = Field(
        default_factory=dict, max_length=200
    )


class ItemsIn(Wire):
    """Items to add or to change, wholly or, where one is wrong, not at all."""

    items: list[Described] = Field(min_length=1)


class UsersIn(Wire):
    """People, likewise."""

    users: list[Described] = Field(min_length=1)


class CountOut(Wire):
    """How many were taken."""

    accepted: int


class ErasureOut(Wire):
    """The receipt of a deletion."""

    receipt: str
    at: int
    deleted: dict[str, int]


class KeyIn(Wire):
    """A key is wanted."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PRINTABLE)]
    role: Literal["ingest", "read", "admin"]
    days: float | None = Field(default=None, gt=0, le=36500)


class KeyOut(Wire):
    """A key, without its secret."""

    key_id: str
    name: str
    role: Literal["ingest", "read", "admin"]
    created: int
    expires: int | None
    revoked: bool


class NewKeyOut(KeyOut):
    """A key as it is shown once."""

    key: str


class ModelOut(Wire):
    """A model of the registry."""

    version: str
    parent: str | None
    status: str
    events_until: int
    metrics: dict[str, Any]
    created: int


class ActOut(Wire):
    """A line of the audit log."""

    at: int
    key_id: str
    act: str
    subject: str


class ArmOut(Wire):
    """An arm of an experiment; `difference` to the first, with its 95% interval."""

    name: str
    people: int
    successes: int
    rate: float
    difference: float
    low: float
    high: float


class ExperimentOut(Wire):
    """What an experiment has shown; with a mismatch, do not believe it."""

    name: str
    arms: list[ArmOut]
    ratio_p: float
    mismatch: bool


class HealthOut(Wire):
    """How it is."""

    status: Literal["ok", "degraded"]
    model_version: str | None = None
    problems: list[str] = Field(default_factory=list)


class ErrorBody(Wire):
    """What is wrong."""

    message: str
    field: str | None = None
    hint: str | None = None
    request_id: str


class ErrorOut(Wire):
    """Every error looks like this."""

    error: ErrorBody
