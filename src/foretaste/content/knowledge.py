"""What relations add to the vectors of items: smoothing over a graph, and TransE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize

from foretaste.config import Config
from foretaste.content._fitted import Array, FittedEncoder
from foretaste.content.base import Encoder
from foretaste.content.unit import unit
from foretaste.data.relations import HEAD, RELATION, TAIL
from foretaste.data.schema import ITEM_ID
from foretaste.errors import DataError
from foretaste.training import TrainingConfig, seeded, train_network

Vectors = NDArray[np.float32]

_TAILS: Final = "tails"
_RELATIONS: Final = "relations"


class RelationConfig(Config):
    """Settings of `RelationEncoder`.

    Attributes:
        method: "smoothing": an item moves towards the mean of what it is related to, where a
            tail is the mean of the items that have it; "transe": relations are translations in a
            space of their own (Bordes et al., "Translating embeddings", 2013), whose vectors stand
            beside the encoder's.
        strength: Weight of what relations say against what the item says, which counts 1.
        dimension: Of TransE's vectors.
        margin: Of TransE's loss, by which true triples should be closer than false ones.
        seed: Of TransE.
        training: Of TransE; `batch_tokens` are triples.
    """

    method: Literal["smoothing", "transe"] = "smoothing"
    strength: float = Field(default=0.5, gt=0)
    dimension: int = Field(default=64, ge=2)
    margin: float = Field(default=1.0, gt=0)
    seed: int = 0
    training: TrainingConfig = TrainingConfig(
        epochs=20, batch_tokens=1024, learning_rate=1e-2, warmup_steps=20, average=0
    )


class RelationEncoder(FittedEncoder):
    """Adds to an encoder's vectors what a table of relations says of the items.

    An item without relations has the encoder's vector, one that says nothing itself has what its
    relations say. New items need no new fit where their triples are in the table and name tails
    that were there: a tail's vector stays as it was fitted.

    Args:
        encoder: Gives the vectors.
        relations: Triples, as `foretaste.data.relations.read_relations` gives them.
        config: Settings, or give them by keyword.
        **settings: Fields of `RelationConfig`.

    Raises:
        ConfigError: A setting is unknown or does not fit.
    """

    def __init__(
        self,
        encoder: Encoder,
        relations: pl.DataFrame,
        config: RelationConfig | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.config = config or RelationConfig.parse(settings)
        self._encoder = encoder
        self._triples = relations.select(HEAD, RELATION, TAIL).sort(HEAD, RELATION, TAIL)
        self._names = {column: self._triples[column].unique().sort() for column in (RELATION, TAIL)}
        self._tails = np.empty((0, 0), np.float32)
        self._translations = np.empty((0, 0), np.float32)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        extra = self.config.dimension if self.config.method == "transe" else 0
        return self._encoder.dimension + extra

    def fit(self, items: pl.DataFrame) -> Self:
        """Learns the vectors of tails from a catalogue.

        Raises:
            DataError: No triple has an item of the catalogue as its head.
        """
        rows, tails, relations = self._places(items)
        if not len(rows):
            raise DataError(
                "no relation is of an item of the catalogue: no head is one of their ids.",
                field=HEAD,
            )
        if self.config.method == "smoothing":
            mean = _means(tails, rows, (len(self._names[TAIL]), len(items)))
            tensors = {_TAILS: np.asarray(mean @ unit(self._encoder.encode(items)), np.float32)}
        else:
            network = self._translate(rows, relations, tails, len(items))
            tensors = {
                _TAILS: network.entities.weight.detach().numpy()[len(items) :],
                _RELATIONS: network.relations.weight.detach().numpy(),
            }
        self._take(tensors)
        return self

    def encode(self, items: pl.DataFrame) -> Vectors:
        """Vectors of a table of items with ids, float32[rows, dimension], unit length or zero.

        Raises:
            NotFittedError: `fit` or `load` was not called.
            DataError: The table has no column `item_id`.
        """
        self._fitted()
        own = unit(self._encoder.encode(items))
        rows, tails, relations = self._places(items)
        # What a triple says of its head: its tail, less the translation that leads there.
        said = self._tails[tails]
        if self.config.method == "transe":
            said = said - self._translations[relations]
        mean = _means(rows, np.arange(len(rows)), (len(items), len(rows)))
        related = unit((mean @ said).astype(np.float32)) * np.float32(self.config.strength)
        if self.config.method == "smoothing":
            return unit(np.add(own, related, dtype=np.float32))
        return unit(np.concatenate([own, related], axis=1, dtype=np.float32))

    def _places(self, items: pl.DataFrame) -> tuple[NDArray[np.int64], ...]:
        """Rows of items, numbers of tails and of relations, of the triples about these items."""
        if ITEM_ID not in items.columns:
            raise DataError("the items have no ids to look relations up by.", field=ITEM_ID)
        heads = items.select(pl.col(ITEM_ID).cast(pl.String).alias(HEAD)).with_row_index("row")
        found = heads.join(self._triples, on=HEAD, maintain_order="left_right")
        numbers = [found["row"].cast(pl.Int64).to_numpy()]
        for column in (TAIL, RELATION):
            names = self._names[column]
            numbered = pl.DataFrame({column: names, "number": np.arange(len(names))})
            joined = found.join(numbered, on=column, how="left", maintain_order="left")
            numbers.append(joined["number"].cast(pl.Int64).to_numpy())
        return tuple(numbers)

    def _translate(
        self,
        rows: NDArray[np.int64],
        relations: NDArray[np.int64],
        tails: NDArray[np.int64],
        items: int,
    ) -> TransE:
        triples = torch.from_numpy(np.stack([rows, relations, tails + items], axis=1))
        config, size = self.config, self.config.training.batch_tokens
        with seeded(config.seed):
            network = TransE(
                items + len(self._names[TAIL]), len(self._names[RELATION]), config.dimension
            )

        def batches(epoch: int) -> Iterator[Tensor]:
            order = np.random.default_rng((config.seed, epoch)).permutation(len(triples))
            for start in range(0, len(order), size):
                yield triples[torch.from_numpy(order[start : start + size])]

        train_network(
            network,
            batches=batches,
            loss=lambda batch: network.loss(batch, items, config.margin),
            validate=None,
            config=config.training,
            seed=config.seed,
        )
        return network

    def _settings(self) -> tuple[object, ...]:
        triples = self._triples.write_csv()
        return self._encoder.fingerprint, self.config.model_dump_json(), triples

    def _use(self, tensors: Mapping[str, Array]) -> None:
        self._tails = tensors[_TAILS]
        self._translations = tensors.get(_RELATIONS, self._translations)


class TransE(nn.Module):
    """Entities as points, relations as translations: head + relation is near tail.

    Args:
        entities: Items first, then tails.
        relations: Number of them.
        dimension: Length of the vectors.
    """

    def __init__(self, entities: int, relations: int, dimension: int) -> None:
        super().__init__()
        self.entities = nn.Embedding(entities, dimension)
        self.relations = nn.Embedding(relations, dimension)
        for table in (self.entities, self.relations):
            nn.init.uniform_(table.weight, -6 / dimension**0.5, 6 / dimension**0.5)

    def loss(self, triples: Tensor, items: int, margin: float) -> Tensor:
        """Mean margin loss of int64[n, 3] against triples with another tail, drawn at random."""
        heads, relations, tails = triples.unbind(1)
        others = torch.randint(items, self.entities.num_embeddings, tails.shape)
        true, false = (self._distance(heads, relations, ends) for ends in (tails, others))
        return torch.relu(margin + true - false).mean()

    def _distance(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        start, end = (normalize(self.entities(codes), dim=1) for codes in (heads, tails))
        return (start + self.relations(relations) - end).norm(dim=1)


def _means(groups: NDArray[np.int64], members: NDArray[np.int64], shape: tuple[int, int]) -> Any:
    """A sparse matrix whose product with vectors of members is the mean over each group."""
    sizes = np.bincount(groups, minlength=shape[0])
    weights = (1 / np.maximum(sizes, 1))[groups].astype(np.float32)
    return sp.csr_array((weights, (groups, members)), shape)
