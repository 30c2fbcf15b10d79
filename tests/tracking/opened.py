"""A model for the registry's tests: multiplies by what its file says."""

import json
from pathlib import Path
from typing import Any

import pandas as pd


def opener(folder: Path) -> Any:
    factor = json.loads((folder / "parts/factor.json").read_text())["factor"]
    return lambda rows: (rows["recency_days"] * factor).to_numpy()


def frame() -> pd.DataFrame:
    return pd.DataFrame({"recency_days": [1.0, 2.0]})
