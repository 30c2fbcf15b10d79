"""Destinations of files: which store, and what each row needs."""

from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve
from personalake.activation.connectors.csv_files import CsvFiles
from personalake.activation.stores import FolderStore, ObjectStore, SftpStore, Store
from personalake.config.connections.files import (
    CsvDropConnection,
    FilesConnection,
    ObjectStoreConnection,
    SftpConnection,
    TealiumFileConnection,
)
from personalake.errors import ConfigError


def file_connector(name: str, connection: FilesConnection, clock: Clock, resolve: Resolve) -> CsvFiles:
    """The connector of one of the connections that take files."""
    kind: str = connection.kind  # type: ignore[attr-defined]
    needed = (connection.visitor_column,) if isinstance(connection, TealiumFileConnection) else ()
    missing = [column for column in needed if column not in connection.columns]
    if missing:
        raise ConfigError([f"{name}: columns lacks the visitor column {', '.join(missing)}"])
    return CsvFiles(name, kind, connection, clock, _store(name, connection, resolve), needed)


def _store(name: str, connection: FilesConnection, resolve: Resolve) -> Store:
    if isinstance(connection, CsvDropConnection):
        return FolderStore(connection.folder)
    if isinstance(connection, SftpConnection):
        return SftpStore(connection, _secret(connection.password, resolve), _secret(connection.private_key, resolve))
    if isinstance(connection, ObjectStoreConnection | TealiumFileConnection) and connection.uri:
        return ObjectStore(connection.uri, _secret(connection.access_key, resolve), _secret(connection.secret_key, resolve))
    if isinstance(connection, TealiumFileConnection) and connection.folder is not None:
        return FolderStore(connection.folder)
    raise ConfigError([f"{name}: name a folder or a uri"])


def _secret(reference: str | None, resolve: Resolve) -> str | None:
    return None if reference is None else resolve(reference)
