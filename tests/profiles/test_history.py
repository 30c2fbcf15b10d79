from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config.identity import Survivorship
from personalake.profiles.history import GONE, timelines
from personalake.profiles.history import changes as changes_by
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY

COLUMNS = list(CUSTOMER_PROFILE_HISTORY.columns)
NAMES = {"profile": ("stage", "consents"), "records": ("age",)}
EMPTY = pd.DataFrame(columns=COLUMNS)
NOBODY = pd.DataFrame({"person_id": [], "stage": [], "consents": []})
RECORD = ["person_id", "namespace", "customer_id", "known_at", "source", "record_id", "age"]
NO_RECORDS = pd.DataFrame(columns=RECORD)
RULES = Survivorship(trusted_sources=("crm",), partial_sources=("events",))


def on(day: int) -> datetime:
    return datetime(2017, 1, 1, tzinfo=UTC) + timedelta(days=day)


def record(day: int, age: str | None, record_id: str = "r", person: str = "p", source: str = "crm") -> dict[str, Any]:
    account = {"namespace": source, "customer_id": "1"}
    return {"person_id": person, **account, "known_at": on(day), "source": source, "record_id": record_id, "age": age}


def changes(history: pd.DataFrame, profiles: pd.DataFrame, records: pd.DataFrame, at: datetime, names: Any) -> pd.DataFrame:
    return changes_by(history, profiles, records, at, names, RULES)


def profile(stage: str | None, consents: dict[str, str] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"person_id": ["p"], "stage": [stage], "consents": [consents or {}]})


def applied(history: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """What the merge does: rows of the same key are put in place, those that are gone are removed."""
    key = list(CUSTOMER_PROFILE_HISTORY.key)
    kept = history.merge(changed[key], on=key, how="left", indicator=True) if len(history) else history
    kept = kept[kept["_merge"] == "left_only"][COLUMNS] if len(history) else history
    new = changed[~changed[GONE]][COLUMNS]
    return pd.concat([kept, new], ignore_index=True) if len(kept) else new.reset_index(drop=True)


def told(history: pd.DataFrame) -> list[tuple[str, str, Any, Any]]:
    """Attribute, value, and the days from and to, in order."""

    def day(at: Any) -> int | None:
        return None if pd.isna(at) else (at - on(0)).days

    ordered = history.sort_values(["attribute", "valid_from"])
    return [(row.attribute, row.value, day(row.valid_from), day(row.valid_to)) for row in ordered.itertuples()]


def test_a_late_record_slots_in_where_it_belongs() -> None:
    known = pd.DataFrame([record(0, "20"), record(20, "40")])
    before = applied(EMPTY, changes(EMPTY, NOBODY, known, on(30), NAMES))

    late = pd.DataFrame([record(20, "40"), record(10, "30"), record(0, "20")])
    changed = changes(before, NOBODY, late, on(31), NAMES)

    assert told(before) == [("age", "20", 0, 20), ("age", "40", 20, None)]
    assert told(applied(before, changed)) == [("age", "20", 0, 10), ("age", "30", 10, 20), ("age", "40", 20, None)]
    assert len(changed) == 2  # the value that still holds is left as it is


def test_a_record_that_was_wrong_and_is_gone_takes_its_value_with_it() -> None:
    before = applied(EMPTY, changes(EMPTY, NOBODY, pd.DataFrame([record(0, "20"), record(9, "99")]), on(30), NAMES))

    changed = changes(before, NOBODY, pd.DataFrame([record(0, "20")]), on(31), NAMES)

    assert told(applied(before, changed)) == [("age", "20", 0, None)]
    assert changed.loc[changed[GONE], "valid_from"].tolist() == [on(9)]


def test_what_is_no_longer_known_ends_and_the_latest_of_one_moment_counts() -> None:
    rows = [record(0, "20"), record(5, None), record(9, "30", "a"), record(9, "31", "b")]

    assert told(applied(EMPTY, changes(EMPTY, NOBODY, pd.DataFrame(rows), on(30), NAMES))) == [
        ("age", "20", 0, 5),
        ("age", "31", 9, None),
    ]


def test_profiles_of_one_as_of_after_the_other_write_what_changed_and_a_rerun_nothing() -> None:
    history = EMPTY
    written = []
    for day, stage, consents in (
        (0, "new", {"email": "granted"}),
        (10, "active", {"email": "granted"}),
        (20, "active", {}),
        (20, "active", {}),
    ):
        changed = changes(history, profile(stage, consents), NO_RECORDS, on(day), NAMES)
        history = applied(history, changed)
        written.append(len(changed))

    assert told(history) == [
        ("consents.email", "granted", 0, 20), ("stage", "new", 0, 10), ("stage", "active", 10, None)
    ]  # fmt: skip
    assert written == [2, 2, 1, 0]


def test_an_answer_that_is_taken_back_after_the_as_of_held_until_then() -> None:
    history = EMPTY
    for day, consents in ((4, {"email": "granted"}), (20, {"email": "withdrawn"}), (25, {}), (25, {})):
        changed = changes_by(history, profile("new", consents), NO_RECORDS, on(1), NAMES, RULES, on(day))
        history = applied(history, changed)

    assert told(history) == [
        ("consents.email", "granted", 4, 20), ("consents.email", "withdrawn", 20, 25), ("stage", "new", 1, None)
    ]  # fmt: skip
    assert changed.empty


def test_a_person_who_is_gone_holds_nothing_any_more() -> None:
    history = applied(EMPTY, changes(EMPTY, profile("new"), pd.DataFrame([record(0, "20")]), on(1), NAMES))

    merged_away = changes(history, NOBODY, NO_RECORDS, on(5), NAMES)

    assert told(applied(history, merged_away)) == [("stage", "new", 1, 5)]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["a", "b", None]), st.integers(0, 3)), min_size=1, max_size=8))
