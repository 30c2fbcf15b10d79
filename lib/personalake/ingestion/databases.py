"""What is asked of a database source, in the plainest SQL there is; nothing here connects to anything."""

import hashlib
from collections.abc import Mapping

from personalake.common.read_spec import ReadSpec
from personalake.config.databases import DatabaseSettings
from personalake.config.secrets import resolve_secret
from personalake.ingestion.watermarks import Watermark

HIGHEST, UNMARKED = "highest", "unmarked"
LEAST, GREATEST = "least", "greatest"
# Java's own trust store, where no authority is named; the driver of PostgreSQL looks into the user's home otherwise.
_JAVA_TRUST = "org.postgresql.ssl.DefaultJavaSSLFactory"


def relation_hash(database: DatabaseSettings) -> str:
    """What is read and by which watermark; another host is the same relation, another table or query is not."""
    return hashlib.sha256(f"{database.relation}\x1f{database.watermark}".encode()).hexdigest()[:16]


def place_of(database: DatabaseSettings) -> str:
    """What a bronze row names as its origin."""
    return database.table or f"query {relation_hash(database)}"


def highest_watermark(database: DatabaseSettings, at_most: Watermark | None = None) -> ReadSpec:
    """One row: the greatest watermark (`highest`), up to a bound, and how many rows have none (`unmarked`)."""
    bound = f" WHERE {database.watermark} <= {at_most.literal}" if at_most else ""
    unmarked = f"SELECT count(*) FROM {database.relation} unmarked_rows WHERE {database.watermark} IS NULL"
    return _spec(
        database,
        f"SELECT max({database.watermark}) AS {HIGHEST}, ({unmarked}) AS {UNMARKED} "
        f"FROM {database.relation} source_rows{bound}",
    )


def rows_between(database: DatabaseSettings, after: Watermark | None, until: Watermark) -> str:
    """SELECT of the rows from one watermark to another, both included."""
    lower = f"{database.watermark} >= {after.literal} AND " if after else ""
    return f"SELECT * FROM {database.relation} source_rows WHERE {lower}{database.watermark} <= {until.literal}"


def partition_bounds(database: DatabaseSettings, rows: str) -> ReadSpec:
    """One row: the least and the greatest value of the column by which a read is cut."""
    column = database.partition_column
    return _spec(database, f"SELECT min({column}) AS {LEAST}, max({column}) AS {GREATEST} FROM ({rows}) cut_rows")


def rows_spec(database: DatabaseSettings, rows: str, bounds: tuple[str, str] | None = None) -> ReadSpec:
    """The read of rows, by several connections where bounds are given."""
    if bounds is None or database.partition_column is None:
        return _spec(database, rows)
    cut = {
        "partitionColumn": database.partition_column,
        "lowerBound": bounds[0],
        "upperBound": bounds[1],
        "numPartitions": str(database.partitions),
    }
    return _spec(database, rows, cut)


def _spec(database: DatabaseSettings, query: str, more: Mapping[str, str] | None = None) -> ReadSpec:
    options = {
        "url": database.url,
        "driver": database.driver_class or "",
        "dbtable": f"({query}) personalake_rows",
        "fetchsize": str(database.fetch_size),
        # A time without a zone stays one: the source's setting says which it is in.
        "preferTimestampNTZ": "true",
        **_tls(database),
        **(more or {}),
    }
    for name, value in {**database.options, "user": database.user, "password": database.password}.items():
        if value is not None:
            options[name] = resolve_secret(value) if value.startswith("secret://") else value
    return ReadSpec("jdbc", options)


def _tls(database: DatabaseSettings) -> dict[str, str]:
    if database.tls == "own":
        return {}
    named = {
        "sslmode": {"off": "disable"}.get(database.tls, database.tls),
        "sslrootcert": database.root_certificate,
        "sslcert": database.client_certificate,
        "sslkey": database.client_key,
    }
    properties = {name: str(value) for name, value in named.items() if value is not None}
    if database.tls.startswith("verify-") and database.root_certificate is None:
        properties["sslfactory"] = _JAVA_TRUST
    return properties
