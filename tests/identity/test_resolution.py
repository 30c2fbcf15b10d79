from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config.identity import GuardSettings, IdentitySettings, Override
from personalake.identity.guard_events import guard_events
from personalake.identity.resolution import resolve
from tests.identity.records import edge, edge_frame, groups, partition, record


def events(found: Any) -> set[tuple[str, str, int]]:
    return {(row["guard"], row["value"], row["links"]) for row in guard_events(found).to_pylist()}


def together(*groups_of_keys: str) -> set[frozenset[str]]:
    return {frozenset(keys.split()) for keys in groups_of_keys}


def test_records_that_share_a_login_or_a_card_are_one_persons() -> None:
    rows = [record("web:1", login="ann"), record("app:1", login="ann", loyalty_id="L1"), record("pos:1", loyalty_id="L1")]

    found, _ = groups([*rows, record("pos:2", loyalty_id="L2")])

    assert found == together("web:1 app:1 pos:1", "pos:2")


def test_a_shared_device_merges_nobody_and_belongs_to_nobody() -> None:
    rows = [record("web:1", login="ann", device_id="d"), record("web:2", login="bob", device_id="d")]

    found, resolution = groups(rows)

    assert found == together("web:1", "web:2")
    assert events(resolution) == {("hub", "d", 2)}


def test_a_cookie_that_one_person_uses_is_that_persons_even_where_it_is_all_that_is_known() -> None:
    rows = [record("web:1", login="ann", cookie_id="c"), record("web:2", cookie_id="c"), record("web:3", cookie_id="other")]

    found, _ = groups(rows)

    assert found == together("web:1 web:2", "web:3")


def test_a_record_of_a_device_alone_joins_one_person_and_never_two() -> None:
    ann, bob = record("web:1", login="ann", device_id="d"), record("web:2", login="bob", device_id="e")
    likened = [ann, bob, record("web:3", device_id="d")]
    of_both = [ann, bob, *(record(f"seen:{number}", device_id=device) | {"customer_id": "c"}
                           for number, device in enumerate("de"))]  # fmt: skip

    alike, _ = groups(likened, [edge("web:2", "web:3", 30)])
    torn, _ = groups(of_both)

    assert alike == together("web:1", "web:2 web:3")
    assert torn == together("web:1", "web:2", "seen:0 seen:1")


def test_a_cookie_that_two_people_use_and_a_settled_record_of_a_device_alone_say_nothing_of_whose_they_are() -> None:
    ann, bob = record("web:1", login="ann", cookie_id="c"), record("web:2", login="bob", cookie_id="c")
    lost = record("web:3", cookie_id="c")
    settled = pd.Series({"web:3": "p9"})

    shared, _ = groups([ann, bob, lost])
    kept = resolve(pd.DataFrame([ann, lost]), edge_frame([]), IdentitySettings(), settled)

    assert shared == together("web:1", "web:2", "web:3")
    assert partition(kept) == together("web:1", "web:3")


def test_guards_hold_for_records_of_a_device_alone() -> None:
    rows = [record("web:1", login="ann", cookie_id="c"), *(record(f"web:{number}", cookie_id="c") for number in (2, 3, 4))]
    never = (Override(decision="never", between=("login:ann", "web:3")),)

    kept, by_decision = groups(rows, overrides=never)
    few, by_size = groups(rows, guards=GuardSettings(max_merges=2))

    assert kept == together("web:1 web:2 web:4", "web:3")
    assert ("never_link", "web:1 web:3", 1) in events(by_decision)
    assert few == together("web:1 web:2 web:3", "web:4")
    assert ("max_merges", "web:1 web:4", 1) in events(by_size)


def test_what_a_person_may_hold_is_asked_of_records_of_a_device_alone() -> None:
    rows = [record("web:1", login="ann", cookie_id="c", device_id="d"), record("web:2", cookie_id="c", device_id="e")]
    kinds = IdentitySettings().identifiers
    one_device = {**kinds, "device_id": kinds["device_id"].model_copy(update={"per_person": 1})}

    free, _ = groups(rows)
    kept = resolve(pd.DataFrame(rows), edge_frame([]), IdentitySettings(identifiers=one_device))

    assert free == together("web:1 web:2")
    assert partition(kept) == together("web:1", "web:2")
    assert ("per_person_device_id", "web:1 web:2", 1) in events(kept)


