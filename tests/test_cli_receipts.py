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
        return self.say(monkeypatch, "verify", *words)

    def say(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
        asked = ["personalake", "receipts", *words, "--conf-dir", str(self.folder / "conf")]
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


def failing(office: Office, place: str, kind: str = "files") -> None:
    for request in ("r1", "r2"):
        told = {"request_id": request, "place": place, "kind": kind, "outcome": "failed", "recorded_at": NOON}
        office.sign(ERASURE_RECEIPT, receipt_id=f"{request} {place}", subject=f"s-{request}", **told)


def done_but_for(office: Office, *places: str) -> None:
    reason = f"4 rows, lines and files erased; not erased by request, see receipts: {', '.join(places)}"
    for request in ("r1", "r2"):
        office.sign(ERASURE_REQUEST, request_id=request, state="received", changed_at=NOON)
        told = {"state": "done", "reason": reason, "receipts": len(places), "changed_at": NOON.replace(hour=13)}
        office.sign(ERASURE_REQUEST, request_id=request, subject=f"s-{request}", **told)


WHY = "the folder went with the old server on 2026-03-01"


def test_what_a_person_has_seen_to_is_signed_and_the_request_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(office, "vendor", "destination")
    failing(office, "landing/old")
    done_but_for(office, "landing/old", "vendor")

    code = office.say(monkeypatch, "settle", "--place", "vendor", "--why", WHY, "--request", "r1")

    told = capsys.readouterr().out
    assert (code, told) == (
        0, "vendor is settled for 1 request. Of 1 of them other places wait for a person: landing/old.\n",
    )  # fmt: skip
    (receipt,) = office.ledger.read(ERASURE_RECEIPT, where=[("outcome", "=", "settled")])
    assert (receipt["request_id"], receipt["subject"], receipt["kind"]) == ("r1", "s-r1", "destination")
    assert receipt["detail"].startswith("settled by ")
    assert receipt["detail"].endswith(WHY)
    states = sorted(office.ledger.read(ERASURE_REQUEST), key=lambda row: str(row["changed_at"]))
    assert (states[-1]["request_id"], states[-1]["state"], states[-1]["reason"]) == (
        "r1", "done",
        "4 rows, lines and files erased; settled by hand: vendor; not erased by request, see receipts: landing/old",
    )  # fmt: skip
    assert office.run(monkeypatch) == 0
    assert office.say(monkeypatch, "settle", "--place", "landing/old", "--why", WHY, "--for-good") == 0
    assert office.run(monkeypatch) == 0
    last = {
        row["request_id"]: row for row in sorted(office.ledger.read(ERASURE_REQUEST), key=lambda row: str(row["changed_at"]))
    }
    assert last["r1"]["reason"] == "4 rows, lines and files erased; settled by hand: landing/old, vendor"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--place", "landing/old", "--why", "done"), "it says too little"),
        (("--place", "landing/old", "--why", "the rows of ann@x.example are gone"), "an e-mail address"),
        (("--place", "landing/old", "--why", "she called from 212 555-0101 today"), "a number as phones"),
        (("--place", "silver.event", "--why", WHY), "Waiting are: landing/old, vendor"),
        (("--place", "landing/old", "--why", WHY, "--request", "nobody"), "Waiting are: none"),
        (("--place", "vendor", "--why", WHY, "--for-good"), "each person is to be asked for there anew"),
    ],
)
def test_nothing_is_settled_without_a_place_that_waits_and_a_reason_that_names_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    failing(office, "vendor", "destination")
    failing(office, "landing/old")

    code = office.say(monkeypatch, "settle", *words)

    said = capsys.readouterr().err
    assert code != 0
    assert told in " ".join(said.split())
    assert "ann@x.example" not in said
    assert office.ledger.read(ERASURE_RECEIPT, where=[("outcome", "=", "settled")]) == []


def test_a_receipt_that_somebody_changed_is_not_settled(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = {"receipt_id": "2", "request_id": "r", "place": "vendor", "kind": "destination", "outcome": "failed"}
    office.ledger.append(ERASURE_RECEIPT, [{**made_up, "recorded_at": NOON, MAC: "0" * 64}])

    assert office.say(monkeypatch, "settle", "--place", "vendor", "--why", WHY) != 0
