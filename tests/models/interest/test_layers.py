from __future__ import annotations

import torch

from foretaste.models.interest.bodies._layers import Batch


def test_ids_are_forgotten_and_words_are_not() -> None:
    torch.manual_seed(0)
    codes, none = torch.arange(1, 1001), torch.zeros(1000, 0)
    batch = Batch(codes, codes, codes, none.long(), none, none.long(), none)
    forgetful = batch.forgetting(0.5)
    for kept in (forgetful.people, forgetful.ids):
        assert 400 < (kept == 0).sum() < 600
        assert ((kept == 0) | (kept == codes)).all()
    assert (forgetful.items == codes).all()
    assert (batch.forgetting(0.0).ids == codes).all()
