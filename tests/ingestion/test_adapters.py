"""Files as Spark reads them."""

import gzip
import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.config.sources import Source
from personalake.ingestion.adapters import read_spec, to_bronze
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import parse

COLUMNS = {"customer_id": "who", "subject": "said", "occurred_at": "at"}
TEXT = 'who,said,at\n1,"Dear all,\nthe ""tea"" is cold.\r\nAnn",2026-05-01\n2,plain,2026-05-02\n'


@pytest.mark.parametrize("is_multiline", [True, False])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_value_over_several_lines_is_one_where_the_source_says_that_there_are_such(
    spark: SparkSession, tmp_path: Path, is_multiline: bool, is_packed: bool
) -> None:
    given = {"contract": "support_ticket", "path": "x", "format": "csv", "columns": COLUMNS, "multiline": is_multiline}
    source = Source.model_validate(given)
    (tmp_path / ("a.csv.gz" if is_packed else "a.csv")).write_bytes(
        gzip.compress(TEXT.encode()) if is_packed else TEXT.encode()
    )
    spec = read_spec(source, tmp_path, ("who", "said", "at"))

    rows = spark.read.format(spec.format).options(**spec.options).schema(spec.schema).load(spec.path)
    payloads = [row["payload"] for row in rows.transform(to_bronze("desk", source)).select("payload").collect()]

    whole = [json.loads(payload) for payload in payloads if not payload.startswith("\x00")]
    assert whole[-1] == {"who": "2", "said": "plain", "at": "2026-05-02"}
    if is_multiline:
        assert whole[:-1] == [{"who": "1", "said": 'Dear all,\nthe "tea" is cold.\r\nAnn', "at": "2026-05-01"}]
        assert len(payloads) == 2
    else:
        assert len(payloads) == 4


def test_columns_of_a_file_may_be_called_by_any_signs(spark: SparkSession, tmp_path: Path) -> None:
    odd = "a`b.c, `d`"
    given = {"contract": "customer_record", "path": "x", "format": "csv", "separator": ";", "columns": {"customer_id": odd}}
    source = Source.model_validate(given)
    (tmp_path / "a.csv").write_text(f"{odd};Kd.-Nr. ``\n17;4\n", encoding="utf-8")
    spec = read_spec(source, tmp_path, (odd, "Kd.-Nr. ``"))

    rows = spark.read.format(spec.format).options(**spec.options).schema(spec.schema).load(spec.path)
    bronze = rows.transform(to_bronze("desk", source)).withColumn("ordinal", F.lit(1))
    (row,) = bronze.transform(parse("desk", source, CONTRACTS["customer_record"])).collect()

    assert json.loads(row["payload"]) == {odd: "17", "Kd.-Nr. ``": "4"}
    assert (row["customer_id"], row["reasons"]) == ("17", [])
