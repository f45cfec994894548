import pytest

import shelf
from shelf import Shelf


class Making:
    """Writes a model, and counts how often."""

    def __init__(self):
        self.times = 0

    def __call__(self, folder):
        self.times += 1
        folder.mkdir()
        (folder / "weights").write_text("learnt")
        return {"loss": 0.5}


def test_what_was_made_is_found_with_what_it_told_and_cost(tmp_path):
    make, first, second = Making(), Shelf(tmp_path), Shelf(tmp_path)
    made = first.get({"seed": 0}, make)
    assert second.get({"seed": 0}, make) == made
    assert made[1] == {"loss": 0.5}
    assert (made[0] / "weights").read_text() == "learnt"
    assert make.times == 1
    assert first.spared_seconds == 0 < second.spared_seconds


def test_another_seed_or_other_code_is_another_model(tmp_path, monkeypatch):
    make, models = Making(), Shelf(tmp_path)
    models.get({"seed": 0}, make)
    models.get({"seed": 1}, make)
    monkeypatch.setattr(shelf, "_code", lambda: "changed")
    models.get({"seed": 0}, make)
    assert make.times == 3


def test_what_fails_leaves_nothing(tmp_path):
    def fail(folder):
        folder.mkdir()
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        Shelf(tmp_path).get({}, fail)
    assert not list(tmp_path.iterdir())
