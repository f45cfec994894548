"""A service as a process of its own, for tests of what happens to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


class ServiceProcess:
    """`foretaste serve` on a free port.

    Args:
        run: The run folder to serve.
        folder: Where its log goes.
        arguments: Of the command.

    Attributes:
        url: Where it answers.
    """

    def __init__(self, run: Path, folder: Path, *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "service.log"
        self._command = [sys.executable, "-m", "foretaste", "serve", str(run)]
        self._command += ["--port", str(port), *arguments]
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the service ended: {self.log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{self.url}/health/live", timeout=1).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError("the service does not answer")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Asks it to end, and gives its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
