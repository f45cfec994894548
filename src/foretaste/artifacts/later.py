"""What comes into a run folder after it was written.

    exploration.safetensors         what the bandit has learnt since
    safety/classifier.safetensors   of harmful items, with settings.json and report.json
    safety/review.jsonl             items that wait for a person to decide, and the decisions

It goes on changing, so the manifest does not list it; every file is replaced in one step, and the
tensors are verified by a checksum of their own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from foretaste.artifacts.folder import write_json
from foretaste.artifacts.run import Run, open_run
from foretaste.errors import ArtifactError, ConfigError
from foretaste.ranking import HarmClassifier, Ranker
from foretaste.ranking.exploration import restore_bandit, save_bandit
from foretaste.ranking.keeping import replacing
from foretaste.ranking.safety import HarmConfig, HarmReport

_BANDIT = "exploration.safetensors"
_SAFETY = Path("safety")
_CLASSIFIER, _SETTINGS, _REPORT, _QUEUE = (
    _SAFETY / name
    for name in ("classifier.safetensors", "settings.json", "report.json", "review.jsonl")
)

#: Settings of the classifier that are kept; paths are those of the run, wherever it lies.
_THRESHOLDS = {"block", "review", "show_unreviewed"}


def save_experience(saved: Run, ranker: Ranker) -> Path:
    """Keeps what the bandit of a run's ranker has learnt, in place of what was kept before.

    Raises:
        InputError: Nothing explores.
        ArtifactError: It can't be written.
    """
    bandit, policy = ranker.pipeline.exploring
    items = ranker.pipeline.catalogue.vocabulary
    return save_bandit(bandit, saved.path / _BANDIT, policy=policy, items=items)


def restore_experience(saved: Run, ranker: Ranker) -> None:
    """Gives the bandit of a run's ranker what was kept; nothing where nothing was.

    Raises:
        ArtifactError: The file is damaged, or of another policy or catalogue.
    """
    path = saved.path / _BANDIT
    if path.exists() and ranker.pipeline.config.exploration is not None:
        bandit, policy = ranker.pipeline.exploring
        items = ranker.pipeline.catalogue.vocabulary
        restore_bandit(bandit, path, policy=policy, items=items)


def carry_over(earlier: Run, later: Path) -> None:
    """Gives a run what came into the one that it learnt on from: what is blocked stays so.

    Args:
        earlier: The run.
        later: The folder of the other.

    Raises:
        ArtifactError: It can't be written, or there is no run in that folder.
    """
    # Another policy has another experience. The classifier last, since it is what counts.
    same = _policy(earlier) == _policy(open_run(later))
    experience = [Path(_BANDIT)] if same else []
    for name in (*experience, _QUEUE, _SETTINGS, _REPORT, _CLASSIFIER):
        if not (earlier.path / name).exists():
            continue
        try:
            with replacing(later / name) as partial:
                shutil.copyfile(earlier.path / name, partial)
        except OSError as error:
            raise ArtifactError(
                f"the file can't be written: {error.strerror}.", file=later / name
            ) from None


def _policy(saved: Run) -> str | None:
    """What explores in a run."""
    ranking = (saved.config or {}).get("ranking") or {}
    return (ranking.get("exploration") or {}).get("policy")


def save_harm(
    saved: Run, classifier: HarmClassifier, settings: HarmConfig, report: HarmReport
) -> None:
    """Puts a classifier of harmful items into a run, in place of one that was there.

    Args:
        saved: The run.
        classifier: What was trained.
        settings: Its thresholds; the paths are not kept.
        report: How well it does.

    Raises:
        ArtifactError: It can't be written.
    """
    try:
        with replacing(saved.path / _SETTINGS) as partial:
            write_json(settings.model_dump(mode="json", include=_THRESHOLDS), partial)
        with replacing(saved.path / _REPORT) as partial:
            write_json(report.to_dict(), partial)
    except OSError as error:
        raise ArtifactError(
            f"the file can't be written: {error.strerror}.", file=saved.path / _SAFETY
        ) from None
    # Last, since it is what counts.
    classifier.save(saved.path / _CLASSIFIER)


def harm_of(saved: Run) -> HarmConfig | None:
    """How the classifier that was put into a run is used; None where there is none.

    Raises:
        ArtifactError: Its settings can't be understood.
    """
    if not (saved.path / _CLASSIFIER).exists():
        return None
    path = saved.path / _SETTINGS
    try:
        settings = HarmConfig.parse(json.loads(path.read_text("utf-8")), file=path)
    except (ConfigError, OSError, ValueError) as error:
        raise ArtifactError(
            f"the settings of the classifier can't be understood: {error}.",
            file=path,
            hint="Train it again with 'foretaste safety train'.",
        ) from None
    own = {"classifier": saved.path / _CLASSIFIER, "queue": saved.path / _QUEUE}
    return settings.model_copy(update=own)
