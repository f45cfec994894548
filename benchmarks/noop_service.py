"""An endpoint that does nothing, for the floor of a service: `python noop_service.py PORT`."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/nothing")
async def nothing(body: dict[str, Any]) -> dict[str, Any]:
    """Reads JSON, answers JSON."""
    return {}


@app.get("/health")
async def health() -> dict[str, Any]:
    """It is there."""
    return {}


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), log_config=None, access_log=False, timeout_keep_alive=75
    )
