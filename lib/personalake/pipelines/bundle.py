"""resources/*.yml: the jobs on Databricks, made from the registry so that both graphs are one."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from personalake.pipelines.job import JobSpec
from personalake.pipelines.registry import GRAPH, JOBS

_HEADER = "# Made by `make docs` from lib/personalake/pipelines/registry.py; changes here are lost.\n"
CLUSTER = "main"
# The same for every task; what depends on the day comes from the run, so that a repaired run is the same run.
PARAMETERS = (
    "--env", "${bundle.target}",
    "--conf-dir", "${workspace.file_path}/conf",
    "--as-of", "{{job.parameters.as_of}}",
    "--set", "catalog=${var.catalog}",
    "--set", "landing=${var.landing}",
    "--set", "root=${var.state}",
    "--set", "exports=${var.exports}",
    "--set", "region=${var.region}",
)  # fmt: skip


def resources() -> dict[str, str]:
    """File name to content, for every file in `resources/`."""
    files = {"daily.job.yml": _yaml("daily", _daily())}
    for spec in JOBS:
        if spec.kind == "on_demand":
            files[f"{spec.name}.job.yml"] = _yaml(spec.name, _on_demand(spec))
    return files


def _daily() -> dict[str, Any]:
    return {
        "name": "personalake_daily",
        "description": "From what arrived to what leaves, once a day",
        "schedule": {
            "quartz_cron_expression": "${var.schedule}",
            "timezone_id": "${var.business_timezone}",
            "pause_status": "${var.schedule_status}",
        },
        "email_notifications": {"on_failure": ["${var.notification_address}"]},
        **_common(),
        "tasks": [_task(spec, [{"task_key": needed} for needed in spec.needs]) for spec in GRAPH],
    }


def _on_demand(spec: JobSpec) -> dict[str, Any]:
    """A job of one task; each of its own options is a parameter that is asked for when it is started."""
    chosen = {option.name: "" if option.default is None else str(option.default) for option in spec.options}
    common = _common()
    common["parameters"] += [{"name": name.replace("-", "_"), "default": default} for name, default in chosen.items()]
    own = [part for name in chosen for part in (f"--{name}", "{{job.parameters." + name.replace("-", "_") + "}}")]
    return {
        "name": f"personalake_{spec.name}",
        "description": spec.purpose[:1].upper() + spec.purpose[1:],
        **common,
        "tasks": [_task(spec, [], own)],
    }


def _common() -> dict[str, Any]:
    return {
        "max_concurrent_runs": 1,
        "parameters": [{"name": "as_of", "default": "${var.as_of}"}],
        "job_clusters": [
            {
                "job_cluster_key": CLUSTER,
                "new_cluster": {
                    "spark_version": "${var.spark_version}",
                    "node_type_id": "${var.node_type}",
                    "data_security_mode": "SINGLE_USER",
                    "autoscale": {"min_workers": 1, "max_workers": "${var.max_workers}"},
                    "spark_conf": {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false"},
                },
            }
        ],
    }


def _task(spec: JobSpec, depends_on: list[dict[str, str]], own: list[str] | None = None) -> dict[str, Any]:
    task: dict[str, Any] = {"task_key": spec.name, "description": spec.purpose}
    if depends_on:
        task["depends_on"] = depends_on
    return {
        **task,
        "job_cluster_key": CLUSTER,
        "max_retries": 1,
        "spark_python_task": {"python_file": f"../jobs/{spec.name}.py", "parameters": [*PARAMETERS, *(own or [])]},
        "libraries": [{"whl": "../dist/*.whl"}],
    }


def _yaml(key: str, job: Mapping[str, Any]) -> str:
    content = {"resources": {"jobs": {key: job}}}
    return _HEADER + yaml.dump(content, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Repeats equal parts instead of pointing at them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main(folder: Path) -> None:
    """Write every file, and remove those of jobs that are gone."""
    folder.mkdir(exist_ok=True)
    files = resources()
    for path in folder.glob("*.yml"):
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