def test_one_person_has_one_login_so_the_weakest_link_between_two_logins_goes() -> None:
    rows = [record("web:1", login="ann"), record("crm:1"), record("web:2", login="bob")]

    found, resolution = groups(rows, [edge("web:1", "crm:1", 9), edge("crm:1", "web:2", 5)])

    assert found == together("web:1 crm:1", "web:2")
    assert events(resolution) == {("per_person_login", "crm:1 web:2", 1)}


def test_a_group_remembers_the_logins_of_all_whom_it_took_in() -> None:
    rows = [record("crm:1"), record("crm:2"), record("web:1", login="ann"), record("web:2", login="bob")]
    alike = [edge("crm:1", "crm:2", 9), edge("crm:1", "web:1", 8), edge("crm:2", "web:2", 7)]

    found, _ = groups(rows, alike)

    assert found == together("crm:1 crm:2 web:1", "web:2")


def test_a_person_holds_no_more_identifiers_than_allowed() -> None:
    rows = [record("crm:1", email="a@x", phone="1"), record("web:1", cookie_id="c", device_id="d", login="ann")]

    few, told = groups(rows, [edge("crm:1", "web:1", 9)], guards=GuardSettings(max_identifiers=6))
    many, _ = groups(rows, [edge("crm:1", "web:1", 9)], guards=GuardSettings(max_identifiers=7))

    assert few == together("crm:1", "web:1")
    assert ("max_identifiers", "crm:1 web:1", 1) in events(told)
    assert many == together("crm:1 web:1")


def test_groups_whose_birth_dates_or_first_names_disagree_are_not_joined_by_likeness() -> None:
    mother = [record("crm:1", first_name="ann", birth_date="1970-01-01"), record("pos:1", first_name="ann")]
    daughter = [record("crm:2", first_name="eve", birth_date="2001-05-09"), record("pos:2", first_name="e")]
    alike = [edge("crm:1", "pos:1", 12), edge("crm:2", "pos:2", 12), edge("pos:1", "pos:2", 6), edge("crm:1", "pos:2", 5)]

    found, resolution = groups([*mother, *daughter], alike)

    assert found == together("crm:1 pos:1", "crm:2 pos:2")
    assert {guard for guard, _, _ in events(resolution)} == {"contradiction_first_name"}


def test_overwhelming_evidence_outweighs_a_birth_date_that_was_written_down_wrong() -> None:
    rows = [record("crm:1", birth_date="1964-01-21"), record("pos:1", birth_date="1970-03-09")]

    weak, _ = groups(rows, [edge("crm:1", "pos:1", 21)])
    strong, _ = groups(rows, [edge("crm:1", "pos:1", 23)])

    assert weak == together("crm:1", "pos:1")
    assert strong == together("crm:1 pos:1")


def test_a_value_that_more_records_hold_than_a_person_can_have_links_nobody() -> None:
    rows = [record(f"pos:{number}", loyalty_id="0815") for number in range(6)]

    found, resolution = groups(rows, guards=GuardSettings(max_merges=4))

    assert len(found) == 6
    assert events(resolution) == {("hub", "0815", 6)}


def test_a_person_takes_in_no_more_records_than_allowed() -> None:
    rows = [record(f"crm:{number}") for number in range(5)]
    chain = [edge(f"crm:{number}", f"crm:{number + 1}", 9 - number) for number in range(4)]

    found, resolution = groups(rows, chain, guards=GuardSettings(max_merges=2))

    assert found == together("crm:0 crm:1 crm:2", "crm:3 crm:4")
    assert {guard for guard, _, _ in events(resolution)} == {"max_merges"}


