"""Where personal data lies outside of tables: files that come in, files that leave, and what runs leave behind."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from personalake.config import Settings
from personalake.config.connections import AnyConnection
from personalake.tables import Table
from personalake.tables.bronze import EVENT

Row = Sequence[str]
_UNTIL_DELETED = "until somebody deletes them, or an erasure reaches them"


def kept(table: Table, retention_days: Mapping[str, int]) -> str:
    """How long the rows of a table are kept as it is configured, in words."""
    if table.aged_by is None:
        return table.kept
    return f"{days_kept(table, retention_days):,} days after `{table.aged_by}`"


def days_kept(table: Table, retention_days: Mapping[str, int]) -> int:
    """The same as a number of days."""
    return retention_days.get(table.full_name, table.kept_days)


def landed_days(settings: Settings) -> int:
    """How long landed files are kept once they are read, days."""
    return settings.maintenance.landed_days or days_kept(EVENT, settings.maintenance.retention_days)


def places(settings: Settings) -> Iterator[Row]:
    """Each place: where it is, what lies there, how long."""
    yield from _arriving(settings)
    yield from _beside_tables(settings)
    yield from _leaving(settings)


def _arriving(settings: Settings) -> Iterator[Row]:
    days = f"{landed_days(settings):,} days after they were let in, once bronze has read them"
    for name, source in settings.active_sources().items():
        what = f"rows of `{source.contract}` of the source `{name}`, as it wrote them"
        if source.kind == "files" and source.path is not None:
            yield _path(source.path), what, days
            rejected = f"files of `{name}` that could not be let in"
            yield (
                _path(source.path / "_rejected"),
                rejected,
                "until somebody mends or deletes them, or an erasure reaches them",
            )
        else:
            yield f"{source.kind} of `{name}`", what, "by whoever runs it; no erasure reaches it"
    yield _path(settings.root / "_inbox"), "a link to, or a copy of, each file that was let in", days


def _beside_tables(settings: Settings) -> Iterator[Row]:
    hours = f"{settings.maintenance.version_hours:,} hours, after an erasure {settings.erasure.retention_hours:,}"
    tables = "tables in the catalog" if settings.catalog else _path(settings.root)
    yield tables, "older versions of every table: rows that were changed, or have left", hours
    sealed = "payloads encrypted" if settings.privacy.encryption.current else "payloads in clear text"
    yield f"{tables}, layer `bronze`", f"raw rows as they arrived, {sealed}", "see the tables"
    yield (
        _path(settings.root / "_checkpoints"),
        "how far streams have read: names and offsets of files, no row of them",
        "as long as the lake; searched by each erasure",
    )
    yield (
        _path(settings.root / "_logs"),
        "logs of runs and of Spark: no personal data by design",
        "until they are deleted: nothing rotates them; an erasure removes lines that name the person",
    )
    yield (
        _path(settings.root / "_keys"),
        "keys of erasure and of masked ids, where none is configured: no personal data, and what tells whose a pseudonym is",
        "as long as receipts are to be verified",
    )
    reached = "searched by each erasure" if settings.tracking.uri is None else "no erasure reaches it"
    yield (
        _model_store(settings),
        "models, their figures, and samples of the rows that they learnt from",
        f"until versions are deleted; {reached}",
    )


def _model_store(settings: Settings) -> str:
    return _path(settings.root / "mlflow") if settings.tracking.uri is None else f"MLflow at `{settings.tracking.uri}`"


def _leaving(settings: Settings) -> Iterator[Row]:
    for name, destination in sorted(settings.destinations.items()):
        if destination.enabled:
            what = f"what `{name}` is to be sent, under {destination.identifier}"
            yield _path(settings.exports / name), what, "until deleted; written again without the person by an erasure"
    for name, connection in sorted(settings.connections.items()):
        if connection.enabled:
            yield _handed_over(name, connection), f"what the syncs to `{name}` say of persons", "as agreed with who gets it"
    yield _path(settings.erasure.access), "everything about one person, for that person", _UNTIL_DELETED
    yield _path(settings.report.path), "figures; single cases may show person ids", "until the next publish_report"
    if settings.regions.handover is not None and settings.regions.mode == "hybrid":
        yield _path(settings.regions.handover), "figures of regions, in cells of persons", "until they are replaced"


def _handed_over(name: str, connection: AnyConnection) -> str:
    folder = getattr(connection, "folder", None)
    return _path(folder) if isinstance(folder, Path) else f"the vendor of `{name}` ({connection.kind})"


def _path(path: Path) -> str:
    return f"`{path.as_posix()}/`"
