"""Receipts on the console: how many verify, what is wrong with the others, and one request to be handed over."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake import cli
from personalake.errors import ConfigError
from personalake.lake import Ledger, Locations
from personalake.privacy.receipts import MAC, mac_of, verifies
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST

NOON, KEY = datetime(2026, 11, 26, 12, tzinfo=UTC), "0123456789abcdef"


class Office:
    """The console script over one lake that holds receipts and the key of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, Ledger(Locations(folder / "lake"), _no_session)
        (folder / "conf" / "environments").mkdir(parents=True)
        (folder / "conf" / "environments" / "local.yml").write_text("as_of: 2026-11-25\n")
        (folder / "conf" / "base.yml").write_text(f"root: {folder}/lake\n")

    def sign(self, table: Table, /, **told: Any) -> None:
        row = dict.fromkeys(table.columns) | told
        self.ledger.append(table, [{**row, MAC: mac_of(KEY, row)}])

    def keep_key(self, key: str = KEY) -> None:
        path = self.folder / "lake" / "_keys" / "erasure.key"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)

    def run(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
        asked = ["personalake", "receipts", "verify", *words, "--conf-dir", str(self.folder / "conf")]
        with monkeypatch.context() as typed:
            typed.setattr("sys.argv", asked)
            try:
                cli.main()
            except SystemExit as end:
                return int(end.code or 0)
        return 0


def _no_session() -> Any:
    raise AssertionError("a session was started")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    office.keep_key()
    office.sign(ERASURE_REQUEST, request_id="r", state="received", changed_at=NOON)
    office.sign(ERASURE_REQUEST, request_id="r", state="done", receipts=1, changed_at=NOON.replace(hour=13))
    office.sign(ERASURE_RECEIPT, receipt_id="1", request_id="r", place="silver.event", rows_erased=4, recorded_at=NOON)
    return office


def test_sound_receipts_are_counted(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = office.run(monkeypatch)

    assert (code, capsys.readouterr().out) == (
        0, "3 verify: 2 of gold.erasure_request, 1 of gold.erasure_receipt, 0 of gold.retention_receipt\n",
    )  # fmt: skip


def test_a_receipt_that_nobody_with_the_key_wrote_is_told_with_what_to_do_and_ends_with_code_6(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up = {"receipt_id": "2", "request_id": "r", "place": "every file", "outcome": "clean", MAC: "0" * 64}
    office.ledger.append(ERASURE_RECEIPT, [{**made_up, "recorded_at": NOON}])

    code = office.run(monkeypatch)

    first, failed, remedy = capsys.readouterr().out.splitlines()
    assert (code, first[:9]) == (6, "3 verify:")
    assert failed == "FAILED gold.erasure_receipt r every file: is not as it was written"
    assert "restore the version before" in remedy


def test_one_request_is_handed_over_as_json_that_verifies_by_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.sign(ERASURE_RECEIPT, receipt_id="9", request_id="other", place="silver.event", recorded_at=NOON)

    code = office.run(monkeypatch, "--request", "r")
    told = json.loads(capsys.readouterr().out)
    unknown = office.run(monkeypatch, "--request", "nobody")

    assert (code, told["verifies"], told["failures"]) == (0, True, [])
    assert [row["state"] for row in told["states"]] == ["received", "done"]
    assert [row["rows_erased"] for row in told["receipts"]] == [4]
    assert all(verifies(KEY, row) for row in (*told["states"], *told["receipts"]))
    assert unknown == 4


def test_without_the_key_or_with_another_it_is_said_and_no_key_is_made(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.keep_key("another key")
    other = (office.run(monkeypatch), capsys.readouterr().out)
    path = office.folder / "lake" / "_keys" / "erasure.key"
    path.unlink()

    code = office.run(monkeypatch)

    assert other[0] == 6
    assert "erasure.key is another key" in other[1]
    assert (code, path.exists()) == (ConfigError.exit_code, False)
    assert "bring back the key" in capsys.readouterr().err
