"""Times `implicit`'s ALS on given item factors: `python recommend_implicit.py FOLDER`."""

from __future__ import annotations

import numpy as np
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from recommending import Timing


def main() -> None:
    timing = Timing()
    factors = timing.item_factors()
    people = timing.matrix(len(factors))
    arguments = timing.job["arguments"]
    # Confidences as ours has them: one more for every further action on the same item.
    people.data = 1 + (arguments.pop("alpha") - 1) * people.data
    model = AlternatingLeastSquares(**arguments, alpha=1.0)
    model.item_factors = factors
    k = timing.job["k"]
    # `implicit` asks for it: it has threads of its own.
    with threadpool_limits(1, "blas"):
        way = "implicit"
        items, _ = timing.time(
            way, lambda rows: model.recommend(rows, people[rows], N=k, recalculate_user=True)
        )
        timing.keep_lists(way, items + 1)
        model.user_factors = model.recalculate_user(np.arange(people.shape[0]), people)
        np.save(timing.folder / "user-factors.npy", model.user_factors)
        way = "implicit with stored users"
        items, _ = timing.time(way, lambda rows: model.recommend(rows, people[rows], N=k))
        timing.keep_lists(way, items + 1)
    timing.answer()


if __name__ == "__main__":
    main()
