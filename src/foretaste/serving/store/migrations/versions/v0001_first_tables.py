"""The first tables.

They are spelt out, not taken from `tables`: a step must do for ever what it did at first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Makes the tables."""
    _events()
    _catalogue_and_people()
    _answers()
    _administration()


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.Text, primary_key=True)


def _events() -> None:
    op.create_table(
        "counters",
        _tenant(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "events",
        _tenant(),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("event_type", sa.Text),
        sa.Column("event_value", sa.Double),
        sa.Column("session_id", sa.Text),
        sa.Column("recommendation_id", sa.Text),
        sa.Column("context", _JSON, nullable=False),
        sa.UniqueConstraint("tenant", "event_id", name="events_once"),
    )
    op.create_index("events_of_user", "events", ["tenant", "user_id", "seq"])


def _catalogue_and_people() -> None:
    op.create_table(
        "items",
        _tenant(),
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("fields", _JSON),
    )
    op.create_index("items_by_revision", "items", ["tenant", "revision", "item_id"])
    op.create_table(
        "users",
        _tenant(),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("fields", _JSON, nullable=False),
    )
    op.create_table(
        "erasures",
        _tenant(),
        sa.Column("receipt", sa.Text, primary_key=True),
        sa.Column("user_hash", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("deleted", _JSON, nullable=False),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        _tenant(),
        sa.Column("recommendation_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("experiment", sa.Text),
        sa.Column("items", _JSON, nullable=False),
        sa.Column("propensities", _JSON, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("answers_by_time", "answers", ["tenant", "at", "recommendation_id"])
    op.create_index("answers_to_user", "answers", ["tenant", "user_id"])


def _administration() -> None:
    op.create_table(
        "keys",
        _tenant(),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "models",
        _tenant(),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("parent", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("events_until", sa.BigInteger, nullable=False),
        sa.Column("metrics", _JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    is_live = sa.text("status = 'live'")
    op.create_index(
        "models_one_live",
        "models",
        ["tenant"],
        unique=True,
        postgresql_where=is_live,
        sqlite_where=is_live,
    )
    op.create_table(
        "acts",
        _tenant(),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
    )
