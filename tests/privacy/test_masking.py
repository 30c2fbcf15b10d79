"""What analysts see, locally and on Databricks; the same tags make both."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from personalake.common.hashing import keyed_hash_of, person_hash_of
from personalake.config import Settings
from personalake.config.privacy import AccessSettings
from personalake.errors import InputError
from personalake.lake import Lake, Locations
from personalake.lake.ledger import Ledger
from personalake.pipelines import protect_tables
from personalake.pipelines.job import JobContext
from personalake.pipelines.masked_query import logged_query, masked_query
from personalake.pipelines.privacy_key import analyst_key
from personalake.pipelines.progress import Progress
from personalake.privacy.masking import GUESSABLE, mask_of, masked_columns, protection
from personalake.tables import ALL, Field, Table
from personalake.tables.erasure import ACCESS_LOG
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION
from personalake.tables.identity import PERSON
from personalake.tables.silver import CUSTOMER_RECORD, DUPLICATE, PERSON_LINK


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1961-04-12", "1961"),
        ("12.4.1961", "1961"),
        ("3/4/1980", "1980"),
        ("19800403", None),
        ("3/4/80", None),
        (None, None),
    ],
)
def test_of_a_day_however_it_is_written_the_year_alone_is_shown(written: str | None, shown: str | None) -> None:
    birth_date = next(field for field in PERSON.fields if field.name == "birth_date")
    one = replace(PERSON, fields=(birth_date,))

    found = duckdb.execute(f"SELECT {masked_columns(one)} FROM (SELECT $1::VARCHAR AS birth_date)", [written]).fetchall()

    assert found == [(shown,)]


def no_session() -> None:
    raise AssertionError("a masked query needs no Spark")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Locations(tmp_path), no_session)  # type: ignore[arg-type]
    ledger.append(
        PERSON,
        [
            {"person_id": "p1", "first_name": "Ann", "email": "ann@x.example", "birth_date": "1961-04-12", "records": 2},
            {"person_id": "p2", "records": 1},
        ],
    )
    profile = {"person_id": "p1", "customer_id": "c1", "age_band": "35-44", "preferences": {"language": "de"}, "orders": 3}
    ledger.append(CUSTOMER_PROFILE, [{**profile, "as_of": date(2017, 12, 1)}])
    return ledger


def test_an_analyst_sees_groups_and_figures_but_nobodys_name(ledger: Ledger) -> None:
    sql = """
        SELECT first_name, email, birth_date, records, age_band, customer_id, preferences, orders
        FROM silver.person LEFT JOIN gold.customer_profile USING (person_id) ORDER BY records DESC
    """

    rows = masked_query(ledger, sql).fetchall()

    assert rows == [
        ("***", "***", "1961", 2, "35-44", "***", None, 3),
        (None, None, None, 1, None, None, None, None),
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM unmasked_silver_person",
        "SELECT * FROM unmasked",
        "SELECT * FROM masked",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM read_parquet('*')",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT getenv('HOME')",
        "SUMMARIZE silver.person",
        "SELECT * FROM bronze.record",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM query_table('unmasked_silver_person')",
        "WITH a AS (SELECT 1) SELECT * FROM a, main.unmasked_silver_person",
        "SELECT (SELECT max(email) FROM memory.main.unmasked_silver_person)",
        "COPY (SELECT 1) TO 'x'",
        "ATTACH 'x' AS x",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "CALL enable_logging()",
        "EXPORT DATABASE 'x'",
        "SELECT 1; DROP VIEW silver.person",
        "SELEC 1",
    ],
)
def test_nothing_but_one_select_over_masked_views_is_answered(ledger: Ledger, sql: str) -> None:
    with pytest.raises(InputError):
        masked_query(ledger, sql)


def test_a_record_that_came_twice_shows_no_customer_number_and_joins_the_first(ledger: Ledger) -> None:
    ledger.append(CUSTOMER_RECORD, [{"source": "crm", "record_id": "4711", "customer_id": "4711"}])
    ledger.append(DUPLICATE, [{"source": "crm", "row_id": "4711"}])

    twice = masked_query(ledger, "SELECT row_id FROM silver.duplicate").fetchall()
    joined = "SELECT count(*) FROM silver.duplicate JOIN silver.customer_record ON row_id = record_id"

    assert "4711" not in str(twice)
    assert masked_query(ledger, joined).fetchall() == [(1,)]


def test_who_knows_an_identifier_cannot_look_up_whose_row_it_is_and_rows_still_join(ledger: Ledger) -> None:
    ann, bob = (person_hash_of("email", value) for value in ("ann@x.example", "bob@x.example"))
    ledger.append(DECISION, [{"decision_id": f"d_{person}", "person_id": person, "rule": "r"} for person in (ann, ann, bob)])
    ledger.append(
        PERSON_LINK, [{"namespace": "email", "value": f"{person}@x", "person_id": person} for person in (ann, bob)]
    )
    asked = f"SELECT count(*) FROM gold.decision WHERE person_id = '{ann}' OR decision_id = 'd_{ann}'"
    joined = "SELECT person_id, count(*) FROM gold.decision JOIN silver.person_link USING (person_id) GROUP BY 1 ORDER BY 2"

    found = masked_query(ledger, joined).fetchall()

    assert masked_query(ledger, asked).fetchall() == [(0,)]
    key = (ledger.locations.root / "_keys" / "analysts.key").read_text()
    assert found == [(f"m_{keyed_hash_of(key, person)[:24]}", rows) for person, rows in ((bob, 1), (ann, 2))]
    assert masked_query(ledger, joined).fetchall() == found


def test_masks_are_all_that_a_question_about_masked_columns_can_tell_apart(ledger: Ledger) -> None:
    """Order, statistics, likeness and errors are oracles where the value itself lies under the mask."""
    ledger.append(PERSON, [{"person_id": f"p{place}", "email": f"{name}@x.example"} for place, name in enumerate("zab", 3)])

    ordered = masked_query(ledger, "SELECT DISTINCT email FROM silver.person ORDER BY email NULLS LAST").fetchall()
    profile = masked_query(ledger, "FROM (SUMMARIZE silver.person)").fetchall()
    alike = masked_query(ledger, "SELECT count(*) FROM silver.person WHERE email LIKE 'ann%' OR email > '***'").fetchall()

    assert ordered == [("***",), (None,)]
    assert "x.example" not in str(profile)
    assert alike == [(0,)]


def test_a_question_is_written_down_also_if_its_answer_is_an_error(ledger: Ledger) -> None:
    logged_query(ledger, "SELECT records FROM silver.person")
    with pytest.raises(InputError, match="Ages: 35-44"):
        logged_query(ledger, "SELECT error('Ages: ' || any_value(age_band)) FROM gold.customer_profile")

    written = [(row["action"], row["rows"], row["tables"]) for row in ledger.read(ACCESS_LOG)]
    assert sorted(written) == [("query", 0, ["gold.customer_profile"]), ("query", 2, ["silver.person"])]


def test_the_key_of_masked_ids_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    locations = Locations(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: analyst_key(locations), range(16)))

    (path,) = (tmp_path / "_keys").iterdir()
    assert keys == {path.read_text()}
    assert (path.name, path.stat().st_mode & 0o777) == ("analysts.key", 0o600)
    path.unlink()
    path.mkdir()  # nobody can read it
    assert len({analyst_key(locations) for _ in range(2)}) == 2


def test_a_value_that_does_not_fit_the_question_is_told_as_a_mask_and_with_what_to_do(ledger: Ledger) -> None:
    with pytest.raises(InputError, match=r"cannot answer that: Conversion Error: .*'\*\*\*'"):
        masked_query(ledger, "SELECT email::INT FROM silver.person WHERE email IS NOT NULL")

    assert masked_query(ledger, "SELECT records FROM silver.person", 1).fetchall() == [(2,)]


@pytest.mark.parametrize("raw", ["unmasked", "unmasked_silver_person"])
def test_a_name_that_a_query_gives_itself_leads_to_no_raw_row(ledger: Ledger, raw: str) -> None:
    around = f"WITH {raw} AS (SELECT email FROM {raw}), n AS (SELECT count(*) FROM silver.person) SELECT email FROM {raw}"
    beside = f"SELECT u.email FROM silver.person, {raw} u WHERE EXISTS (WITH {raw} AS (SELECT 1) FROM {raw})"

    for sql in (around, beside, f"SELECT u.email FROM silver.person, query_table('{raw}') u"):
        with pytest.raises(InputError):
            masked_query(ledger, sql).fetchall()


@pytest.mark.parametrize("table", [table for table in ALL if table.layer != "bronze"], ids=lambda table: table.full_name)
def test_no_masked_view_shows_what_is_tagged(tmp_path: Path, table: Table) -> None:
    """A word of its own in every text of a row, whatever the column: only those without a mask come back."""
    ledger = Ledger(Locations(tmp_path), no_session)  # type: ignore[arg-type]
    ledger.append(table, [{field.name: _canary(field) for field in table.fields}])

    (row,) = masked_query(ledger, f"SELECT * FROM {table.full_name}").fetchall()

    shown = {field.name for field, value in zip(table.fields, row, strict=True) if "canary" in str(value)}
    hidden = {field.name for field in table.fields if field.pii in ("identifier", "contact", "payload")}
    assert shown.isdisjoint(hidden)
    open_fields = [field for field in table.fields if mask_of(field) is None and field.name not in GUESSABLE]
    assert shown == {field.name for field in open_fields if "canary" in str(_canary(field))}


def _canary(field: Field) -> Any:
    """A value with a word that is found again, in columns that can hold one."""
    word = f"canary-{field.name}"
    if field.type == "string":
        return word
    if field.type == "array<string>":
        return [word]
    return {word: word} if field.type == "map<string,string>" else None


def test_the_catalog_is_protected_table_by_table_before_anyone_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []
    spark = SimpleNamespace(sql=run.append)
    lake = Lake(Locations(tmp_path, catalog="shop"), lambda: spark)  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(Lake, "create", lambda self, table: run.append(f"create {table.full_name}"))
    settings = Settings(root=tmp_path)
    context = JobContext(settings, lake, date(2017, 12, 1), date(2017, 12, 1), "run", {}, Progress())

    protect_tables.run(context)

    created = [place for place, text in enumerate(run) if text.startswith("create ")]
    assert len(created) == len(ALL) == created[-1] + 1
    assert run[len(ALL)] == "USE CATALOG `shop`"
    masking = max(place for place, text in enumerate(run) if text.startswith("ALTER TABLE silver.person "))
    assert masking < run.index("GRANT SELECT ON TABLE silver.person TO `personalake_analysts`")
    script = protection(settings.privacy.access)
    assert all(f"{text};" in script for text in run[len(ALL) + 1 :])


def test_every_tagged_column_is_masked_on_databricks_and_bronze_is_for_nobody_else() -> None:
    script = protection(AccessSettings(full_group="stewards", analyst_group="bi"))

    masked = set(re.findall(r"ALTER TABLE (\S+) ALTER COLUMN (\S+) SET MASK gold\.\w+;", script))
    tagged = {(table.full_name, field.name) for table in ALL for field in table.fields if field.pii}
    shown = {place for place in tagged if place not in masked}
    assert masked <= tagged
    assert all(mask_of(field) is None for table in ALL for field in table.fields if (table.full_name, field.name) in shown)
    assert {("silver.person", "email"), ("silver.person", "birth_date"), ("bronze.record", "payload")} <= masked
    assert shown <= {(table.full_name, field.name) for table in ALL for field in table.fields if field.pii == "demographic"}
    used = set(re.findall(r"SET MASK gold\.(\w+);", script))
    assert used == set(re.findall(r"CREATE OR REPLACE FUNCTION gold\.(\w+)\(", script))
    assert "is_account_group_member('stewards')" in script
    assert not re.search(r"GRANT [^;]*bronze[^;]*TO `bi`", script)
