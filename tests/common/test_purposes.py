"""A purpose is called as the settings call it, so that no withdrawal counts for nothing because of a capital."""

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.purposes import declared_name, purpose_form, purpose_form_now
from personalake.ingestion.wishes import contract_named

DECLARED = ("email_marketing", "Push-Marketing", "it's {a}", "sale", "Sale")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("email_marketing", "email_marketing"),
        ("Email_Marketing", "email_marketing"),
        ("E-MAIL MARKETING", "E-MAIL MARKETING"),
        ("email  marketing", "email_marketing"),
        ("push_marketing", "Push-Marketing"),
        ("IT'S {A}", "it's {a}"),
        ("sale", "sale"),
        ("SALE", "SALE"),
        ("email_marketing_b", "email_marketing_b"),
        ("", ""),
    ],
)
def test_a_purpose_has_its_declared_name(spark: SparkSession, said: str, meant: str) -> None:
    form = purpose_form(DECLARED).format(text="said")

    assert spark.range(1).select(F.lit(said).alias("said")).select(F.expr(form)).first() == (meant,)
    assert duckdb.execute(f"SELECT {purpose_form_now(DECLARED)} FROM (SELECT $1 AS said)", [said]).fetchone() == (meant,)
    assert declared_name(said, DECLARED) == meant


def test_only_consents_are_read_so_and_only_where_purposes_are_declared() -> None:
    def form(purposes: tuple[str, ...]) -> str:
        return next(field.form for field in contract_named("consent", {}, purposes).fields if field.name == "purpose")

    assert form(()) == "{text}"
    assert "email_marketing" in form(DECLARED)
    assert contract_named("support_ticket", {}, DECLARED) is contract_named("support_ticket", {})
