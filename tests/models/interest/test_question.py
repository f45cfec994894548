from __future__ import annotations

import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.errors import ConfigError, DataError
from foretaste.models.interest import QuestionConfig, divide, labelled
from foretaste.models.interest.answers import Answers
from foretaste.models.interest.labels import with_session_position
from foretaste.models.interest.question import goals_of, is_answer

EVENTS = pl.DataFrame(
    [
        ("a", "x", 10, "view", "s1"),
        ("a", "x", 15, "cart", "s1"),
        ("a", "y", 20, "view", "s1"),
        ("a", "x", 30, "view", "s1"),
        ("a", "z", 40, "view", "s2"),
        ("a", "y", 50, "cart", "s2"),
    ],
    schema=["user_id", "item_id", "timestamp", "event_type", "session_id"],
    orient="row",
)


def test_a_look_is_answered_by_the_action_after_it_in_its_session() -> None:
    found = labelled(Dataset.from_tables(EVENTS), QuestionConfig(shown="view", acted="cart"))
    rows = found.events.select("item_id", "timestamp", "label", "known_at").rows()
    assert rows == [("x", 10, 1, 15), ("y", 20, 0, 30), ("x", 30, 0, 30), ("z", 40, 0, 50)]


def test_a_column_above_a_number() -> None:
    events = EVENTS.with_columns(event_value=pl.Series([5.0, 1, 3, 4, None, 2]))
    question = QuestionConfig(column="event_value", above=3)
    found = labelled(Dataset.from_tables(events), question)
    assert found.events["label"].to_list() == [1, 0, 0, 1, 0]
    assert found.events["known_at"].equals(found.events["timestamp"], check_names=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "label"),
        ({"column": "device"}, "device"),
        ({"column": "item_id"}, "not numbers"),
        ({"shown": "view", "acted": "purchase"}, "purchase"),
    ],
)
def test_what_is_not_there_is_named(settings: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        labelled(Dataset.from_tables(EVENTS), QuestionConfig(**settings))


def test_settings_that_contradict_each_other() -> None:
    acted = {"shown": "view", "acted": "cart"}
    for settings in ({"shown": "view"}, {"column": "a", **acted}, {"grade": "a", **acted}):
        with pytest.raises(ConfigError):
            QuestionConfig.parse(settings)


def test_parts_follow_each_other_in_time() -> None:
    shop = generate(ShopConfig(items=200, people=120)).dataset
    found = divide(labelled(shop, QuestionConfig(shown="view", acted="cart")))
    assert found.kind == "temporal"
    times = [part.timestamps for part in (found.train, found.validation, found.test)]
    assert times[0].max() < times[1].min() <= times[1].max() < times[2].min()
    assert len(found.known("streaming")) == sum(map(len, times))
    assert len(found.known("train")) == len(found.train)


def test_published_parts_are_kept() -> None:
    events = EVENTS.with_columns(
        label=pl.Series([0, 1, 0, 1, 0, 1]),
        part=pl.Series(["train", "test", "train", "validation", "train", "test"]),
    )
    found = divide(labelled(Dataset.from_tables(events), QuestionConfig()))
    assert [len(part) for part in (found.train, found.validation, found.test)] == [3, 1, 2]
    strange = events.with_columns(part=pl.lit("train"))
    with pytest.raises(DataError, match="validation"):
        divide(labelled(Dataset.from_tables(strange), QuestionConfig()))


def test_places_in_sessions() -> None:
    found = with_session_position(EVENTS.sample(fraction=1, shuffle=True, seed=1))
    in_order = found.sort("timestamp")["session_position"].to_list()
    assert in_order == [0, 1, 2, 3, 0, 1]


def graded(stars: list[float | None]) -> Dataset:
    n = len(stars)
    table = {"user_id": range(n), "item_id": range(n), "timestamp": range(n), "stars": stars}
    return Dataset.from_tables(pl.DataFrame(table))


def test_stars_are_known_with_the_label_and_are_no_context() -> None:
    config = QuestionConfig(column="stars", above=3)
    events = labelled(graded([1, 4, 5, None]), config).events
    assert events["label"].to_list() == [0, 1, 1]
    assert events["grade"].to_list() == [1, 4, 5]
    assert "stars" not in events.columns
    assert is_answer("grade")
    assert is_answer("grade:click")


def test_a_grade_that_is_missing_is_what_is_usual_for_its_label() -> None:
    data = graded([2, 4, 5, None, None])
    events = data.events.with_columns(label=pl.Series([0, 1, 1, 1, 0]))
    data = Dataset.from_tables(events)
    found = labelled(data, QuestionConfig(grade="stars"))
    goals = goals_of(QuestionConfig(grade="stars"), rating=False)
    answers = Answers.seeing(goals, found.events)
    assert answers.grades_of(0, found.events) == pytest.approx([0, 2 / 3, 1, 2.5 / 3, 0])
    again = Answers.restored(goals, answers.tensors())
    assert (again.grades_of(0, found.events) == answers.grades_of(0, found.events)).all()


def test_grades_that_tell_nothing_are_an_error() -> None:
    data = graded([4, 4])
    data = Dataset.from_tables(data.events.with_columns(label=pl.Series([0, 1])))
    config = QuestionConfig(grade="stars")
    found = labelled(data, config)
    with pytest.raises(DataError, match="grade"):
        Answers.seeing(goals_of(config, rating=False), found.events)
