"""Every recommender of the registry on the same splits: quality, and what it costs.

Leave-one-out on ML-100k, ML-1M (5-core) and Beauty (5-core), every item ranked for everybody,
NDCG@10 with its 95% bootstrap interval, all with default settings; models that read words read them
with the default encoder. Three seeds on ML-100k; on the larger sets one, but three of `hybrid`, of
which a claim is made. Seconds and peak memory are of fitting, each model in a process
of its own; lists a second are of ranking the whole catalogue for all test users on this machine.

`check` cells hold a baseline against the model of another library at the same settings, on ML-100k,
all actions of a person alike (`benchmarks/peers/checks.py`): within 3% of its NDCG@10. Where
something is done in another way on purpose, that is said beside the figures; it excuses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from figures import NDCG, Record, Target, done, figure
from foretaste.content import TextEncoderConfig
from foretaste.data import Split
from foretaste.evaluation import compare, evaluate
from foretaste.models import MODELS, Recommender
from foretaste.models.hybrid import Ensemble
from harness import Cell
from measuring import fit_and_evaluate, read
from peers.checks import CHECKS
from peers.exchange import measure_peer

DATA = ("ml-100k", "ml-1m", "amazon-beauty")
#: Models of ratings, which these sets do not have.
RATED, UNRATED = ("svdpp",), ("amazon-beauty",)
SPLIT = "leave-one-out"
SEEDS = (0, 1, 2)
#: Chance moves the figures of a small set by more than the 3% that are asked about.
CHECK_SEEDS = {"als": range(10), "bpr": range(3), "neuralcf": range(3)}
#: The set on which three seeds are quickly run.
SMALL = DATA[0]
CHECK, OURS, THEIRS = "check", "ours", "theirs"
TOLERANCE = 0.03
HYBRID = "hybrid"


def cells() -> list[Cell]:
    """The checks first, then every model on every set, those without randomness once."""
    checks = [
        Cell(data=SMALL, split=SPLIT, model=f"{CHECK}-{name}-{whose}", seed=seed)
        for name, check in CHECKS.items()
        for whose in (OURS, THEIRS)
        for seed in CHECK_SEEDS.get(check.model, SEEDS[:1])
    ]
    grid = [
        Cell(data=data, split=SPLIT, model=name, seed=seed, budget_minutes=180)
        for data in DATA
        for name in MODELS
        if not (name in RATED and data in UNRATED)
        for seed in seeds_of(name, data)
    ]
    return checks + grid


def seeds_of(name: str, data: str) -> Sequence[int]:
    """Three seeds; one where nothing is random, or the set is large and no claim is made."""
    random = "seed" in MODELS[name].config_class.model_fields
    return SEEDS if random and (data == SMALL or name == HYBRID) else SEEDS[:1]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model and measures it on the test targets."""
    split = read(data / cell.data).split(cell.split)
    if not cell.model.startswith(f"{CHECK}-"):
        model = build(cell.model, cell.seed)
        found = fit_and_evaluate(model, split, seed=cell.seed)
        report = found["report"]
        asked = report["groups"]["all"]["users"]
        found["lists_per_second"] = round(asked / max(report["seconds"], 1e-9))
        if isinstance(model, Ensemble):
            found["against_members"] = against_members(model, split)
        return found
    _, rest = cell.model.split("-", 1)
    name, whose = rest.rsplit("-", 1)
    check = CHECKS[name]
    if whose == THEIRS:
        return measure_peer(
            name,
            check.peer,
            cell.data,
            split,
            seed=cell.seed,
            budget_minutes=cell.budget_minutes,
        )
    return fit_and_evaluate(build(check.model, cell.seed, **check.settings), split, seed=cell.seed)


def build(name: str, seed: int, **settings: Any) -> Recommender:
    """A model with its defaults, but for `settings`; those that can read items' words do."""
    model = MODELS[name]
    fields = model.config_class.model_fields
    if "seed" in fields:
        settings["seed"] = seed
    if "content" in fields:
        settings["content"] = TextEncoderConfig().model_dump()
    return model(model.config_class.parse(settings))


def against_members(model: Ensemble, split: Split) -> list[dict[str, Any]]:
    """The hybrid against each of its members, as they were fitted inside it, person by person."""
    report = evaluate(model, split)
    found = []
    for member in model.recommenders:
        [change] = compare(evaluate(member, split), report, metrics=[NDCG]).differences
        found.append(
            {
                "member": member.name,
                NDCG: change.first,
                "difference": change.difference.value,
                "low": change.difference.low,
                "high": change.difference.high,
                "p_value": change.p_value,
            }
        )
    return found


def summary(records: list[Record]) -> dict[str, Any]:
    """By set, a line a model, best first; then the checks."""
    found: dict[str, Any] = {}
    for data in DATA:
        rows = {name: row(done(records, data=data, model=name)) for name in MODELS}
        ranked = sorted((-r[NDCG], name) for name, r in rows.items() if r)
        if ranked:
            found[f"{data} {SPLIT}"] = {name: rows[name] for _, name in ranked}
    checks = {name: checked(records, name) for name in CHECKS}
    checks = {name: line for name, line in checks.items() if line}
    if checks:
        found["Against other libraries at the same settings, ml-100k"] = checks
    return found


def row(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds; the interval is of the first seed."""
    if not records:
        return {}
    first = records[0]["report"]["groups"]["all"]["metrics"][NDCG]
    return {
        NDCG: round(median(figure(record) for record in records), 4),
        "interval": f"{first['low']:.4f}-{first['high']:.4f}",
        "seeds": len(records),
        "fit seconds": median(record["fit_seconds"] for record in records),
        "peak MiB": max(record["fit_peak_memory_mib"] for record in records),
        "lists a second": round(median(record["lists_per_second"] for record in records)),
    }


def checked(records: list[Record], name: str) -> dict[str, Any]:
    """Ours beside theirs."""
    ours, theirs = (done(records, model=f"{CHECK}-{name}-{whose}") for whose in (OURS, THEIRS))
    if not ours or not theirs:
        return {}
    one, other = (median(figure(record) for record in found) for found in (ours, theirs))
    peer = CHECKS[name].peer
    return {
        "against": f"{peer.library} {peer.settings['model']}",
        OURS: round(one, 4),
        THEIRS: round(other, 4),
        "difference": f"{100 * (one / other - 1):+.1f}%",
        "seeds": min(len(ours), len(theirs)),
        "done otherwise": CHECKS[name].otherwise or "-",
    }


def targets(records: list[Record]) -> list[Target]:
    """Baselines agree with others'; the hybrid is ahead of its best member."""
    found = []
    for name, check in CHECKS.items():
        line = checked(records, name)
        apart = abs(line[OURS] / line[THEIRS] - 1) if line else None
        found.append(
            {
                "name": f"{name}: NDCG@10 against {check.peer.library}, ml-100k",
                "wanted": "within 3%",
                "got": line.get("difference"),
                "met": apart is not None and apart <= TOLERANCE,
            }
        )
    return found + [ahead_of_members(records, data) for data in ("ml-1m", "amazon-beauty")]


def ahead_of_members(records: list[Record], data: str) -> Target:
    """Whether the hybrid is significantly ahead of the best of its members, with every seed."""
    name = f"{data}: {HYBRID} ahead of its best member, NDCG@10, low end of the paired interval"
    best = [
        max(record["against_members"], key=lambda one: one[NDCG])
        for record in done(records, data=data, model=HYBRID)
    ]
    got = round(min(one["low"] for one in best), 5) if best else None
    return {"name": name, "wanted": "> 0", "got": got, "met": got is not None and got > 0}
