"""Tracking: the only importer of mlflow and hyperopt. What was trained on what, how good it is, and which one serves."""

from personalake.tracking.model import Champion, LoggedModel
from personalake.tracking.opening import Opener, Predict
from personalake.tracking.tracker import Tracker, load_ahead
from personalake.tracking.tuning import Trial, search

__all__ = ["Champion", "LoggedModel", "Opener", "Predict", "Tracker", "Trial", "load_ahead", "search"]
