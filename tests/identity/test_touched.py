"""A run over what is touched gives the persons of a run over everything."""

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config.identity import FIELDS, IdentitySettings, Override
from personalake.identity import touched as touching
from personalake.identity.increment import Earlier, Grouped, group_all, group_touched, unowned
from tests.identity.records import edge, record
from tests.identity.test_resolution import crowds

TEXT, AT = pa.string(), pa.timestamp("us", "UTC")
RECORDS = pa.schema(
    [(name, TEXT) for name in ("record_key", "source", "namespace", "customer_id")]
    + [("known_at", AT)]
    + [(name, TEXT) for name in FIELDS]
)
EDGES = pa.schema([("left_key", TEXT), ("right_key", TEXT), ("match_weight", pa.float64())])
LINKS = pa.schema([("namespace", TEXT), ("value", TEXT), ("person_id", TEXT), ("first_known_at", AT)])
SETTINGS = IdentitySettings(overrides=(Override(decision="never", between=("crm:0", "crm:1")),))
# What is decided about accounts, a login, an address and a device that many of a crowd share.
DECIDED = IdentitySettings(
    overrides=(
        *SETTINGS.overrides,
        *(
            Override(decision="always", between=pair)
            for pair in (("crm:2", "crm:3"), ("crm:1", "login:u"), ("email: M1@x", "crm:4"), ("device_id:e", "crm:5"))
        ),
    )
)


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema)


def links(grouped: Grouped, before: dict[tuple[str, str], str] | None = None) -> dict[tuple[str, str], str]:
    """The links after a run: those of untouched identifiers stay."""
    new = {(row["namespace"], row["value"]): row["person_id"] for row in grouped.assigned.links.to_pylist()}
    vanished = {(row["namespace"], row["value"]) for row in grouped.vanished.to_pylist()}
    return {key: person for key, person in {**(before or {}), **new}.items() if key not in vanished}


def as_table(found: dict[tuple[str, str], str]) -> pa.Table:
    rows = [{"namespace": namespace, "value": value, "person_id": person} for (namespace, value), person in found.items()]
    return table(rows, LINKS)


def partition(found: dict[tuple[str, str], str]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(key for key, person in found.items() if person == each) for each in set(found.values())}


@settings(max_examples=40)
@given(crowds(), st.integers(0, 9), st.integers(0, 3))
def test_touched_records_grouped_anew_give_the_persons_of_a_whole_run(
    crowd: tuple[list[Any], list[Any]], old: int, lost: int
) -> None:
    rows, edges = crowd
    for number, row in enumerate(rows):
        row["email"] = f"m{number % 4}@x"
    first, later = rows[:old], rows[min(lost, old) :]
    known = {row["record_key"] for row in first}
    old_edges = [each for each in edges if {each["left_key"], each["right_key"]} <= known]
    before = links(group_all(table(first, RECORDS), table(old_edges, EDGES), as_table({}), DECIDED))
    new_keys, told = pa.array([row["record_key"] for row in rows[old:]], TEXT), list[pa.Array]()

    grouped = group_touched(
        table(later, RECORDS),
        table(first[:lost], RECORDS),
        table(edges, EDGES),
        new_keys,
        Earlier.of(as_table(before)),
        DECIDED,
        told.append,
    )

    whole = links(group_all(table(later, RECORDS), table(edges, EDGES), as_table({}), DECIDED))
    assert partition(links(grouped, before)) == partition(whole)
    (may_change,) = told
    written = [*grouped.assigned.links.to_pylist(), *grouped.vanished.to_pylist()]
    owners = {before.get((row["namespace"], row["value"])) for row in written} - {None}
    assert owners <= set(may_change.to_pylist())
    assert set(grouped.former["person_id"].to_pylist()) <= set(may_change.to_pylist())


@settings(max_examples=10)
@given(crowds(), st.lists(st.integers(1, 6), min_size=1, max_size=2))
def test_however_arrivals_are_split_into_runs_the_persons_are_those_of_one_run_over_all(
    crowd: tuple[list[Any], list[Any]], sizes: list[int]
) -> None:
    rows, edges = crowd
    links_so_far: dict[tuple[str, str], str] = {}
    seen = 0

    for size in [*sizes, len(rows)]:
        come = rows[seen : seen + size]
        seen += len(come)
        here = {row["record_key"] for row in rows[:seen]}
        pairs = [each for each in edges if {each["left_key"], each["right_key"]} <= here]
        keys = pa.array([row["record_key"] for row in come], TEXT)
        nobody = table([], RECORDS)
        grouped = group_touched(
            table(rows[:seen], RECORDS), nobody, table(pairs, EDGES), keys, Earlier.of(as_table(links_so_far)), DECIDED
        )
        links_so_far = links(grouped, links_so_far)

    whole = links(group_all(table(rows, RECORDS), table(edges, EDGES), as_table({}), DECIDED))
    assert partition(links_so_far) == partition(whole)


