"""What a person learns of deliveries that nobody knows about, and how the answer of the destination comes back."""

import asyncio
import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.delivery import Claim, Claimed, Delivery, Outcome, Pack, State
from personalake.activation.kept_back import doubt
from personalake.activation.known_as import known_as
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.settle_unknown import settle_unknown
from personalake.pipelines.unknown_deliveries import unknown_deliveries
from personalake.pipelines.unknown_files import ids_in, write_unknown
from tests.activation.doubles import FakeClock
from tests.activation.matrix import CASES, PATIENCE, TodaysClock
from tests.console import typed
from tests.fakes import Fakes
from tests.fakes.fixtures import fakes, started_fakes
from tests.pipelines.outbox_rows import a_lake, planned, settings, states

__all__ = ["fakes", "started_fakes"]
WEBHOOK = CASES["webhook"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(tmp_path / "lakehouse")


@pytest.fixture
def doubtful(lake: Lake) -> list[str]:
    """Of eight deliveries of one sync two lost their reply; of another sync one is claimed, and has no outcome."""
    planned(lake, WEBHOOK, 8, sync="regulars")
    planned(lake, _Only(WEBHOOK.deliveries(9)[8]), 1, plan="plan-2", sync="lapsed", removal=True)  # type: ignore[arg-type]
    journal = LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), []))
    journal.claim([Claimed((f"d00{n}",), f"000{n}-pack") for n in range(4)])
    lost = [Outcome((f"d00{n}",), State.UNKNOWN, "no reply within 30 s", f"000{n}-pack") for n in (0, 1)]
    journal.record([*lost, Outcome(("d002", "d003"), State.ACCEPTED, None, "0002-pack")])
    journal.claim([Claimed(("d008",), "0009-pack")])
    return sorted(name for name, state in states(lake).items() if state in ("unknown", "in_flight"))


class _Only:
    def __init__(self, delivery: Delivery) -> None:
        self.deliveries = lambda count: [delivery]


