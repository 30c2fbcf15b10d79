"""Stable ids and keyed buckets from hashes."""

import hashlib
import hmac

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation

BUCKETS = 10_000
_INNER, _OUTER = "_inner_key", "_outer_key"
_BLOCK_BYTES = 64  # of SHA-256


def person_hash(namespace: str | Column, value: str | Column) -> Column:
    """The person id of a lone identifier: 'p_' and 24 hex digits of SHA-256 over `namespace:value`."""
    namespace_column = F.lit(namespace) if isinstance(namespace, str) else namespace
    value_column = F.col(value) if isinstance(value, str) else value
    return F.concat(F.lit("p_"), F.substring(F.sha2(F.concat_ws(":", namespace_column, value_column), 256), 1, 24))


def person_hash_of(namespace: str, value: str) -> str:
    """The same id as `person_hash`, computed in Python.

    >>> person_hash_of("customer_id", "1")[:2]
    'p_'
    """
    return "p_" + hashlib.sha256(f"{namespace}:{value}".encode()).hexdigest()[:24]


def keyed_share(salt: str, person_id: str | Column = "person_id") -> Column:
    """A person's fixed place in 0..1 under `salt`: uniform, sticky, independent between salts.

    The first 32 bits of SHA-256(`salt:person_id`), taken modulo 10,000: shares resolve to 0.01 %.
    """
    person = F.col(person_id) if isinstance(person_id, str) else person_id
    digest = F.substring(F.sha2(F.concat_ws(":", F.lit(salt), person), 256), 1, 8)
    return F.conv(digest, 16, 10).cast("bigint") % F.lit(BUCKETS) / F.lit(float(BUCKETS))


def with_keyed_hash(key: str, name: str, text: Column) -> Transformation:
    """Add the HMAC-SHA-256 of a text in hexadecimal digits, by Spark's own functions; null for null.

    Who lacks the key cannot find out whose hash it is by trying all addresses, as with a plain hash. The key comes as a row:
    literals show in query plans, and so in logs and errors.

    Args:
        key: The key.
        name: The column to add.
        text: What is hashed.
    """

    def hashed(rows: DataFrame) -> DataFrame:
        blocks = rows.sparkSession.createDataFrame([key_blocks(key)], f"{_INNER} binary, {_OUTER} binary")
        keyed = rows.crossJoin(F.broadcast(blocks))
        return keyed.withColumn(name, keyed_hash_by(F.col(_INNER), F.col(_OUTER), text)).drop(_INNER, _OUTER)

    return hashed


def keyed_hash_by(inner: Column, outer: Column, text: Column) -> Column:
    """The same under a key whose blocks stand in columns."""
    digest = F.sha2(F.concat(inner, text.cast("binary")), 256)
    return F.sha2(F.concat(outer, F.unhex(digest)), 256)


def keyed_hash_of(key: str, text: str) -> str:
    """The same hash as `with_keyed_hash`, computed in Python.

    >>> keyed_hash_of("key", "email|jane@example.com")[:8]
    '73e56864'
    """
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def key_blocks(key: str) -> tuple[bytes, bytes]:
    """The key's inner and outer block, as RFC 2104 has them."""
    given = key.encode()
    block = (hashlib.sha256(given).digest() if len(given) > _BLOCK_BYTES else given).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
