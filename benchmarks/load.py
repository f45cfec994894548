"""Load on a service: one process that serves, others that ask."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_WRK = "wrk"
_PERCENTILE = re.compile(r"^\s+(\d+(?:\.\d+)?)%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_IN_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_LUA = """
local bodies = {{}}
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
local headers = {{["content-type"] = "application/json"}}
function request()
  return wrk.format("POST", "{path}", headers, bodies[math.random(#bodies)])
end
"""


@dataclass(frozen=True)
class Told:
    """What came of a load.

    Attributes:
        rate: Answers a second.
        p50: Milliseconds.
        p99: Milliseconds.
        errors: Answers that were none.
    """

    rate: float
    p50: float
    p99: float
    errors: int

    def plain(self) -> dict[str, float]:
        """Ready for JSON."""
        return {
            "rate": round(self.rate, 1),
            "p50": round(self.p50, 2),
            "p99": round(self.p99, 2),
            "errors": self.errors,
        }


class Server:
    """A process that serves on a port of its own; use it with `with`.

    Args:
        command: Arguments of Python; "{port}" in them is the port.
        health: The path that answers when it is ready.
    """

    def __init__(self, command: Sequence[str], health: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, *(part.format(port=self.port) for part in command)]
        self._health = health

    def __enter__(self) -> Server:
        log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until = time.monotonic() + 300
        while time.monotonic() < until:
            if self._process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"the server ended: {log.read()[-2000:].decode()}")
            try:
                urllib.request.urlopen(self.url + self._health, timeout=1)
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self._process.kill()
        raise RuntimeError("the server does not answer")

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    @property
    def memory_mib(self) -> int:
        """What it holds now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def has_wrk() -> bool:
    """Whether `wrk` is installed (Debian's package `wrk`)."""
    return shutil.which(_WRK) is not None


def closed_loop(
    url: str, path: str, bodies: Sequence[dict[str, Any]], *, connections: int, seconds: int
) -> Told:
    """As many requests as so many connections can make, each waiting for its answer."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "bodies"
        lines.write_text("\n".join(json.dumps(body) for body in bodies) + "\n")
        script = Path(folder) / "ask.lua"
        script.write_text(_LUA.format(bodies=lines, path=path))
        command = [_WRK, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        out = subprocess.run(
            [*command, "-s", str(script), url], capture_output=True, text=True, check=True
        ).stdout
    found = {percent: float(n) * _IN_MS[unit] for percent, n, unit in _PERCENTILE.findall(out)}
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    return Told(
        rate=float(rate[1]) if rate else 0.0,
        p50=found["50"],
        p99=found["99"],
        errors=int(errors[1]) if errors else 0,
    )


def open_loop(
    url: str, path: str, bodies: Sequence[dict[str, Any]], *, rate: float, seconds: float
) -> Told:
    """Requests at a fixed rate, whether or not earlier ones have been answered.

    Each is timed from the moment it was due, so that a stall counts for all that it held up.
    """
    # The client's own garbage collection, among all that a study has imported, takes longer than
    # an answer and would be told as the server's.
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(_open_loop(url, path, bodies, rate, seconds))
    finally:
        gc.unfreeze()


async def _open_loop(
    url: str, path: str, bodies: Sequence[dict[str, Any]], rate: float, seconds: float
) -> Told:
    port = int(url.rpartition(":")[2])
    free: list[Connection] = []
    times: list[float] = []
    errors = 0

    async def ask(body: dict[str, Any], due: float) -> None:
        nonlocal errors
        connection = free.pop() if free else await Connection.to(port)
        if await connection.post(path, json.dumps(body).encode()) == 200:
            times.append(time.perf_counter() - due)
        else:
            errors += 1
        free.append(connection)

    began = time.perf_counter()
    tasks = []
    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(bodies[number % len(bodies)], due)))
    await asyncio.gather(*tasks)
    taken = time.perf_counter() - began
    p50, p99 = 1000 * np.quantile(times, [0.5, 0.99])
    return Told(len(times) / taken, float(p50), float(p99), errors)


class Connection:
    """A kept connection, as cheap for the client as can be: it shares the cores with the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        """Opens one."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> int:
        """The status of the answer to a body of JSON."""
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        self._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        await self._reader.readexactly(int(length[1]) if length else 0)
        return int(answer.split(b" ", 2)[1])


def timed(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """Milliseconds of a call, half of the time and 99 times in 100."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    p50, p99 = np.quantile(times, [0.5, 0.99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}
