from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste import artifacts
from foretaste.errors import ArtifactError
from foretaste.models import ItemKNN
from tests.contracts.worlds import two_tastes

FILES = (
    "card.md",
    "config.yaml",
    "items.parquet",
    "manifest.json",
    "manifest.json.sha256",
    "model/item_ids.parquet",
    "model/model.safetensors",
    "model/settings.json",
    "model/user_ids.parquet",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = two_tastes()
    path = tmp_path_factory.mktemp("runs") / "first"
    return artifacts.save(ItemKNN().fit(world), path, dataset=world, config={"seed": 0})


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(original, tmp_path / "run"))


def rewrite(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest as somebody would who can compute a checksum."""
    path = run / "manifest.json"
    values = json.loads(path.read_bytes())
    change(values)
    seal(run, json.dumps(values).encode())


def seal(run: Path, content: bytes) -> None:
    (run / "manifest.json").write_bytes(content)
    line = f"{hashlib.sha256(content).hexdigest()}  manifest.json\n"
    (run / "manifest.json.sha256").write_text(line)


def replace(run: Path, name: str, content: bytes) -> None:
    """Changes a file, and its entry in the manifest with it."""
    (run / name).write_bytes(content)
    entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    rewrite(run, lambda manifest: manifest["files"].update({name: entry}))


def test_a_whole_run_is_verified(original: Path) -> None:
    files = {path.relative_to(original).as_posix() for path in original.rglob("*.*")}
    assert files == set(FILES)
    assert artifacts.verify(original) == artifacts.read_manifest(original)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(FILES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(run: Path, name: str, place: float, bit: int) -> None:
    content = (run / name).read_bytes()
    spoilt = bytearray(content)
    spoilt[int(place * len(content))] ^= 1 << bit
    (run / name).write_bytes(spoilt)
    with pytest.raises(ArtifactError) as raised:
        artifacts.load(run)
    assert str(run) in str(raised.value.file)
    (run / name).write_bytes(content)
    artifacts.verify(run)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_found(run: Path, name: str, share: float) -> None:
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ArtifactError):
        artifacts.load(run)
    (run / name).write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(ArtifactError, match=name.rpartition("/")[2]) as raised:
        artifacts.open_run(run)
    assert raised.value.hint


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([name for name in FILES if name.startswith("model/")]),
    content=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
    ).map(lambda value: json.dumps(value).encode()),
)
def test_sealed_nonsense_is_refused(original: Path, name: str, content: bytes) -> None:
    """Files with the right checksum and the wrong contents."""
    run = original.with_name("nonsense")
    shutil.copytree(original, run, dirs_exist_ok=True)
    replace(run, name, content)
    with pytest.raises(ArtifactError):
        artifacts.load(run)


@given(content=st.binary(max_size=200) | st.just(b"[" * 100_000) | st.just(b'{"format": 1}'))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_sealed_manifest_of_nonsense_is_refused(run: Path, content: bytes) -> None:
    seal(run, content)
    with pytest.raises(ArtifactError):
        artifacts.open_run(run)


def test_a_newer_format_is_refused(run: Path) -> None:
    rewrite(run, lambda manifest: manifest.update(format=artifacts.FORMAT + 1, novelty={}))
    with pytest.raises(ArtifactError, match="newer"):
        artifacts.read_manifest(run)


def test_an_unknown_model_is_refused(run: Path) -> None:
    rewrite(run, lambda manifest: manifest.update(model="oracle"))
    with pytest.raises(ArtifactError, match=r"'oracle'.*itemknn"):
        artifacts.load(run)


def test_another_models_state_is_refused(run: Path) -> None:
    rewrite(run, lambda manifest: manifest.update(model="als"))
    with pytest.raises(ArtifactError, match="can't be understood"):
        artifacts.load(run)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "model/../../secret",
        "",
        ".",
        "./card.md",
        "a//b",
        "a\\..\\b",
        "\0",
    ],
)
def test_names_stay_inside_the_folder(run: Path, name: str) -> None:
    entry = {"size": 1, "sha256": "0" * 64}
    rewrite(run, lambda manifest: manifest["files"].update({name: entry}))
    with pytest.raises(ArtifactError, match="plain name"):
        artifacts.open_run(run)


@pytest.mark.parametrize("link", ["card.md", "model"])
def test_links_out_of_the_folder_are_refused(run: Path, tmp_path: Path, link: str) -> None:
    moved = tmp_path / "elsewhere"
    (run / link).rename(moved)
    (run / link).symlink_to(moved)
    with pytest.raises(ArtifactError, match="link"):
        artifacts.open_run(run)


def test_a_run_can_be_reached_through_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(run)
    assert artifacts.load(tmp_path / "latest").name == "itemknn"


def test_unlisted_files_are_let_be(run: Path) -> None:
    (run / "notes.txt").write_text("mine")
    (run / "model" / "evil.parquet").write_text("not read")
    assert artifacts.load(run).name == "itemknn"


def test_no_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ArtifactError, match="no run"):
            artifacts.open_run(path)
