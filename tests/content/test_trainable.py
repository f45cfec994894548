"""Transformers to train further: found as encoders find them, and as safely."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from foretaste.content import trainable_transformer
from foretaste.errors import InputError


def test_a_packaged_model_is_found_below_its_sentence_layout() -> None:
    tokenizer, network = trainable_transformer("all-MiniLM-L6-v2")
    assert network.config.hidden_size == 384
    assert tokenizer("a red lamp")["input_ids"][0] == tokenizer.cls_token_id
    assert all(weight.requires_grad for weight in network.parameters())


@pytest.mark.parametrize(
    ("lost", "told"),
    [("tokenizer.json", "tokenizer is missing"), ("model.safetensors", "no weights")],
)
def test_a_folder_that_lacks_files_is_named(
    plain_model: Path, tmp_path: Path, lost: str, told: str
) -> None:
    folder = Path(shutil.copytree(plain_model, tmp_path / "model"))
    (folder / lost).unlink()
    (folder / "vocab.txt").unlink(missing_ok=True)
    with pytest.raises(InputError, match=told) as caught:
        trainable_transformer(str(folder))
    assert str(folder) in str(caught.value)
