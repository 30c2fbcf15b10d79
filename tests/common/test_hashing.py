import hashlib
import hmac

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.hashing import key_blocks, keyed_hash_of, with_keyed_hash


@pytest.mark.parametrize("key", ["k", "a key of more than sixty-four bytes, which is hashed before it is used as a key"])
def test_a_keyed_hash_is_the_hmac_that_everyone_computes(spark: SparkSession, key: str) -> None:
    rows = spark.createDataFrame([("email|jürgen@example.com",), (None,)], "text string")

    told = rows.transform(with_keyed_hash(key, "h", F.col("text")))

    hashed, missing = (row["h"] for row in told.collect())
    plan = told._jdf.queryExecution().toString().upper()
    assert not any(block.hex().upper()[:16] in plan for block in key_blocks(key))
    assert told.columns == ["text", "h"]

    expected = hmac.new(key.encode(), "email|jürgen@example.com".encode(), hashlib.sha256).hexdigest()
    assert hashed == expected == keyed_hash_of(key, "email|jürgen@example.com")
    assert missing is None
