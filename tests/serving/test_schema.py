"""Thousands of requests made up from the interface's own description of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from foretaste.serving import Service, ServingConfig
from foretaste.serving.access import make_key
from foretaste.serving.api import create_app

#: Of each operation, that fit its description and that do not.
CASES = 100


@pytest.fixture(scope="module")
def interface(knn_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description of a service that takes gorse's calls too; it needs a key."""
    store = tmp_path_factory.mktemp("schema") / "store.db"
    service = Service(ServingConfig.parse({"store": str(store), "gorse": True}), knn_run)
    key = make_key(service.store, "schema", "admin")[1]
    service.gatekeeper.forget()
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", create_app(service))
    schema.config.update(headers={"Authorization": f"Bearer {key}", "X-API-Key": key})
    yield schema
    service.close()


@pytest.mark.slow
def test_no_request_breaks_the_service_or_its_promises(interface: Any) -> None:
    made = 0
    for found in interface.get_all_operations():
        for mode in GenerationMode:
            # An operation that takes nothing can't be called in a wrong way.
            with suppress(Unsatisfiable):
                made += call_often(found.ok().as_strategy(generation_mode=mode))
    assert made >= 5000


def call_often(cases: Any) -> int:
    """Calls one operation again and again, and checks the answers; how often."""
    made = 0

    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(case=cases)
    def promised(case: schemathesis.Case) -> None:
        nonlocal made
        made += 1
        # What fits the description may still name an item that is not there, or a parameter that
        # no rule has: such a request is refused with a status that is described.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    promised()
    return made
