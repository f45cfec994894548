"""The tables. Each begins its keys with the tenant, so that no key can reach another's rows.

A change here needs a migration (see `migrations`), or the tests fail.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# `json` and not `jsonb` in PostgreSQL: it keeps whatever JSON can say, as SQLite does.
_Json = JSON(none_as_null=True)


def _tenant() -> Column[str]:
    return Column("tenant", Text, primary_key=True)


# The last number given, by what is numbered: "events", "items" (the catalogue's revision), ...
counters = Table(
    "counters",
    metadata,
    _tenant(),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    _tenant(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("event_type", Text),
    Column("event_value", Double),
    Column("session_id", Text),
    Column("recommendation_id", Text),
    Column("context", _Json, nullable=False),
    UniqueConstraint("tenant", "event_id", name="events_once"),
    Index("events_of_user", "tenant", "user_id", "seq"),
)

items = Table(
    "items",
    metadata,
    _tenant(),
    Column("item_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("fields", _Json),  # None: taken out.
    Index("items_by_revision", "tenant", "revision", "item_id"),
)

users = Table(
    "users",
    metadata,
    _tenant(),
    Column("user_id", Text, primary_key=True),
    Column("fields", _Json, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    _tenant(),
    Column("receipt", Text, primary_key=True),
    Column("user_hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deleted", _Json, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    _tenant(),
    Column("recommendation_id", Text, primary_key=True),
    Column("user_id", Text),
    Column("model_version", Text, nullable=False),
    Column("experiment", Text),
    Column("items", _Json, nullable=False),
    Column("propensities", _Json, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("answers_by_time", "tenant", "at", "recommendation_id"),
    Index("answers_to_user", "tenant", "user_id"),
)

keys = Table(
    "keys",
    metadata,
    _tenant(),
    Column("key_id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", Boolean, nullable=False),
)

_IS_LIVE = text("status = 'live'")

models = Table(
    "models",
    metadata,
    _tenant(),
    Column("version", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("parent", Text),
    Column("status", Text, nullable=False),
    Column("events_until", BigInteger, nullable=False),
    Column("metrics", _Json, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index(
        "models_one_live", "tenant", unique=True, postgresql_where=_IS_LIVE, sqlite_where=_IS_LIVE
    ),
)

acts = Table(
    "acts",
    metadata,
    _tenant(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
)
