from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from foretaste.serving.batching import Batcher, OverloadedError


def doubled(asked: Sequence[int]) -> list[int | Exception]:
    return [2 * value if value >= 0 else ValueError(f"{value} is negative") for value in asked]


def test_everybody_gets_their_own_answer() -> None:
    batcher: Batcher[int, int] = Batcher("test", doubled, most=8, waiting=1000)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda value: batcher.submit(value).result(5), range(500)))
    batcher.close()
    assert told == [2 * value for value in range(500)]


def test_what_gathers_while_one_is_answered_is_answered_together() -> None:
    sizes: list[int] = []
    go = threading.Event()

    def slow(asked: Sequence[int]) -> list[int]:
        go.wait(5)
        sizes.append(len(asked))
        return list(asked)

    batcher: Batcher[int, int] = Batcher("test", slow, most=4, waiting=100)
    first = batcher.submit(0)
    while batcher.depth:
        time.sleep(0.001)
    rest = [batcher.submit(value) for value in range(1, 8)]
    go.set()
    assert [future.result(5) for future in [first, *rest]] == list(range(8))
    batcher.close()
    assert sizes == [1, 4, 3]


def test_a_wrong_ask_spoils_no_other() -> None:
    batcher: Batcher[int, int] = Batcher("test", doubled, most=8, waiting=10)
    bad, good = batcher.submit(-1), batcher.submit(3)
    assert good.result(5) == 6
    with pytest.raises(ValueError, match="-1 is negative"):
        bad.result(5)
    batcher.close()


def test_a_failing_batch_is_told_and_the_next_is_answered() -> None:
    def moody(asked: Sequence[int]) -> list[int]:
        if 0 in asked:
            raise RuntimeError("no zeros")
        return list(asked)

    batcher: Batcher[int, int] = Batcher("test", moody, most=1, waiting=10)
    with pytest.raises(RuntimeError, match="no zeros"):
        batcher.submit(0).result(5)
    assert batcher.submit(1).result(5) == 1
    batcher.close()


def test_more_than_can_wait_are_sent_away_and_closing_answers_the_rest() -> None:
    go = threading.Event()

    def stuck(asked: Sequence[int]) -> list[int]:
        go.wait(5)
        return list(asked)

    batcher: Batcher[int, int] = Batcher("test", stuck, most=1, waiting=2)
    futures = [batcher.submit(0)]
    while batcher.depth:
        time.sleep(0.001)
    futures += [batcher.submit(1), batcher.submit(2)]
    with pytest.raises(OverloadedError):
        batcher.submit(3)
    go.set()
    batcher.close()
    assert [future.result(0) for future in futures] == [0, 1, 2]
