"""Resolution of records by the job: first run, second run, new records, decisions, erased records, kills."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from personalake.common.hashing import person_hash_of
from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.erasing import remove_rows
from personalake.lake.renewal import Renewal
from personalake.lake.upkeep import compact
from personalake.pipelines import resolve_identities
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.resolve_identities import run
from personalake.tables import Table
from personalake.tables.identity import (
    IDENTITY_GUARD,
    MATCH_EDGE,
    MATCH_MODEL,
    MATCH_RECORD,
    PERSON,
    PERSON_CHANGE,
    RESOLUTION,
)
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD, EVENT, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION, SUPPORT_TICKET, SURVEY_ANSWER
from tests.pipelines.placed import place

MAY = datetime(2017, 5, 1, tzinfo=UTC)
AT = {"occurred_at": MAY, "known_at": MAY}
FIRST = ("ann", "bob", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "jon", "kim", "leo")
GARBLED = {"first_name": "Xqv"}
LAST = ("abel", "brandt", "cole", "dorn", "engel", "fuchs", "graf", "horn", "iser", "jung", "klein", "lorenz")


def customer(source: str, number: str, day: int = 1, **fields: str) -> dict[str, Any]:
    known = {"record_id": f"{source}{number}", "namespace": source, "customer_id": number, "source": source}
    return {**known, "known_at": MAY.replace(day=day), **fields}


def crowd() -> list[dict[str, Any]]:
    """Twelve people, each in two systems; the second one knows no birth date and slips in the name."""
    rows = []
    for number, (first, last) in enumerate(zip(FIRST, LAST, strict=True)):
        told = {"street": f"{number} high street", "postcode": f"10{number:03d}", "email": f"{first}@x.example"}
        birth = f"19{50 + number}-03-0{1 + number % 9}"
        own = {"birth_date": birth, "phone": f"+1 212 55501{number:02d}"}
        rows.append(customer("crm", str(number), first_name=first, last_name=last, **own, **told))
        rows.append(customer("web", str(number), day=2, first_name=first, last_name=f" {last.title()}s", **told))
    return rows


@pytest.fixture
def settings(lake: Lake) -> Settings:
    return settings_of(lake)


def settings_of(lake: Lake, **identity: Any) -> Settings:
    columns = {"customer_id": "c", "first_name": "f", "last_name": "l", "email": "e"}
    matching = {"training_blocks": [["email"], ["postcode"]], "certain_blocks": [["email"]], "random_pairs": 10_000}
    return Settings.model_validate(
        {
            "root": str(lake.locations.root),
            "sources": {name: {"contract": "customer_record", "path": "x", "columns": columns} for name in ("crm", "web")},
            "identity": {"matching": {**matching, "link_weight": 0}, **identity},
        }
    )


def persons(lake: Lake) -> dict[tuple[str, str], str]:
    return {(row["namespace"], row["value"]): row["person_id"] for row in lake.ledger.read(PERSON_LINK)}


def test_records_become_persons_once_and_new_ones_join_them(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd())
    lake.ledger.append(EVENT, [{"event_id": "e", "namespace": "till", "customer_id": "7", "source": "shop", **AT}])
    asked = {"source": "desk", **AT}
    lake.ledger.append(
        SUPPORT_TICKET,
        [{**asked, "record_id": "1", "phone": "(212) 555 0103"}, {**asked, "record_id": "2", "phone": "withheld"}],
    )
    lake.ledger.append(SURVEY_ANSWER, [{**asked, "record_id": "1", "namespace": "email", "customer_id": "Dan@X.example"}])

    first = run(context_of(settings))

    links = persons(lake)
    assert all(links["crm", str(number)] == links["web", str(number)] for number in range(12))
    assert len({links["crm", str(number)] for number in range(12)}) == 12
    assert links["crm", "3"] == links["email", "dan@x.example"] == links["phone", "12125550103"]
    assert links["till", "7"] == person_hash_of("till", "7")
    assert links["crm", "3"] == links["phone", "(212) 555 0103"] == links["email", "Dan@X.example"]
    assert ("phone", "withheld") not in links
    golden = {row["person_id"]: row for row in lake.ledger.read(PERSON)}[links["crm", "3"]]
    assert (golden["last_name"], golden["birth_date"], golden["records"]) == ("Dorns", "1953-03-04", 2)
    assert golden["provenance"]["last_name"] == "web:web3 at 2017-05-02T00:00:00Z (most_recent)"
    assert golden["provenance"]["birth_date"] == "crm:crm3 at 2017-05-01T00:00:00Z (most_frequent)"
    assert first.figures["records_compared"] == 24

    lake.ledger.append(
        CUSTOMER_RECORD, [customer("crm", "99", day=3, first_name="Dan", last_name="Dorn", email="DAN@x.example")]
    )
    second = run(context_of(settings))

    assert (second.figures["records_compared"], second.figures["model_version"]) == (1, first.figures["model_version"])
    assert second.figures["records_looked_at"] == 3
    assert persons(lake) == links | {("crm", "99"): links["crm", "3"]}
    assert len(lake.ledger.read(MATCH_MODEL)) == 1
    assert lake.ledger.read(PERSON_CHANGE) == []
    _equals_a_full_run(lake, context_of, settings, links=persons(lake))


def _equals_a_full_run(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings, links: dict[tuple[str, str], str]
) -> None:
    """Everything compared anew by the same model: the same pairs, the same persons."""
    edges = {(row["left_key"], row["right_key"], row["match_weight"]) for row in lake.ledger.read(MATCH_EDGE)}
    people = sorted(lake.ledger.read(PERSON), key=lambda row: row["person_id"])
    for table in (MATCH_RECORD, MATCH_EDGE, PERSON):
        place(lake, table, [])
    again = run(context_of(settings, full=True))
    assert again.figures["records_looked_at"] == 25
    assert persons(lake) == links
    assert sorted(lake.ledger.read(PERSON), key=lambda row: row["person_id"]) == people
    assert {(row["left_key"], row["right_key"], row["match_weight"]) for row in lake.ledger.read(MATCH_EDGE)} == edges


def test_decisions_move_persons_and_each_move_is_logged_once(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd())
    run(context_of(settings_of(lake)))
    before, version = persons(lake), lake.ledger.version(PERSON_LINK)
    always = {"decision": "always", "between": ["crm:0", "crm:1"]}
    never = {"decision": "never", "between": ["crm:2", "web:2"]}

    for _ in range(2):
        run(context_of(settings_of(lake, overrides=[always, never])))

    links = persons(lake)
    assert links["crm", "0"] == links["crm", "1"] == links["web", "1"]
    assert links["crm", "2"] != links["web", "2"]
    moves = sorted((row["kind"], row["old_person_id"], row["identifiers"]) for row in lake.ledger.read(PERSON_CHANGE))
    assert [kind for kind, _, _ in moves] == ["merged", "split"]
    assert {row["links_version"] for row in lake.ledger.read(PERSON_CHANGE)} == {version}
    assert {old for _, old, _ in moves} <= set(before.values())
    assert ("never_link", "crm:crm2 web:web2") in {(row["guard"], row["value"]) for row in lake.ledger.read(IDENTITY_GUARD)}


def test_a_record_that_is_gone_leaves_its_person(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where records know no households, a garbled first name is a slip.
    monkeypatch.setattr("personalake.identity.training.household_share", lambda records: 0.01)
    lake.ledger.append(CUSTOMER_RECORD, [row | GARBLED if row["record_id"] == "web3" else row for row in crowd()])
    run(context_of(settings))
    assert persons(lake)["web", "3"] == persons(lake)["crm", "3"]
    assert not any("web:web3" in row["value"].split() for row in lake.ledger.read(IDENTITY_GUARD))
    assert any("web:web1" in (row["left_key"], row["right_key"]) for row in lake.ledger.read(MATCH_EDGE))
    place(lake, CUSTOMER_RECORD, lake.ledger.read(CUSTOMER_RECORD, where=[("record_id", "!=", "web1")]))

    run(context_of(settings))

    assert ("web", "1") not in persons(lake)
    assert "web:web1" not in {row["record_key"] for row in lake.ledger.read(MATCH_RECORD)}
    assert not any("web:web1" in (row["left_key"], row["right_key"]) for row in lake.ledger.read(MATCH_EDGE))
    logs = [Path(lake.locations.table(table)) / "_delta_log" for table in (MATCH_EDGE, MATCH_RECORD)]
    assert all(any('"MERGE"' in path.read_text() for path in log.glob("*.json")) for log in logs)
    assert not any("web1" in path.read_text() for log in logs for path in log.glob("*.json"))


def test_what_the_last_record_of_a_person_leaves_to_events_is_logged_as_moved(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="u1"), customer("crm", "9", loyalty_id="l9")])
    shown = [("login", "u1"), ("loyalty_id", " l9"), ("till", "7")]
    lake.ledger.append(
        EVENT,
        [{"event_id": kind, "namespace": kind, "customer_id": value, "source": "shop", **AT} for kind, value in shown],
    )
    run(context_of(settings))
    before, alone = persons(lake), {pair: person_hash_of(pair[0], pair[1].strip()) for pair in shown}
    assert (before["login", "u1"], before["loyalty_id", " l9"]) == (before["crm", "1"], before["crm", "9"])

    lake.delete(CUSTOMER_RECORD, F.col("record_id") == "crm1")
    run(context_of(settings))

    after, moves = persons(lake), lake.ledger.read(PERSON_CHANGE)
    assert set(before) - set(after) == {("crm", "1")}
    assert after["login", "u1"] == alone["login", "u1"]
    left = [(row["kind"], row["old_person_id"], row["new_person_id"], row["identifiers"]) for row in moves]
    assert left == [("merged", before["crm", "1"], alone["login", "u1"], 1)]

    lake.delete(CUSTOMER_RECORD, F.lit(True))
    with monkeypatch.context() as broken:
        broken.setattr(Lake, "overwrite", dying)
        with pytest.raises(KeyboardInterrupt):
            run(context_of(settings))
    assert lake.ledger.rows(PERSON) == 1
    run(context_of(settings))

    assert persons(lake) == alone
    assert lake.ledger.rows(PERSON) == lake.ledger.rows(MATCH_RECORD) == 0
    pairs = {(row["kind"], row["old_person_id"], row["new_person_id"]) for row in lake.ledger.read(PERSON_CHANGE)}
    assert pairs == {
        ("merged", before["crm", "1"], alone["login", "u1"]), ("merged", before["crm", "9"], alone["loyalty_id", " l9"]),
    }  # fmt: skip
    assert lake.ledger.rows(PERSON_CHANGE) == 2


def dying(*_: Any) -> None:
    raise KeyboardInterrupt


def test_an_address_that_somebody_erased_shared_with_another_person_is_the_other_one_s_after_the_next_run(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    people = [customer("crm", "1", login="u1", email="us@x.example"), customer("web", "9", login="u2", email="us@x.example")]
    lake.ledger.append(CUSTOMER_RECORD, people)
    run(context_of(settings))
    before = persons(lake)
    assert before["crm", "1"] == before["email", "us@x.example"] != before["web", "9"]
    remove_rows(lake, PERSON_LINK, pa.table({"person_id": [before["crm", "1"]]}))
    for table in (CUSTOMER_RECORD, MATCH_RECORD):
        remove_rows(lake, table, pa.table({"customer_id": ["1"]}))

    looked_at = [run(context_of(settings)).figures["records_looked_at"] for _ in range(2)]

    assert persons(lake) == {pair: before["web", "9"] for pair in (("web", "9"), ("login", "u2"), ("email", "us@x.example"))}
    assert looked_at == [1, 0]


def test_without_anything_to_learn_from_shared_identifiers_still_link(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="u1"), customer("web", "9", login="u1")])
    lake.ledger.append(
        CONSENT, [{"record_id": "a", "namespace": "web", "customer_id": "9", "purpose": "email", "status": "granted", **AT}]
    )

    result: JobResult = run(context_of(settings))

    links = persons(lake)
    assert links["crm", "1"] == links["web", "9"] == links["login", "u1"]
    assert result.figures["model_version"] is None
    assert "1 current consents" in result.message


def test_killed_before_any_write_the_next_run_leaves_no_person_of_a_merge_behind(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="u1"), customer("web", "9", loyalty_id="l9")])
    run(context_of(settings))
    assert lake.ledger.rows(PERSON) == 2
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "5", day=2, login="u1", loyalty_id="l9")])
    killed, left = 0, iter(range(0))
    writes: list[tuple[type, str, Callable[..., Any]]] = [(Lake, "put", Lake.put), (Renewal, "finish", Renewal.finish)]

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def put(*given: Any) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return write(*given)

        return put

    for survived in range(9):
        left = iter(range(survived))
        for owner, name, write in writes:
            monkeypatch.setattr(owner, name, dying(write))
        try:
            run(context_of(settings))
        except KeyboardInterrupt:
            killed += 1
    for owner, name, write in writes:
        monkeypatch.setattr(owner, name, write)

    assert killed >= 4
    links = persons(lake)
    assert {row["person_id"] for row in lake.ledger.read(PERSON)} == set(links.values())
    assert len(set(links.values())) == 1
    assert [row["kind"] for row in lake.ledger.read(PERSON_CHANGE)] == ["merged"]


def test_identifiers_that_are_shown_for_the_first_time_while_a_run_works_take_nobodys_link_away(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="u1"), customer("web", "9", loyalty_id="l9")])
    run(context_of(settings))
    before = persons(lake)
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "5", day=2, login="u5")])
    event = {"event_id": "e", "namespace": "till", "customer_id": "7", "source": "shop", **AT}
    monkeypatch.setattr(resolve_identities, "_write_model", lambda *_: lake.ledger.append(EVENT, [event]))

    run(context_of(settings))

    assert set(before.items()) < set(persons(lake).items())
    assert set(persons(lake)) - set(before) == {("crm", "5"), ("login", "u5")}


def test_who_is_known_by_one_identifier_alone_stays_the_same_however_it_is_spelled_and_as_long_as_it_is_shown(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd())
    seen = {"source": "desk", **AT, "namespace": "email"}
    spelled = ("Zoe@X.example", " zoe@x.Example", "Gone@X.example")
    lake.ledger.append(SURVEY_ANSWER, [{**seen, "record_id": text, "customer_id": text} for text in spelled])
    found = []
    for text in (None, None, "Gone@X.example"):
        if text is not None:
            lake.delete(SURVEY_ANSWER, F.col("customer_id") == text)
            lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "500", day=3, first_name="Zoe", email="ZOE@x.example")])
        run(context_of(settings))
        found.append({value: person for (kind, value), person in persons(lake).items() if value in spelled})

    assert found[0] == found[1]
    assert len(set(found[0].values())) == 2
    assert found[2] == {value: person for value, person in found[0].items() if value != "Gone@X.example"}
    assert persons(lake)["crm", "500"] == found[0]["Zoe@X.example"]
    assert lake.ledger.read(PERSON_CHANGE) == []


def test_a_blocked_value_takes_back_the_weight_that_it_gave_to_pairs(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd())
    run(context_of(settings))
    before = weights(lake)

    run(context_of(settings_of(lake, guards={"blocked_values": ["dan@x.example"]})))

    pair = ("crm:crm3", "web:web3")
    assert weights(lake).get(pair, 0.0) < before[pair] - 5
    assert {**weights(lake), pair: 0} == {**before, pair: 0}


def weights(lake: Lake) -> dict[tuple[str, str], float]:
    return {(row["left_key"], row["right_key"]): row["match_weight"] for row in lake.ledger.read(MATCH_EDGE)}


@pytest.mark.parametrize("place", [PERSON_LINK, MATCH_EDGE], ids=["before the links", "before the pairs"])
def test_a_training_that_died_is_gone_on_with_by_the_next_run(
    place: Table, lake: Lake, context_of: Callable[..., JobContext], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd())
    run(context_of(settings))
    others = [
        customer("crm", str(200 + number), day=3, first_name=first, last_name=last, email=f"{first}@x.example")
        for number, (first, last) in enumerate(zip(FIRST[:6], LAST[:6], strict=True))
    ]
    lake.ledger.append(CUSTOMER_RECORD, others)
    run(context_of(settings))
    put = Lake.put

    def dying(self: Lake, rows: Any, table: Table, *more: Any) -> Any:
        if table is place:
            raise KeyboardInterrupt
        return put(self, rows, table, *more)

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            run(context_of(settings, retrain=True))
    run(context_of(settings))

    newest = max(lake.ledger.read(MATCH_MODEL), key=lambda row: row["trained_at"])["model_version"]
    assert lake.ledger.distinct(MATCH_EDGE, "model_version") == {newest}
    assert len(lake.ledger.read(MATCH_MODEL)) == 2
    assert run(context_of(settings)).figures["records_looked_at"] == 0


def test_a_run_that_finds_nothing_new_writes_none_of_the_tables_of_persons(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, crowd()[:20])
    lake.ledger.append(CUSTOMER_RECORD, crowd()[20:])
    run(context_of(settings))
    compact(lake, CUSTOMER_RECORD)
    tables = (PERSON_LINK, PERSON, PERSON_CHANGE, MATCH_RECORD, MATCH_EDGE, MATCH_MODEL, IDENTITY_GUARD)
    before = {table.name: lake.ledger.version(table) for table in tables}

    result = run(context_of(settings))

    assert {table.name: lake.ledger.version(table) for table in tables} == before
    assert (result.figures["records_compared"], result.figures["records_looked_at"]) == (0, 0)
    assert "24 records" in result.message


def test_a_record_that_somebody_took_out_of_those_compared_is_compared_again_though_its_file_is_known(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="u1"), customer("web", "9", login="u1")])
    run(context_of(settings))
    states = [row["records_state"] for row in lake.ledger.read(RESOLUTION)]
    lake.delete(MATCH_RECORD, F.col("record_key") == "web:web9")

    result = run(context_of(settings))

    assert result.figures["records_compared"] == 1
    assert lake.ledger.distinct(MATCH_RECORD, "record_key") == {"crm:crm1", "web:web9"}
    assert [row["records_state"] for row in lake.ledger.read(RESOLUTION)] == states * 2
    assert states[0].endswith(f":{lake.ledger.version(CUSTOMER_RECORD)}")


def test_clicks_of_a_cookie_are_its_users_whether_signed_in_or_not(
    lake: Lake, context_of: Callable[..., JobContext], settings: Settings
) -> None:
    def click(event: str, cookie: str, login: str | None = None) -> dict[str, Any]:
        namespace = "login" if login else None
        return {"event_id": event, "namespace": namespace, "customer_id": login, "cookie_id": cookie, "source": "site", **AT}

    lake.ledger.append(CUSTOMER_RECORD, [customer("crm", "1", login="ann", email="ann@x.example")])
    clicks = [("c1", "ann"), ("c1", None), ("c2", "ann"), ("c2", "bob"), ("c3", None)]
    clicks += [("c4", "null"), ("c5", "null"), ("NULL", None), ("null", "ann")]  # as scripts write what they do not know
    lake.ledger.append(INTERACTION, [click(str(place), *told) for place, told in enumerate(clicks)])

    run(context_of(settings))

    links = persons(lake)
    assert links["crm", "1"] == links["login", "ann"] == links["cookie_id", "c1"]
    assert links["login", "bob"] != links["login", "ann"]
    assert links["cookie_id", "c2"] == person_hash_of("cookie_id", "c2")
    assert all(links["cookie_id", each] == person_hash_of("cookie_id", each) for each in ("c3", "c4", "c5"))
    assert not {value for _, value in links} & {"null", "NULL"}
    assert ("hub", "c2") in {(row["guard"], row["value"]) for row in lake.ledger.read(IDENTITY_GUARD)}
