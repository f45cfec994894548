from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.content import ContentReference, TextEncoder, TextEncoderConfig
from foretaste.errors import InputError
from tests.content.words import WordCounts

ITEMS = pl.DataFrame({"item_id": [1, 2], "title": ["A garden lamp", "A desk"]})


def test_a_text_encoder_is_remembered_by_its_settings(plain_model: Path):
    encoder = TextEncoder(str(plain_model), cache=None)
    reference = ContentReference(None, encoder)
    assert reference.settings == encoder.config
    fitted = reference.fit(ITEMS)
    later = ContentReference(reference.settings)
    later.restore(reference.tensors())
    assert np.array_equal(later.encode(ITEMS), fitted)


def test_an_encoder_given_takes_the_place_of_the_settings():
    own = WordCounts()
    reference = ContentReference(TextEncoderConfig(), own)
    assert reference.encoder is own
    assert reference.settings is None


def test_another_encoder_than_at_fitting_is_refused():
    reference = ContentReference(None, WordCounts())
    reference.fit(ITEMS)
    later = ContentReference(None, WordCounts("words-2"))
    later.restore(reference.tensors())
    with pytest.raises(InputError, match="not the one this model was fitted with"):
        later.encode(ITEMS)
    later.encoder = WordCounts("words-1")
    assert later.encode(ITEMS).tolist() == [[1, 0, 1], [0, 1, 0]]


def test_without_an_encoder_the_error_says_how_to_give_one():
    with pytest.raises(InputError, match=r"model\.content\.encoder"):
        ContentReference(None).encode(ITEMS)
    assert ContentReference(None).tensors() == {}
