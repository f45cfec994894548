"""Reading, validating, cleaning and dividing interaction data."""

from foretaste.data.cleaning import CleaningConfig, CleaningReport, RuleOutcome, clean
from foretaste.data.config import ColumnNames, DataConfig, Layout, TimeUnit
from foretaste.data.dataset import Dataset
from foretaste.data.description import Description
from foretaste.data.inspection import Inspection
from foretaste.data.problems import FileReport, Problem
from foretaste.data.ragged import Ragged
from foretaste.data.reading import inspect, read
from foretaste.data.splits import Split, SplitKind, Targets, split
from foretaste.data.vocabulary import PADDING, Vocabulary

__all__ = [
    "PADDING",
    "CleaningConfig",
    "CleaningReport",
    "ColumnNames",
    "DataConfig",
    "Dataset",
    "Description",
    "FileReport",
    "Inspection",
    "Layout",
    "Problem",
    "Ragged",
    "RuleOutcome",
    "Split",
    "SplitKind",
    "Targets",
    "TimeUnit",
    "Vocabulary",
    "clean",
    "inspect",
    "read",
    "split",
]
