import hashlib
import hmac

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash, keyed_hash_of


@pytest.mark.parametrize("key", ["k", "a key of more than sixty-four bytes, which is hashed before it is used as a key"])
def test_a_keyed_hash_is_the_hmac_that_everyone_computes(spark: SparkSession, key: str) -> None:
    rows = spark.createDataFrame([("email|jürgen@example.com",), (None,)], "text string")

    hashed, missing = (row["h"] for row in rows.select(keyed_hash(key, F.col("text")).alias("h")).collect())

    expected = hmac.new(key.encode(), "email|jürgen@example.com".encode(), hashlib.sha256).hexdigest()
    assert hashed == expected == keyed_hash_of(key, "email|jürgen@example.com")
    assert missing is None
