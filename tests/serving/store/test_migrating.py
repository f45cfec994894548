from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from foretaste.errors import InputError
from foretaste.serving.store import open_store
from foretaste.serving.store.migrating import VERSION_TABLE
from foretaste.serving.store.tables import metadata
from tests.serving.store.examples import event, log_of
from tests.serving.store.workers import events_of, forked, ingest, told


def test_the_steps_lead_to_the_tables_of_the_code(new_dsn: str) -> None:
    open_store(new_dsn).close()
    engine = _engine(new_dsn)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        # Not all that makes a table is compared by that.
        for table in metadata.tables.values():
            made = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
            assert made == [column.name for column in table.primary_key]
        live = [index for index in inspect(connection).get_indexes("models") if index["unique"]]
        assert [index["name"] for index in live] == ["models_one_live"]
    engine.dispose()


def test_a_database_opened_again_keeps_its_rows(new_dsn: str) -> None:
    first = open_store(new_dsn)
    first.add_events([event("a")])
    first.close()
    second = open_store(new_dsn)
    assert [kept for _, kept in log_of(second)] == [event("a")]
    second.close()


def test_a_newer_schema_is_named(new_dsn: str) -> None:
    open_store(new_dsn).close()
    engine = _engine(new_dsn)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(InputError, match="newer version of Foretaste") as caught:
        open_store(new_dsn)
    assert "schema 9999" in str(caught.value)
    assert "secret-of-shop" not in str(caught.value)
    engine.dispose()


def test_tables_of_others_are_left_alone(new_dsn: str) -> None:
    engine = _engine(new_dsn)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (name TEXT)"))
    with pytest.raises(InputError, match="somebody else: users"):
        open_store(new_dsn)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["users"]
    engine.dispose()


def test_many_processes_may_open_a_new_database_at_once(new_dsn: str) -> None:
    pipes = [forked.Pipe(duplex=False) for _ in range(4)]
    processes = [
        forked.Process(target=ingest, args=(new_dsn, f"p{n}", 3, writing))
        for n, (_, writing) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    batches: list[str] = []
    for process, (reading, writing) in zip(processes, pipes, strict=True):
        writing.close()
        batches += told(reading)
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(batches) == 12
    store = open_store(new_dsn, tenant="shop")
    assert sorted(kept.event_id for _, kept in log_of(store)) == sorted(events_of(batches))
    store.close()


def _engine(dsn: str) -> Engine:
    if "://" in dsn:
        return create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))
    return create_engine(f"sqlite:///{dsn}")
