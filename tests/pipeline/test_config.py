from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.errors import ConfigError
from foretaste.pipeline import RunConfig, load_config


def write(folder: Path, text: str) -> Path:
    path = folder / "foretaste.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sections_go_to_their_components(tmp_path: Path) -> None:
    text = """
    data: {path: shop, lenient: true, cleaning: {min_user_events: 5}}
    split: {kind: random, test: 0.2, seed: 3}
    model: {name: popularity}
    evaluation: {ks: [5, 20]}
    """
    config = load_config(write(tmp_path, text))
    assert config.data.path == tmp_path / "shop"
    assert config.data.cleaning.min_user_events == 5
    assert config.split.kind == "random"
    assert config.split.options == {"test": 0.2, "seed": 3}
    assert config.build_model().name == "popularity"
    assert config.evaluation.ks == (5, 20)


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, f"data: {{path: {tmp_path / 'x'}}}"))
    assert config.data.path == tmp_path / "x"


def test_overrides_go_before_the_file_and_are_yaml(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: shop}\nmodel: {name: als}")
    config = load_config(
        path, ["model.name=popularity", "evaluation.ks=[1, 3]", "data.cleaning.repeat_seconds=null"]
    )
    assert config.model.name == "popularity"
    assert config.evaluation.ks == (1, 3)
    assert config.data.cleaning.repeat_seconds is None


def test_another_model_does_not_get_the_settings_of_the_file_s(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: shop}\nmodel: {name: als, factors: 7}")
    assert load_config(path, ["model.name=popularity"]).build_model().name == "popularity"
    same = load_config(path, ["model.name=als", "model.iterations=2"]).build_model()
    assert same.config.model_dump()["factors"] == 7
    assert same.config.model_dump()["iterations"] == 2


def test_model_settings_reach_the_model(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: shop}\nmodel: {name: als, factors: 7}")
    assert load_config(path).build_model().config.model_dump()["factors"] == 7


def test_training_section_reaches_the_sequence_model_and_not_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: shop}\ntraining: {epochs: 2}\nmodel: {name: sequence}")
    config = load_config(path)
    assert config.build_model().config.model_dump()["training"]["epochs"] == 2
    assert load_config(path, ["model.name=popularity"]).build_model().name == "popularity"


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("data: {path: s, lenent: true}", "data.lenent", "lenient"),
        ("data: {path: s}\nmodle: {name: als}", "modle", "model"),
        ("data: {path: s}\nmodel: {name: alls}", "model.name", "als"),
        ("data: {path: s}\nmodel: {name: als, factor: 3}", "model.factor", "factors"),
        ("data: {path: s}\ntraining: {epoch: 3}", "training.epoch", "epochs"),
        ("data: {path: s}\nsplit: {kind: temporary}", "split.kind", "temporal"),
        ("data: {path: s}\nevaluation: {ks: [0]}", "evaluation.ks.0", "greater"),
        ("model: {name: als}", "data", "required"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(
    tmp_path: Path, text: str, field: str, words: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.file == str(path)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2", "", "data: *nothing", "!!python/none x"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.file is not None


def test_yaml_errors_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, "data: {path: s}\nmodel: [\n"))
    assert caught.value.row == 3


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    there = tmp_path / "made"
    text = f"data: !!python/object/apply:os.mkdir ['{there}']"
    with pytest.raises(ConfigError):
        load_config(write(tmp_path, text))
    assert not there.exists()


@pytest.mark.parametrize("override", ["model.name", "=x", "model.=x", ".name=x", "model.name=[1"])
def test_a_malformed_override_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, "data: {path: s}"), [override])
    assert caught.value.field == "--set"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="foretaste init"):
        load_config(tmp_path / "none.yaml")


def test_plain_settings_give_the_same_configuration(tmp_path: Path) -> None:
    text = "data: {path: s}\nmodel: {name: als, factors: 7}\nevaluation: {ks: [5]}"
    config = load_config(write(tmp_path, text))
    again = RunConfig.parse(config.plain())
    assert again.model == config.model
    assert again.evaluation == config.evaluation
    assert again.data.path == (tmp_path / "s").resolve()
    assert again.plain() == config.plain()
