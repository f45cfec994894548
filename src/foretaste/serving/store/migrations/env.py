"""Alembic's entry: runs the steps on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from foretaste.serving.store.migrating import VERSION_TABLE
from foretaste.serving.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by making it anew.
)
context.run_migrations()
