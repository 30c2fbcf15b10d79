import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from personalake.config import Settings
from personalake.tracking import LoggedModel, Tracker

MODULE = Path(__file__).parent / "opened.py"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def tracker(root: Path) -> Tracker:
    return Tracker(Settings(root=root), root)


@pytest.fixture(scope="module")
def doubling() -> Iterator[LoggedModel]:
    sys.path.insert(0, str(MODULE.parent))
    import opened

    yield LoggedModel(
        name="doubling",
        artifact_files={"parts/factor.json": {"factor": 2}},
        predict=opened.opener,
        signature_example=opened.frame(),
        params={"factor": 2},
        metrics={"roc_auc": 0.8, "roc_auc_low": 0.7},
        figures={"roc": go.Figure(go.Scatter(x=[0, 1], y=[0, 1])), "note.txt": b"drawn by hand"},
        tags={"table_version": "3"},
    )
    sys.path.remove(str(MODULE.parent))


def test_without_a_registry_there_is_no_champion_and_mlflow_is_not_even_imported(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from personalake.config import Settings;"
        "from personalake.tracking import Tracker; root = Path(sys.argv[1]);"
        "assert Tracker(Settings(root=root), root).champion('churn') is None; assert 'mlflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)


def test_a_logged_model_serves_only_once_it_is_promoted(tracker: Tracker, doubling: LoggedModel) -> None:
    version = tracker.log(doubling)
    before = tracker.champion("doubling")
    tracker.promote("doubling", version)
    after = tracker.champion("doubling")

    assert before is None
    assert after is not None
    assert (after.version, after.tags["table_version"]) == (version, "3")
    assert after.metrics == {"roc_auc": 0.8, "roc_auc_low": 0.7}
    assert after.load()(pd.DataFrame({"recency_days": [21.0]})).tolist() == [42.0]
    assert json.loads(after.artifact("parts/factor.json").read_text()) == {"factor": 2}


def test_the_same_model_is_registered_once_and_another_one_anew(tracker: Tracker, doubling: LoggedModel) -> None:
    first = tracker.log(doubling)
    other = replace(doubling, artifact_files={"parts/factor.json": {"factor": 3}}, figures={})

    assert tracker.log(doubling) == first
    assert tracker.log(other) != first


def test_mlflow_alone_loads_the_champion_with_its_signature(tracker: Tracker, doubling: LoggedModel) -> None:
    import mlflow

    tracker.promote("doubling", tracker.log(doubling))
    tracker._use_store()

    served = mlflow.pyfunc.load_model("models:/doubling@champion")

    assert list(served.predict(pd.DataFrame({"recency_days": [4.0]}))) == [8.0]
    assert served.metadata.signature.inputs.input_names() == ["recency_days"]


def test_pictures_lie_beside_the_model_and_need_no_network(root: Path, tracker: Tracker, doubling: LoggedModel) -> None:
    tracker.log(doubling)

    page = next(root.rglob("figures/figures.html")).read_text()

    assert "<script src=" not in page
    assert next(root.rglob("figures/roc.json")).exists()
    assert next(root.rglob("figures/note.txt")).read_bytes() == b"drawn by hand"


def test_a_model_whose_opener_cannot_be_imported_is_refused(tracker: Tracker, doubling: LoggedModel) -> None:
    with pytest.raises(ValueError, match="top-level function"):
        tracker.log(replace(doubling, predict=lambda folder: lambda rows: rows))
