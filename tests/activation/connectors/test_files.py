"""Files: whole or not there, the same again for the same rows, with a manifest beside each."""

import asyncio
import csv
import errno
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.connectors import connect
from personalake.activation.contract import one_by_one
from personalake.activation.delivery import Delivery, State
from personalake.activation.formulas import harmless
from personalake.activation.stores import FolderStore, StoreFailed
from tests.activation.connectors.settings import CONNECTION, connector_of, secret
from tests.activation.doubles import FakeClock, MemoryJournal, sent


def rows(*values: dict[str, Any]) -> list[Delivery]:
    return [Delivery(f"d{n}", f"p{n}", "row", json.dumps(value)) for n, value in enumerate(values)]


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


@pytest.mark.parametrize("kind", ["csv_drop", "object_store"])
def test_rows_lie_in_a_file_with_a_manifest_beside_it(kind: str, tmp_path: Path) -> None:
    given = rows({"external_id": "1", "tier": "gold"}, {"external_id": 'a"b,\r\nc', "tier": None})

    _, journal = sent(given, connector_of(kind, tmp_path))

    (file,) = tmp_path.glob("*.csv")
    manifest = json.loads((tmp_path / f"{file.name}.manifest.json").read_text())
    assert read(file) == [["external_id", "tier"], ["1", "gold"], ['a"b,\r\nc', ""]]
    assert manifest == {
        "file": file.name,
        "columns": ["external_id", "tier"],
        "rows": 2,
        "bytes": len(file.read_bytes()),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    assert set(journal.states.values()) == {"confirmed"}
    assert not list(tmp_path.glob("*.tmp"))


def test_cells_that_a_spreadsheet_would_run_are_made_harmless_and_numbers_are_left(tmp_path: Path) -> None:
    values = [
        "=1+1",
        "@x",
        "-5.20",
        "+49 170",
        "+49-170",
        "\tx",
        "plain",
        True,
        1.5,
        -3,
        "\n=1",
        "＝1",
        "a;=1",
        "a\r\n@b",
        ";-)",
    ]

    sent(rows(*({"external_id": value} for value in values)), connector_of("csv_drop", tmp_path))

    (file,) = tmp_path.glob("*.csv")
    assert [row[0] for row in read(file)[1:]] == [
        "'=1+1", "'@x", "-5.20", "+49 170", "'+49-170", "'\tx", "plain", "true", "1.5", "-3", "'\n'=1", "'＝1", "a;'=1",
        "a\r\n'@b", ";-)",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", ["\n=1", "＝1", "a;=1", "a\r@b", "a\n+1", "a;\t-1"])
def test_a_cell_among_many_plain_ones_is_made_harmless(odd: str, tmp_path: Path) -> None:
    values = [*(f"plain {number}" for number in range(20)), odd]

    sent(rows(*({"external_id": value} for value in values)), connector_of("csv_drop", tmp_path))

    (file,) = tmp_path.glob("*.csv")
    assert [row[0] for row in read(file)[1:]] == [*values[:-1], harmless(odd)]
    assert harmless(odd) != odd


def test_files_are_filled_to_their_limits_and_sort_in_order(tmp_path: Path) -> None:
    given = rows(*({"external_id": f"{n:04d}", "tier": "x" * 20} for n in range(50)))

    sent(given, connector_of("csv_drop", tmp_path, max_items=100, max_bytes=300))

    files = sorted(tmp_path.glob("*.csv"))
    assert [row[0] for file in files for row in read(file)[1:]] == [f"{n:04d}" for n in range(50)]
    assert all(270 <= file.stat().st_size <= 300 for file in files[:-1])


def test_what_a_killed_run_claimed_is_written_again_into_the_same_file(tmp_path: Path) -> None:
    given = rows(*({"external_id": str(n)} for n in range(6)))
    journal = MemoryJournal()
    sent(given, connector_of("csv_drop", tmp_path, max_items=3), journal)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    journal.outcomes.clear()
    later = FakeClock()
    later.seconds = 3_600

    _, journal = sent(journal.left(given), connector_of("csv_drop", tmp_path, clock=later, max_items=3), journal)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(journal.states.values()) == {"confirmed"}


def test_who_withdrew_after_the_rows_were_made_is_in_no_file_and_all_others_are(tmp_path: Path) -> None:
    given = rows(*({"external_id": str(n)} for n in range(4)))

    _, journal = sent(given, connector_of("csv_drop", tmp_path), check=lambda ones: {"d1": "consent withdrawn"})

    (file,) = tmp_path.glob("*.csv")
    assert [row[0] for row in read(file)[1:]] == ["0", "2", "3"]
    assert journal.states == {"d0": "confirmed", "d1": "cancelled", "d2": "confirmed", "d3": "confirmed"}


def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file where the folder should be")

    report, journal = sent(rows({"external_id": "1"}), connector_of("csv_drop", tmp_path / "there"))

    assert report.stopped is not None
    assert journal.outcomes["d0"].state is State.PENDING


def test_a_disk_that_is_full_leaves_no_half_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as small:
        small.setattr("personalake.activation.stores.os.fsync", full)
        report, _ = sent(rows({"external_id": "1"}), connector_of("csv_drop", tmp_path))

    assert report.stopped == "the folder cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_row_for_other_columns_is_refused_and_not_written_without_its_key(tmp_path: Path) -> None:
    given = rows({"external_id": "1", "tier": "gold"}, {"customer": "2", "tier": "tin"}, {"customer": "3"}, {"tier": "x"})

    report, journal = sent(given, connector_of("csv_drop", tmp_path, columns=["customer", "tier"]))

    (file,) = tmp_path.glob("*.csv")
    assert read(file) == [["customer", "tier"], ["2", "tin"], ["3", ""], ["", "x"]]
    assert journal.states["d0"] == "rejected"
    assert report.reasons == {("rejected", "external_id is no column of the file"): 1}


def test_a_cell_has_no_nul_for_which_readers_refuse_the_whole_file(tmp_path: Path) -> None:
    sent(rows({"external_id": "1\0", "tier": "a"}, {"external_id": "2"}), connector_of("csv_drop", tmp_path))

    (file,) = tmp_path.glob("*.csv")
    assert read(file) == [["external_id", "tier"], ["1", "a"], ["2", ""]]


def test_tealium_files_have_names_that_tealium_reads_in_order(tmp_path: Path) -> None:
    given = rows({"visitor_id": "v1", "tier": "=x"}, {"visitor_id": "", "tier": "y"})

    _, journal = sent(given, connector_of("tealium_file", tmp_path))

    (file,) = tmp_path.glob("people_*.csv")
    assert set(file.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert read(file) == [["visitor_id", "tier"], ["v1", "=x"]]
    assert journal.states == {"d0": "confirmed", "d1": "rejected"}


def test_a_cell_that_tealium_would_cut_is_refused_and_its_neighbours_are_not(tmp_path: Path) -> None:
    given = rows(*({"visitor_id": f"v{n}", "tier": "x" * (1_001 if n == 1 else 1_000)} for n in range(3)))

    _, journal = sent(given, connector_of("tealium_file", tmp_path))

    assert journal.states == {"d0": "confirmed", "d1": "rejected", "d2": "confirmed"}


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[tuple[int, str, Path]]:
    """A real SFTP server in a thread: its port, its host key, its folder."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop, started = asyncio.new_event_loop(), []

    class Passwords(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("drop", "value-of-password")

    async def start() -> None:
        def factory(channel: Any) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(tmp_path).encode())

        started.append(await asyncssh.create_server(Passwords, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=factory))

    loop.run_until_complete(start())
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield started[0].sockets[0].getsockname()[1], key.export_public_key().decode().strip(), tmp_path
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def sftp_connector(port: int, host_key: str, **more: Any) -> Any:
    usual = {"kind": "sftp", "host": "127.0.0.1", "username": "drop", "password": "secret://sftp/password"}
    connection = CONNECTION.validate_python(
        {**usual, "port": port, "host_key": host_key, "columns": ["external_id"], "folder": "/", **more}
    )
    return connect("there", connection, FakeClock(), secret)


def test_files_reach_an_sftp_server_whose_key_is_known(sftp: tuple[int, str, Path]) -> None:
    port, host_key, folder = sftp

    _, journal = sent(rows({"external_id": "1"}, {"external_id": "2"}), sftp_connector(port, host_key))

    (file,) = folder.glob("*.csv")
    assert read(file) == [["external_id"], ["1"], ["2"]]
    assert (folder / f"{file.name}.manifest.json").exists()
    assert set(journal.states.values()) == {"confirmed"}


def test_an_sftp_server_with_another_key_gets_neither_password_nor_rows(sftp: tuple[int, str, Path]) -> None:
    port, _, folder = sftp
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()

    report, journal = sent(rows({"external_id": "1"}), sftp_connector(port, other))

    assert list(folder.iterdir()) == []
    assert report.stopped == "HostKeyNotVerifiable"
    assert journal.outcomes["d0"].state is State.PENDING


def test_rows_whose_manifest_is_never_taken_go_into_no_other_file(tmp_path: Path) -> None:
    class Forgetful(FolderStore):
        async def put(self, name: str, content: bytes) -> None:
            if name.endswith(".json"):
                raise StoreFailed("no space")
            await super().put(name, content)

    given, journal = rows({"external_id": "1"}), MemoryJournal()
    connector = connector_of("csv_drop", tmp_path)
    connector._store = Forgetful(tmp_path)  # type: ignore[attr-defined]

    sent(given, connector, journal)
    state = journal.outcomes["d0"].state
    _, journal = sent(journal.left(given), connector_of("csv_drop", tmp_path), journal)

    assert state is State.UNKNOWN
    assert journal.states == {"d0": "confirmed"}
    assert len(list(tmp_path.glob("*.csv"))) == 1


def test_who_withdraws_before_a_file_has_its_manifest_is_not_in_it(tmp_path: Path) -> None:
    gone = set[str]()

    class Failing(FolderStore):
        async def put(self, name: str, content: bytes) -> None:
            if name.endswith(".json") and not gone:
                gone.add("d0")
                raise StoreFailed("no space")
            await super().put(name, content)

    connector = connector_of("csv_drop", tmp_path, recheck_seconds=0)
    connector._store = Failing(tmp_path)  # type: ignore[attr-defined]

    _, journal = sent(rows({"external_id": "1"}, {"external_id": "2"}), connector,
                      check=lambda ones: dict.fromkeys(gone & {one.delivery_id for one in ones}, "withdrawn"))  # fmt: skip

    (file,) = tmp_path.glob("*.csv")
    assert [row[0] for row in read(file)] == ["external_id", "2"]
    manifest = json.loads((tmp_path / f"{file.name}.manifest.json").read_text())
    assert (manifest["rows"], manifest["sha256"]) == (1, hashlib.sha256(file.read_bytes()).hexdigest())
    assert journal.states == {"d0": "unknown", "d1": "confirmed"}


CELLS = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["=1+1", "-5", "+x", "10.50"])
ODD = st.sampled_from(['{"tier": [1]}', "[]", "{", "7", "", '{"external_id": "\\ud800"}', ' {"tier": 1.50}', '{"a":1} x'])


@settings(max_examples=80)
@given(
    payloads=st.lists(
        ODD | st.dictionaries(st.sampled_from(["external_id", "tier", "more"]), CELLS).map(json.dumps), max_size=12
    )
)
def test_rows_that_are_measured_many_at_once_are_those_that_are_measured_alone(payloads: list[str]) -> None:
    ones = [Delivery(f"d{place}", "p", "row", payload) for place, payload in enumerate(payloads)]
    many, alone = (connector_of("csv_drop", Path("/nowhere"), columns=["external_id", "tier"]) for _ in range(2))

    made = many.measured(ones)

    sizes = [len(one) if isinstance(one, bytes) else one for one in made]
    assert sizes == one_by_one(alone, ones)
    assert all(row == alone._row(one) for one, row in zip(ones, made, strict=True) if isinstance(row, bytes))
