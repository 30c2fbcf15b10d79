from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config.databases import DatabaseSettings
from personalake.errors import InputError
from personalake.ingestion.databases import highest_watermark, rows_between, rows_spec
from personalake.ingestion.watermarks import Watermark

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
VALUES = st.one_of(
    st.datetimes(min_value=datetime(1990, 1, 1)),
    st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(timezone(timedelta(hours=5, minutes=30)))),
    st.dates(),
    st.integers(-(10**38), 10**38),
    st.decimals(-(10**30), 10**30, places=6),
    st.text(min_size=1),
)


def crm(**changes: object) -> DatabaseSettings:
    base = {"url": "jdbc:postgresql://crm.example/crm", "table": "customer", "watermark": "changed"}
    return DatabaseSettings.model_validate({**base, **changes})


@settings(max_examples=60)
@given(value=VALUES)
def test_a_watermark_is_the_same_after_it_was_written_down(value: object) -> None:
    watermark = Watermark.of(value, "changed")

    again = Watermark.from_text(watermark.kind, watermark.text)

    assert again == watermark
    assert watermark.back(0) == watermark
    assert not watermark.is_before(again)


def test_a_read_looks_back_by_seconds_of_a_time_and_steps_of_a_number() -> None:
    assert Watermark.of(NOW, "c").back(90).text == "2024-05-01 11:58:30.000000+00:00"
    assert Watermark.of(1000, "c").back(90).literal == "910"
    assert Watermark.of(date(2024, 5, 1), "c").back(90).text == "2024-05-01"
    assert Watermark.of(Decimal("1E+3"), "c").literal == "1000"


def test_what_claims_to_be_of_later_than_tomorrow_is_not_believed_in_the_source_s_own_zone() -> None:
    local = Watermark.of(datetime(2024, 5, 2, 13, 59), "c").latest_at(NOW, "Europe/Berlin")
    instant = Watermark.of(NOW, "c").latest_at(NOW, "Europe/Berlin")

    assert local == Watermark("local_time", datetime(2024, 5, 2, 14))
    assert instant == Watermark("instant", datetime(2024, 5, 2, 12, tzinfo=UTC))
    assert Watermark.of(7, "c").latest_at(NOW, "UTC") is None


@pytest.mark.parametrize("value", [1.5, True, b"\x00"])
def test_a_column_that_cannot_tell_what_is_new_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot tell what is new"):
        Watermark.of(value, "changed")


def test_queries_keep_both_ends_and_quote_what_comes_from_the_database() -> None:
    after, until = Watermark.of("it's", "changed"), Watermark.of("z", "changed")

    assert rows_between(crm(), after, until) == (
        "SELECT * FROM customer source_rows WHERE changed >= 'it''s' AND changed <= 'z'"
    )
    assert rows_between(crm(table=None, query="SELECT 1 AS changed;"), None, until) == (
        "SELECT * FROM (SELECT 1 AS changed) source_rows WHERE changed <= 'z'"
    )
    assert (
        "(SELECT count(*) FROM customer unmarked_rows WHERE changed IS NULL)" in highest_watermark(crm()).options["dbtable"]
    )


def test_a_line_is_proved_by_default_and_parallel_reads_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONALAKE_SECRET_CRM_PASSWORD", "p")

    read = rows_spec(crm(password="secret://crm/password", partition_column="no", partitions=4), "SELECT 1", ("1", "9"))
    plain = rows_spec(crm(tls="off", root_certificate="/ca.pem"), "SELECT 1")

    assert (read.options["sslmode"], read.options["password"]) == ("verify-full", "p")
    assert read.options["sslfactory"].endswith("DefaultJavaSSLFactory")
    assert [read.options[key] for key in ("partitionColumn", "lowerBound", "upperBound", "numPartitions")] == [
        "no",
        "1",
        "9",
        "4",
    ]
    assert (plain.options["sslmode"], plain.options["sslrootcert"]) == ("disable", "/ca.pem")
    assert rows_spec(crm(tls=False), "SELECT 1").options["sslmode"] == "disable", "YAML reads off as false"
    assert "sslfactory" not in plain.options
    assert "numPartitions" not in plain.options


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "postgresql://crm"}, "begins with jdbc:"),
        ({"url": "jdbc:postgresql://crm/x?user=a&password=b"}, "do not belong into the URL"),
        ({"url": "jdbc:postgresql://a:b@crm/x"}, "do not belong into the URL"),
        (dict.fromkeys(["password"], "plain"), "never a value"),
        ({"query": "SELECT 1"}, "exactly one of table, query"),
        ({"table": None}, "exactly one of table, query"),
        ({"partitions": 2}, "partition_column is missing"),
        ({"url": "jdbc:mysql://crm/x"}, "driver is missing"),
        ({"url": "jdbc:mysql://crm/x", "driver": "com.mysql.cj.jdbc.Driver"}, "write tls: own"),
    ],
)
def test_what_cannot_be_read_safely_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        crm(**changes)