def test_decisions_join_and_keep_apart_whatever_the_evidence_says() -> None:
    rows = [record("crm:1"), record("crm:2"), record("crm:3"), record("web:1", login="ann")]
    decided = (
        Override(decision="always", between=("crm:1", "login:ann")),
        Override(decision="never", between=("crm:2", "crm:3")),
    )

    found, resolution = groups(rows, [edge("crm:2", "crm:3", 30)], decided)

    assert found == together("crm:1 web:1", "crm:2", "crm:3")
    assert ("never_link", "crm:2 crm:3", 1) in events(resolution)


def test_a_decision_names_an_address_as_people_write_it() -> None:
    rows = [record("crm:1", email="ann@x.example"), record("crm:2", phone="12125550101"), record("crm:3")]
    between = (("email: Ann@X.example", "crm:3"), ("phone:(212) 555-0101", "crm:3"))
    decided = tuple(Override(decision="always", between=pair) for pair in between)

    found, resolution = groups(rows, overrides=decided)

    assert found == together("crm:1 crm:2 crm:3")
    assert events(resolution) == set()


def test_decisions_that_contradict_each_other_keep_apart_and_are_told() -> None:
    rows = [record("crm:1"), record("crm:2"), record("crm:3")]
    always, never = ("always", ("crm:1", "crm:2")), ("never", ("crm:2", "crm:1"))
    decided = tuple(Override(decision=decision, between=pair) for decision, pair in (always, never))  # type: ignore[arg-type]
    circle = tuple(
        Override(decision=decision, between=pair)  # type: ignore[arg-type]
        for decision, pair in (always, ("always", ("crm:2", "crm:3")), ("never", ("crm:1", "crm:3")))
    )

    direct, told = groups(rows, overrides=decided)
    chained, told_of_chain = groups(rows, overrides=(*circle, Override(decision="never", between=("crm:9", "crm:1"))))

    assert direct == together("crm:1", "crm:2", "crm:3")
    assert ("override_conflict", "crm:1 crm:2", 1) in events(told)
    assert chained == together("crm:1 crm:2", "crm:3")
    assert {("never_link", "crm:2 crm:3", 1), ("override_unknown", "crm:9", 0)} <= events(told_of_chain)


def test_links_in_a_circle_are_one_person() -> None:
    rows = [record("crm:1"), record("crm:2"), record("crm:3")]

    found, _ = groups(rows, [edge("crm:1", "crm:2", 9), edge("crm:2", "crm:3", 9), edge("crm:3", "crm:1", 9)])

    assert found == together("crm:1 crm:2 crm:3")


NAMES, DAYS = ("ann", "anne", "a", "bob", None), ("1970-01-01", "1970-01-02", "2001-05-09", None)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Records full of shared values and contradictions, and likenesses among them."""
    count = draw(st.integers(2, 9))
    rows = [
        record(
            f"crm:{number}",
            first_name=draw(st.sampled_from(NAMES)),
            birth_date=draw(st.sampled_from(DAYS)),
            login=draw(st.sampled_from(("u", "v", None, None))),
            loyalty_id=draw(st.sampled_from(("L", "M", None, None))),
            device_id=draw(st.sampled_from(("d", "e", None))),
            cookie_id=draw(st.sampled_from(("c", None, None))),
        )
        for number in range(count)
    ]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), st.integers(0, 20)), max_size=12))
    edges = {(min(a, b), max(a, b)): weight for a, b, weight in pairs if a != b}
    return rows, [edge(f"crm:{a}", f"crm:{b}", float(weight)) for (a, b), weight in edges.items()]


@settings(max_examples=60)
@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(crowd: tuple[list[Any], list[Any]], chance: Any) -> None:
    rows, edges = crowd
    again, edges_again = rows[:], edges[:]
    chance.shuffle(again)
    chance.shuffle(edges_again)
    decided = IdentitySettings(overrides=(Override(decision="never", between=("crm:0", "crm:1")),))

    one = resolve(pd.DataFrame(rows), edge_frame(edges), decided)
    other = resolve(pd.DataFrame(again), edge_frame(edges_again), decided)

    assert partition(one) == partition(other)
    assert not any({"crm:0", "crm:1"} <= group for group in partition(one))
    logins = {row["record_key"]: row["login"] for row in rows}
    assert all(len({logins[key] for key in group} - {None}) <= 1 for group in partition(one))
