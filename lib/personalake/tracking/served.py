"""What MLflow runs when it serves a model: a script that it keeps beside the model and executes on loading."""

from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
import pandas as pd

from personalake.tracking.opening import open_folder


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Opens the folder of files and predicts with what is found there."""

    def load_context(self, context: Any) -> None:
        """Called once, when the model is loaded."""
        self._predict = open_folder(Path(context.artifacts["files"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Predictions, one per row."""
        return self._predict(model_input)


mlflow.models.set_model(ServedModel())
