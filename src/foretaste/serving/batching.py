"""Requests that come together are answered together, on a thread of their own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from foretaste.errors import ForetasteError

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class OverloadedError(ForetasteError):
    """More waits than can be answered in time; come again."""


@dataclass(frozen=True)
class _Waiting(Generic[Asked, Told]):
    asked: Asked
    told: Future[Told]
    since: float


class Batcher(Generic[Asked, Told]):
    """Hands whatever has gathered to a function, again and again.

    While one batch is worked on the next gathers: nobody waits for company, and the busier it is
    the larger the batches are.

    Args:
        name: Of the thread.
        work: Answers several asks at once, one answer each; an exception among the answers is
            raised to who asked, one that it raises itself to all of the batch.
        most: Asks in a batch.
        waiting: Asks that may wait; more raise `OverloadedError`.
        observe: Told how many seconds the first of a batch waited, and the size of the batch.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Asked]], Sequence[Told | Exception]],
        *,
        most: int,
        waiting: int,
        observe: Callable[[float, int], None] | None = None,
    ) -> None:
        self._work = work
        self._most = most
        self._observe = observe
        self._queue: queue.Queue[_Waiting[Asked, Told] | None] = queue.Queue(waiting)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many wait."""
        return self._queue.qsize()

    def submit(self, asked: Asked) -> Future[Told]:
        """Takes an ask.

        Raises:
            OverloadedError: Too many wait already.
        """
        told: Future[Told] = Future()
        try:
            self._queue.put_nowait(_Waiting(asked, told, time.perf_counter()))
        except queue.Full:
            raise OverloadedError("too many requests wait for an answer.") from None
        return told

    def close(self) -> None:
        """Answers what waits, then stops."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch, last = [first], False
            while len(batch) < self._most:
                try:
                    waiting = self._queue.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    last = True
                    break
                batch.append(waiting)
            self._answer([waiting for waiting in batch if not waiting.told.cancelled()])
            if last:
                return

    def _answer(self, batch: list[_Waiting[Asked, Told]]) -> None:
        if not batch:
            return
        if self._observe is not None:
            self._observe(time.perf_counter() - batch[0].since, len(batch))
        try:
            answers = self._work([waiting.asked for waiting in batch])
        except Exception as error:
            answers = [error] * len(batch)
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.told.set_running_or_notify_cancel():
                continue
            if isinstance(answer, Exception):
                waiting.told.set_exception(answer)
            else:
                waiting.told.set_result(answer)