def test_what_somebody_erased_shared_with_others_is_one_of_theirs() -> None:
    rows = [
        record("crm:1", login="ann", email="f@x"),
        record("crm:2", login="bob", email="f@x"),
        record("crm:3", login="cy"),
    ]
    before = links(group_all(table(rows, RECORDS), table([], EDGES), as_table({}), SETTINGS))
    (owner,) = [key for key in (("crm", "1"), ("crm", "2")) if before[key] == before["email", "f@x"]]
    left = {key: person for key, person in before.items() if person != before[owner]}
    stay = table([row for row in rows if row["record_key"] != ":".join(owner)], RECORDS)

    seeds = unowned(stay, as_table(left).select(["namespace", "value"]))
    grouped = group_touched(stay, table([], RECORDS), table([], EDGES), seeds, Earlier.of(as_table(left)), SETTINGS)

    assert [*map(len, (left, seeds.to_pylist()))] == [4, 1]
    assert links(grouped, left) == left | {("email", "f@x"): left["crm", "2" if owner[1] == "1" else "1"]}
    assert unowned(stay, as_table(links(grouped, left)).select(["namespace", "value"])).to_pylist() == []


def test_only_what_is_linked_to_a_new_record_is_looked_at() -> None:
    old = [record("crm:1", login="ann"), record("crm:2", login="bob"), record("crm:3", email="f@x")]
    rows = [*old, record("web:1", login="ann", email="f@x")]
    before = links(group_all(table(rows[:3], RECORDS), table([], EDGES), as_table({}), SETTINGS))
    new = table(rows, RECORDS), table([], RECORDS), table([edge("crm:2", "crm:3", -5)], EDGES)

    grouped = group_touched(*new, pa.array(["web:1"]), Earlier.of(as_table(before)), SETTINGS)

    looked_at = dict(zip(grouped.resolution.graph.keys, grouped.resolution.is_settled, strict=True))
    assert looked_at == {"crm:1": False, "web:1": False, "crm:3": True}
    assert links(grouped, before)["email", "f@x"] == before["email", "f@x"] == before["crm", "3"]
    assert links(grouped, before)["web", "1"] == before["login", "ann"]


def test_a_decision_joins_who_comes_later_and_holds_them_together_when_others_come() -> None:
    web = [record(f"web:{number}", login="ann") for number in range(8)]
    rows = [record("crm:0"), *web[:7], record("crm:1"), web[7]]
    alike = table([edge("crm:1", "web:7", 12)], EDGES)
    decided = IdentitySettings(overrides=(Override(decision="always", between=("crm:0", "crm:1")),))
    before = dict[tuple[str, str], str]()
    found = []

    for seen, come in (8, rows[:8]), (9, rows[8:9]), (10, rows[9:]):
        keys = pa.array([row["record_key"] for row in come], TEXT)
        here = table(rows[:seen], RECORDS), table([], RECORDS), alike
        before = links(group_touched(*here, keys, Earlier.of(as_table(before)), decided), before)
        found.append(partition(before))

    both, anns = {("crm", "0"), ("crm", "1")}, {("login", "ann"), *(("web", str(number)) for number in range(8))}
    assert found[1] == {frozenset(both), frozenset(anns - {("web", "7")})}
    assert found[2] == {frozenset(both | anns)}


def chain(*records: str) -> tuple[pa.Table, pa.Table]:
    """Records, each paired with the one before."""
    pairs = [edge(left, right, 20) for left, right in pairwise(records)]
    return table([record(key) for key in records], RECORDS), table(pairs, EDGES)


@pytest.mark.parametrize(("most", "reached"), [(3, ["crm:0", "crm:1", "crm:2"]), (2, ["crm:0", "crm:1", "crm:2", "crm:9"])])
def test_where_a_chain_has_no_end_everybody_is_looked_at(
    most: int, reached: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touching, "_LONGEST_CHAIN", most)
    records, pairs = chain("crm:0", "crm:1", "crm:2")
    records = pa.concat_tables([records, table([record("crm:9")], RECORDS)])

    found = touching.touched(records, pairs, pa.array(["crm:0"]), SETTINGS)

    assert [
        key for key, chosen in zip(records["record_key"].to_pylist(), found.is_touched, strict=True) if chosen
    ] == reached


@pytest.mark.parametrize(("crowd", "touched"), [(1, [True, False, False]), (2, [True, True, True])])
def test_a_value_that_a_crowd_had_before_touches_nobody_and_its_holders_are_only_counted(
    crowd: int, touched: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touching, "_CROWD", crowd)
    records = table([record(f"crm:{number}", login="till") for number in range(3)], RECORDS)

    found = touching.touched(records, table([], EDGES), pa.array(["crm:0"]), SETTINGS)

    assert found.is_touched.tolist() == touched
    assert found.is_neighbour.tolist() == [not chosen for chosen in touched]