def test_any_order_of_arrival_gives_one_history_without_gaps_or_overlaps(
    seen: list[tuple[int, str | None, int]],
) -> None:
    unique = {(day, str(number)): value for day, value, number in seen}
    rows = [record(day, value, number) for (day, number), value in unique.items()]
    at_once = applied(EMPTY, changes(EMPTY, NOBODY, pd.DataFrame(rows), on(30), NAMES))
    history = EMPTY
    for count in range(1, len(rows) + 1):
        history = applied(history, changes(history, NOBODY, pd.DataFrame(rows[:count]), on(30), NAMES))

    assert told(history) == told(at_once)
    for (_, value, _, ends), (_, next_value, begins, _) in zip(told(history), told(history)[1:], strict=False):
        assert ends is not None
        assert ends < begins or (ends == begins and value != next_value)
    newest = max(unique)
    assert [row[1] for row in told(history) if row[3] is None] == ([] if unique[newest] is None else [unique[newest]])


def test_nothing_seen_is_no_history() -> None:
    seen = pd.DataFrame(columns=["person_id", "attribute", "value", "valid_from", "source", "record_id", "place"])

    assert timelines(seen).empty


def test_a_source_that_does_not_know_an_attribute_ends_nothing_and_one_that_takes_it_back_leaves_the_other() -> None:
    rows = [
        record(0, "20"),
        record(5, None, "a", source="web"),  # never told it: says nothing
        record(8, "25", "b", source="web"),
        record(9, "26", "c", source="events"),
        record(10, None, "d", source="events"),  # tells only what has changed
        record(12, None, "e"),
        record(14, "30", "f"),
        record(16, None, "g"),
    ]

    found = applied(EMPTY, changes(EMPTY, NOBODY, pd.DataFrame(rows), on(30), NAMES))

    assert told(found) == [
        ("age", "20", 0, 8), ("age", "25", 8, 9), ("age", "26", 9, 14), ("age", "30", 14, 16), ("age", "26", 16, None),
    ]  # fmt: skip
    assert found.sort_values("valid_from")["record_id"].tolist() == ["r", "b", "c", "f", "c"]


def test_the_most_trusted_source_keeps_its_word_until_it_takes_it_back() -> None:
    rows = [record(0, "20"), record(5, "25", "a", source="web"), record(9, None, "b"), record(12, "31", "c")]
    trusted = Survivorship(default="most_trusted", trusted_sources=("crm",))

    found = applied(EMPTY, changes_by(EMPTY, NOBODY, pd.DataFrame(rows), on(30), NAMES, trusted))

    assert told(found) == [("age", "20", 0, 9), ("age", "25", 9, 12), ("age", "31", 12, None)]
