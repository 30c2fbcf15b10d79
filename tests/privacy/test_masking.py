"""What analysts see, locally and on Databricks; the same tags make both."""

import re
from datetime import date
from pathlib import Path

import pytest

from personalake.config.privacy import AccessSettings
from personalake.errors import InputError
from personalake.lake import Locations
from personalake.lake.ledger import Ledger
from personalake.pipelines.masked_query import masked_query
from personalake.privacy.masking import mask_of, protection
from personalake.tables import ALL
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.identity import PERSON


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
        FROM silver.person LEFT JOIN gold.customer_profile USING (person_id) ORDER BY person_id
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
        "SELECT * FROM bronze.record",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM query_table('unmasked_silver_person')",
        "WITH a AS (SELECT 1) SELECT * FROM a, main.unmasked_silver_person",
        "SELECT (SELECT max(email) FROM memory.main.unmasked_silver_person)",
        "COPY (SELECT 1) TO 'x'",
        "SELECT 1; DROP VIEW silver.person",
        "SELEC 1",
    ],
)
def test_nothing_but_one_select_over_masked_views_is_answered(ledger: Ledger, sql: str) -> None:
    with pytest.raises(InputError):
        masked_query(ledger, sql)


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
