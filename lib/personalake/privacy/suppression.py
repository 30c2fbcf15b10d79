"""Whom not to take in and not to reach any more, known by keyed hashes only."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_of, with_keyed_hash
from personalake.common.persons import with_person
from personalake.common.standardise import standard_value
from personalake.common.transformation import Transformation
from personalake.privacy.receipts import PERSON
from personalake.privacy.subject import Subject

ERASED, ALL_CHANNELS = "erased", "all"
# Before the kind of an identifier that bars rows of which it is the key, and no others.
ACCOUNT = "account:"
REQUEST_DIGITS = 32
# Column whose value says whose a row is.
KEY = "customer_id"


def suppressions(subject: Subject, key: str, since: datetime, source: str) -> Iterator[dict[str, Any]]:
    """Rows of `silver.suppression` for one person: a keyed hash of each identifier and person id.

    What others have, too, bars nobody; where it is the key of an account, it bars that account. The person ids stand in
    clear beside their hashes, for those who look by them, until the erasure takes those rows away.
    """
    accounts = ((f"{ACCOUNT}{kind}", value) for kind, value in subject.accounts)
    told = [*subject.alone, *accounts, *((PERSON, person) for person in subject.person_ids)]
    hashes: list[tuple[str, str, str | None]]
    hashes = [(kind, keyed_hash_of(key, f"{kind}|{value}"), None) for kind, value in told]
    hashes += [(PERSON, keyed_hash_of(key, f"{PERSON}|{person}"), person) for person in subject.person_ids]
    for kind, hashed, person in sorted(hashes, key=str):
        name = hashlib.sha256("|".join((kind, hashed, str(person is None), ERASED, source)).encode()).hexdigest()[:32]
        yield {
            "suppression_id": name,
            "namespace": None if person else kind,
            "identifier_hash": hashed,
            "person_id": person,
            "scope": ALL_CHANNELS,
            "reason": ERASED,
            "since": since,
            "until": None,
            "source": source,
        }


def erased_hashes(suppressed: DataFrame) -> DataFrame:
    """Hashes of those who were erased, or asked to be; one column, `erased_hash`."""
    return suppressed.where(F.col("reason") == ERASED).select(F.col("identifier_hash").alias("erased_hash")).distinct()


def marked_erased(
    suppressed: DataFrame,
    key: str,
    calling_code: str,
    row: str,
    identifying: Sequence[tuple[str, str]],
    accounts: DataFrame | None = None,
    held: Callable[[], Collection[str]] | None = None,
    heard: str = "false",
) -> Transformation:
    """Put the reason `erased` in the place of all others where a row carries an identifier of somebody erased.

    A row of somebody else who is known stays theirs: the tablet of a family is used on, and numbers are given to others.

    Args:
        suppressed: Rows of `silver.suppression`, few enough to broadcast.
        key: Key of the hashes.
        calling_code: Country calling code of phone numbers that are written without one.
        row: Column that numbers the rows.
        identifying: Columns that hold identifiers, each with the kind of it; behind `ACCOUNT` as keys of accounts.
        accounts: `customer_id` of everybody who is known: rows with such a key are judged by that alone; none by default.
        held: Tells hashes of identifiers that somebody else has by now; asked only where it matters, since it looks at all.
        heard: Condition of rows in which such an identifier says nothing of who was erased.

    Returns:
        A transformation of rows with the array `reasons`.
    """
    known = F.broadcast(erased_hashes(suppressed))
    told = [
        F.struct(form.alias("told"), F.lit(column == KEY).alias("is_key"), F.lit(place).alias("place"))
        for place, (column, kind) in enumerate(identifying)
        for form in _forms(kind, column, calling_code)
    ]

    def marked(rows: DataFrame) -> DataFrame:
        carried = rows.select(row, F.expr(heard).alias("is_heard"), F.explode(F.array(*told)).alias("form"))
        carried = carried.select(row, "is_heard", "form.*").where("told IS NOT NULL")
        hashed = carried.transform(with_keyed_hash(key, "erased_hash", F.col("told")))
        found = hashed.join(known, "erased_hash", "left_semi")
        open_to_others = found.where("is_heard")
        if held is not None and not open_to_others.isEmpty() and (known_now := held()):  # in whichever spelling
            theirs = found.sparkSession.createDataFrame([(each,) for each in sorted(known_now)], "erased_hash string")
            passed = open_to_others.join(F.broadcast(theirs), "erased_hash", "left_semi").select(row, "place")
            found = found.join(F.broadcast(passed.distinct()), [row, "place"], "left_anti")
        found = found.groupBy(row).agg(F.max("is_key").alias("is_key"))
        if accounts is not None:
            doubtful = found.where("NOT is_key").join(rows.select(row, KEY), row).select(row, KEY)
            found = found.join(accounts.join(F.broadcast(doubtful), KEY).select(row).distinct(), row, "left_anti")
        erased = found.select(row, F.lit(True).alias("is_erased"))
        reasons = F.when(F.col("is_erased"), F.array(F.lit(ERASED))).otherwise(F.col("reasons"))
        return rows.join(F.broadcast(erased), row, "left").withColumn("reasons", reasons).drop("is_erased")

    return marked if told else lambda rows: rows


def request_name(source: str, record_id: str) -> str:
    """What the id of a request is the keyed hash of, `REQUEST_DIGITS` of its digits."""
    return f"request|{source}|{record_id}"


def marked_done(done: Collection[str], key: str, source: str) -> Transformation:
    """Put the reason `erased` in the place of all others where a source tells once more of a request that is done.

    The row went with the person, and what asks no more would lie there for good.

    Args:
        done: Ids of requests that are done.
        key: Key of the hashes.
        source: The source.

    Returns:
        A transformation of rows with `record_id` and the array `reasons`.
    """
    name = F.concat(F.lit(request_name(source, "")), "record_id")

    def marked(rows: DataFrame) -> DataFrame:
        known = rows.sparkSession.createDataFrame([(each,) for each in sorted(done)], "done_id string")
        hashed = rows.transform(with_keyed_hash(key, "done_id", name))
        hashed = hashed.withColumn("done_id", F.substring("done_id", 1, REQUEST_DIGITS))
        told = hashed.join(F.broadcast(known.withColumn("is_done", F.lit(True))), "done_id", "left")
        reasons = F.when(F.col("is_done"), F.array(F.lit(ERASED))).otherwise(F.col("reasons"))
        return told.withColumn("reasons", reasons).drop("done_id", "is_done")

    return marked if done else lambda rows: rows


def without_erased(suppressed: DataFrame, asking: DataFrame, key: str) -> Transformation:
    """Take out persons who were erased, or asked to be.

    Args:
        suppressed: Rows of `silver.suppression`.
        asking: `person_id` of those whose requests wait.
        key: Key of the hashes.

    Returns:
        A transformation of rows with `person_id`.
    """
    known = F.broadcast(erased_hashes(suppressed))
    waiting = F.broadcast(asking.select("person_id").distinct())

    def kept(rows: DataFrame) -> DataFrame:
        hashed = with_keyed_hash(key, "erased_hash", F.concat(F.lit(f"{PERSON}|"), "person_id"))
        left = rows.join(waiting, "person_id", "left_anti").transform(hashed)
        return left.join(known, "erased_hash", "left_anti").select(*rows.columns)

    return kept


def persons_asking(requests: DataFrame, links: DataFrame, calling_code: str) -> DataFrame:
    """Persons who ask to be forgotten; one column, `person_id`.

    Args:
        requests: Rows of `silver.erasure_request`.
        links: Rows of `silver.person_link`.
        calling_code: Country calling code of phone numbers that are written without one.
    """
    verified = requests.where("coalesce(is_verified, false)").select("namespace", "customer_id")
    spellings = verified.unionByName(
        verified.withColumn("customer_id", standard_value(F.col("namespace"), F.col("customer_id"), calling_code))
    )
    return spellings.distinct().transform(with_person(links)).select("person_id").distinct()


def _forms(namespace: str, column: str, calling_code: str) -> Iterator[Column]:
    """An identifier as it is written, and in its one spelling, with its kind before it."""
    kind, value = F.lit(f"{namespace}|"), F.col(column)
    yield F.concat(kind, value)
    yield F.concat(kind, standard_value(F.lit(namespace.removeprefix(ACCOUNT)), value, calling_code))
