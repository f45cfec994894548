import json

import pytest

from docs import disturbed
from harness import RESULTS
from pictures import pictures_of


def record(split, model, **told):
    return {"cell": {"data": "shop", "split": split, "model": model, "seed": 0}, **told}


BESIDE = {"conditions": "beside another"}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([record("cold", "a"), record("cold", "b")], {}),
        ([record("cold", "a", **BESIDE)], {"beside another": ["all of it"]}),
        (
            [
                record("cold", "a", **BESIDE),
                record("warm", "a", **BESIDE),
                record("warm", "b"),
            ],
            {"beside another": ["all of shop cold", "shop warm a 0"]},
        ),
    ],
)
def test_what_was_disturbed_is_told_briefly(cells, told):
    assert disturbed(cells) == told


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_picture_that_is_drawn_is_shown(path, tmp_path):
    shown = pictures_of(json.loads(path.read_text()), tmp_path)
    assert sorted(shown.values()) == sorted(tmp_path.iterdir())
