from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.artifacts import load
from foretaste.data.shop import ShopConfig
from foretaste.errors import InputError
from foretaste.pipeline import load_config
from foretaste.pipeline.demo import MODELS, Demo, make_demo
from foretaste.training import TrainingConfig

SMALL = ShopConfig(items=200, people=80, days=21)
QUICK = TrainingConfig(epochs=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "here"
    return make_demo(folder, SMALL, lambda _: None, training=QUICK)


def test_every_model_is_measured_on_the_same_split(made: Demo) -> None:
    assert [one.model.name for one in made.models] == list(MODELS)
    assert len({one.report.fingerprint for one in made.models}) == 1
    assert made.comparison.second == "sequence"
    assert made.comparison.first != "sequence"


def test_what_is_left_can_be_gone_on_from(made: Demo) -> None:
    assert (made.data / "events.csv").is_file()
    assert made.plot.read_bytes().startswith(b"\x89PNG")
    config = load_config(made.config)
    assert config.data.path.samefile(made.data)
    assert config.training.epochs == QUICK.epochs
    assert load(made.run).name == "sequence"


def test_people_are_shown_with_titles(made: Demo) -> None:
    assert len(made.people) == 3
    for person in made.people:
        assert person.recommendations["title"].null_count() == 0
        assert person.recent["title"].null_count() == 0


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        make_demo(tmp_path, SMALL, lambda _: None, training=QUICK)
    assert not list(tmp_path.iterdir())
