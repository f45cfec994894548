"""The configuration that `foretaste init` writes: everything a beginner may want to change."""

from __future__ import annotations

import json
import os
from pathlib import Path

from foretaste.data import Description, Inspection, SplitKind, inspect
from foretaste.data.schema import EVENT_VALUE, LABEL, SESSION_ID
from foretaste.errors import DataError
from foretaste.models import MODELS
from foretaste.models.interest.bodies import BODIES
from foretaste.training import TrainingConfig

_TEMPLATE = """\
# What a run of Foretaste depends on. Settings that are left out have their defaults; one that is
# misspelt is an error. Paths are taken from the folder of this file.
#
#   foretaste check foretaste.yaml    what is understood of the data, and what is wrong with it
#   foretaste train foretaste.yaml    trains, measures, writes runs/<name>/
#   ... --set training.epochs=5       goes before a setting of this file

data:
  path: {path}
  layout: {layout}    # as recognised; auto looks again
  # Where the columns of your files have other names than these:
  # columns:
  #   events: {{user_id: customer, item_id: sku, timestamp: when}}
  #   items: {{item_id: sku, title: name}}
  # time_unit: auto    # s or ms where that can't be told; order where only the order counts
  # lenient: false     # true passes over rows that can't be understood, and counts them
  cleaning:            # every rule says in the report what it took
    impossible_times: true
    exact_duplicates: true
    repeat_seconds: 60             # the same action on the same item again; null: keep all
    hyperactive_deviations: null   # 5 takes out accounts as busy as robots
    min_user_events: 1             # 5 and 5 is the 5-core of the literature
    min_item_events: 1

split:
  kind: {split}    # temporal (real times), leave-one-out, random (by user) or item-cold

{content}

model:
  name: sequence   # one of: {models}
  seed: 0

training:          # of the sequence model
  epochs: {training.epochs}      # at most; it stops when, for so many epochs as patience says,
  patience: {training.patience}     # the validation targets were foreseen no better
  validation_users: {training.validation_users}    # at most so many people are asked for that

# ranking:         # of foretaste recommend; without it, the model's own list is given
#   rules:         # fields are columns of the items and of people's events
#     - EXCLUDE item WHERE event_type IN ("purchase")
#     - INCLUDE item WHERE category = $category AND price <= $max
#   safety: {{blocked_items: [], blocked_terms: []}}
#   diversity: {{mmr: 0.2}}    # sliders from 0 to 1: mmr, dpp, xquad, calibration, category_cap,
#                            # popularity

evaluation:
  ks: [10]         # lengths of list
"""

_INTEREST = """\
# What a run of interest prediction depends on: how likely is somebody to act on an item, here and
# now. Settings that are left out have their defaults; one that is misspelt is an error. Paths are
# taken from the folder of this file.
#
#   foretaste train FILE       trains, measures, writes runs/<name>/
#   foretaste compare FILE     several bodies side by side
#   foretaste predict RUN --pairs pairs.csv

task: interest

data:
  path: {path}
  layout: {layout}    # as recognised; auto looks again

model:
  question: {question}
  bodies: [trees]    # of several the mean counts. There are: {bodies}
  content: {content}    # how the words of items become vectors
  # features: {{context: [device]}}    # columns of the events that are read; by default all
  calibration: platt
  seed: 0

split:             # in time, where no column 'part' says it
  validation: 0.1
  test: 0.1
"""


_READING = """\
content:           # how the words of items become vectors; null: learn from behaviour alone
  model: all-MiniLM-L6-v2    # comes with the package; or any sentence-transformers name or folder\
"""
_NOT_READING = "content: null      # the items have no words to learn from"


def starter_config(
    data: Path,
    folder: Path,
    *,
    split: SplitKind | None = None,
    training: TrainingConfig | None = None,
) -> str:
    """A commented configuration from the data it sees, as YAML.

    Args:
        data: A folder or file of events and items.
        folder: Where the configuration will stand; the path to the data is taken from there.
        split: How to divide the data; by default as fits its timestamps.
        training: How to train; by default as `TrainingConfig` says.

    Raises:
        DataError: There is no such data, or its layout is not recognised.
    """
    inspection, description = _understood(data)
    return _TEMPLATE.format(
        path=_from(folder, data),
        layout=inspection.layout,
        split=split or ("temporal" if inspection.clock == "time" else "leave-one-out"),
        training=training or TrainingConfig(),
        content=_READING if _has_words(description) else _NOT_READING,
        models=", ".join(MODELS),
    )


def interest_starter_config(data: Path, folder: Path) -> str:
    """A commented configuration of interest prediction, from the data it sees, as YAML.

    Args:
        data: A folder or file of events and items.
        folder: Where the configuration will stand; the path to the data is taken from there.

    Raises:
        DataError: There is no such data, its layout is not recognised, or nothing in it says
            what people did not act on.
    """
    inspection, description = _understood(data)
    if description is None:
        raise inspection.problems[0].error()
    return _INTEREST.format(
        path=_from(folder, data),
        layout=inspection.layout,
        question=_question(data, description),
        content="{model: all-MiniLM-L6-v2}" if _has_words(description) else "null",
        bodies=", ".join(BODIES),
    )


def _understood(data: Path) -> tuple[Inspection, Description | None]:
    inspection = inspect(data)
    if inspection.layout is None:
        raise inspection.problems[0].error()
    return inspection, inspection.description


def _from(folder: Path, data: Path) -> str:
    return json.dumps(os.path.relpath(data, folder), ensure_ascii=False)


def _has_words(description: Description | None) -> bool:
    return description is None or description.items_without_text < description.items


def _question(data: Path, description: Description) -> str:
    """What is asked, and how else it could be."""
    types = [json.dumps(kind, ensure_ascii=False) for kind in description.event_types]
    if LABEL in description.event_columns:
        return f"{{column: {LABEL}}}    # 0 or 1"
    if SESSION_ID in description.event_columns and len(types) > 1:
        shown, first, *rest = types
        asked = f"{{shown: {shown}, acted: {first}}}    # is the one followed by the other"
        if not rest:
            return asked
        goals = "".join(f"\n  #     {kind}: {{acted: {kind}}}" for kind in (first, *rest))
        return f"{asked}\n  # or several goals at once:\n  # question:\n  #   shown: {shown}\n" + (
            f"  #   goals:    # after: NAME says what must come first{goals}"
        )
    if EVENT_VALUE in description.event_columns:
        return f"{{column: {EVENT_VALUE}, above: 3}}"
    raise DataError(
        "nothing in the events says what people did not act on.",
        file=data,
        hint=f"Give a column '{LABEL}' of 0 and 1, ratings, or event types with '{SESSION_ID}'.",
    )
