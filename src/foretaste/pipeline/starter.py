"""The configuration that `foretaste init` writes: everything a beginner may want to change."""

from __future__ import annotations

import json
import os
from pathlib import Path

from foretaste.data import SplitKind, inspect
from foretaste.models import MODELS
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
    inspection = inspect(data)
    if inspection.layout is None:
        raise inspection.problems[0].error()
    description = inspection.description
    wordless = description is not None and description.items_without_text == description.items
    return _TEMPLATE.format(
        path=json.dumps(os.path.relpath(data, folder), ensure_ascii=False),
        layout=inspection.layout,
        split=split or ("temporal" if inspection.clock == "time" else "leave-one-out"),
        training=training or TrainingConfig(),
        content=_NOT_READING if wordless else _READING,
        models=", ".join(MODELS),
    )
