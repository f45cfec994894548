"""The configuration of a run: one section a room, read from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import ConfigDict, Field, model_validator

from foretaste.config import Config
from foretaste.content import TextEncoderConfig
from foretaste.content.pretraining import PretrainingConfig
from foretaste.data import DataConfig, SplitKind
from foretaste.errors import ConfigError
from foretaste.models import MODELS, Recommender
from foretaste.models.interest import DivisionConfig, InterestConfig
from foretaste.ranking import RankingConfig
from foretaste.ranking.index import IndexConfig
from foretaste.training import TrainingConfig

_Config = TypeVar("_Config", bound=Config)

_MODEL = "sequence"

#: Sections of their own that go into the settings of the models that have them.
_SHARED_SECTIONS = ("content", "training")

#: Settings that are paths.
_PATHS = (
    ("data", "path"),
    ("model", "start"),
    ("pretraining", "tensorboard"),
    ("ranking", "safety", "harm", "classifier"),
    ("ranking", "safety", "harm", "queue"),
)


class SplitConfig(Config):
    """How events are divided; `foretaste.data.split` says which option belongs to which kind.

    Attributes:
        kind: By default "temporal" where timestamps are real, else "leave-one-out".
        validation: Share of events, users or items to tune on.
        test: Share to report on.
        seed: Of the random kinds.
    """

    kind: SplitKind | None = None
    validation: float | None = None
    test: float | None = None
    seed: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given, without the kind."""
        return self.model_dump(exclude={"kind"}, exclude_none=True)


class ModelSection(Config):
    """Which model, and its own settings beside the name.

    Attributes:
        name: A name in `foretaste.models.MODELS`.
        start: A run whose sequence model the training of another starts from: of the same items, or
            of another shop's, with none in common, if both read words.
    """

    model_config = ConfigDict(extra="allow")

    name: str = _MODEL
    start: Path | None = None


class EvaluationConfig(Config):
    """What is measured on the held-out events.

    Attributes:
        ks: Lengths of the lists that are measured.
        resamples: Of the bootstrap that gives the intervals.
        seed: Of the bootstrap.
    """

    ks: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(10,), min_length=1)
    resamples: int = Field(default=1000, ge=100)
    seed: int = 0


class RunConfig(Config):
    """Everything a run depends on.

    Attributes:
        task: To recommend; "interest" has a configuration of its own, `InterestRunConfig`.
        data: What is read, and how it is cleaned.
        split: How it is divided.
        content: How the words of items become vectors, for the models that read them; without
            it the sequence model learns from behaviour alone.
        pretraining: How `foretaste pretrain` makes the model of `content` know the shop.
        model: Which model, with its settings.
        training: How networks are trained, for the models that are networks.
        ranking: What becomes of the model's scores in `foretaste recommend`: rules, safety,
            diversity. Without it, the model's own list is given.
        evaluation: What is measured.
    """

    task: Literal["recommend"] = "recommend"
    data: DataConfig
    split: SplitConfig = SplitConfig()
    content: TextEncoderConfig | None = None
    pretraining: PretrainingConfig = PretrainingConfig()
    model: ModelSection = ModelSection()
    training: TrainingConfig = TrainingConfig()
    ranking: RankingConfig | None = None
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _model_settings_fit(self) -> RunConfig:
        self.build_model()
        return self

    @property
    def index(self) -> IndexConfig | None:
        """How the model's best items are found, with and without a section `ranking`."""
        return (self.ranking or RankingConfig()).index

    def build_model(self) -> Recommender:
        """The model that the sections describe, not yet fitted.

        Raises:
            ConfigError: There is no such model, or a setting does not fit it.
        """
        name = self.model.name
        if name not in MODELS:
            raise ConfigError(
                f"there is no model '{name}'.",
                field="model.name",
                hint=f"Choose one of: {', '.join(MODELS)}.",
            )
        model = MODELS[name]
        settings = dict(self.model.model_extra or {})
        given = self.model_dump(include=set(_SHARED_SECTIONS), exclude_unset=True)
        wanted = model.config_class.model_fields
        settings |= {section: value for section, value in given.items() if section in wanted}
        try:
            return model(model.config_class.parse(settings))
        except ConfigError as error:
            raise _within("model", error) from None

    def plain(self) -> dict[str, Any]:
        """The settings that were given, ready for YAML, with paths made absolute."""
        values = self.model_dump(mode="json", exclude_unset=True)
        for setting in _PATHS:
            _from_folder(values, setting, Path.cwd())
        values["data"]["path"] = str(self.data.path.resolve())
        return values


