"""Customers from a real PostgreSQL over TLS: new rows only, ties and late commits too, nothing twice after a kill."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines import database_intake, ingest_records, refine_records
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.bronze import DATABASE_READ, RECORD
from personalake.tables.silver import CUSTOMER_RECORD
from tests.pipelines.postgres_server import SESAME, Postgres, postgres

ContextOf = Callable[..., JobContext]
TABLE = "CREATE TABLE customer (no bigint, mail text, born date, changed timestamptz, local_change timestamp)"


@pytest.fixture(scope="module")
def server(spark: SparkSession) -> Iterator[Postgres]:
    with postgres(spark) as running:
        yield running


@pytest.fixture
def crm(server: Postgres, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobContext]:
    """Makes the context of a run that reads the table `customer`."""
    monkeypatch.setenv("PERSONALAKE_SECRET_CRM_USER", "postgres")
    monkeypatch.setenv("PERSONALAKE_SECRET_CRM_PASSWORD", SESAME)
    server.run("DROP TABLE IF EXISTS customer", TABLE)

    def make(**changes: Any) -> JobContext:
        database = {
            "url": server.url, "table": "customer", "watermark": "changed", "user": "secret://crm/user",
            "password": "secret://crm/password", "root_certificate": server.authority, **changes,
        }  # fmt: skip
        columns = {"customer_id": "no", "email": "mail", "birth_date": "born", "known_at": "changed"}
        source = Source.model_validate(
            {"contract": "customer_record", "kind": "jdbc", "database": database, "columns": columns}
        )
        return context_of(Settings(sources={"crm": source}))

    return make


def add(server: Postgres, *rows: tuple[int, str, str]) -> None:
    values = ", ".join(f"({no}, '{mail}', '1980-02-29', '{changed}', '{changed[:19]}')" for no, mail, changed in rows)
    server.run(f"INSERT INTO customer VALUES {values}")


def mails(lake: Lake) -> list[str]:
    return sorted(json.loads(row["payload"])["mail"] for row in lake.ledger.read(RECORD, ["payload"]))


def ingest(context: JobContext) -> JobResult:
    return ingest_records.run(context)


def test_rows_beyond_the_watermark_come_in_once_ties_and_late_commits_too(
    crm: Callable[..., JobContext], server: Postgres, lake: Lake
) -> None:
    context = crm(partition_column="no", partitions=2, fetch_size=2)
    add(server, (1, "a@x", "2024-05-01 10:00:00.123456+02"), (2, "b@x", "2024-05-01 09:00:00+00"))
    first = ingest(context)
    add(server, (3, "tie@x", "2024-05-01 09:00:00+00"), (4, "late@x", "2024-05-01 08:57:00+00"))
    add(server, (5, "new@x", "2024-05-02 09:00:00+00"), (6, "odd clock@x", "2999-01-01 00:00:00+00"))
    server.run("INSERT INTO customer (no, mail) VALUES (7, 'unmarked@x')")
    second, third = ingest(context), ingest(context)
    refine_records.run(context)

    assert (first.rows_read, second.rows_read, third.rows_read) == (2, 3, 0)
    assert mails(lake) == ["a@x", "b@x", "late@x", "new@x", "tie@x"]
    assert "1 rows of crm have no changed" in second.message
    assert "lies in the future" in second.message
    known = {row["email"]: row for row in lake.ledger.read(CUSTOMER_RECORD)}
    assert (known["a@x"]["customer_id"], known["a@x"]["birth_date"]) == ("1", "1980-02-29")
    assert known["a@x"]["known_at"].isoformat() == "2024-05-01T08:00:00.123456+00:00"
    assert len(known) == 5


@pytest.mark.parametrize("line", ["before the rows", "after the rows"])
def test_a_run_killed_around_its_write_repeats_it_without_a_row_too_many_or_too_few(
    line: str, crm: Callable[..., JobContext], server: Postgres, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = crm(table=None, query="SELECT no, mail, born, local_change AS changed FROM customer")
    add(server, (1, "a@x", "2024-05-01 10:00:00"))
    note = database_intake._note
    with monkeypatch.context() as killed:
        if line == "before the rows":
            killed.setattr(Lake, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        else:
            killed.setattr(
                database_intake, "_note",
                lambda lake, read, status, rows: note(lake, read, status, rows) if rows is None else _stop(),
            )  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            ingest(context)
    assert len(mails(lake) if lake.exists(RECORD) else []) == (0 if line == "before the rows" else 1)
    add(server, (2, "b@x", "2024-05-01 11:00:00"))

    ingest(context)
    ingest(context)

    assert mails(lake) == ["a@x", "b@x"]
    done = [(row["watermark_type"], row["rows"]) for row in lake.ledger.read(DATABASE_READ) if row["status"] == "done"]
    assert sum(rows for _, rows in done) == 2
    assert {kind for kind, _ in done} == {"local_time"}


def _stop() -> None:
    raise KeyboardInterrupt


def test_a_server_that_proves_itself_by_another_authority_is_not_read(
    crm: Callable[..., JobContext], server: Postgres, lake: Lake
) -> None:
    add(server, (1, "a@x", "2024-05-01 10:00:00"))

    with pytest.raises(InputError, match=r"Source crm could not be read: .*(PKIX|certificat)") as failed:
        ingest(crm(root_certificate=None))

    assert SESAME not in str(failed.value)
    assert not lake.exists(RECORD) or mails(lake) == []
