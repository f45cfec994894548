"""A tiny pretrained model, made on the spot: random weights, a real tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

WORDS = ("red", "blue", "nail", "polish", "lamp", "desk", "garden", "chair", "the", "a", ".", ",")
MAX_POSITIONS = 48


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a plain Hugging Face BERT with 16 dimensions."""
    return write_plain_model(tmp_path_factory.mktemp("bert"))


def write_plain_model(folder: Path) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    vocabulary += [*letters.replace("a", "", 1), *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizer.from_pretrained(str(folder), model_max_length=MAX_POSITIONS)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_POSITIONS,
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.fixture
def sentence_model(plain_model: Path, tmp_path: Path) -> Path:
    """The same network as a sentence-transformers model: first token, unit length."""
    folder = tmp_path / "sentence-model"
    shutil.copytree(plain_model, folder)
    kinds = ("Transformer", "Pooling", "Normalize")
    paths = ("", "1_Pooling", "2_Normalize")
    write_json(
        folder / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (kind, path) in enumerate(zip(kinds, paths, strict=True))
        ],
    )
    write_json(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": 16,
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": False,
        },
    )
    (folder / "2_Normalize").mkdir()
    return folder


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
