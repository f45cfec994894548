from __future__ import annotations

import numpy as np

from foretaste.content.projection import Projection

RNG = np.random.default_rng(0)
VECTORS = (RNG.normal(size=(300, 6)) * [5, 4, 3, 2, 1, 1] + 2).astype(np.float32)
VECTORS[7] = 0


def test_coordinates_that_differ_by_a_rotation_are_found_again() -> None:
    there = Projection.fit(VECTORS, 4, whitening=1)
    turn = np.linalg.qr(RNG.normal(size=(4, 4)))[0].astype(np.float32)
    here = Projection(there.mean, turn @ there.components)
    turned = here.turned_towards(there, VECTORS)
    np.testing.assert_allclose(turned.apply(VECTORS), there.apply(VECTORS), atol=1e-4)


def test_turning_changes_no_likeness_and_brings_both_nearer() -> None:
    there = Projection.fit(VECTORS * [1, 3, 1, 1, 5, 1] - 1, 4, whitening=1)
    here = Projection.fit(VECTORS, 4, whitening=1)
    turned = here.turned_towards(there, VECTORS)
    before, after, wanted = (one.apply(VECTORS) for one in (here, turned, there))
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=1e-4)
    assert not after[7].any()
    assert (after * wanted).sum() > (before * wanted).sum()
