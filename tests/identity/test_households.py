import pandas as pd
import pyarrow as pa
import pytest

from personalake.config.identity import GuardSettings, IdentitySettings
from personalake.identity.households import fitting_guards, household_share
from personalake.identity.match_model import MatchModel
from personalake.identity.resolution import resolve
from tests.identity.records import edge, edge_frame, partition, record

COLUMNS = ("last_name", "street", "first_name", "birth_date")


def people(pairs: int, other: tuple[str | None, str | None]) -> list[tuple[str | None, ...]]:
    """At each of so many addresses Ann of 1970, and a second record of this first name and birth date."""
    return [("lee", f"mill lane {number}", *person) for number in range(pairs) for person in (("ann", "1970-01-02"), other)]


def table(rows: list[tuple[str | None, ...]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(COLUMNS, row, strict=True)) for row in rows], pa.schema(dict.fromkeys(COLUMNS, pa.string()))
    )


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (("tom", "2001-05-09"), 0.2),  # a child
        (("eve", "1970-01-02"), 0.0),  # a twin, or another name: nobody can tell
        (("ann", "1944-11-30"), 0.0),  # mother and daughter of one name, or a wrong year
        (("anne", "1970-02-01"), 0.0),
        (("tom", "1970-01-13"), 0.0),  # another name and one digit: a slip in one of them will do
        (("anna", "1944-11-30"), 0.0),
    ],
)
def test_two_records_of_an_address_are_evidently_two_persons_if_neither_detail_can_be_one_persons(
    other: tuple[str, str], share: float
) -> None:
    rows = people(20, other) + people(100, ("ann", "1970-01-02"))[40:]

    found = household_share(table(rows))

    assert found == share
    assert household_share(table(rows[::-1])) == share


def test_few_pairs_crowded_addresses_and_records_that_tell_half_say_nothing() -> None:
    crowd = [("lee", "station 1", chr(97 + n) * 4, "dddd-dd-dd".replace("d", str(n % 10))) for n in range(21)]
    same = ("ann", "1970-01-02")

    assert household_share(table(people(99, same))) is None
    assert household_share(table(people(100, same))) == 0
    assert household_share(table(people(100, same) + crowd)) == 0
    assert household_share(table(people(100, same) + crowd[1:])) > 0.5
    assert household_share(table(people(100, ("tom", None)))) is None


def test_contradictions_refuse_only_where_records_know_households() -> None:
    settings = IdentitySettings(guards=GuardSettings(household_share=0.05))

    kept = {share: fitting_guards(settings, share).guards.contradictions for share in (None, 0.05, 0.049)}

    assert kept == {None: ("first_name", "birth_date"), 0.05: ("first_name", "birth_date"), 0.049: ()}
    assert fitting_guards(settings, 0.0).guards.max_merges == settings.guards.max_merges


@pytest.mark.parametrize(
    ("share", "configured", "persons"),
    [(0.06, 0.05, 2), (0.05, 0.05, 2), (0.04, 0.05, 1), (0.0, 0.05, 1), (0.0, 0.0, 2), (None, 0.05, 2)],
)
def test_twins_are_two_persons_where_households_are_known_and_one_where_a_name_may_be_a_slip(
    share: float | None, configured: float, persons: int
) -> None:
    home = {"last_name": "lee", "street": "1 mill lane", "birth_date": "1990-04-05"}
    twins = [record("crm:1", first_name="ann", **home), record("crm:2", first_name="eve", **home)]
    settings = IdentitySettings(guards=GuardSettings(household_share=configured))

    found = resolve(pd.DataFrame(twins), edge_frame([edge("crm:1", "crm:2", 12)]), fitting_guards(settings, share))

    assert len(partition(found)) == persons


def test_a_model_keeps_what_it_learnt_of_households_and_an_older_ones_version_stays() -> None:
    known, old = MatchModel({}, {}, 0.01), MatchModel({}, {})

    assert MatchModel.from_json(known.to_json()) == known
    assert MatchModel.from_json(old.to_json()) == old
    assert "household" not in old.to_json()
    assert known.version != old.version
