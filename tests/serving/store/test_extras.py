from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.modules[{package!r}] = None  # As if it were not installed.
from foretaste.errors import MissingExtraError
from foretaste.serving import state, store
try:
    {call}
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("sqlalchemy", "store.open_store('shop.db')"),
        ("alembic", "store.open_store('shop.db')"),
        ("psycopg", "store.open_store('postgresql://localhost/shop')"),
        ("redis", "state.open_state('redis://localhost', tenant='shop')"),
    ],
)
def test_a_missing_package_is_named_with_the_extra(package: str, call: str) -> None:
    script = SCRIPT.format(package=package, call=call)
    said = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert f"'{package}'" in said.stdout
    assert "foretaste[serve]" in said.stdout
