"""Where files go: a folder, an SFTP server, an object store. A file is whole or not there."""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Protocol, Self

from personalake.config.connections.files import SftpConnection


class StoreRefused(Exception):
    """Raised when a store will take nothing until somebody acts: no permission, no such folder."""


class StoreFailed(Exception):
    """Raised when a store took nothing now, and may later."""


class StoreLost(Exception):
    """Raised when a store may have taken a file, and did not say so."""


class Store(Protocol):
    """Takes files."""

    async def put(self, name: str, content: bytes) -> None:
        """Put a file in place of what is there under its name, all at once."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FolderStore:
    """A folder: written beside, then renamed; on the disk when it is said to be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, content: bytes) -> None:
        """Write a file."""
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as error:
            raise StoreRefused(f"the folder cannot be written: {error.strerror or type(error).__name__}") from None

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{name}.tmp"
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._folder / name)
        except OSError:
            # Half a file is of use to nobody, and says something of people who may withdraw before it is written again.
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise
        # Some file systems, of a network or of another platform, know no such thing for folders.
        with suppress(OSError):
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class ObjectStore:
    """An object store, by pyarrow: an object appears when its upload is complete."""

    def __init__(self, uri: str, access_key: str | None = None, secret_key: str | None = None) -> None:
        from pyarrow import fs

        filesystem, self._folder = fs.FileSystem.from_uri(uri)
        if access_key is not None and secret_key is not None:
            filesystem = fs.S3FileSystem(
                access_key=access_key,
                secret_key=secret_key,
                region=filesystem.region,
                endpoint_override=_query(uri, "endpoint_override"),
                scheme=_query(uri, "scheme") or "https",
            )
        self._filesystem: Any = filesystem

    async def put(self, name: str, content: bytes) -> None:
        """Upload an object."""
        try:
            await asyncio.to_thread(self._write, name, content)
        except PermissionError:
            raise StoreRefused("the object store refuses access") from None
        except OSError as error:
            raise StoreLost(type(error).__name__) from None

    def _write(self, name: str, content: bytes) -> None:
        path = f"{self._folder.rstrip('/')}/{name}"
        is_local = self._filesystem.type_name in ("local", "hdfs")
        if is_local:
            self._filesystem.create_dir(self._folder, recursive=True)
        try:
            with self._filesystem.open_output_stream(f"{path}.tmp" if is_local else path) as stream:
                stream.write(content)
            if is_local:
                self._filesystem.move(f"{path}.tmp", path)
        except OSError:
            if is_local:
                with suppress(OSError):
                    self._filesystem.delete_file(f"{path}.tmp")
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _query(uri: str, key: str) -> str | None:
    from urllib.parse import parse_qs, urlsplit

    found = parse_qs(urlsplit(uri).query).get(key)
    return found[0] if found else None


# So long may an upload whose connection is gone take to notice.
_ENDS_SECONDS = 1.0


class SftpStore:
    """A folder on an SFTP server whose key is known.

    Args:
        connection: Where.
        password: The user's, if no key is used.
        private_key: The user's, in OpenSSH or PEM form.
    """

    def __init__(self, connection: SftpConnection, password: str | None, private_key: str | None) -> None:
        self._connection = connection
        self._password = password
        self._private_key = private_key
        self._lock = asyncio.Lock()
        self._ssh: Any = None
        self._client: Any = None

    async def put(self, name: str, content: bytes) -> None:
        """Write beside, then rename over what is there; one file at a time, so that none breaks another's connection."""
        async with self._lock:
            await self._put(str(PurePosixPath(self._connection.folder) / name), content)

    async def _put(self, path: str, content: bytes) -> None:
        import asyncssh

        upload = asyncio.create_task(self._upload(path, content))
        try:
            await asyncio.wait({upload}, timeout=self._connection.patience.reply_seconds)
            if not upload.done():
                raise TimeoutError
            upload.result()
        except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable, asyncssh.KeyImportError) as error:
            raise StoreRefused(type(error).__name__) from None
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise StoreRefused(type(error).__name__) from None
        except (asyncssh.Error, OSError) as error:
            was_open = self._client is not None
            self._drop()
            raise (StoreLost if was_open else StoreFailed)(type(error).__name__) from None
        finally:
            if not upload.done():
                # Closing a file waits for a server that may hang: without its connection it waits no more, and ends by
                # itself; cancelled before that, it would leave its writes behind, whose failures nobody looks at.
                self._drop()
                await asyncio.wait({upload}, timeout=_ENDS_SECONDS)
                upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def _upload(self, path: str, content: bytes) -> None:
        import asyncssh

        client = await self._connected()
        try:
            async with client.open(f"{path}.tmp", "wb") as file:
                await file.write(content)
            await client.posix_rename(f"{path}.tmp", path)
        except asyncssh.SFTPError:
            with suppress(asyncssh.Error, OSError):
                await client.remove(f"{path}.tmp")
            raise

    async def _connected(self) -> Any:
        import asyncssh

        if self._client is None:
            logging.getLogger("asyncssh").setLevel(logging.WARNING)
            connection = self._connection
            line = f"[{connection.host}]:{connection.port} {connection.host_key}\n"
            if connection.port == 22:
                line = f"{connection.host} {connection.host_key}\n"
            self._ssh = await asyncssh.connect(
                connection.host,
                connection.port,
                username=connection.username,
                password=self._password,
                client_keys=[asyncssh.import_private_key(self._private_key)] if self._private_key else None,
                known_hosts=asyncssh.import_known_hosts(line),
                agent_path=None,
                config=None,
                connect_timeout=connection.patience.connect_seconds,
                login_timeout=connection.patience.connect_seconds,
            )
            self._client = await self._ssh.start_sftp_client()
        return self._client

    def _drop(self) -> None:
        """Let go of a connection that may hang."""
        if self._ssh is not None:
            self._ssh.abort()
        self._ssh = self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()
