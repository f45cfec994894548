"""From a saved run to the ranker that its configuration describes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretaste.artifacts import CONFIG, Run
from foretaste.content import TextEncoder, TextEncoderConfig
from foretaste.data import clean, read
from foretaste.data.schema import ITEM_ID, TEXT_COLUMNS
from foretaste.errors import ArtifactError
from foretaste.pipeline.config import RunConfig
from foretaste.ranking import Catalogue, DatasetEvents, Ranker, RankingConfig, RankingPipeline
from foretaste.ranking.rules import ask_about_events
from foretaste.ranking.similar import ANCHOR, Likeness


def ranker_of(saved: Run) -> Ranker | None:
    """The ranker of a run's section `ranking`; None where it has none, and no index either.

    People's events are read from the run's data when a rule asks about them.

    Raises:
        ArtifactError: A rule asks about events, and the data is gone.
        InputError: The section does not fit the items.
    """
    config = _config_of(saved)
    ranking = config.ranking if config else None
    if ranking is None:
        if saved.index is None:
            return None
        ranking = RankingConfig(index=saved.index.config)
    return _ranker(saved, config, ranking, reads_content=ranking.reads_content)


def similar_items(saved: Run, items: Sequence[str], k: int, by: Likeness) -> pl.DataFrame:
    """Items like items, safe and under the rules of the run's section `ranking`, with titles.

    Args:
        saved: The run.
        items: Ids.
        k: Neighbours each.
        by: What likeness is taken from; a blend is of behaviour alone where items have no words.

    Returns:
        Columns `anchor_id`, `anchor_title`, `item_id`, `title`, `rank`, `score` and `source`.

    Raises:
        InputError: An item is unknown, k is below 1, or there is nothing to take likeness from.
    """
    config = _config_of(saved)
    ranking = (config.ranking if config else None) or RankingConfig()
    ranking = ranking.model_copy(update={"similar": ranking.similar.model_copy(update={"by": by})})
    worded = bool(set(TEXT_COLUMNS) & set(saved.items.columns))
    reads_content = by == "content" or (by == "blend" and worded) or ranking.reads_content
    found = _ranker(saved, config, ranking, reads_content=reads_content).similar(items, k)
    titles = saved.items.select(
        ITEM_ID, pl.col("title") if "title" in saved.items.columns else pl.lit(None).alias("title")
    )
    of_anchors = titles.rename({ITEM_ID: ANCHOR, "title": "anchor_title"})
    joined = found.join(titles, on=ITEM_ID, how="left", maintain_order="left").join(
        of_anchors, on=ANCHOR, how="left", maintain_order="left"
    )
    first = (ANCHOR, "anchor_title", ITEM_ID, "title")
    return joined.select(*first, pl.exclude(first))


def _config_of(saved: Run) -> RunConfig | None:
    if not saved.config:
        return None
    return RunConfig.parse(saved.config, file=saved.path / CONFIG)


def _ranker(
    saved: Run, config: RunConfig | None, ranking: RankingConfig, *, reads_content: bool
) -> Ranker:
    model = saved.model
    catalogue = Catalogue.of(model, saved.items)
    encoder = None
    if reads_content:
        content = (config.content if config else None) or TextEncoderConfig()
        encoder = TextEncoder.from_config(content)
        catalogue = Catalogue.of(model, saved.items, vectors=encoder.encode(catalogue.items))
    events = None
    if config is not None and (
        ranking.seen.days is not None or ask_about_events(ranking.rules, catalogue.items.schema)
    ):
        events = _events_of(config, saved)
    pipeline = RankingPipeline(
        ranking,
        catalogue,
        model,
        events=None if events is None else events.schema,
        encoder=encoder,
        index=saved.index,
    )
    return Ranker(pipeline, events=events)


def _events_of(config: RunConfig, saved: Run) -> DatasetEvents:
    if not config.data.path.exists():
        raise ArtifactError(
            f"a rule asks about events, and the data of this run is not at {config.data.path}.",
            file=saved.path,
        )
    dataset, _ = clean(read(config.data), config.data.cleaning)
    return DatasetEvents(dataset)
