"""Customer records as they are compared: every field in one spelling, with the keys that decide what is compared."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.standardise import (
    long_form,
    standard_address,
    standard_day,
    standard_email,
    standard_identifier,
    standard_name,
    standard_phone,
    standard_postcode,
    without_blocked,
)
from personalake.config.identity import DETAILS, IDENTIFIERS, IdentitySettings
from personalake.identity.blocking import KEYS, blocking_keys
from personalake.identity.graph import VISIT
from personalake.identity.told_names import told_columns
from personalake.tables.identity import MATCH_RECORD

# Counts the changes of what a field becomes: rows that were made before are made anew.
_FORM = 4
# Who a visit shows, the most telling first.
_SEEN = ("customer_id", "cookie_id", "device_id")
RecordColumns = Sequence[Mapping[str, Column]]


def match_records(
    customer_records: DataFrame, settings: IdentitySettings, columns: RecordColumns | None = None
) -> DataFrame:
    """Standardise customer records.

    Args:
        customer_records: Rows of `silver.customer_record`.
        settings: Calling code, short forms of names, blocked values, blocking rules.
        columns: What `record_columns` gives, if that has been made already.

    Returns:
        One row of `silver.match_record` per row; what says nothing (empty, blocked, no e-mail address) is null.
    """
    steps = columns or record_columns(settings)
    made = reduce(lambda rows, step: rows.withColumns(dict(step)), steps, customer_records)
    return made.select(*MATCH_RECORD.columns)


def record_columns(settings: IdentitySettings) -> RecordColumns:
    """What is made of a record step by step; Spark is asked for each piece, whatever the rows.

    The fields in their one spelling; keys, of names as they are compared; the record's own names again.
    """
    told = told_columns(settings.nicknames)
    keys = {
        "record_key": F.concat_ws(":", "source", "record_id"),
        KEYS: blocking_keys(settings.matching.blocking),
        "spelling": F.lit(spelling(settings)),
    }
    own = {f"own_{name}": F.col(name) for name in told}
    return standard_fields(settings), own, told, keys, {name: F.col(f"own_{name}") for name in told}


def seen_together(interactions: DataFrame, settings: IdentitySettings) -> DataFrame:
    """Accounts, cookies and devices that visits show side by side, as records that say nothing else.

    Args:
        interactions: Rows of `silver.interaction`.
        settings: Blocked values, blocking rules.

    Returns:
        One row of `silver.match_record` per combination; without a customer, the cookie or device is its own account. They
        link, and are compared with nothing: the blocking keys are empty. Who is called `null` or `anonymous` is nobody.
    """
    named = {name: without_blocked(F.col(name), settings.guards.blocked_values) for name in _SEEN}
    together = ("namespace", *_SEEN, "source")
    seen = (
        interactions.groupBy(*together)
        .agg(F.min("known_at").alias("known_at"))
        .withColumns({**named, "namespace": F.when(named["customer_id"].isNotNull(), F.col("namespace"))})
        .groupBy(*together)
        .agg(F.min("known_at").alias("known_at"))
        .where(F.coalesce(*_SEEN).isNotNull())
    )
    own = {
        name: F.when(F.col("namespace") == name, F.col("customer_id")) for name in ("login", "loyalty_id", "email", "phone")
    }
    lone = F.when(F.col("cookie_id").isNotNull(), F.lit("cookie_id")).otherwise(F.lit("device_id"))
    parts = [F.coalesce(F.col(name), F.lit("")) for name in ("namespace", *_SEEN)]
    nothing = {name: F.lit(None).cast("string") for name in DETAILS}
    told = seen.withColumns({**own, **nothing}).withColumns(
        {
            "record_id": F.concat(F.lit(VISIT), F.substring(F.sha2(F.concat_ws("\x1f", *parts), 256), 1, 24)),
            "namespace": F.coalesce("namespace", lone),
            "customer_id": F.coalesce(*_SEEN),
        }
    )
    no_keys = F.array(*(F.lit(None).cast("bigint") for _ in settings.matching.blocking))
    return match_records(told, settings).withColumn(KEYS, no_keys)


def spelling(settings: IdentitySettings) -> str:
    """Twelve hex digits of a hash over what shapes a row of `silver.match_record`: settings, and how fields are spelled."""
    shaping = settings.model_dump(mode="json", include={"calling_code", "nicknames"})
    shaping |= {"blocked": settings.guards.blocked_values, "blocking": settings.matching.blocking, "form": _FORM}
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:12]


def standard_fields(settings: IdentitySettings) -> dict[str, Column]:
    """Each field of a record in its one spelling, as Columns over the source's text."""
    details = {
        "first_name": long_form(standard_name(F.col("first_name")), settings.nicknames),
        "last_name": standard_name(F.col("last_name")),
        "birth_date": standard_day(F.col("birth_date")),
        "postcode": standard_postcode(F.col("postcode")),
        "street": standard_address(F.col("street")),
        "city": standard_name(F.col("city")),
    }
    assert tuple(details) == DETAILS, "every detail has its spelling"
    written = {
        "email": standard_email(F.col("email")),
        "phone": standard_phone(F.col("phone"), settings.calling_code),
    }
    blocked = settings.guards.blocked_values
    identifiers = {
        name: without_blocked(written.get(name, standard_identifier(F.col(name))), blocked) for name in IDENTIFIERS
    }
    return {**details, **identifiers}
