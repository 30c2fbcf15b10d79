"""What goes into the registry, and what comes out of it; plain values, no mlflow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from personalake.tracking.opening import Opener, Predict, open_folder

if TYPE_CHECKING:
    import plotly.graph_objects as go

Content = bytes | Path | Mapping[str, Any] | list[Any]


@dataclass(frozen=True)
class LoggedModel:
    """A trained model with everything that is kept about it.

    Args:
        name: What it predicts, e.g. `churn`; its name in the registry.
        artifact_files: Relative path to content: bytes and files as they are, mappings and lists as JSON.
        predict: A top-level function of an importable module: given the folder of `artifact_files`, it returns the
            function from rows to predictions. The module should import neither Spark nor mlflow.
        signature_example: A few input rows; the signature and the input example are made from them.
        params: Settings of the fit.
        metrics: Metrics by name; intervals as `<metric>_low` and `<metric>_high`.
        figures: Pictures by name: Plotly figures, or the bytes of a file whose name has its suffix.
        tags: Facts to look it up by, e.g. the training cut and the version of the table trained on.
        requirements: What a server needs to load it.
    """

    name: str
    artifact_files: Mapping[str, Content]
    predict: Opener
    signature_example: pd.DataFrame
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    figures: "Mapping[str, go.Figure | bytes]" = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ("mlflow", "numpy", "pandas")


@dataclass(frozen=True)
class Champion:
    """A registered version; the one that serves if it came from `Tracker.champion`.

    Args:
        name: What it predicts.
        version: Its version in the registry.
        tags: What it was tagged with.
        metrics: Its metrics by name.
        folder: Gives the local folder of its `artifact_files`; downloads at most once.
    """

    name: str
    version: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    folder: Callable[[], Path]

    def artifact(self, path: str) -> Path:
        """One of the model's files, on local disk."""
        return self.folder() / path

    def load(self) -> Predict:
        """The function from rows to predictions, opened as a server would open it but without mlflow."""
        return open_folder(self.folder())
