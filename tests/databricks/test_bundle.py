"""The bundle holds together: files, tasks, dependencies, variables, parameters."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from personalake.config import load_settings
from personalake.errors import ConfigError
from personalake.pipelines.bundle import main, resources
from personalake.pipelines.command import parser_of, settings_of
from personalake.pipelines.registry import BY_NAME, GRAPH

ROOT = Path(__file__).resolve().parents[2]
BUNDLE: dict[str, Any] = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "resources").glob("*.yml"))}
JOBS: dict[str, Any] = {
    key: job for text in FILES.values() for key, job in yaml.safe_load(text)["resources"]["jobs"].items()
}
TASKS = [(key, task) for key, job in JOBS.items() for task in job["tasks"]]
BUILT_IN = {"bundle.name", "bundle.target", "workspace.file_path", "workspace.current_user.userName"}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def references(node: Any) -> set[str]:
    return {name for text in texts(node) for name in re.findall(r"\$\{([^}]+)\}", text)}


def variables_of(target: str) -> dict[str, str]:
    """Variable to value, as the target and the defaults say."""
    given = BUNDLE["targets"][target].get("variables", {})
    values = {name: given.get(name, declared.get("default")) for name, declared in BUNDLE["variables"].items()}
    return {name: filled(str(value), values) for name, value in values.items() if value is not None}


def filled(text: str, values: dict[str, Any], **builtin: str) -> str:
    """A text with its variables filled in; job parameters take a day or an empty text."""
    for name, value in {**{f"var.{key}": value for key, value in values.items()}, **builtin}.items():
        text = text.replace("${" + name + "}", str(value))
    text = text.replace("{{job.parameters.as_of}}", "2017-12-01")
    return re.sub(r"\{\{job\.parameters\.\w+\}\}", "", text)


def parameters(task: dict[str, Any], target: str) -> list[str]:
    builtin = {"bundle.target": target, "workspace.file_path": str(ROOT)}
    return [filled(text, variables_of(target), **builtin) for text in task["spark_python_task"]["parameters"]]


def test_the_resources_are_made_from_the_registry() -> None:
    assert resources() == FILES


def test_making_the_resources_removes_those_of_jobs_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "gone.job.yml").write_text("")

    main(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_every_resource_is_included() -> None:
    included = {path.name for pattern in BUNDLE["include"] for path in ROOT.glob(pattern)}

    assert included == set(FILES)


def test_the_daily_graph_is_the_local_graph() -> None:
    remote = {task["task_key"]: {need["task_key"] for need in task.get("depends_on", [])} for task in JOBS["daily"]["tasks"]}

    assert remote == {job.name: set(job.needs) for job in GRAPH}


@pytest.mark.parametrize(("key", "task"), TASKS, ids=[f"{key}-{task['task_key']}" for key, task in TASKS])
def test_a_task_runs_the_job_of_its_name(key: str, task: dict[str, Any]) -> None:
    file = (ROOT / "resources" / task["spark_python_task"]["python_file"]).resolve()
    siblings = {sibling["task_key"] for sibling in JOBS[key]["tasks"]}

    assert file.exists()
    assert file.stem == task["task_key"]
    assert {need["task_key"] for need in task.get("depends_on", [])} <= siblings - {task["task_key"]}
    assert task["job_cluster_key"] in {cluster["job_cluster_key"] for cluster in JOBS[key]["job_clusters"]}
    assert task["libraries"] == [{"whl": "../dist/*.whl"}]


@pytest.mark.parametrize("target", ["dev", "prod"])
@pytest.mark.parametrize(("key", "task"), TASKS, ids=[f"{key}-{task['task_key']}" for key, task in TASKS])
def test_a_jobs_parser_understands_its_parameters(key: str, task: dict[str, Any], target: str) -> None:
    parsed = parser_of(BY_NAME[task["task_key"]]).parse_args(parameters(task, target))

    assert parsed.env == target
    assert parsed.as_of.isoformat() == "2017-12-01"


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_the_parameters_give_valid_settings(target: str) -> None:
    task = JOBS["daily"]["tasks"][0]
    parsed = vars(parser_of(BY_NAME[task["task_key"]]).parse_args(parameters(task, target)))

    settings = settings_of(parsed)

    assert settings.catalog == variables_of(target)["catalog"]
    assert str(settings.landing) == f"/Volumes/{settings.catalog}/lake/landing"


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_the_bundle_and_the_environment_name_the_same_places(target: str) -> None:
    settings = load_settings(target, ROOT / "conf", {"as_of": "2017-12-01"}, environ={})
    values = variables_of(target)

    assert (settings.catalog, str(settings.landing)) == (values["catalog"], values["landing"])
    assert (str(settings.root), str(settings.exports)) == (values["state"], values["exports"])


def test_every_variable_that_is_used_is_declared_and_every_declared_one_is_used() -> None:
    used = references(BUNDLE) | references(JOBS)
    variables = {name.removeprefix("var.") for name in used if name.startswith("var.")}

    assert variables == set(BUNDLE["variables"])
    assert {name for name in used if not name.startswith("var.")} <= BUILT_IN
    assert all(declared.get("description") for declared in BUNDLE["variables"].values())
    assert all(set(target.get("variables", {})) <= set(BUNDLE["variables"]) for target in BUNDLE["targets"].values())


def test_every_job_parameter_that_is_used_is_declared() -> None:
    for key, job in JOBS.items():
        used = {name for text in texts(job["tasks"]) for name in re.findall(r"\{\{job\.parameters\.(\w+)\}\}", text)}
        assert used == {parameter["name"] for parameter in job["parameters"]}, key


def test_development_is_the_default_and_sleeps_and_production_is_scheduled() -> None:
    dev, prod = BUNDLE["targets"]["dev"], BUNDLE["targets"]["prod"]

    assert (dev["mode"], dev["default"]) == ("development", True)
    assert prod["mode"] == "production"
    assert "default" not in prod
    assert variables_of("dev")["schedule_status"] == "PAUSED"
    assert variables_of("prod")["schedule_status"] == "UNPAUSED"


def test_only_the_daily_job_has_a_schedule_and_no_job_runs_twice_at_once() -> None:
    assert [key for key, job in JOBS.items() if "schedule" in job] == ["daily"]
    assert all(job["max_concurrent_runs"] == 1 for job in JOBS.values())


def test_clusters_grow_and_shrink() -> None:
    for job in JOBS.values():
        for cluster in job["job_clusters"]:
            assert cluster["new_cluster"]["autoscale"] == {"min_workers": 1, "max_workers": "${var.max_workers}"}


def test_production_names_its_day_and_its_environment_refuses_latest() -> None:
    assert BUNDLE["targets"]["prod"]["variables"]["as_of"] != "latest"

    with pytest.raises(ConfigError, match=r"as_of: this environment wants an explicit day"):
        load_settings("prod", ROOT / "conf", environ={})


def test_production_must_be_told_who_hears_of_failures() -> None:
    assert "notification_address" not in variables_of("prod")


def test_the_wheel_leaves_the_platforms_spark_alone() -> None:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    required = text.split("install_requires=[")[1].split("]")[0]

    assert "pyspark" not in required
    assert "delta-spark" not in required
    assert BUNDLE["artifacts"]["wheel"]["type"] == "whl"
