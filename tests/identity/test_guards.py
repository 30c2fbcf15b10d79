"""What each guard lets pass at its limit and refuses beyond it, and what is told of it."""

import pandas as pd
import pyarrow as pa
import pytest

from personalake.config.identity import GuardSettings, IdentitySettings, Override
from personalake.identity.agreement import birth_dates_agree, first_names_agree
from personalake.identity.blocking import RulePairs
from personalake.identity.bridges import weakest_by_group
from personalake.identity.graph import ALWAYS
from personalake.identity.groups import Group, Limits, Refusal, broken_guard, side_of
from personalake.identity.guard_events import MOST_TOLD, guard_events, merged_events
from personalake.identity.person_ids import members
from personalake.identity.resolution import resolve
from tests.identity.records import edge, edge_frame, groups, partition, record

LIMITS = Limits({"login": 1}, max_merges=2, max_identifiers=6, contradictions=("first_name", "birth_date"))


def group(records: int = 1, identifiers: int = 1, **details: str) -> Group:
    return Group(records, identifiers, {name: frozenset({value}) for name, value in details.items()})


def test_a_guard_lets_pass_what_is_at_its_limit_and_refuses_what_is_beyond_it() -> None:
    assert broken_guard(group(2), group(1), 9, True, LIMITS) is None
    assert broken_guard(group(2), group(2), 9, True, LIMITS) == "max_merges"
    assert broken_guard(group(1, 3), group(1, 3), 9, True, LIMITS) is None
    assert broken_guard(group(1, 3), group(1, 4), 9, True, LIMITS) == "max_identifiers"


def test_a_pair_at_the_weight_that_overrules_stands_and_an_identifier_always_does() -> None:
    old, young = group(birth_date="1950-01-01"), group(birth_date="2001-12-24")

    assert broken_guard(old, young, 21.9, True, LIMITS) == "contradiction_birth_date"
    assert broken_guard(old, young, 22, True, LIMITS) is None
    assert broken_guard(old, young, 0, False, LIMITS) is None


def test_a_group_is_all_that_it_took_in() -> None:
    ann = group(2, 2, first_name="ann")
    ann.take(
        Group(3, 4, {"birth_date": frozenset({"1950-01-01"})}, {"login": frozenset({"a"})}, frozenset({side_of(1, "l")}))
    )
    wide = Limits({"login": 1}, 100, 100, ("first_name", "birth_date"))

    assert (ann.records, ann.identifiers) == (5, 6)
    assert broken_guard(ann, group(birth_date="2001-12-24"), 9, True, wide) == "contradiction_birth_date"
    assert broken_guard(ann, group(first_name="eve"), 9, True, wide) == "contradiction_first_name"
    assert broken_guard(ann, Group(1, 1, limited={"login": frozenset({"b"})}), 9, True, wide) == "per_person_login"
    assert broken_guard(ann, Group(1, 1, apart=frozenset({side_of(1, "r")})), ALWAYS, False, wide) == "never_link"


@pytest.mark.parametrize(
    ("left", "right", "weight", "is_joined"),
    [(1, 1, 0, True), (1, 4, 0.9, False), (1, 4, 1, True), (2, 2, 2.4, False), (2, 2, 2.5, True), (4, 2, 2.9, False)],
)
def test_a_weak_pair_joins_single_records_and_no_groups_of_several(
    left: int, right: int, weight: float, is_joined: bool
) -> None:
    sides = [
        [record(f"{side}:{number}", loyalty_id=side) for number in range(count)]
        for side, count in zip("ab", (left, right), strict=True)
    ]

    found, told = groups([*sides[0], *sides[1]], [edge("a:0", "b:0", weight)])

    assert len(found) == (1 if is_joined else 2)
    assert [row["guard"] for row in guard_events(told).to_pylist()] == ([] if is_joined else ["weak_for_groups"])


def test_a_chain_of_one_record_too_many_loses_its_weakest_link() -> None:
    rows = [record(f"crm:{number}") for number in range(4)]
    chain = [edge(f"crm:{number}", f"crm:{number + 1}", 9 - number) for number in range(3)]

    found, _ = groups(rows, chain, guards=GuardSettings(max_merges=2))

    assert found == {frozenset({"crm:0", "crm:1", "crm:2"}), frozenset({"crm:3"})}


def test_two_versions_of_an_account_that_a_guard_keeps_apart_are_told() -> None:
    first, second = record("crm:1", login="ann"), record("crm:2", day=2, login="bob") | {"customer_id": "1"}

    found, told = groups([first, second])

    assert len(found) == 2
    assert [(row["guard"], row["value"], row["match_weight"]) for row in guard_events(told).to_pylist()] == [
        ("per_person_login", "crm:1 crm:2", None)
    ]


