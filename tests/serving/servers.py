"""Real database servers for tests: started on free ports, stopped, killed, started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

_SECONDS = 30


class PostgresServer:
    """A PostgreSQL server of its own, with its data in a temporary folder.

    Args:
        programs: The folder with `initdb` and `postgres`.

    Attributes:
        url: Of its database, with a password, which it asks for.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not pytest's folder: the server's user, which can't be root, must be able to enter it.
        self._folder = Path(tempfile.mkdtemp(prefix="foretaste-postgres-"))
        self._port = _free_port()
        self.url = f"postgresql://shop:secret-of-shop@127.0.0.1:{self._port}/postgres"
        password = self._folder / "password"
        password.write_text("secret-of-shop")
        if os.geteuid() == 0:
            for path in (self._folder, password):
                shutil.chown(path, "postgres", "postgres")
        options = [
            "--encoding=UTF8",
            f"--pgdata={self._folder / 'data'}",
            "--username=shop",
            f"--pwfile={password}",
        ]
        self._popen("initdb", *options, "--auth=scram-sha-256", "--no-sync").wait(_SECONDS)
        self.start()

    def new_database(self) -> str:
        """Makes an empty database; the URL of it."""
        name = f"shop_{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url.replace("/postgres", f"/{name}")

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = ["-D", str(self._folder / "data"), "-p", str(self._port)]
        options += ["-h", "127.0.0.1", "-k", "", "-c", "shared_buffers=16MB"]
        # Servers are killed here, not machines: what they wrote the system keeps without it.
        options += ["-c", "fsync=off"]
        self._process = self._popen("postgres", *options)
        _wait_for(self._answers, self._process)

    def stop(self) -> None:
        """Stops it in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stops it where it stands, without writing anything any more."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Lets it take connections and answer none of them."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def remove(self) -> None:
        """Stops it and deletes its data."""
        if self._process.poll() is None:
            self.thaw()
            self.kill()
        shutil.rmtree(self._folder)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(_SECONDS)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [self._process.pid, *map(int, children.read_text().split())]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _popen(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        user = "postgres" if os.geteuid() == 0 else None
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *options],
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )


class RedisServer:
    """A Redis server of its own, which keeps nothing on disk.

    Attributes:
        url: Of its first database, with a password, which it asks for.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._port = _free_port()
        self.url = f"redis://:secret-of-shop@127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Starts it, empty, and waits until it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        options += ["--requirepass", "secret-of-shop", "--dir", tempfile.gettempdir()]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        _wait_for(self._answers, self._process)

    def stop(self) -> None:
        """Ends it; what it held is lost."""
        self._process.kill()
        self._process.wait(_SECONDS)

    def freeze(self) -> None:
        """Lets it take connections and answer none of them."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_connect_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for all tests of a process; who stops it starts it again."""
    found = shutil.which("initdb")
    programs = [Path(found).parent] if found else []
    programs += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not programs:
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    server = PostgresServer(programs[0])
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server, one for all tests of a process; who stops it starts it again."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no Redis here: apt-get install redis-server")
    server = RedisServer(program)
    yield server
    server.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(answers: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"a server did not start: {process.args}")
        time.sleep(0.05)
