from __future__ import annotations

from tests.serving.state.contract import HistoriesContract, TenantsContract, ValuesContract


class TestHistories(HistoriesContract):
    pass


class TestValues(ValuesContract):
    pass


class TestTenants(TenantsContract):
    pass
