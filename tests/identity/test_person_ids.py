from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.common.hashing import person_hash_of
from personalake.config.identity import IdentitySettings
from personalake.identity.moves import CHANGES, links_that_may_move, moves
from personalake.identity.person_ids import Assigned, assign_ids, members
from personalake.identity.resolution import resolve
from tests.identity.records import FIRST_DAY, edge_frame, record

NOBODY = {"namespace": [], "value": [], "person_id": [], "first_known_at": []}


def day(letter: str) -> datetime:
    return FIRST_DAY.replace(day=ord(letter) - 96)


def found(groups: dict[str, str]) -> pa.Table:
    """Identifiers by group, `{"a": "x y"}`; x was known a day before y."""
    rows = [
        {"namespace": "crm", "value": value, "grp": number, "sources": ["crm"], "first_known_at": day(value)}
        for number, values in enumerate(groups.values())
        for value in values.split()
    ]
    return pa.Table.from_pylist(rows)


def previous(persons: dict[str, str], since: dict[str, str] | None = None) -> pa.Table:
    """Identifiers by person; each was known on the day of its letter, or of another one."""
    rows = [
        {"namespace": "crm", "value": value, "person_id": person, "first_known_at": day((since or {}).get(value, value))}
        for person, values in persons.items()
        for value in values.split()
    ]
    text, at = pa.string(), pa.timestamp("us", "UTC")
    return pa.Table.from_pylist(
        rows, pa.schema([("namespace", text), ("value", text), ("person_id", text), ("first_known_at", at)])
    )


def persons(assigned: Assigned) -> dict[str, str]:
    return {row["value"]: row["person_id"] for row in assigned.links.to_pylist()}


def changes(assigned: Assigned) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in CHANGES.names) for row in assigned.changes.to_pylist()]


def test_a_new_person_gets_the_hash_of_the_oldest_identifier_as_a_lone_one_does() -> None:
    assigned = assign_ids(found({"1": "b c", "2": "d"}), previous({}))

    assert persons(assigned) == dict.fromkeys("bc", person_hash_of("crm", "b")) | {"d": person_hash_of("crm", "d")}
    assert changes(assigned) == []


def test_the_oldest_identifier_names_a_person_and_not_the_first_of_the_alphabet() -> None:
    rows = found({"1": "a b"}).to_pylist()
    rows[0]["first_known_at"] = day("z")

    assigned = assign_ids(pa.Table.from_pylist(rows), previous({}))

    assert set(persons(assigned).values()) == {person_hash_of("crm", "b")}


def test_two_persons_who_are_one_keep_the_id_of_the_larger_part() -> None:
    assigned = assign_ids(found({"1": "a b c"}), previous({"old": "a", "large": "b c"}))

    assert set(persons(assigned).values()) == {"large"}
    assert changes(assigned) == [("merged", "old", "large", 1)]


