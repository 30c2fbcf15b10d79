from pathlib import Path
from typing import NoReturn

import nbformat
import pytest
from nbclient import NotebookClient

from personalake.lake import Ledger, Locations
from tests.reports.gold_rows import fill

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def no_session() -> NoReturn:
    raise AssertionError("no Spark session is needed here")


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_is_a_notebook_over_gold() -> None:
    assert [path.name for path in NOTEBOOKS] == ["explore_customers.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    left = [cell.source for cell in code_cells(path) if cell.outputs or cell.execution_count is not None]

    assert left == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_magics_so_that_it_opens_in_jupyter_and_databricks_alike(path: Path) -> None:
    magics = [line for cell in code_cells(path) for line in cell.source.splitlines() if line.startswith(("%", "!"))]

    assert magics == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_over_a_small_lake(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Ledger(Locations(tmp_path), no_session))
    monkeypatch.setenv("PERSONALAKE_ROOT", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()

    silent = [cell.source for cell in notebook.cells[4:] if cell.cell_type == "code" and not cell.outputs]
    assert silent == []