class Desk:
    """The console script over a lake."""

    def __init__(
        self, folder: Path, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        (folder / "conf" / "environments").mkdir(parents=True)
        (folder / "conf" / "environments" / "local.yml").write_text("as_of: 2026-11-25\n")
        (folder / "conf" / "base.yml").write_text(f"root: {root}\n")

    def configure(self, file: str, text: str) -> None:
        (self.folder / "conf" / f"{file}.yml").write_text(text)

    def run(self, *words: str) -> tuple[int, str]:
        asked = ["activation", *words, "--conf-dir", str(self.folder / "conf")]
        secret = {"PERSONALAKE_SECRET_A_B": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
        code, out, err = typed(asked, secret, self._monkeypatch, self._capsys)
        return code, re.sub(r"\s+", " ", out + err)


@pytest.fixture
def desk(tmp_path: Path, lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, lake.locations.root, capsys, monkeypatch)


def test_each_delivery_in_doubt_is_told_with_its_sync_its_change_since_when_and_why(lake: Lake, doubtful: list[str]) -> None:
    found = {one.delivery_id: one for one in unknown_deliveries(lake.ledger, settings(lake, {}), "there")}

    assert sorted(found) == doubtful
    assert len(doubtful) == 3
    lost, claimed = found[doubtful[0]], found["d008"]
    assert (lost.sync, lost.plan_id, lost.known_as) == ("regulars", "plan-1", "")  # its connection is no longer there
    assert lost.reason == "no reply within 30 s"
    assert (claimed.sync, claimed.plan_id) == ("lapsed", "plan-2")
    assert claimed.change.endswith(", taking away")
    assert claimed.reason.startswith("claimed, and no outcome yet")
    assert claimed.since > lost.since
    of_sync = unknown_deliveries(lake.ledger, settings(lake, {}), "there", "regulars")
    assert [one.delivery_id for one in of_sync] == doubtful[:2]


def test_what_the_console_shows_names_nobody_and_ends_with_what_to_do(lake: Lake, doubtful: list[str], desk: Desk) -> None:
    desk.configure("connections", "there:\n  kind: webhook\n  url: https://there.example/in\n  secret: secret://a/b\n")

    code, told = desk.run("unknown", "--destination", "there", "--limit", "2")

    assert (code, told) == (0, told)
    assert told.startswith("3 deliveries to there may have been taken or not; the first 2:")
    assert f"{doubtful[0]} regulars, " in told
    assert f"webhook-id {doubtful[0]}" in told
    assert "activation resolve --destination there --as taken | send_again | given_up" in told
    people = {json.dumps(one)[1:-1] for row in WEBHOOK.deliveries(9) for one in json.loads(row.payload).values()
              if isinstance(one, str) and len(one) > 3}  # fmt: skip
    assert not [one for one in (*people, "p0", "p1") if one in told]
    code, told = desk.run("unknown", "--destination", "elsewhere")
    assert (code, "There is no destination elsewhere. personalake: There are: there. " in told) == (4, True)
    assert (
        "There is no sync regular, and never was a plan of one: did you mean regulars?"
        in desk.run("unknown", "--destination", "there", "--sync", "regular")[1]
    )


def test_a_file_goes_to_who_asks_the_destination_and_comes_back_to_be_settled(
    lake: Lake, doubtful: list[str], desk: Desk, tmp_path: Path
) -> None:
    asked, answered = tmp_path / "asked.csv", tmp_path / "answered.csv"
    command = ("unknown", "--destination", "there", "--sync", "regulars", "--to", str(asked))

    assert desk.run(*command)[0] == 0
    assert desk.run(*command)[0] == 4  # the first one stays

    assert asked.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(asked.open(encoding="utf-8", newline="")))
    assert [row["delivery_id"] for row in rows] == doubtful[:2]
    # A spreadsheet saves it in its own way, and somebody has put a column before and left the second one out.
    answered.write_text(f"there?;delivery_id;sync\nyes;{doubtful[1]};regulars\n\n", encoding="utf-8-sig")
    code, told = desk.run("resolve", "--destination", "there", "--as", "taken", "--deliveries", str(answered))
    assert (code, told) == (0, "1 delivery to there settled: taken ")
    assert Counter(states(lake)[name] for name in doubtful[:2]) == {"accepted": 1, "unknown": 1}


def test_a_file_is_there_whole_or_not_since_the_rest_of_it_is_written_over_it(lake: Lake, fakes: Fakes) -> None:
    case = CASES["csv_drop"]
    planned(lake, case, 4)
    files = [Claimed(("d000", "d001", "d002"), "0001-pack"), Claimed(("d003",), "0002-pack")]
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim(files)
    given = settings(lake, {"there": case.connection(fakes)})

    with pytest.raises(InputError, match="whole or not at all") as refused:
        settle_unknown(lake, given, "there", "taken", TodaysClock(), ["d000", "d003"])

    assert "what is unknown of the same files: d001, d002; or" in str(refused.value.remedy)
    assert set(states(lake).values()) == {"in_flight"}
    assert settle_unknown(lake, given, "there", "send_again", TodaysClock(), ["d000"]) == 1
    assert settle_unknown(lake, given, "there", "taken", TodaysClock(), ["d001", "d002"]) == 2
    assert settle_unknown(lake, given, "there", "taken", TodaysClock()) == 1


def test_who_was_left_out_of_a_file_hinders_nobody_from_settling_the_rest(lake: Lake, fakes: Fakes) -> None:
    case = CASES["csv_drop"]
    planned(lake, case, 3)
    journal = LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), []))
    journal.claim([Claimed(("d000", "d001", "d002"), "0001-pack")])
    journal.record([Outcome(("d000",), State.UNKNOWN, doubt("no consent", is_left_out=True), "0001-pack")])
    given = settings(lake, {"there": case.connection(fakes)})

    with pytest.raises(InputError, match="whole or not at all"):
        settle_unknown(lake, given, "there", "taken", TodaysClock(), ["d000"])
    assert settle_unknown(lake, given, "there", "taken", TodaysClock(), ["d001", "d002"]) == 2
    assert states(lake) == {"d000": "unknown", "d001": "accepted", "d002": "accepted"}


