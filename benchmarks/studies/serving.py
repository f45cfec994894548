"""How fast the service answers, with server and clients on the one machine.

The service is a process of its own (`foretaste serve`, with its defaults: SQLite on disk, state in
the process) and the whole pipeline is in the way: live histories, the sequence model, a rule about
prices, seen items, safety, a diversity stage, pages that are kept. The model is trained for an
epoch on a generated shop, as only its shape matters here, and reads titles and categories through
a language model of one layer with random weights: items lie near each other as their words do,
which an index needs, and a million are encoded in minutes.

- closed: `wrk` with some connections that each wait for their answer; `highest rate` is the best of
  those with a p99 under 100 ms;
- open: requests at a fixed rate, whether or not earlier ones are answered, each timed from when it
  was due (so that a stall is not told as one slow answer); three times, of which the one with the
  middle p99 is told, as now and then the machine itself stands still;
- events: batches of 100, one after the other, while 20 lists a second are asked for;
- effect: from posting a newcomer's first event to the first answer that counts it.

Milliseconds as the client sees them. The floors are measured in the same cell: an endpoint that
does nothing, under the same server and load, and the model alone, without HTTP.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from transformers import BertConfig, BertModel

import foretaste as ft
from figures import Record, at_least, at_most, done
from foretaste import artifacts
from foretaste.content.pretraining.start import trained_tokenizer
from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.item_search import item_search
from harness import Cell
from load import Server, Told, closed_loop, has_wrk, open_loop, timed

ITEMS = {"items-50k": 50_000, "items-1m": 1_000_000}
PIPELINE, WHOLE = "whole-pipeline", "service"
LISTS, EVENTS, HEALTH = "/v1/recommendations", "/v1/events", "/health/live"
CONNECTIONS = (1, 2, 4, 8, 16, 32)
RATE, SECONDS, K = 100, 20, 10
_REPEATS = 3
_PEOPLE, _ASKERS, _NEWCOMERS = 20_000, 2000, 50
_RANKING: dict[str, Any] = {
    "rules": ["EXCLUDE item WHERE price > 400"],
    "diversity": {"xquad": 0.2},
    "paging": {},
}


def cells() -> list[Cell]:
    """The whole pipeline on both catalogues."""
    return [Cell(data=data, split=WHOLE, model=PIPELINE, seed=0) for data in ITEMS]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Makes a run, serves it, and loads it in every way."""
    if not has_wrk():
        return {"status": "not installed: wrk (Debian's package of that name)"}
    with tempfile.TemporaryDirectory(prefix="foretaste-serving-") as folder:
        home = Path(folder)
        dataset = generate(ShopConfig(items=ITEMS[cell.data], people=_PEOPLE)).dataset
        run = save_run(dataset, home / "run", cell.seed)
        people = np.random.default_rng(cell.seed).integers(len(dataset.users), size=_ASKERS)
        users = dataset.user_vocabulary.ids.gather(people).to_list()
        bodies = [{"user_id": str(user), "k": K} for user in users]
        found = {"items": len(dataset.item_vocabulary), "events": len(dataset)}
        found |= {"floor": {"model": model_alone(run, users), "nothing": nothing()}}
        command = ["-m", "foretaste", "serve", str(run), "--port", "{port}"]
        with Server([*command, "--store", str(home / "store.db")], HEALTH) as server:
            open_loop(server.url, LISTS, bodies, rate=20, seconds=3)  # To warm up.
            closed = {
                n: closed_loop(server.url, LISTS, bodies, connections=n, seconds=SECONDS // 2)
                for n in CONNECTIONS
            }
            opened = [
                open_loop(server.url, LISTS, bodies, rate=RATE, seconds=SECONDS)
                for _ in range(_REPEATS)
            ]
            found |= {
                "closed": {n: told.plain() for n, told in closed.items()},
                "open": sorted(opened, key=lambda told: told.p99)[_REPEATS // 2].plain(),
                "open_p99s": [told.plain()["p99"] for told in opened],
                "ingest": ingest(server.url, dataset, bodies),
                "effect": effect(server.url, dataset),
                "memory_mib": server.memory_mib,
            }
    return found


def save_run(dataset: Dataset, path: Path, seed: int) -> Path:
    """A sequence model of an epoch, with the ranking of the study in its configuration."""
    reader = small_language_model(dataset.items["title"], path.with_name("reader"), seed)
    content = ft.TextEncoder(str(reader), fields=("title", "categories"), cache=None)
    training = {"epochs": 1, "batch_tokens": 2**17}
    model = ft.SequenceRecommender(content=content, seed=seed, training=training).fit(dataset)
    config = {"data": {"path": "shop"}, "ranking": _RANKING}
    index = item_search(model, IndexConfig()).index
    return artifacts.save(model, path, dataset=dataset, config=config, index=index)


def small_language_model(texts: pl.Series, folder: Path, seed: int) -> Path:
    """A BERT of one layer with random weights, and a tokenizer that knows the words."""
    tokenizer = trained_tokenizer(texts.head(20_000), 4000)
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=128,
        initializer_range=0.3,
    )
    torch.manual_seed(seed)
    BertModel(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def model_alone(run: Path, users: list[Any]) -> dict[str, float]:
    """One person's list by the model itself, without pipeline or HTTP."""
    model = artifacts.load(run)
    _, rows = model.people(users=users)
    asked = iter(np.arange(len(users)))
    return timed(lambda: model.rank(rows.take(np.array([next(asked)])), K), 200)


def nothing() -> dict[str, Any]:
    """The endpoint that does nothing, under the same loads."""
    script = str(Path(__file__).parents[1] / "noop_service.py")
    with Server([script, "{port}"], "/health") as server:
        bodies = [{"user_id": "1", "k": K}]
        closed = closed_loop(server.url, "/nothing", bodies, connections=8, seconds=5)
        opened = open_loop(server.url, "/nothing", bodies, rate=RATE, seconds=5)
    return {"closed": closed.plain(), "open": opened.plain()}


def ingest(url: str, dataset: Dataset, bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """Events a second in batches of 100, and the lists that were asked for meanwhile."""
    lists: list[Told] = []
    asking = threading.Thread(
        target=lambda: lists.append(open_loop(url, LISTS, bodies, rate=20, seconds=SECONDS // 2))
    )
    users, items = (
        vocabulary.ids.cast(str).to_numpy()
        for vocabulary in (dataset.user_vocabulary, dataset.item_vocabulary)
    )
    rng = np.random.default_rng(0)
    asking.start()
    started, sent, times = time.perf_counter(), 0, list[float]()
    while asking.is_alive():
        rows = zip(rng.choice(users, 100), rng.choice(items, 100), strict=True)
        batch = [{"user_id": u, "item_id": i, "event_type": "click"} for u, i in rows]
        began = time.perf_counter()
        sent += _post(url + EVENTS, {"events": batch})["accepted"]
        times.append(1000 * (time.perf_counter() - began))
    seconds = time.perf_counter() - started
    return {
        "events_a_second": round(sent / seconds),
        "batch_p50": round(float(np.quantile(times, 0.5)), 1),
        "batch_p99": round(float(np.quantile(times, 0.99)), 1),
        "lists": lists[0].plain(),
    }


def effect(url: str, dataset: Dataset) -> dict[str, float]:
    """Milliseconds from a newcomer's first event being sent to the answer that counts it."""
    item = str(dataset.item_vocabulary.ids[int(dataset.item_codes[0]) - 1])
    times = []
    for person in range(_NEWCOMERS):
        user = f"newcomer-{person}"
        began = time.perf_counter()
        _post(url + EVENTS, {"events": [{"user_id": user, "item_id": item}]})
        while _post(url + LISTS, {"user_id": user})["items"][0]["source"] == "popularity":
            pass
        times.append(1000 * (time.perf_counter() - began))
    return {"p50": round(float(np.median(times)), 1), "most": round(max(times), 1)}


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def summary(records: list[Record]) -> dict[str, Any]:
    """One table a catalogue."""
    found = {}
    for record in done(records):
        rows = {f"closed, {n} connections": told for n, told in record["closed"].items()}
        rows[f"open, {RATE} a second"] = record["open"]
        rows["nothing, closed, 8 connections"] = record["floor"]["nothing"]["closed"]
        rows[f"nothing, open, {RATE} a second"] = record["floor"]["nothing"]["open"]
        rows["the model alone"] = {"rate": None, **record["floor"]["model"], "errors": None}
        rows["events in batches of 100"] = {
            "rate": record["ingest"]["events_a_second"],
            "p50": record["ingest"]["batch_p50"],
            "p99": record["ingest"]["batch_p99"],
            "errors": 0,
        }
        rows["lists meanwhile, 20 a second"] = record["ingest"]["lists"]
        found[f"{record['items']:,} items: a second, and milliseconds"] = rows
    return found


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""
    found = []
    for data, most in (("items-50k", 50), ("items-1m", 150)):
        record: dict[str, Any] = next(iter(done(records, data=data)), {})
        at_rate = record.get("open", {}).get("p99")
        found.append(at_most(f"{data}: p99 ms at {RATE} a second", most, at_rate, digits=1))
        events = record.get("ingest", {}).get("events_a_second")
        found.append(at_least(f"{data}: events a second while serving", 1000, events, digits=1))
        slowest = record.get("effect", {}).get("most")
        found.append(at_most(f"{data}: ms from event to effect", 1000, slowest, digits=1))
        rate = highest_rate(record)
        found.append(at_least(f"{data}: highest rate with p99 under 100 ms", RATE, rate, digits=1))
    return found


def highest_rate(record: dict[str, Any]) -> float | None:
    """The best closed rate whose p99 is under 100 ms; None where it was not measured."""
    rates = [told["rate"] for told in record.get("closed", {}).values() if told["p99"] < 100]
    return max(rates, default=0.0) if "closed" in record else None