def test_a_value_of_as_many_as_are_allowed_is_no_hub() -> None:
    cards = [record(f"pos:{number}", loyalty_id="L") for number in range(5)]
    mails = [record(f"crm:{number}", email="f@x") for number in range(5)]
    settings = GuardSettings(max_merges=4)

    one, told = groups(cards, guards=settings)
    apart, told_of_mail = groups(mails)
    _, told_of_more = groups([*mails, record("crm:9", email="f@x")])

    assert (len(one), len(apart)) == (1, 5)
    assert guard_events(told).num_rows == guard_events(told_of_mail).num_rows == 0
    assert guard_events(told_of_more)["guard"].to_pylist() == ["hub"]


def test_a_hub_belongs_to_none_of_those_who_share_it() -> None:
    rows = [record("web:1", login="ann", device_id="d"), record("web:2", login="bob", device_id="d")]

    held = {(row["namespace"], row["value"]): row["grp"] for row in members(groups(rows)[1]).to_pylist()}

    assert held["device_id", "d"] not in (held["web", "1"], held["web", "2"])


def test_a_value_that_two_hold_as_often_belongs_to_the_one_who_had_it_first() -> None:
    rows = [record("crm:1", day=5, email="f@x"), record("crm:2", day=2, email="f@x")]

    held = {(row["namespace"], row["value"]): row["grp"] for row in members(groups(rows)[1]).to_pylist()}

    assert held["email", "f@x"] == held["crm", "2"] != held["crm", "1"]


def test_a_bridge_is_no_link_that_was_refused_and_no_shared_identifier() -> None:
    rows = [record("web:1", login="ann"), record("app:1", login="ann"), record("crm:1"), record("crm:2", login="bob")]
    found = resolve(
        pd.DataFrame(rows), edge_frame([edge("crm:1", "web:1", 9), edge("crm:1", "crm:2", 4)]), IdentitySettings()
    )
    shared = resolve(pd.DataFrame(rows[:2]), edge_frame([]), IdentitySettings())

    weakest = dict(zip(found.graph.keys, weakest_by_group(found.graph.size, found.group, found.links), strict=True))

    assert weakest["crm:1"] == weakest["app:1"] == 9
    assert pd.isna(weakest["crm:2"])
    assert pd.isna(weakest_by_group(2, shared.group, shared.links)).all()


def test_a_decision_to_keep_a_record_apart_from_itself_is_told() -> None:
    never = Override(decision="never", between=("crm:1", "email:a@x"))

    found, told = groups([record("crm:1", email="a@x"), record("crm:2", email="a@x")], overrides=(never,))

    assert len(found) == 2
    assert [(row["guard"], row["value"]) for row in guard_events(told).to_pylist()] == [
        ("override_conflict", "crm:1 email:a@x")
    ]


def test_a_decision_is_about_every_record_of_an_address() -> None:
    rows = [record("crm:1", email="a@x"), record("crm:2", email="a@x"), record("web:3")]

    found, _ = groups(rows, overrides=(Override(decision="always", between=("email:a@x", "web:3")),))

    assert found == {frozenset({"crm:1", "crm:2", "web:3"})}


def test_a_decision_joins_accounts_with_a_login_each_and_later_records_of_either_join_them() -> None:
    rows = [record("web:1", login="ann"), record("web:2", login="annie"), record("app:3", login="annie")]
    other = [record("crm:4", email="a@x"), record("app:5", login="eve", email="a@x")]
    alike = [edge("web:1", "crm:4", 25), edge("crm:4", "app:5", 24)]
    decided = (Override(decision="always", between=("web:1", "web:2")),)

    found, told = groups([*rows, *other], alike, overrides=decided)

    assert found == {frozenset({"web:1", "web:2", "app:3", "crm:4"}), frozenset({"app:5"})}
    assert [row["guard"] for row in guard_events(told).to_pylist()] == ["per_person_login"]
    small, _ = groups(rows, overrides=decided, guards=GuardSettings(max_merges=1))
    assert small == {frozenset({"web:1", "web:2"}), frozenset({"app:3"})}


