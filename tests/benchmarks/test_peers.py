import json

import numpy as np
import pytest

import foretaste as ft
import runner
from foretaste.data.shop import ShopConfig, generate
from peers import environment
from peers.catalogue import BEAUTY, PEERS
from peers.exchange import PeerLists, asked, measure_peer, read_answer, write_task
from runner import Histories, LearningCurve, Task, at_once, ranked


@pytest.fixture(scope="module")
def split():
    shop = generate(ShopConfig(items=200, people=150, events_per_person=10))
    return shop.dataset.split("leave-one-out")


@pytest.fixture
def task(split, tmp_path, monkeypatch):
    write_task(tmp_path, split, settings={}, seed=0, budget_seconds=60)
    monkeypatch.setattr(runner.sys, "argv", ["run_peer.py", str(tmp_path)])
    return Task.read()


def test_a_peer_that_answers_as_our_model_does_is_measured_as_our_model_is(split, task):
    """Popularity, computed by a 'peer' from the files alone."""
    counts = np.bincount(task.train.values, minlength=task.items + 1).astype(np.float32)

    def rank(histories: Histories):
        return ranked(lambda block: np.tile(counts, (len(block), 1)), histories)

    curve = at_once(task, lambda: None, rank)
    task.answer(curve, rank(task.test))
    answer, lists = read_answer(task.folder)
    model = ft.Popularity().fit(split.train)
    for part in ("all", "cold_only"):
        if part in ft.evaluate(model, split).groups:
            theirs = ft.evaluate(PeerLists("peer", split, lists), split).metric("NDCG@10", part)
            assert theirs == ft.evaluate(model, split).metric("NDCG@10", part)
    ours = model.rank(split.validation.histories, 10).items
    assert answer["learning_curve"][0]["metric"] == pytest.approx(task.validate(ours))
    assert answer["status"] == "done"


def test_a_peer_never_sees_test_targets(split, task):
    held_out = asked(split)
    for row, user in enumerate(held_out.users[:20]):
        at = int(np.flatnonzero(task.test.users == user)[0])
        assert list(task.test[at]) == list(held_out.histories[row])
    assert not any("target" in name and "test" in name for name in json_names(task.folder))


def json_names(folder):
    return list(np.load(folder / "histories.npz"))


def test_lists_with_a_persons_own_items_are_refused(split):
    held_out = asked(split)
    own = np.zeros((len(held_out), 10), np.int32)
    own[0, 0] = held_out.histories[0][0]
    with pytest.raises(ValueError, match="of people's histories"):
        ft.evaluate(PeerLists("peer", split, own), split)
    with pytest.raises(ValueError, match="lists for"):
        PeerLists("peer", split, own[1:])


def test_a_peer_that_is_not_installed_is_reported(split, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    found = measure_peer(
        "recbole-sasrec", PEERS["recbole-sasrec"], BEAUTY, split, seed=0, budget_minutes=1
    )
    assert found["status"].startswith("not installed: there is no .peers")


def test_settings_of_a_data_set_change_only_what_they_name():
    peer = PEERS["rectools-sasrec"]
    everywhere, beauty = peer.settings_for("other"), peer.settings_for(BEAUTY)
    assert beauty["arguments"]["session_max_len"] == 50
    assert everywhere["arguments"]["session_max_len"] == 200
    assert beauty["arguments"]["n_negatives"] == everywhere["arguments"]["n_negatives"]
    json.dumps(everywhere)


def test_training_ends_without_patience_epochs_or_time():
    curve = LearningCurve(60, patience=2, most=9, least=1)
    metrics = iter([0.1, 0.3, 0.2, 0.2])
    while not curve.is_over:
        curve.resume()
        curve.validated(lambda: next(metrics))
    assert (len(curve.epochs), curve.best, curve.status) == (4, 2, "done")
    spent = LearningCurve(0, patience=2, most=9)
    spent.resume()
    assert spent.validated(lambda: 0.1)
    assert spent.is_over
    assert spent.status == "done at its budget of 0 minutes"


def test_histories_are_padded_and_translated():
    histories = Histories(
        np.array([7, 8, 9], np.int32),
        np.array([1, 2, 3, 4, 2], np.int32),
        np.array([0, 3, 3, 5]),
    )
    assert histories.padded(2, side="left").tolist() == [[2, 3], [0, 0], [4, 2]]
    assert histories.padded(4, side="left")[0].tolist() == [0, 1, 2, 3]
    assert histories.padded(4, side="right").tolist() == [[1, 2, 3, 0], [0] * 4, [4, 2, 0, 0]]
    assert histories.padded(2, side="right")[0].tolist() == [2, 3]
    own = histories.translated(np.array([0, 5, 0, 6, 7]))
    assert [own[row].tolist() for row in range(3)] == [[5, 6], [], [7]]
    assert histories.rows(1, 3)[1].tolist() == [4, 2]
