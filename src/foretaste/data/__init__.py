"""Reading, validating, cleaning and dividing interaction data."""

from foretaste.data.cleaning import CleaningConfig, CleaningReport, RuleOutcome, clean
from foretaste.data.dataset import Dataset
from foretaste.data.ragged import Ragged
from foretaste.data.splits import Split, SplitKind, Targets, split
from foretaste.data.vocabulary import PADDING, Vocabulary

__all__ = [
    "PADDING",
    "CleaningConfig",
    "CleaningReport",
    "Dataset",
    "Ragged",
    "RuleOutcome",
    "Split",
    "SplitKind",
    "Targets",
    "Vocabulary",
    "clean",
    "split",
]