def spelled(*rows: tuple[str, str, str | int]) -> pa.Table:
    """Rows of `found` (with a group) or of links before (with a person): namespace, value, and that."""
    told = [
        {"namespace": namespace, "value": value, "sources": ["s"], "first_known_at": FIRST_DAY,
         "grp" if isinstance(of, int) else "person_id": of}
        for namespace, value, of in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(told)


@pytest.mark.parametrize("ending", ["", "#lone"])
def test_who_was_known_by_an_address_alone_in_another_spelling_keeps_the_id_or_is_told_to_be_merged(ending: str) -> None:
    lead, caller = person_hash_of("email", f"lead@x{ending}"), person_hash_of("phone", f"49301234{ending}")
    card = person_hash_of("loyalty_id", f"L17{ending}")
    before = spelled(
        ("email", "Lead@X", lead), ("email", " lead@X", lead), ("phone", "+49 301234", caller), ("crm", "2", "old"),
        ("login", "b", "old"), ("loyalty_id", "\tL17\xa0", card), ("email", "Other@X", person_hash_of("email", "other@x")),
    )  # fmt: skip
    now = spelled(
        ("crm", "1", 0), ("email", "lead@x", 0), ("crm", "2", 1), ("login", "b", 1), ("phone", "49301234", 1),
        ("crm", "3", 2), ("loyalty_id", "L17", 2),
    )  # fmt: skip

    assigned = assign_ids(now, before)

    known = dict.fromkeys(["1", "lead@x"], lead) | dict.fromkeys(["3", "L17"], card)
    assert persons(assigned) == known | dict.fromkeys(["2", "b", "49301234"], "old")
    assert changes(assigned) == [("merged", caller, "old", 1)]


def test_who_was_known_by_an_address_alone_is_looked_up_where_nothing_else_of_the_group_was_known() -> None:
    lead = person_hash_of("email", "lead@x")
    everything = spelled(("email", "Lead@X", lead), ("email", "Other@X", person_hash_of("email", "other@x")))

    def named(persons: pa.Table) -> pa.Table:
        return everything.filter(pc.is_in(everything["person_id"], persons["person_id"].combine_chunks()))

    assigned = assign_ids(spelled(("crm", "1", 0), ("email", "lead@x", 0)), everything.slice(0, 0), named=named)

    assert {*persons(assigned).values()} == {lead}


@pytest.mark.parametrize(
    ("kind", "value", "others"),
    [("email", "lead@x", [("crm", "1"), ("email", "other@x")]), ("login", "b", [("login", "c")])],
)
def test_a_person_of_records_is_not_taken_for_one_who_was_known_by_an_identifier_alone(
    kind: str, value: str, others: list[tuple[str, str]]
) -> None:
    person = person_hash_of(kind, value)
    before = spelled(*((*other, person) for other in others))

    assigned = assign_ids(spelled(("crm", "2", 0), (kind, value, 0)), before, named=lambda _: before)

    assert persons(assigned)[value] != person
    assert changes(assigned) == []


def test_of_two_equal_parts_the_older_one_keeps_the_id() -> None:
    assigned = assign_ids(found({"1": "b c", "2": "a d"}), previous({"p": "a b c d"}))

    assert persons(assigned) == {"a": "p", "d": "p"} | dict.fromkeys("bc", person_hash_of("crm", "b"))
    assert changes(assigned) == [("split", "p", person_hash_of("crm", "b"), 2)]


def test_of_equal_parts_age_decides_and_not_the_alphabet() -> None:
    wanted = assign_ids(found({"1": "a", "2": "b"}), previous({"p": "a b"}, since={"a": "z", "b": "y"}))
    offered = assign_ids(found({"1": "a b"}), previous({"x": "b", "y": "a"}))

    assert persons(wanted)["b"] == "p" != persons(wanted)["a"]
    assert set(persons(offered).values()) == {"y"}


def test_whoever_keeps_an_identifier_elsewhere_is_not_merged() -> None:
    assigned = assign_ids(found({"1": "a b c"}), previous({"old": "a z", "large": "b c"}))

    assert changes(assigned) == [("moved", "old", "large", 1)]


def test_an_id_that_others_hold_is_not_given_again() -> None:
    first = person_hash_of("crm", "a")

    assigned = assign_ids(found({"1": "b c", "2": "a"}), previous({first: "a b c"}))

    assert persons(assigned)["b"] == first
    assert persons(assigned)["a"] not in (first, None)


def test_an_id_that_others_hold_is_not_given_again_although_only_a_part_of_the_links_was_looked_at() -> None:
    others = {person_hash_of("crm", "b"): "z"}

    def named(wanted: pa.Table) -> pa.Table:
        return previous({person: others.get(person, "") for person in wanted["person_id"].to_pylist()})

    assigned = assign_ids(found({"1": "b"}), previous({}), named=named)

    assert persons(assigned) == {"b": person_hash_of("crm", "b#2")}


def test_a_value_that_two_groups_hold_belongs_to_the_one_with_more_records_of_it() -> None:
    rows = [record("crm:1", day=3, email="f@x"), record("crm:2", day=4, email="f@x"), record("crm:3", day=2, email="f@x")]
    rows[0]["login"] = rows[1]["login"] = "ann"

    told = members(resolve(pd.DataFrame(rows), edge_frame([]), IdentitySettings())).to_pylist()

    group = {(row["namespace"], row["value"]): row["grp"] for row in told}
    mail = next(row for row in told if row["namespace"] == "email")
    assert group["email", "f@x"] == group["crm", "1"] == group["login", "ann"] != group["crm", "3"]
    assert (mail["sources"], mail["first_known_at"].day) == (["crm"], 2)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=8, max_size=8), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_every_group_has_one_id_of_its_own_and_moves_tell_the_whole_difference(before: list[int], after: list[int]) -> None:
    letters = "abcdefgh"

    def grouped(places: list[int]) -> dict[str, str]:
        return {str(place): " ".join(v for v, p in zip(letters, places, strict=True) if p == place) for place in set(places)}

    first = assign_ids(found(grouped(before)), previous({}))
    second = assign_ids(found(grouped(after)), first.links.select(list(NOBODY)))

    now, then = persons(second), persons(first)
    assert len(set(now.values())) == len(set(after))
    assert all(
        (now[a] == now[b]) == (x == y)
        for a, x in zip(letters, after, strict=True)
        for b, y in zip(letters, after, strict=True)
    )
    assert sum(row[3] for row in changes(second)) == sum(now[letter] != then[letter] for letter in letters)
    assert changes(assign_ids(found(grouped(after)), second.links.select(list(NOBODY)))) == []


