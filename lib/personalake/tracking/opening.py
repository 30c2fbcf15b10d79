"""Opening a logged model: its folder names the function that opens it. Needs neither mlflow nor Spark."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd

Predict = Callable[[pd.DataFrame], Any]
Opener = Callable[[Path], Predict]
OPENER_FILE = "opener.txt"


def opener_name(opener: Opener) -> str:
    """`module:function` of an opener.

    Raises:
        ValueError: If it could not be imported again, e.g. a lambda or a nested function.
    """
    name = f"{opener.__module__}:{opener.__qualname__}"
    if "<" in name or "." in opener.__qualname__:
        raise ValueError(f"{name} cannot be imported by a server; make it a top-level function of a module")
    return name


def open_folder(folder: Path) -> Predict:
    """The function from rows to predictions that lies in a folder."""
    module, _, function = (folder / OPENER_FILE).read_text(encoding="utf-8").strip().partition(":")
    opener = cast(Opener, getattr(importlib.import_module(module), function))
    return opener(folder)
