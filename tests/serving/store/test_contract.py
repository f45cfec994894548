from __future__ import annotations

from tests.serving.store.contract import (
    AdministrationContract,
    AnswersContract,
    CatalogueContract,
    EventsContract,
    PeopleContract,
    TenantsContract,
)


class TestEvents(EventsContract):
    pass


class TestCatalogue(CatalogueContract):
    pass


class TestPeople(PeopleContract):
    pass


class TestAnswers(AnswersContract):
    pass


class TestAdministration(AdministrationContract):
    pass


class TestTenants(TenantsContract):
    pass
