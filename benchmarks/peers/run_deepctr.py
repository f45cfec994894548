"""Trains a model of DeepCTR-Torch on labelled pairs: `python run_deepctr.py FOLDER`.

The folder holds `pairs.npz` and `job.json` (see `studies/interest_checks.py`); the log-odds of the
test pairs are written into `scores.npy`, and what training took into `answer.json`.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat
from deepctr_torch.models import DCN, DIN, DeepFM
from sklearn.metrics import roc_auc_score

PERSON, ITEM, PAST, LENGTH = "person", "item", "hist_item", "past_length"


def main() -> None:
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    arrays = dict(np.load(folder / "pairs.npz"))
    parts = {part: columns(arrays, part) for part in ("train", "validation", "test")}
    model = build(job, arrays)
    model.compile(torch.optim.Adam(model.parameters(), job["learning_rate"]), "binary_crossentropy")
    epochs = train(model, job, parts, arrays)
    (folder / "answer.json").write_text(json.dumps({"epochs": epochs}))
    np.save(folder / "scores.npy", predict(model, parts["test"]).astype(np.float32))


def columns(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The fields of a part by their names."""
    past = arrays[f"{part}_past_items"]
    fields = {PERSON: arrays[f"{part}_people"], ITEM: arrays[f"{part}_items"]}
    for place, codes in enumerate(arrays[f"{part}_choices"].T):
        fields[f"choice{place}"] = codes
    for place, numbers in enumerate(arrays[f"{part}_scaled"].T):
        fields[f"number{place}"] = numbers
    # Somebody without a past has one entry of no item: its attention divides by the length.
    return fields | {PAST: past, LENGTH: np.maximum((past > 0).sum(1), 1)}


def build(job: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """The model, not yet trained."""
    d, sizes = job["dimension"], job["sizes"]
    fields: list[Any] = [
        SparseFeat(PERSON, job["people"], embedding_dim=d),
        SparseFeat(ITEM, job["items"], embedding_dim=d),
        *(SparseFeat(f"choice{i}", size, embedding_dim=d) for i, size in enumerate(sizes)),
        *(DenseFeat(f"number{i}", 1) for i in range(arrays["train_scaled"].shape[1])),
    ]
    common = {
        "dnn_hidden_units": tuple(job["layers"]),
        "dnn_dropout": job["dropout"],
        "seed": job["seed"],
        "init_std": 0.05,
    }
    if job["model"] == "deepfm":
        return DeepFM(fields, fields, **common)
    if job["model"] == "dcnv2":
        return DCN(fields, fields, cross_num=2, cross_parameterization="matrix", **common)
    past = SparseFeat(PAST, job["items"], embedding_dim=d, embedding_name=ITEM)
    width = arrays["train_past_items"].shape[1]
    sequence = VarLenSparseFeat(past, maxlen=width, length_name=LENGTH)
    return DIN([*fields, sequence], [ITEM], att_activation="relu", **common)


def train(
    model: Any,
    job: dict[str, Any],
    parts: dict[str, dict[str, np.ndarray]],
    arrays: dict[str, np.ndarray],
) -> int:
    """Trains until validation AUC has not risen for a while, and keeps the best weights."""
    best, epoch, kept = -1.0, 0, copy.deepcopy(model.state_dict())
    waited = 0
    labels = arrays["train_labels"].astype(np.float64)
    while waited < job["patience"] and epoch < job["epochs"]:
        model.fit(parts["train"], labels, batch_size=job["batch"], epochs=1, verbose=0)
        epoch += 1
        auc = roc_auc_score(arrays["validation_labels"], predict(model, parts["validation"]))
        print(f"epoch {epoch}: validation AUC {auc:.4f}", file=sys.stderr)
        waited = 0 if auc > best else waited + 1
        if auc > best:
            best, kept = auc, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return epoch


def predict(model: Any, fields: dict[str, np.ndarray]) -> np.ndarray:
    """Log-odds of pairs."""
    probabilities = np.ravel(model.predict(fields, 4096)).astype(np.float64).clip(1e-9, 1 - 1e-9)
    return np.log(probabilities / (1 - probabilities))


if __name__ == "__main__":
    main()
