"""The model registry: log a version, promote it, find the champion."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import personalake
from personalake.config import Settings
from personalake.tracking.model import Champion, Content, LoggedModel
from personalake.tracking.opening import OPENER_FILE, open_folder, opener_name

# Mlflow warns of integers that could turn out missing; counts never are.
warnings.filterwarnings("ignore", message=".*[Ii]nferred schema contains integer column", category=UserWarning)

# Mlflow's codes for a model that was never registered, and for an alias that was never set.
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
CHAMPION = "champion"
DIGEST = "digest"
_FILES = "files"


def load_ahead() -> None:
    """Import mlflow, which takes seconds, before a model is asked for."""
    import mlflow.tracking  # noqa: F401


@dataclass(frozen=True)
class Tracker:
    """Models of one lake; needs no Spark session, and imports mlflow only when there is something to ask.

    Args:
        settings: The configuration; `tracking` says which store.
        root: Folder of the lake; without a configured store it is sqlite at `<root>/mlflow/mlflow.db`.
    """

    settings: Settings
    root: Path
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def warm_up(self) -> None:
        """Start importing mlflow and opening the store beside other work; a new store takes seconds to make."""
        threading.Thread(target=lambda: self._client, name="tracking", daemon=True).start()

    def log(self, model: LoggedModel) -> str:
        """Log and register a model.

        Equal content is never registered twice: a run that died after this call gives the same version again.

        Returns:
            The registered version.
        """
        digest = digest_of(model)
        known = self.find(model.name, DIGEST, digest)
        if known is not None:
            return known.version
        import mlflow

        from personalake.tracking.pictures import write_pictures

        self._use_store()
        with tempfile.TemporaryDirectory() as scratch, mlflow.start_run(experiment_id=self._experiment()) as run:
            write_pictures(model.figures, Path(scratch) / "figures")
            self._client.log_batch(run.info.run_id, **_facts(model))
            if model.figures:
                self._client.log_artifacts(run.info.run_id, str(Path(scratch) / "figures"), "figures")
            info = _log_pyfunc(model, Path(scratch) / _FILES)
        return self._register(model, digest, info)

    def promote(self, name: str, version: str) -> None:
        """Let a version serve; one alias moves, so that there is never none."""
        self._client.set_registered_model_alias(self._registered(name), CHAMPION, version)

    def tag(self, name: str, version: str, key: str, value: str) -> None:
        """Write down one more fact about a version."""
        self._client.set_model_version_tag(self._registered(name), version, key, value)

    def champion(self, name: str) -> Champion | None:
        """The version that serves, None if none has been promoted."""
        if not self._has_store():
            return None
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(self._registered(name), CHAMPION)
        except MlflowException as error:
            if error.error_code not in _NOT_THERE:
                raise
            return None
        return self._as_champion(name, found)

    def find(self, name: str, key: str, value: str) -> Champion | None:
        """The newest registered version with a tag of that value, None if there is none."""
        if not self._has_store():
            return None
        found = self._client.search_model_versions(f"name = '{self._registered(name)}'", max_results=1000)
        fitting = [version for version in found if version.tags.get(key) == value]
        return self._as_champion(name, max(fitting, key=lambda version: int(version.version))) if fitting else None

    @property
    def uri(self) -> str:
        """Where the store is."""
        return self.settings.tracking.uri or f"sqlite:///{self._folder / 'mlflow.db'}"

    @property
    def _folder(self) -> Path:
        return self.root.expanduser().resolve() / "mlflow"

    def _has_store(self) -> bool:
        return self.settings.tracking.uri is not None or (self._folder / "mlflow.db").exists()

    @property
    def _client(self) -> Any:
        # Two threads that make a new store at the same time would break it.
        with self._opening:
            return self._opened

    @cached_property
    def _opened(self) -> Any:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        from mlflow import MlflowClient

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        if self.settings.tracking.uri is None:
            self._folder.mkdir(parents=True, exist_ok=True)
        return MlflowClient(tracking_uri=self.uri, registry_uri=self._registry_uri)

    @property
    def _registry_uri(self) -> str:
        return "databricks-uc" if self.uri == "databricks" and self.settings.tracking.registry_prefix else self.uri

    def _use_store(self) -> None:
        """Point mlflow's own functions at the store; they know nothing of clients."""
        import mlflow

        _ = self._client
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self._registry_uri)

    def _experiment(self) -> str:
        name = self.settings.tracking.experiment
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None if self.settings.tracking.uri else (self._folder / "artifacts").as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def _registered(self, name: str) -> str:
        return f"{self.settings.tracking.registry_prefix}{name}"

    def _register(self, model: LoggedModel, digest: str, info: Any) -> str:
        """The version appears with all its tags at once, or not at all."""
        from mlflow.exceptions import MlflowException

        registered = self._registered(model.name)
        try:
            self._client.get_registered_model(registered)
        except MlflowException:
            self._client.create_registered_model(registered)
        tags = {**model.tags, DIGEST: digest}
        version = self._client.create_model_version(
            registered, info.model_uri, run_id=info.run_id, tags=tags, model_id=info.model_id
        )
        return str(version.version)

    def _as_champion(self, name: str, version: Any) -> Champion:
        metrics = self._client.get_run(version.run_id).data.metrics if version.run_id else {}
        return Champion(name, str(version.version), dict(version.tags), dict(metrics), lambda: self._download(version))

    def _download(self, version: Any) -> Path:
        import mlflow

        self._use_store()
        return Path(mlflow.artifacts.download_artifacts(version.source)) / "artifacts" / _FILES


def digest_of(model: LoggedModel) -> str:
    """A hash of everything that makes two models differ: files, settings, tags, metrics; not pictures."""
    digest = hashlib.sha256()
    for path, content in sorted(model.artifact_files.items()):
        digest.update(path.encode() + b"\0" + _bytes(content) + b"\0")
    facts = [model.name, opener_name(model.predict), dict(model.params), dict(model.tags), dict(model.metrics)]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:32]


def _bytes(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, Path):
        return content.read_bytes()
    return json.dumps(content, sort_keys=True).encode()


def _facts(model: LoggedModel) -> dict[str, Any]:
    from mlflow.entities import Metric, Param, RunTag

    return {
        "metrics": [Metric(name, float(value), 0, 0) for name, value in sorted(model.metrics.items())],
        "params": [Param(name, str(value)) for name, value in sorted(model.params.items())],
        "tags": [RunTag(name, value) for name, value in sorted(model.tags.items())],
    }


def _log_pyfunc(model: LoggedModel, folder: Path) -> Any:
    """Log files, opener and the library's code as one pyfunc, in the active run."""
    import mlflow
    from mlflow.models import infer_signature

    for path, content in {**model.artifact_files, OPENER_FILE: opener_name(model.predict).encode()}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(content))
    package = Path(personalake.__file__).parent
    code = shutil.copytree(package, folder.parent / "code" / "personalake", ignore=shutil.ignore_patterns("__pycache__"))
    return mlflow.pyfunc.log_model(
        name=model.name,
        python_model=str(package / "tracking" / "served.py"),
        artifacts={_FILES: str(folder)},
        code_paths=[str(code)],
        signature=infer_signature(model.signature_example, open_folder(folder)(model.signature_example)),
        input_example=model.signature_example,
        pip_requirements=list(model.requirements),
    )
