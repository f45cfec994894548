"""From a saved run to the ranker that its configuration describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from foretaste.artifacts import CONFIG, Run
from foretaste.artifacts.later import harm_of, restore_experience, save_experience
from foretaste.content import TextEncoder, TextEncoderConfig
from foretaste.data import clean, read
from foretaste.data.schema import ITEM_ID, TEXT_COLUMNS
from foretaste.errors import ArtifactError, InputError
from foretaste.pipeline.config import RunConfig
from foretaste.ranking import (
    Catalogue,
    DatasetEvents,
    EventLog,
    PageStore,
    Ranker,
    RankingConfig,
    RankingPipeline,
)
from foretaste.ranking.exploration import checked_rewards
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.paging import PagingConfig
from foretaste.ranking.rules import ask_about_events
from foretaste.ranking.safety import SafetyGate
from foretaste.ranking.similar import ANCHOR, Likeness


def ranker_of(saved: Run) -> Ranker | None:
    """The ranker of a run, with what its bandit has learnt; None where it needs none.

    It needs one where it has a section `ranking`, an index, or a classifier of harmful items.
    People's events are read from the run's data when a rule asks about them.

    Raises:
        ArtifactError: A rule asks about events, and the data is gone.
        InputError: The section does not fit the items.
    """
    config = config_of(saved)
    ranking = ranking_of(saved, config)
    if ranking is None:
        return None
    reads_content = ranking.reads_content
    ranker = _ranker(saved, config, ranking, reads_content=reads_content)
    restore_experience(saved, ranker)
    return ranker


def ranking_of(saved: Run, config: RunConfig | None) -> RankingConfig | None:
    """How a run ranks: its section `ranking`, its index, and the classifier trained for it.

    Raises:
        ArtifactError: The settings of the classifier can't be understood.
    """
    ranking, harm = config.ranking if config else None, harm_of(saved)
    if ranking is None:
        if saved.index is None and harm is None:
            return None
        ranking = RankingConfig(index=saved.index.config if saved.index else IndexConfig())
    theirs = ranking.safety.harm
    if harm is None or (theirs is not None and theirs.classifier is not None):
        return ranking
    safety = ranking.safety.model_copy(update={"harm": harm})
    return ranking.model_copy(update={"safety": safety})


def serving_ranker(
    saved: Run,
    *,
    blocked: Sequence[str | int] = (),
    live: Callable[[EventLog | None], EventLog],
    pages: PageStore,
) -> Ranker:
    """The ranker of a run for a service, whose catalogue and events go on.

    Without a section `ranking` it gives the model's own lists. Lists are kept for later pages in
    any case.

    Args:
        saved: The run; its model and catalogue may have gone on (`Run.gone_on`).
        blocked: Ids that are no longer shown, beside those of the configuration.
        live: Makes the log of events out of that of the run's data (None where no rule asks).
        pages: Where lists are kept.

    Raises:
        ArtifactError: A rule asks about events, and the data of the run is gone.
        InputError: The section does not fit the items.
    """
    config = config_of(saved)
    ranking = ranking_of(saved, config) or RankingConfig()
    blocked = (*ranking.safety.blocked_items, *blocked)
    ranking = ranking.model_copy(
        update={
            "safety": ranking.safety.model_copy(update={"blocked_items": blocked}),
            "paging": ranking.paging or PagingConfig(),
        }
    )
    ranker = _ranker(
        saved,
        config,
        ranking,
        reads_content=ranking.reads_content,
        live=live,
        pages=pages,
    )
    restore_experience(saved, ranker)
    return ranker


def learn_from_feedback(saved: Run, feedback: pl.DataFrame) -> Ranker:
    """Lets the bandit of a run learn what came of items that were shown, and keeps it.

    The same feedback given twice counts twice.

    Args:
        saved: The run.
        feedback: `item_id` and `reward`, from 0 to 1: a row for every item that was shown, as
            `foretaste.ranking.exploration.rewards_of` makes it from logs.

    Returns:
        The ranker of the run, which goes by it.

    Raises:
        InputError: Nothing explores.
        DataError: A column is missing, an item is unknown, or a reward outside; nothing is learnt.
        ArtifactError: What was kept is damaged or of another policy, or can't be written.
    """
    ranker = ranker_of(saved)
    if ranker is None:
        raise InputError("the run has no section 'ranking', so nothing explores.", file=saved.path)
    bandit, _ = ranker.pipeline.exploring
    bandit.update(*checked_rewards(feedback, ranker.pipeline.catalogue.vocabulary))
    save_experience(saved, ranker)
    return ranker


def safe_items(saved: Run) -> pl.Series:
    """Ids of the items that a run may show to people whose age is not known.

    Raises:
        InputError: The section `ranking.safety` does not fit the items.
    """
    config = config_of(saved)
    safety = (ranking_of(saved, config) or RankingConfig()).safety
    encoder = None if safety.harm is None else encoder_of_items(config)
    catalogue = Catalogue.of(saved.model, saved.items)
    allowed = SafetyGate(safety, catalogue, encoder).allowed()
    return catalogue.vocabulary.ids.filter(pl.Series(allowed[1:]))


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
    config = config_of(saved)
    ranking = ranking_of(saved, config) or RankingConfig()
    ranking = ranking.model_copy(update={"similar": ranking.similar.model_copy(update={"by": by})})
    worded = bool(set(TEXT_COLUMNS) & set(saved.items.columns))
    reads_content = by == "content" or (by == "blend" and worded) or ranking.reads_content
    ranker = _ranker(saved, config, ranking, reads_content=reads_content)
    found = ranker.similar(items, k)
    titles = saved.items.select(
        ITEM_ID, pl.col("title") if "title" in saved.items.columns else pl.lit(None).alias("title")
    )
    of_anchors = titles.rename({ITEM_ID: ANCHOR, "title": "anchor_title"})
    joined = found.join(titles, on=ITEM_ID, how="left", maintain_order="left").join(
        of_anchors, on=ANCHOR, how="left", maintain_order="left"
    )
    first = (ANCHOR, "anchor_title", ITEM_ID, "title")
    return joined.select(*first, pl.exclude(first))


def config_of(saved: Run) -> RunConfig | None:
    """The settings of a run; None where it was saved without."""
    if not saved.config:
        return None
    return RunConfig.parse(saved.config, file=saved.path / CONFIG)


def encoder_of_items(config: RunConfig | None) -> TextEncoder:
    """What the items of a run are read with in ranking."""
    return TextEncoder.from_config((config.content if config else None) or TextEncoderConfig())


def _ranker(
    saved: Run,
    config: RunConfig | None,
    ranking: RankingConfig,
    *,
    reads_content: bool,
    live: Callable[[EventLog | None], EventLog] | None = None,
    pages: PageStore | None = None,
) -> Ranker:
    model, items = saved.model, saved.items
    catalogue = Catalogue.of(model, items)
    encoder = None
    if reads_content:
        encoder = encoder_of_items(config)
        catalogue = Catalogue.of(model, items, vectors=encoder.encode(catalogue.items))
    events: EventLog | None = None
    if config is not None and (
        ranking.seen.days is not None or ask_about_events(ranking.rules, catalogue.items.schema)
    ):
        events = _events_of(config, saved)
    if live is not None:
        events = live(events)
    pipeline = RankingPipeline(
        ranking,
        catalogue,
        model,
        events=None if events is None else events.schema,
        encoder=encoder,
        index=saved.index,
    )
    return Ranker(pipeline, events=events, store=pages)


def _events_of(config: RunConfig, saved: Run) -> DatasetEvents:
    if not config.data.path.exists():
        raise ArtifactError(
            f"a rule asks about events, and the data of this run is not at {config.data.path}.",
            file=saved.path,
        )
    dataset, _ = clean(read(config.data), config.data.cleaning)
    return DatasetEvents(dataset)
