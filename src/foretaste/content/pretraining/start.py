"""The network that pretraining starts from: a model by name or folder, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretaste.content._network import read_layout
from foretaste.content._pretrained import loading_from
from foretaste.content._tokens import load_tokenizer
from foretaste.content._weights import find_model
from foretaste.content.pretraining.config import PretrainingConfig, ScratchConfig
from foretaste.content.pretraining.reader import Reader
from foretaste.content.trainable import load_trainable
from foretaste.errors import InputError

#: Most tokens that a network from scratch can read.
_POSITIONS = 256
_SPECIAL = {
    "unk_token": "[UNK]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class Start:
    """A reader, and the head for words that its transformer came with.

    Attributes:
        reader: Ready to be trained.
        language_model: The reader's transformer under its head for words, for "mlm".
        folder: Of the model that was started from; None from scratch.
        transformer: Where the transformer stands in that folder.
    """

    reader: Reader
    language_model: Any
    folder: Path | None
    transformer: Path


def from_model(name: str, config: PretrainingConfig) -> Start:
    """Starts from a pretrained model.

    Raises:
        InputError: There is no such model, its files are damaged, incomplete or unsafe, or it is
            of a shape that can't be trained here.
    """
    folder = find_model(name)
    layout = read_layout(folder)
    if layout is None and (folder / "modules.json").is_file():
        raise InputError(
            "this sentence-transformers model is more than a transformer with mean or first-token "
            "pooling, and can't be trained here.",
            file=folder,
            field="model",
        )
    root = folder if layout is None else layout.transformer
    with loading_from(folder):
        tokenizer, language_model = _loaded(root, config)
    most = min(config.max_tokens, 10**6 if layout is None else layout.max_tokens)
    pooling = "mean" if layout is None else layout.pooling
    transformer = language_model.base_model if config.objective == "mlm" else language_model
    reader = Reader(transformer, tokenizer, pooling, most)
    return Start(reader, language_model, folder, root.relative_to(folder))


def from_scratch(texts: Iterable[str], config: PretrainingConfig, scratch: ScratchConfig) -> Start:
    """Starts from random weights and a tokenizer that is learnt from the texts.

    WordPiece over the text as it is (Unicode is normalised, nothing is lowered): where words are
    not set apart by blanks, as in Chinese, every character starts a token of its own.
    """
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = trained_tokenizer(texts, scratch.vocabulary)
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=scratch.dimension,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        intermediate_size=4 * scratch.dimension,
        max_position_embeddings=_POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
    )
    language_model = BertForMaskedLM(shape)
    most = min(config.max_tokens, _POSITIONS)
    reader = Reader(language_model.base_model, tokenizer, "mean", most)
    return Start(reader, language_model, None, Path())


def trained_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A WordPiece tokenizer learnt from texts in any language."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.WordPiece(unk_token=_SPECIAL["unk_token"]))
    raw.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=list(_SPECIAL.values()), show_progress=False
    )
    raw.train_from_iterator(texts, trainer)
    _frame(raw)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, model_max_length=_POSITIONS, padding_side="right", **_SPECIAL
    )


def _frame(tokenizer: Any) -> None:
    """Puts the first and the separating token around texts and pairs."""
    from tokenizers.processors import TemplateProcessing

    first, last = _SPECIAL["cls_token"], _SPECIAL["sep_token"]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (first, last)],
    )


def _loaded(folder: Path, config: PretrainingConfig) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

    tokenizer = load_tokenizer(folder)
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    kind: Any = AutoModel
    if config.objective == "mlm":
        kind = AutoModelForCausalLM if tokenizer.mask_token is None else AutoModelForMaskedLM
    return tokenizer, load_trainable(kind, folder)
