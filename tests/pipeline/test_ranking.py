from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from foretaste import artifacts
from foretaste.data import Dataset, read
from foretaste.errors import ArtifactError, ConfigError, InputError
from foretaste.models import ALS, ItemKNN
from foretaste.pipeline import (
    load_config,
    look_at_history,
    look_at_users,
    prepare,
    ranker_of,
    similar_items,
    train,
)
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.item_search import item_search
from tests.small_data import write_small_data

RULES = ["EXCLUDE item WHERE title = $title", "INCLUDE item WHERE item_id > 100"]


def saved_run(folder: Path, ranking: dict | None) -> artifacts.Run:
    data = write_small_data(folder / "my-data")
    settings = {"data": {"path": str(data)}, "model": {"name": "itemknn"}}
    if ranking is not None:
        settings["ranking"] = ranking
    dataset: Dataset = read(data)
    model = ItemKNN().fit(dataset)
    path = artifacts.save(model, folder / "run", dataset=dataset, config=settings)
    return artifacts.open_run(path)


def test_a_run_without_the_section_has_no_ranker(tmp_path: Path) -> None:
    assert ranker_of(saved_run(tmp_path, None)) is None


def test_people_are_shown_what_the_rules_leave(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, {"rules": ["EXCLUDE item WHERE title = $title"]})
    ranker = ranker_of(saved)
    plain = look_at_users(saved.model, saved.items, [2, 3], k=4)
    best = plain[0].recommendations["title"][0]
    ruled = look_at_users(
        saved.model, saved.items, [2, 3], k=4, ranker=ranker, parameters={"title": best}
    )
    assert best not in ruled[0].recommendations["title"]
    assert ruled[0].recommendations.columns == plain[0].recommendations.columns
    assert ruled[0].recommendations["rank"].to_list() == [1, 2, 3, 4]
    assert ruled[0].note is None
    kept = [title for title in plain[1].recommendations["title"] if title != best]
    assert ruled[1].recommendations["title"].to_list()[: len(kept)] == kept
    with pytest.raises(InputError, match=r"\$title"):
        look_at_history(saved.model, saved.items, [101], k=4, ranker=ranker)


def test_a_short_list_says_why(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, {"rules": ["INCLUDE item WHERE item_id < 103"]})
    person = look_at_history(saved.model, saved.items, [101], k=4, ranker=ranker_of(saved))
    assert person.recommendations["item_id"].to_list() == [102]
    assert "item_id < 103" in person.to_dict()["note"]


def test_events_are_read_from_the_run_s_data_when_a_rule_asks(tmp_path: Path) -> None:
    ranking = {"rules": ["EXCLUDE item WHERE timestamp > 0"], "seen": {"exclude": False}}
    saved = saved_run(tmp_path, ranking)
    [person] = look_at_users(saved.model, saved.items, [2], k=40, ranker=ranker_of(saved))
    seen = set(saved.model.history_of(2))
    assert set(person.recommendations["item_id"]) == set(saved.items["item_id"]) - seen
    (tmp_path / "my-data").rename(tmp_path / "gone")
    with pytest.raises(ArtifactError, match="asks about events"):
        ranker_of(saved)


def test_similar_items_are_safe_and_have_titles(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, {"safety": {"blocked_terms": ["lamp"]}})
    table = similar_items(saved, ["102"], 5, "behaviour")
    assert table.columns[:4] == ["anchor_id", "anchor_title", "item_id", "title"]
    # The people of 102, a desk, all like desks.
    assert all(title.startswith("Desk") for title in table["title"])
    assert not table["title"].str.contains("lamp").any()
    assert table["anchor_title"].unique().to_list() == ["Desk chair no. 1"]


def test_similar_items_by_their_words(tmp_path: Path) -> None:
    table = similar_items(saved_run(tmp_path, None), ["101", "103"], 5, "content")
    assert set(table["source"]) == {"content"}
    assert table["score"].max() <= 1.001


def trained_run(folder: Path, model: dict, index: dict) -> artifacts.Run:
    data = write_small_data(folder / "my-data")
    settings = {"data": {"path": str(data)}, "split": {"kind": "leave-one-out"}, "model": model}
    path = folder / "foretaste.yaml"
    path.write_text(yaml.safe_dump(settings | {"ranking": {"index": index}}))
    config = load_config(path)
    prepared = prepare(config, print)
    return artifacts.open_run(train(config, prepared, print).save(folder / "run"))


def test_a_large_catalogue_is_searched_by_an_index_that_lies_in_the_run(tmp_path: Path) -> None:
    saved = trained_run(tmp_path, {"name": "als", "factors": 4}, {"exact_up_to": 39})
    ranker = ranker_of(saved)
    assert ranker is not None
    assert ranker.pipeline.search.index is saved.index is not None
    assert (saved.index.kind, len(saved.index)) == ("ivf", 40)
    found = ranker.recommend(users=[2], k=3)
    assert "inverted lists" in found.trace.search
    assert found.table["item_id"].equals(saved.model.recommend(users=[2], k=3)["item_id"])
    file = saved.path / "index" / "lists.faiss"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"lists\.faiss"):
        artifacts.open_run(saved.path)


def test_a_run_with_an_index_has_a_ranker_without_the_section(tmp_path: Path) -> None:
    dataset = read(write_small_data(tmp_path / "my-data"))
    model = ALS(factors=4).fit(dataset)
    index = item_search(model, IndexConfig(exact_up_to=39)).index
    saved = artifacts.open_run(artifacts.save(model, tmp_path / "run", index=index))
    ranker = ranker_of(saved)
    assert ranker is not None
    assert ranker.pipeline.search.index is saved.index
    person = look_at_history(saved.model, dataset.items, [101, 103], k=4, ranker=ranker)
    plain = look_at_history(saved.model, dataset.items, [101, 103], k=4)
    assert person.recommendations["item_id"].equals(plain.recommendations["item_id"])


def test_a_small_catalogue_has_no_index(tmp_path: Path) -> None:
    saved = trained_run(tmp_path, {"name": "als", "factors": 4}, {})
    assert saved.index is None
    assert not (saved.path / "index").exists()


def test_an_index_that_can_t_be_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no products of vectors"):
        trained_run(tmp_path, {"name": "itemknn"}, {"kind": "exact"})


def test_the_section_is_checked_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "foretaste.yaml"
    base = {"data": {"path": "x"}}
    for ranking, field in (
        ({"rules": ["EXCLUDE itm"]}, "ranking.rules"),
        ({"divrsity": {}}, "ranking.divrsity"),
        ({"diversity": {"mmr": 2}}, "ranking.diversity.mmr"),
    ):
        path.write_text(yaml.safe_dump(base | {"ranking": ranking}))
        with pytest.raises(ConfigError) as raised:
            load_config(path)
        assert raised.value.field == field
        assert raised.value.file == str(path)


def test_paths_of_the_section_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "foretaste.yaml"
    harm = {"classifier": "harm.safetensors", "queue": "review.jsonl"}
    path.write_text(yaml.safe_dump({"data": {"path": "x"}, "ranking": {"safety": {"harm": harm}}}))
    found = load_config(path).ranking
    assert found is not None
    assert found.safety.harm is not None
    assert found.safety.harm.classifier == tmp_path / "harm.safetensors"
    assert found.safety.harm.queue == tmp_path / "review.jsonl"
    plain = load_config(path).plain()["ranking"]["safety"]["harm"]
    assert plain["classifier"] == str(tmp_path / "harm.safetensors")
