"""How much the live state holds, and for how long; the same wherever it is."""

from __future__ import annotations

# Events of a person; no model reads further back.
PLACES = 200

# Events of people whose history is not held are kept for whoever is reading it from the store
# just now, and may have read it before they came. No reading takes so long.
FRESH_SECONDS = 60

# Whoever has read a history before its person was forgotten must not bring it back afterwards.
FORGETTING_SECONDS = 5