def test_whose_other_identifiers_are_gone_was_merged_and_did_not_lose_a_part() -> None:
    before = previous({"old": "a z", "large": "b c"})
    gone = pa.table({"namespace": ["crm"], "value": ["z"]})

    assert changes(assign_ids(found({"1": "a b c"}), before)) == [("moved", "old", "large", 1)]
    assert changes(assign_ids(found({"1": "a b c"}), before, vanished=gone)) == [("merged", "old", "large", 1)]


def test_identifiers_that_records_leave_to_events_move_to_persons_of_their_own() -> None:
    alone = {value: person_hash_of("login", value) for value in ("u1", "u2", "u3", "u4")}
    raw = person_hash_of("email", "dan@x")
    before = spelled(
        # Of one person a login is left, of another a part, of a third nothing.
        ("crm", "1", "p1"), ("login", "u1", "p1"), ("crm", "2", "p2"), ("login", "u2", "p2"), ("crm", "3", "p3"),
        # Who was named by a login that is left behind is still that person.
        ("crm", "4", alone["u4"]), ("login", "u4", alone["u4"]),
        ("login", "u3", alone["u3"]), ("email", " Dan@X", raw), ("email", "Eve@X", "p2"),
    )  # fmt: skip
    links = spelled(("crm", "2", "p2"), ("crm", "4", alone["u4"]), ("email", "eve@x", "p2"))

    theirs = links_that_may_move(before, links, CHANGES.empty_table(), "1")

    assert set(theirs["person_id"].to_pylist()) == {"p1", "p2", "p3", alone["u4"]}
    apart = person_hash_of("login", "u4#lone")
    now = spelled(
        ("login", "u1", alone["u1"]), ("login", "u2", alone["u2"]), ("crm", "2", "p2"), ("crm", "4", alone["u4"]),
        ("login", "u4", apart), ("email", "Eve@X", "p2"),
    )  # fmt: skip
    found = moves(before, links, CHANGES.empty_table(), theirs, now)
    told = {tuple(row[name] for name in CHANGES.names) for row in found.to_pylist()}
    assert told == {
        ("merged", "p1", alone["u1"], 1), ("split", "p2", alone["u2"], 1), ("split", alone["u4"], apart, 1),
    }  # fmt: skip
    calm = spelled(("login", "u3", alone["u3"]), ("email", " Dan@X", raw), ("crm", "2", "p2"), ("email", "EVE@x", "p2"))
    assert links_that_may_move(calm, links, CHANGES.empty_table(), "1").num_rows == 0
