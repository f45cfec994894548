"""Work in a process of its own, so that its memory is its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from foretaste.errors import ForetasteError

Given = ParamSpec("Given")
Result = TypeVar("Result")


def in_own_process(
    work: Callable[Given, Result], *args: Given.args, **settings: Given.kwargs
) -> Result:
    """What `work` returns, or raises, in a new process.

    Raises:
        ForetasteError: The process was killed.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, *args, **settings).result()
        except BrokenProcessPool:
            raise ForetasteError(
                "its process was killed, most likely for want of memory."
            ) from None
