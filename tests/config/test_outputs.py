from pathlib import Path

import pytest

from personalake.config import Settings, load_settings
from tests.config.test_loader import conf, load, problems

PLACES = "root: lakehouse\nlanding: landing\nexports: exports\nreport: {path: report, title: ours}\n"


def outputs(settings: Settings) -> list[str]:
    return [str(path) for path in (settings.exports, settings.report.path, settings.erasure.access)]


@pytest.mark.parametrize("is_variable", [True, False])
def test_a_lake_that_a_run_names_has_its_outputs_in_itself_and_reads_what_has_landed(
    is_variable: bool, tmp_path: Path
) -> None:
    folder = conf(tmp_path, base=PLACES)

    settings = load(folder, PERSONALAKE_ROOT="/tmp/try") if is_variable else load(folder, {"root": "/tmp/try"})

    assert outputs(settings) == ["/tmp/try/_exports", "/tmp/try/_report", "/tmp/try/_access"]
    assert (str(settings.root), str(settings.landing), settings.report.title) == ("/tmp/try", "landing", "ours")


def test_outputs_that_the_run_names_stay_where_they_are(tmp_path: Path) -> None:
    folder = conf(tmp_path, base=PLACES)

    settings = load(folder, {"root": "/tmp/try", "report.path": "/tmp/page"}, PERSONALAKE_EXPORTS="/srv/out")

    assert outputs(settings) == ["/srv/out", "/tmp/page", "/tmp/try/_access"]


@pytest.mark.parametrize("same", ["lakehouse", "./lakehouse/", str(Path("lakehouse").resolve())])
def test_the_lake_that_the_files_name_keeps_the_outputs_that_they_name(same: str, tmp_path: Path) -> None:
    folder = conf(tmp_path, base=PLACES)

    assert outputs(load(folder, {"root": same})) == ["exports", "report", "access"]
    assert outputs(load(folder)) == ["exports", "report", "access"]


def test_an_environment_of_its_own_says_itself_where_its_outputs_lie(tmp_path: Path) -> None:
    folder = conf(tmp_path, base=PLACES, environments__local="root: other\n")

    assert outputs(load(folder)) == ["exports", "report", "access"]
    assert outputs(load(folder, {"root": "other"})) == ["exports", "report", "access"]


def test_names_of_places_stand_for_the_lakes_own(tmp_path: Path) -> None:
    drop = "partner: {kind: csv_drop, folder: '${exports}/partner', columns: [id]}\n"

    settings = load(conf(tmp_path, base=PLACES, connections=drop), {"root": "/tmp/try"})

    assert str(getattr(settings.connections["partner"], "folder", None)) == "/tmp/try/_exports/partner"


@pytest.mark.parametrize("inside", ["gold/partner", "_exported"])
def test_no_other_folder_in_the_lake_takes_drops(inside: str, tmp_path: Path) -> None:
    drop = f"partner: {{kind: csv_drop, folder: /tmp/try/{inside}, columns: [id]}}\n"

    (found,) = problems(conf(tmp_path, base=PLACES, connections=drop), {"root": "/tmp/try"})

    assert "lies in the lake" in found


def test_each_region_of_such_a_lake_has_its_own(tmp_path: Path) -> None:
    folder = conf(tmp_path, base=PLACES + "regions: {mode: regional, names: [eu, us]}\n")

    settings = load_settings("local", folder, {"root": "/tmp/try", "region": "eu"}, {})

    assert str(settings.root) == "/tmp/try/eu"
    assert outputs(settings) == ["/tmp/try/_exports/eu", "/tmp/try/_report/eu", "/tmp/try/_access/eu"]


@pytest.mark.parametrize("slip", ["report:\n", "report: here\n"])
def test_a_slip_in_what_holds_an_output_is_told_as_ever(slip: str, tmp_path: Path) -> None:
    folder = conf(tmp_path, base=slip)

    (found,) = problems(folder, {"root": "/tmp/try"})

    assert found.startswith("base.yml: report: ")
