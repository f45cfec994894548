"""The two-tower recommender: people and items as unit vectors, from content alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.content import TextEncoder, TextEncoderConfig
from foretaste.content.projection import Projection
from foretaste.content.unit import unit
from foretaste.data import Dataset, Ragged, Targets
from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.errors import DataError, InputError
from foretaste.models._torch import fit_network, load_weights, tensors_of
from foretaste.models.base import Tensor
from foretaste.models.content_based import profiles
from foretaste.models.reading import ContentRecommender
from foretaste.models.sequence.network import SequenceBatches
from foretaste.models.two_tower.calibration import Calibration
from foretaste.models.two_tower.network import TwoTowerNetwork
from foretaste.models.vectors import ByVectors
from foretaste.training import TrainingConfig, UniformNegatives, seeded

_VECTORS = "items.vectors"

#: People whose validation targets the chances are learnt from, and items drawn for each that
#: stand for the rest of the catalogue.
_JUDGES, _DRAWN = 5000, 100


class TwoTowerConfig(Config):
    """Settings of `TwoTower`.

    Attributes:
        content: The encoder of the items' words; None is for an encoder of one's own.
        dimension: Length of the vectors.
        length: Most recent actions read in training.
        half_life: Actions after which an action of the history counts half; None lets all count
            alike.
        temperature: Divides cosines in the loss.
        negatives: Items drawn in each step, which all positions of the batch must beat.
        seed: Of initial weights, order and negatives.
        training: The loop's settings.
    """

    content: TextEncoderConfig | None = TextEncoderConfig()
    dimension: int = Field(default=128, ge=1)
    length: int = Field(default=50, ge=1)
    half_life: float | None = Field(default=2.0, gt=0)
    temperature: float = Field(default=0.05, gt=0)
    negatives: int = Field(default=2048, ge=1)
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig(learning_rate=1e-3)


class TwoTower(ByVectors, ContentRecommender):
    """Scores an item by the cosine of its vector with the person's (Yi et al., 2019).

    The item tower reads what an item says, so one that nobody has touched is placed like any
    other. The user tower reads the items of the history as the item tower placed them, the latest
    weighted most, or a text that says what is wanted. Both start as the leading principal
    components of the content, where the score is that of `content`.

    Given validation targets, `fit` also learns what a cosine means: the chance that a person
    takes an item so near, among all items of the catalogue (`matches`).

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items, in place of the text encoder of `config.content`.
        **settings: Fields of `TwoTowerConfig`.
    """

    name = "two_tower"
    config_class = TwoTowerConfig

    config: TwoTowerConfig
    _network: TwoTowerNetwork
    _vectors: NDArray[np.float32]
    _calibration: Calibration | None

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        config = self.config
        batches = SequenceBatches(
            train.histories(), config.length, config.training.batch_tokens, config.seed
        )
        if not len(batches.sequences):
            raise DataError(
                "nobody has two events, so there is no next item to learn from.",
                hint="Give more events, or use the model content, which learns from words alone.",
            )
        contents = np.pad(unit(self.content.fit(train.items)), ((1, 0), (0, 0)))
        warm = np.flatnonzero(self.item_counts)
        start = Projection.fit(contents[warm], config.dimension).components
        with seeded(config.seed):
            network = self._new_network(torch.from_numpy(start))
        negatives = UniformNegatives(torch.from_numpy(warm), config.negatives)
        said = torch.from_numpy(contents)
        fit_network(
            self,
            network,
            batches=batches,
            loss=lambda codes: network.next_item_loss(codes, said, negatives),
            use=lambda: self._use(network, said),
            train=train,
            validation=validation,
        )
        self._calibration = None if validation is None else self._calibrated(validation)

    def matches(
        self,
        users: Sequence[str | int] | None = None,
        histories: Sequence[Sequence[str | int]] | None = None,
        texts: Sequence[str] | None = None,
        *,
        similarity: float | None = None,
        chance: float | None = None,
        exclude_seen: bool = True,
    ) -> pl.DataFrame:
        """Every item that is near enough to each person.

        Args:
            users: User ids. Or
            histories: Item ids of each person, oldest first. Or
            texts: What each person says they want.
            similarity: Least cosine, from -1 to 1. Or
            chance: Least chance, from 0 to 1, that the person takes the item next.
            exclude_seen: Leave out items that are in the person's history.

        Returns:
            Columns `user_id` (else the row number), `item_id`, `rank` (from 1), `score` (the
            cosine) and `chance` (null where that was never learnt). A person of whom nothing is
            known has no row.

        Raises:
            InputError: Not exactly one kind of person, or not exactly one threshold, is given;
                chances are asked for and `fit` had no validation targets.
        """
        near_enough = self._near_enough(similarity, chance)
        if texts is None:
            ids, rows = self.people(users, histories)
            people = self.user_vectors(rows)
        elif users is None and histories is None:
            ids, people = pl.Series(range(len(texts)), dtype=pl.Int64), self._speakers(texts)
            rows = Ragged.from_rows([] for _ in texts)
        else:
            raise InputError("give either users, histories or texts.", field="texts")
        tables = [
            self._table(
                ids.gather(block), people[block], rows.take(block), near_enough, exclude_seen
            )
            for block in self._blocks(len(rows))
        ]
        return (
            pl.concat(tables)
            if tables
            else self._table(ids, people, rows, near_enough, exclude_seen)
        )

    def recommend_texts(self, texts: Sequence[str], k: int = 10) -> pl.DataFrame:
        """The k items nearest to what each person says they want; as `matches`, without seen items.

        Raises:
            InputError: The model reads no text, or k is below 1.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        return self.matches(texts=texts, similarity=-1.0).filter(pl.col("rank") <= k)

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Unit vectors of people, float32[rows, dimension]; zero for those that say nothing."""
        return self._taken_for_people(profiles(histories, self._vectors, self.config.half_life))

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Unit vectors by item code, float32[items + 1, dimension]."""
        return self._vectors

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        added = self._placed(torch.from_numpy(unit(self.content.encode(items))))
        self._vectors = np.concatenate([self._vectors, added])

    def _tensors(self) -> dict[str, Tensor]:
        curve = {} if self._calibration is None else self._calibration.tensors()
        return {
            **tensors_of(self._network),
            **self.content.tensors(),
            **curve,
            _VECTORS: self._vectors,
        }

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._network = self._new_network(torch.from_numpy(tensors["network.items.linear"]))
        load_weights(self._network, tensors)
        self.content.restore(tensors)
        self._calibration = Calibration.restored(tensors)
        self._vectors = tensors[_VECTORS]
        if self._vectors.shape != (self.item_vocabulary.size, self.config.dimension):
            raise ValueError("the vectors do not fit the items")

    def _new_network(self, start: torch.Tensor) -> TwoTowerNetwork:
        return TwoTowerNetwork(start, self.config.half_life, self.config.temperature)

    def _use(self, network: TwoTowerNetwork, contents: torch.Tensor) -> None:
        self._network = network
        self._vectors = self._placed(contents)

    def _placed(self, contents: torch.Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self._network.items(contents).float().numpy()

    def _speakers(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encoder = self.content.encoder
        if not isinstance(encoder, TextEncoder):
            raise InputError("this model's encoder reads no texts.", field="texts")
        said = unit(encoder.without_cache().encode_texts(list(texts)))
        return self._taken_for_people(self._placed(torch.from_numpy(said)))

    def _taken_for_people(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self._network.people(torch.from_numpy(unit(sums))).float().numpy()

    def _calibrated(self, validation: Targets) -> Calibration:
        """Chances from validation targets against items drawn from the rest of the catalogue."""
        rng = np.random.default_rng(self.config.seed)
        rows = rng.permutation(np.flatnonzero(validation.histories.lengths))[:_JUDGES]
        judged = validation.take(np.sort(rows))
        catalogue = len(self.item_vocabulary)
        drawn = rng.integers(1, catalogue + 1, (len(judged), _DRAWN)).astype(np.int32)
        others = Ragged(drawn.ravel(), np.arange(len(judged) + 1) * _DRAWN)
        similar = [self.score_rows(judged.histories, part) for part in (judged.items, others)]
        return Calibration.fit(
            np.concatenate(similar),
            np.repeat([True, False], [len(part) for part in similar]),
            np.repeat([1.0, catalogue / _DRAWN], [len(part) for part in similar]),
        )

    def _near_enough(
        self, similarity: float | None, chance: float | None
    ) -> Callable[[NDArray[np.float32]], NDArray[np.bool_]]:
        if (similarity is None) == (chance is None):
            raise InputError("give either a similarity or a chance.", field="chance")
        if similarity is not None:
            return lambda scores: scores >= similarity
        calibration = self._calibration
        if calibration is None:
            raise InputError(
                "this model was fitted without validation targets, and does not know chances.",
                field="chance",
                hint="Fit it with validation=..., or give a similarity.",
            )
        return lambda scores: calibration.chance(scores) >= np.float32(chance or 0.0)

    def _table(
        self,
        ids: pl.Series,
        people: NDArray[np.float32],
        histories: Ragged,
        near_enough: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
        exclude_seen: bool,
    ) -> pl.DataFrame:
        scores = people @ self._vectors.T
        near = near_enough(scores) & people.any(axis=1, keepdims=True)
        near[:, 0] = False
        if exclude_seen:
            near[histories.row_of_value, histories.values] = False
        rows, items = np.nonzero(near)
        found = scores[rows, items]
        order = np.lexsort((items, -found, rows))
        rows, items, found = rows[order], items[order], found[order]
        chances = [None] * len(rows)
        if self._calibration is not None:
            chances = self._calibration.chance(found)
        starts = np.searchsorted(rows, rows)
        return pl.DataFrame(
            {
                USER_ID: ids.gather(rows),
                ITEM_ID: self.item_vocabulary.decode(items.astype(np.int32)),
                "rank": (np.arange(len(rows)) - starts + 1).astype(np.int32),
                "score": found,
                "chance": pl.Series(chances, dtype=pl.Float32),
            }
        )
