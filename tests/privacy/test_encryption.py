import base64
from dataclasses import replace

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.common.hashing import key_blocks
from personalake.config.privacy import EncryptionSettings
from personalake.errors import ConfigError
from personalake.privacy.encryption import (
    MARK,
    MasterKeys,
    key_id_of,
    master_keys,
    opened,
    opened_text,
    sealed,
    subject_column,
    subjects_of,
)
from personalake.privacy.subject import Subject

OLD, NEW = "an old master key of 32 characters!", "a new master key of 32 characters!!"
BEFORE = MasterKeys({"m1": OLD}, "m1")
ROTATED = MasterKeys({"m1": OLD, "m2": NEW}, "m2")
KEY = b"k" * 32


def locked(spark: SparkSession, payload: str = '{"mail": "ann@x.example"}') -> DataFrame:
    rows = spark.createDataFrame(pa.table({"source": ["crm"], "payload": [payload], "id": ["a1"], "key": [KEY]}))
    return rows.withColumn("payload", sealed(F.col("payload"), F.col("source"), F.col("id"), F.col("key")))


def kept(rows: DataFrame) -> DataFrame:
    """Rows as a table keeps them: sealed again, they would be others."""
    return rows.sparkSession.createDataFrame(rows.toArrow())


def test_what_spark_has_sealed_spark_and_python_open_and_nobody_without_the_key(spark: SparkSession) -> None:
    rows = kept(locked(spark, '{"mail": "ann@x.example", "note": "beyond one line of base64, which has 76 characters"}'))
    stored = rows.select("payload", key_id_of(F.col("payload")).alias("id")).first()
    told = rows.select(
        opened(F.col("payload"), F.col("source"), F.col("key")).alias("payload"),
        opened(F.col("payload"), F.col("source"), F.lit(None).cast("binary")).alias("lost"),
        opened(F.col("payload"), F.lit("other"), F.col("key")).alias("moved"),
        opened(F.lit("plain"), F.col("source"), F.col("key")).alias("plain"),
    ).first()

    assert stored is not None
    assert told is not None
    text = stored["payload"]
    assert (text.startswith(MARK), "ann" in text, stored["id"]) == (True, False, "a1")
    assert told["payload"].startswith('{"mail": "ann@x.example", "note": "beyond')
    assert (told["lost"], told["moved"], told["plain"]) == (text, text, "plain")
    assert not any(sign.isspace() for sign in text)
    assert opened_text(text, "crm", {"a1": KEY}.get) == told["payload"]
    changed = text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")
    for row, source, keys in ((text, "crm", {}), (text, "other", {"a1": KEY}), (changed, "crm", {"a1": KEY})):
        assert opened_text(row, source, keys.get) == row


def test_equal_payloads_of_one_person_cannot_be_told_to_be_equal(spark: SparkSession) -> None:
    rows = spark.createDataFrame(pa.table({"source": ["crm"] * 2, "payload": ["x"] * 2, "id": ["a"] * 2, "key": [KEY] * 2}))

    stored = rows.select(sealed(F.col("payload"), F.col("source"), F.col("id"), F.col("key"))).collect()

    assert len({row[0] for row in stored}) == 2


def test_a_data_key_stands_in_no_query_plan(spark: SparkSession) -> None:
    rows = locked(spark).withColumn("payload", opened(F.col("payload"), F.col("source"), F.col("key")))

    plan = rows._jdf.queryExecution().toString()

    assert "aes" in plan.lower()
    for form in (KEY.decode(), KEY.hex(), base64.b64encode(KEY).decode(), str(list(KEY)[:8])[1:-1]):
        assert form.upper() not in plan.upper()


def test_a_rotation_wraps_a_data_key_anew_and_the_old_master_key_is_needed_no_more() -> None:
    row = BEFORE.new_key("whose")
    anew = ROTATED.rewrapped(row)

    assert (row["master_version"], anew["master_version"]) == ("m1", "m2")
    assert ROTATED.key_of(row) == ROTATED.key_of(anew) == MasterKeys({"m2": NEW}, "m2").key_of(anew)
    assert len(ROTATED.key_of(row)) == 32
    assert BEFORE.new_key("whose")["wrapped"] != row["wrapped"]
    with pytest.raises(ConfigError, match="under version m2; there are: m1"):
        BEFORE.key_of(anew)
    with pytest.raises(ConfigError, match="under version m1; there are: m2"):
        MasterKeys({"m2": NEW}, "m2").key_of(row)  # a copy from before, once the old master key is gone
    with pytest.raises(ConfigError, match="not the key under which"):
        replace(BEFORE, keys={"m1": NEW}).key_of(row)
    with pytest.raises(ConfigError, match="not the key under which"):
        BEFORE.key_of({**row, "key_id": "another"})


def test_a_row_is_its_first_identifiers_however_spelled_and_nobodys_by_source_and_day(spark: SparkSession) -> None:
    lines = [
        ("crm", "2017-05-01", None, " Ann@X.example"), ("web", "2017-05-03", None, "ann@x.example"),
        ("crm", "2017-05-01", "7", "ann@x.example"), ("crm", "2017-05-01", None, None), ("crm", "2017-05-02", None, None),
    ]  # fmt: skip
    rows = spark.createDataFrame(
        pa.table(dict(zip(("source", "landed_at", "no", "mail"), zip(*lines, strict=True), strict=True)))
    )
    inner, outer = (F.lit(block) for block in key_blocks("hash key"))
    whose = subject_column([(F.col("no"), "crm"), (F.col("mail"), "email")], "1", inner, outer)

    ann, again, seven, nobody, later = rows.select(whose.alias("whose")).toArrow()["whose"].to_pylist()

    assert ann == again
    assert len({ann, seven, nobody, later}) == 4
    subject = Subject(("email", "x"), identifiers=frozenset({("email", "Ann@X.example")}))
    assert ann in set(subjects_of(subject, "hash key", "1"))
    assert ann not in set(subjects_of(subject, "another key", "1"))


def test_master_keys_are_long_secrets_and_never_shown() -> None:
    settings = EncryptionSettings(keys={"m1": "secret://vault/one"}, current="m1")

    assert master_keys(settings, {"secret://vault/one": OLD}.__getitem__) == BEFORE
    assert OLD not in repr(BEFORE)
    with pytest.raises(ConfigError, match="m1: fewer than 32 characters"):
        master_keys(settings, lambda _: "short")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"keys": {"m1": OLD}}, "expected a reference"),
        ({"keys": {"m1": "secret://a/b"}, "current": "m2"}, "no key for version m2"),
        ({"keys": {"M_1": "secret://a/b"}}, "small letters and digits"),
    ],
)
def test_keys_that_do_not_fit_together_are_refused(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        EncryptionSettings.model_validate(settings)
