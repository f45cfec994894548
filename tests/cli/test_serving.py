"""`foretaste keys`, `models`, `refit` and `doctor`, over a store on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.serving import Service, ServingConfig, load_serving_config
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Event
from tests.cli.conftest import Shell


@pytest.fixture
def store(trained: Path, tmp_path: Path) -> Path:
    """A store whose registry has the run as its live model."""
    path = tmp_path / "store.db"
    Service(ServingConfig.parse({"store": str(path)}), trained / "runs" / "first").close()
    return path


def test_a_key_is_printed_once_listed_and_revoked(shell: Shell, store: Path) -> None:
    secret = shell.run("keys", "add", "shop", "--role", "ingest", "--store", store).strip()
    assert secret.startswith("ft_")
    [key] = shell.json("keys", "list", "--store", store)["keys"]
    assert (key["name"], key["role"], key["revoked"]) == ("shop", "ingest", False)
    assert secret.rpartition("_")[2] not in shell.run("keys", "list", "--store", store)
    shell.run("keys", "revoke", key["key_id"], "--store", store)
    assert shell.json("keys", "list", "--store", store)["keys"][0]["revoked"]
    assert "no key 'nobody'" in shell.fails("keys", "revoke", "nobody", "--store", store)


def test_models_are_registered_promoted_and_rolled_back(
    shell: Shell, store: Path, trained: Path, tmp_path: Path
) -> None:
    config = trained / "foretaste.yaml"
    shell.run("train", config, "--set", "model.name=ease", "--name", "e", "--runs", tmp_path)
    shell.run("models", "add", tmp_path / "e", "--store", store)

    def statuses() -> dict[str, str]:
        listed = shell.json("models", "list", "--store", store)["models"]
        return {model["version"]: model["status"] for model in listed}

    assert statuses() == {"first": "live", "e": "candidate"}
    shell.run("models", "promote", "e", "--store", store)
    assert statuses() == {"first": "retired", "e": "live"}
    shell.run("models", "rollback", "--store", store)
    assert statuses() == {"first": "live", "e": "retired"}
    assert "first" in shell.run("models", "list", "--store", store)
    assert "none" in shell.fails("models", "promote", "none", "--store", store)


def test_refit_says_what_it_did(shell: Shell, store: Path, tmp_path: Path) -> None:
    assert "Nothing done" in shell.run("refit", tmp_path / "runs", "--store", store)
    config = tmp_path / "service.yaml"
    config.write_text("refit: {least_events: 50, holdout: 0.25}\n")
    events = [
        Event(
            f"e{n}", str(2000 + n % 40), str(101 + 2 * ((7 * n + n // 40) % 20) + n % 2), 10**12 + n
        )
        for n in range(400)
    ]
    open_store(str(store)).add_events(events)
    out = shell.run("refit", tmp_path / "runs", "--store", store, "--config", config)
    assert "NDCG@10 of 40 people's later events" in out
    version = shell.json("models", "list", "--store", store)["models"][-1]["version"]
    assert version in out
    assert (tmp_path / "runs" / version / "manifest.json").is_file()


def test_doctor_tells_and_fails_where_something_is_wrong(
    shell: Shell, store: Path, tmp_path: Path
) -> None:
    found = shell.json("doctor", "--store", store)["findings"]
    assert {finding["level"] for finding in found} == {"ok"}
    assert "no model is live" in shell.run("doctor", "--store", tmp_path / "new.db", exit_code=1)


def test_settings_come_from_file_environment_and_options_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("port: 1\nstore: file.db\ntenant: ours\n")
    monkeypatch.setenv("FORETASTE_STORE", "environment.db")
    config = load_serving_config(path, {"port": 2, "host": None})
    assert (config.port, config.tenant) == (2, "ours")
    assert config.store.get_secret_value() == "environment.db"
    assert "environment.db" not in repr(config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 1", "Did you mean 'port'?"),
        ("- a", "a configuration is made of settings"),
        ("a: [", "can't be read as YAML"),
        ("certificate: c.pem", "go together"),
        ("experiment: {name: e, variants: [{name: a}]}", "at least 2"),
    ],
)
def test_a_wrong_setting_is_named(shell: Shell, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(text)
    line = shell.fails("keys", "list", "--config", path)
    assert said in line
    assert "service.yaml" in line


def test_others_are_not_let_in_without_a_key(shell: Shell, trained: Path, tmp_path: Path) -> None:
    run, store = trained / "runs" / "first", tmp_path / "store.db"
    line = shell.fails("serve", run, "--host", "0.0.0.0", "--port", 0, "--store", store)
    assert "no key has been made" in line