class InterestRunConfig(Config):
    """Everything a run of interest prediction depends on.

    Attributes:
        task: "interest".
        data: What is read, and how it is cleaned.
        split: How labelled pairs are divided, where the data does not say.
        model: The interest model.
        histories: What may be known when the test is asked about: training events only, those of
            validation too, or all that came before each pair.
        threshold: From which probability on a pair counts as foreseen, in reports.
    """

    task: Literal["interest"]
    data: DataConfig
    split: DivisionConfig = DivisionConfig()
    model: InterestConfig = InterestConfig()
    histories: tuple[Literal["train", "validation", "streaming"], ...] = (
        "validation",
        "streaming",
    )
    threshold: float = Field(default=0.5, gt=0, lt=1)

    def plain(self) -> dict[str, Any]:
        """The settings that were given, ready for YAML, with paths made absolute."""
        values = self.model_dump(mode="json", exclude_unset=True)
        values["data"]["path"] = str(self.data.path.resolve())
        return values


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads the configuration of a run.

    Paths inside it are taken from the folder of the file.

    Args:
        path: A YAML file.
        overrides: Settings that go before those of the file: ``section.key=value``, the value
            written as in YAML. Another ``model.name`` leaves out the settings of the file's model.

    Raises:
        ConfigError: The file is not there or no YAML, an override has no such form, a setting is
            unknown or does not fit.
    """
    return _parsed(RunConfig, Path(path), _values(Path(path), overrides))


def load_task(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig | InterestRunConfig:
    """Reads the configuration of a run of either task; arguments and errors as `load_config`."""
    values = _values(Path(path), overrides)
    if values.get("task") == "interest":
        return _parsed(InterestRunConfig, Path(path), values)
    return _parsed(RunConfig, Path(path), values)


def _values(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    values = _read_yaml(path)
    for override in overrides:
        _override(values, override)
    for setting in _PATHS:
        _from_folder(values, setting, path.parent)
    return values


def _parsed(kind: type[_Config], path: Path, values: dict[str, Any]) -> _Config:
    try:
        return kind.parse(values, file=path)
    except ConfigError as error:
        raise _in_file(path, error) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(
            "there is no such configuration.",
            file=path,
            hint="'foretaste init DATA' writes one from the data it sees.",
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(
            f"this is not YAML: {problem}.", file=path, row=mark.line + 1 if mark else None
        ) from None
    if not isinstance(values, dict):
        raise ConfigError("a configuration is made of sections, 'data:' first.", file=path)
    return values


def _override(values: dict[str, Any], override: str) -> None:
    """Puts ``a.b=c`` into `values`."""
    key, equals, text = override.partition("=")
    key = key.strip()
    *sections, last = key.split(".")
    if not equals or not all([*sections, last]):
        raise ConfigError(f"'{override}' is not of the form section.key=value.", field="--set")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"the value of '{override}' is not YAML.", field="--set") from None
    model = values.get("model")
    if key == "model.name" and isinstance(model, dict) and model.get("name", _MODEL) != value:
        model.clear()  # the settings of one model mean nothing to another
    for section in sections:
        inner = values.get(section)
        if not isinstance(inner, dict):
            inner = values[section] = {}
        values = inner
    values[last] = value


def _from_folder(values: dict[str, Any], setting: tuple[str, ...], folder: Path) -> None:
    """Makes a path in `values`, where there is one, start from the folder."""
    inner: Any = values
    for section in setting[:-1]:
        inner = inner.get(section) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and isinstance(inner.get(setting[-1]), str):
        inner[setting[-1]] = str(folder / inner[setting[-1]])


def _within(section: str, error: ConfigError) -> ConfigError:
    field = f"{section}.{error.field}" if error.field else section
    return ConfigError(error.message, file=error.file, field=field, hint=error.hint)


def _in_file(path: Path, error: ConfigError) -> ConfigError:
    return ConfigError(
        error.message, file=error.file or path, row=error.row, field=error.field, hint=error.hint
    )