@pytest.mark.parametrize("text", ["", "delivery_id,sync\n", "delivery_id,sync\nd001,a\n,b\n"])
def test_a_file_that_names_none_settles_none_rather_than_all(
    lake: Lake, doubtful: list[str], desk: Desk, tmp_path: Path, text: str
) -> None:
    (tmp_path / "answered.csv").write_text(text)

    code, told = desk.run(
        "resolve", "--destination", "there", "--as", "given_up", "--deliveries", str(tmp_path / "answered.csv")
    )

    assert (code, "names no delivery" in told) == (4, True)
    assert "rejected" not in states(lake).values()


def test_a_file_may_have_one_id_a_line_and_a_cell_runs_nothing(lake: Lake, doubtful: list[str], tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("d000\r\n\r\n d001 \r\n")
    (one, *_) = unknown_deliveries(lake.ledger, settings(lake, {}), "there")
    object.__setattr__(one, "reason", "=1+1")

    write_unknown(tmp_path / "asked.csv", [one])

    assert ids_in(tmp_path / "ids.txt") == ["d000", "d001"]
    assert ",'=1+1," in (tmp_path / "asked.csv").read_text()
    with pytest.raises(InputError, match="cannot be read"):
        ids_in(tmp_path / "missing.csv")


def test_a_misspelt_destination_leaves_no_file_behind(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no destination ther"):
        write_unknown(tmp_path / "asked.csv", unknown_deliveries(lake.ledger, settings(lake, {}), "ther"))

    assert not (tmp_path / "asked.csv").exists()


@pytest.mark.parametrize("kind", ["webhook", "email", "segment", "onesignal", "csv_drop"])
def test_a_person_can_ask_for_what_was_sent_along(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]
    (delivery,) = case.deliveries(1)
    connector: Any = case.whole(fakes, FakeClock(), patience=PATIENCE)
    claimed = Delivery(
        **{name: getattr(delivery, name) for name in ("delivery_id", "person_id", "operation", "payload")},
        claim=Claim("0001-pack", FakeClock().now()),
    )

    told = known_as("there", case.connection(fakes), claimed)

    assert told is not None
    name = told.split(" ", 1)[1]
    pack = Pack("0001-pack", connector.group_of(delivery), (delivery,), 1)
    if kind == "csv_drop":
        found: list[str] = []
        connector._put = lambda file, columns, rows: found.append(file) or _nothing()
        asyncio.run(connector.post(pack))
        assert found == [name]
    else:
        left = connector.message(delivery)[1] if kind == "email" else _bytes_of(connector.request(pack))
        assert name.encode() in left


async def _nothing() -> None:
    return None


def _bytes_of(request: Any) -> bytes:
    return repr(request.headers).encode() + request.body


def test_where_nothing_tells_a_delivery_from_others_nothing_is_told(fakes: Fakes) -> None:
    (delivery,) = CASES["fcm"].deliveries(1)

    assert known_as("there", CASES["fcm"].connection(fakes), delivery) is None
    assert known_as("there", None, delivery) is None


def test_the_status_tells_of_a_sync_whose_connection_is_off(desk: Desk, lake: Lake) -> None:
    lake.locations.root.mkdir(exist_ok=True)
    desk.configure(
        "connections",
        "crm:\n  enabled: false\n  kind: webhook\n  url: https://there.example/in\n  secret: secret://a/b\n"
        "shop:\n  kind: webhook\n  url: https://shop.example/in\n  secret: secret://a/b\n",
    )
    sync = "{enabled: %s, audience: {where: orders > 1}, destination: %s, purposes: [personalisation], key: customer_id, "
    sync += "fields: {orders: orders}}"
    desk.configure("audiences", "\n".join(
        f"{name}: {sync % (enabled, connection)}"
        for name, enabled, connection in (("here", "true", "shop"), ("nowhere", "true", "crm"), ("rests", "false", "crm"))
    ))  # fmt: skip

    code, told = desk.run("status")

    assert (code, told) == (0, told)
    assert told.startswith("OFF. The sync nowhere is on, and its connection crm is off: ")
    assert told.count("OFF.") == 1
