"""A service as a process: listening, logging, learning on by the clock."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from pathlib import Path

import structlog
import torch
import uvicorn
from apscheduler.schedulers.background import BackgroundScheduler

from foretaste.errors import ConfigError
from foretaste.models.interest import InterestModel
from foretaste.serving.api import create_app
from foretaste.serving.config import ServingConfig
from foretaste.serving.service import Service

#: Python's own is 5 ms, of which a request would wait several.
_GIVE_WAY_SECONDS = 0.0005
_log = structlog.get_logger()


def serve(
    config: ServingConfig,
    run: Path | None,
    interest: InterestModel | None = None,
    *,
    config_file: Path | None = None,
) -> None:
    """Serves until it is told to stop; requests that are under way are answered first.

    Args:
        config: Settings.
        run: See `Service`.
        interest: Likewise.
        config_file: Where the settings are from, for the process that learns on.

    Raises:
        ConfigError: Other machines could call, and there is no key.
    """
    log_as_json()
    # A request is too little work for two threads, which would wait for each other while the
    # event loop has one of the cores.
    torch.set_num_threads(1)
    # What the event loop does is short, and must not wait for a thread that computes to give way.
    sys.setswitchinterval(_GIVE_WAY_SECONDS)
    service = Service(config, run, interest)
    if not config.local and service.gatekeeper.open:
        service.close()
        raise ConfigError(
            f"other machines can reach {config.host}, and no key has been made.",
            field="host",
            hint="Make one first: foretaste keys add NAME --role admin",
        )
    scheduler = BackgroundScheduler(timezone="UTC")
    if config.refit.every_hours is not None:
        scheduler.add_job(
            lambda: refit_elsewhere(config_file),
            "interval",
            hours=config.refit.every_hours,
            max_instances=1,
        )
    app = create_app(service)
    spare_what_stays()
    scheduler.start()
    try:
        uvicorn.run(
            app,
            host=config.host,
            port=config.port,
            ssl_certfile=config.certificate,
            ssl_keyfile=config.private_key,
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,  # Longer than proxies keep theirs.
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    finally:
        scheduler.shutdown(wait=False)


def refit_elsewhere(config_file: Path | None) -> int:
    """Learns on in another process, which takes none of this one's time; its exit code.

    What it puts into the registry is seen by all processes that serve.
    """
    command = [sys.executable, "-m", "foretaste", "refit"]
    command += [] if config_file is None else ["--config", str(config_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    _log.info("refit.done", code=done.returncode, said=done.stderr.strip()[-500:])
    return done.returncode


def spare_what_stays() -> None:
    """Has the garbage collector never look again through what is there by now.

    Half a million objects, most of them of imported libraries, stop all threads for a third of a
    second each time they are looked through. A model that is replaced later goes all the same:
    engines are in no cycle, so the collector is not needed for them.
    """
    gc.collect()
    gc.freeze()


def log_as_json() -> None:
    """Structured lines to stderr, each with the id of its request."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