def test_a_decision_about_what_several_accounts_hold_joins_nobody_whom_a_guard_keeps_apart() -> None:
    rows = [
        record("crm:17", login="ann"),
        record("crm:5", login="bob", email="f@x", device_id="d"),
        record("crm:6", login="eve", email="f@x", device_id="d"),
        record("crm:8", device_id="d"),
    ]
    decided = [Override(decision="always", between=("crm:17", name)) for name in ("email:f@x", "device_id:d", "crm:5")]

    by_mail, told = groups(rows, overrides=(decided[0],))
    by_device, _ = groups(rows, overrides=(decided[1],))
    by_account, _ = groups(rows, overrides=(decided[2],))

    assert by_mail == {frozenset({row["record_key"]}) for row in rows}
    refused = [(row["guard"], row["value"]) for row in guard_events(told).to_pylist() if row["namespace"] == "pair"]
    assert sorted(refused) == [("per_person_login", "crm:17 crm:5"), ("per_person_login", "crm:17 crm:6")]
    assert by_device == {frozenset({"crm:17", "crm:8"}), frozenset({"crm:5"}), frozenset({"crm:6"})}
    assert by_account == {frozenset({"crm:17", "crm:5"}), frozenset({"crm:6"}), frozenset({"crm:8"})}


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        ({"kate"}, {"katherine"}, True),
        ({"kate"}, {"kim"}, False),
        ({"k"}, {"kim"}, True),
        ({"k", "kate"}, {"kim"}, False),  # the initial says no more than the name beside it
        ({"k"}, {"tim"}, False),
        (set(), {"tim"}, True),
    ],
)
def test_first_names_of_two_groups(left: set[str], right: set[str], agree: bool) -> None:
    assert first_names_agree(left, right, (), ()) is agree
    assert first_names_agree(right, left, (), ()) is agree


def test_first_and_last_name_may_have_changed_places() -> None:
    assert first_names_agree({"ann"}, {"lee"}, {"lee"}, {"ann"})
    assert not first_names_agree({"ann"}, {"lee"}, {"lee"}, {"bob"})
    assert not first_names_agree({"ann"}, {"lee"}, {"lee"}, ())


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        ("1980-01-02", "1981-01-03", True),
        ("1980-01-02", "1981-04-03", False),
        ("1980-03-12", "1980-12-03", True),
        ("1980-03-12", "1991-12-03", False),
    ],
)
def test_birth_dates_of_two_groups(left: str, right: str, agree: bool) -> None:
    assert birth_dates_agree({left}, {right}) is agree


def test_what_is_told_is_the_strongest_of_many_and_the_sum_of_the_others() -> None:
    rows = [record(f"crm:{number}", login=str(number)) for number in range(MOST_TOLD + 3)]
    found = resolve(pd.DataFrame(rows), edge_frame([]), IdentitySettings())
    refused = [Refusal(number, number + 1, float(number % 800), "per_person_login") for number in range(MOST_TOLD + 2)]
    shared = Refusal(0, 1, ALWAYS, "never_link")
    rules = [RulePairs("email", 10, 0, 0, 0), RulePairs("phone", 10, 1, 300, 44_850)]

    told = guard_events(type(found)(**{**vars(found), "refusals": [*refused, shared]}), rules).to_pylist()

    sums = [row for row in told if row["value"] is None]
    assert [(row["guard"], row["links"]) for row in sums] == [("per_person_login", 2)]
    assert sum(row["guard"] == "per_person_login" for row in told) == MOST_TOLD + 1
    assert [row["match_weight"] for row in told if row["guard"] == "never_link"] == [None]
    assert [(row["value"], row["links"]) for row in told if row["guard"] == "oversized_key"] == [("phone", 44_850)]


def test_what_guards_refused_before_stays_told_unless_its_records_were_looked_at_again() -> None:
    _, found = groups([record("crm:1", email="a@x"), record("crm:2")])
    nothing = guard_events(found)
    before = [
        {"guard": guard, "namespace": namespace, "value": value, "links": 1, "persons": 2, "match_weight": 1.0}
        for guard, namespace, value in (
            ("never_link", "pair", "crm:1 crm:7"), ("never_link", "pair", "crm:7 crm:8"),
            ("never_link", "pair", "crm:8 gone:9"),
            ("hub", "email", "a@x"), ("hub", "email", "b@x"),
        )
    ]  # fmt: skip

    told = merged_events(nothing, before, found, ["gone:9"])

    assert isinstance(told, pa.Table)
    assert {(row["namespace"], row["value"]) for row in told.to_pylist()} == {("pair", "crm:7 crm:8"), ("email", "b@x")}


def test_settled_records_stay_where_they_are_however_alike_they_are() -> None:
    rows = [record("crm:1", login="ann"), record("crm:2"), record("crm:3")]
    settled = pd.Series({"crm:1": "p1", "crm:2": "p2"})

    found = resolve(
        pd.DataFrame(rows), edge_frame([edge("crm:1", "crm:2", 9), edge("crm:2", "crm:3", 9)]), IdentitySettings(), settled
    )

    assert len(partition(found)) == 3
