"""The configuration of a service: where it listens, what it keeps where, what it allows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, SecretStr, model_validator

from foretaste.config import Config
from foretaste.errors import ConfigError

#: Settings that hold secrets may come from the environment, where no file shows them.
_FROM_ENVIRONMENT = {"store": "FORETASTE_STORE", "state": "FORETASTE_STATE"}


class LimitsConfig(Config):
    """How much may be asked at once.

    Attributes:
        body_bytes: Of a request.
        events: In one request.
        items: In one request, and of a list that is asked for.
        requests_a_second: Of one key; None does not count.
        waiting: Requests that wait for an answer; more are told to come again.
        seconds: After which a request is given up.
    """

    body_bytes: int = Field(default=5 * 2**20, ge=1024)
    events: int = Field(default=1000, ge=1)
    items: int = Field(default=1000, ge=1)
    requests_a_second: int | None = Field(default=None, ge=1)
    waiting: int = Field(default=256, ge=1)
    seconds: float = Field(default=5.0, gt=0)


class VariantConfig(Config):
    """One arm of an experiment.

    Attributes:
        name: As answers and reports call it.
        model: Version in the registry; None is whichever is live.
        share: Of people, relative to the other arms.
    """

    name: str
    model: str | None = None
    share: float = Field(default=1.0, gt=0)


class ExperimentConfig(Config):
    """A comparison of models on people who are divided by chance, the same way every time.

    Attributes:
        name: Another name divides people anew.
        variants: The arms; the first is what the others are compared with.
        goal: Events of this type count as success.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    variants: tuple[VariantConfig, ...] = Field(min_length=2)
    goal: str = "click"

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({variant.name for variant in self.variants}) < len(self.variants):
            raise ValueError("two variants have one name")
        return self


class RefitConfig(Config):
    """When the model learns on by itself.

    Attributes:
        every_hours: How often; None never.
        least_events: New ones, below which it waits.
        holdout: Share of the new events, the latest, on which old and new model are judged.
    """

    every_hours: float | None = Field(default=None, gt=0)
    least_events: int = Field(default=1000, ge=10)
    holdout: float = Field(default=0.2, gt=0, lt=1)


class ServingConfig(Config):
    """Everything a service depends on beside its run.

    Attributes:
        host: Where it listens; other machines see only what is not 127.0.0.1.
        port: Likewise.
        store: A path of an SQLite file, or a DSN of PostgreSQL; also `$FORETASTE_STORE`.
        state: A URL of Redis; None keeps the state in this process. Also `$FORETASTE_STATE`.
        tenant: Whose data it is; a store may hold that of several.
        certificate: TLS certificate, PEM; with `private_key`.
        private_key: Its key, PEM.
        origins: Web pages that may call from a browser; none by default.
        limits: How much may be asked at once.
        experiment: A comparison of models; None compares none.
        refit: When the model learns on by itself.
        gorse: Answer the calls of a gorse client too, under `/compat/gorse`.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    store: SecretStr = SecretStr("foretaste.db")
    state: SecretStr | None = None
    tenant: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    certificate: Path | None = None
    private_key: Path | None = None
    origins: tuple[str, ...] = ()
    limits: LimitsConfig = LimitsConfig()
    experiment: ExperimentConfig | None = None
    refit: RefitConfig = RefitConfig()
    gorse: bool = False

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("'certificate' and 'private_key' go together")
        return self

    @property
    def local(self) -> bool:
        """Whether nobody but this machine can call."""
        return self.host in {"127.0.0.1", "::1", "localhost"}


def load_serving_config(path: Path | None, given: Mapping[str, Any]) -> ServingConfig:
    """The configuration of a file, with the environment's and the given settings before it.

    Args:
        path: A YAML file; None has only defaults.
        given: Settings by name; those that are None are not given.

    Raises:
        ConfigError: The file is not there or no YAML, or a setting is unknown or does not fit.
    """
    values: Any = {}
    if path is not None:
        try:
            values = yaml.safe_load(path.read_text("utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"this can't be read as YAML: {error}.", file=path) from None
        if not isinstance(values, dict):
            raise ConfigError("a configuration is made of settings, one a line.", file=path)
    environment = {
        setting: os.environ[name]
        for setting, name in _FROM_ENVIRONMENT.items()
        if os.environ.get(name)
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return ServingConfig.parse(values | environment | chosen, file=path)
