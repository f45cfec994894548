"""Brings a database's tables to this version's, by the steps in `migrations`."""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from foretaste.errors import InputError
from foretaste.serving.store.tables import metadata

VERSION_TABLE = "foretaste_schema"

# Any number that no one else is likely to lock.
_POSTGRES_LOCK = 0x666F7265
# Alembic keeps what it is doing in globals of its own.
_one_at_a_time = threading.Lock()


def migrate(engine: Engine, where: str) -> None:
    """Makes the tables, or changes them into this version's; may be called by many at once.

    Args:
        engine: Its transactions write, and may take long.
        where: The database, as people may see it.

    Raises:
        InputError: The tables are of a newer version, or somebody else's.
    """
    config = Config()
    config.set_main_option("script_location", "foretaste.serving.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    with _one_at_a_time, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _POSTGRES_LOCK})
        version = schema_version(connection)
        if version == scripts.get_current_head():
            return
        if version not in {None, *(script.revision for script in scripts.walk_revisions())}:
            raise InputError(
                f"the database {where} was made by a newer version of Foretaste"
                f" (schema {version}; this one knows up to {scripts.get_current_head()}).",
                hint="Update Foretaste, or give it another database.",
            )
        others = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
        if version is None and others:
            raise InputError(
                f"the database {where} has tables of somebody else: {', '.join(others)}.",
                hint="Give Foretaste a database of its own.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def schema_version(connection: Connection) -> str | None:
    """The version of a database's tables; None where there are none."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()
