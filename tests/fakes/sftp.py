"""An SFTP server over an empty folder: asyncssh with a user, a quota, and faults in the middle of an upload."""

import asyncio
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import asyncssh

from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.vendor import Call, Handler, Reply, Vendor


class Sftp(Vendor):
    """One account. A request, for scripts and counters, is a file that is opened for writing."""

    name = "sftp"
    username: ClassVar[str] = "uploader"
    password: ClassVar[str] = "upload-password"
    folder: ClassVar[str] = "/incoming"
    settings: ClassVar[dict[str, Any]] = {"max_bytes": None, "keep": True}
    # denied: no permission for this file; full: no space is left in its middle.
    specials = ("denied", "full")
    verbs = (*Vendor.verbs, "host_key", "client_key", "read")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="fake-sftp-"))
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        super().__init__(*args, **kwargs)
        self._released = asyncio.Event()

    def clear(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        (self._root / self.folder.strip("/")).mkdir(parents=True)
        self.renames: list[list[str]] = []

    def state(self) -> dict[str, Any]:
        """Files by path; those that were never renamed into place are there too, by the name they were written under."""
        files = {}
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                files[f"/{path.relative_to(self._root)}"] = {
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
        return {"files": files, "renames": self.renames}

    def read(self, path: str) -> str:
        """A file's text."""
        return (self._root / path.strip("/")).read_bytes().decode()

    def host_key(self) -> str:
        """The server's public key, as in `known_hosts`."""
        return self._host_key.export_public_key().decode().strip()

    def client_key(self) -> str:
        """A private key that may log in."""
        return self._client_key.export_private_key().decode()

    async def start(self, host: str) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: _Login(self),
            host,
            0,
            server_host_keys=[self._host_key],
            sftp_factory=lambda channel: _Files(self, channel),
            allow_scp=False,
        )
        self.url = f"sftp://{host}:{self._acceptor.get_port()}"

    async def stop(self) -> None:
        self._released.set()
        if self._acceptor is not None:
            self._acceptor.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def is_user(self, username: str) -> bool:
        """Whether somebody may log in at all."""
        return username == self.username and self.is_revoked is None

    def begin(self) -> Step | None:
        """A file is opened for writing: what goes wrong with it."""
        self.counters.requests["OPEN"] += 1
        step = self.script.next("OPEN", True)
        if step is not None:
            self.counters.faults[step.fault] += 1
            if step.fault == "revoke":
                self.is_revoked = step.status or 403
        return step

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        return None

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        return Reply(429)

    def revoked(self, status: int) -> Reply:
        return Reply(status)


class _Login(asyncssh.SSHServer):
    def __init__(self, vendor: Sftp) -> None:
        self._vendor = vendor

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        is_right = self._vendor.is_user(username) and password == self._vendor.password
        self._vendor.counters.rejects["credentials"] += not is_right
        return is_right

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._vendor.is_user(username) and key.public_data == self._vendor._client_key.public_data


class _Files(asyncssh.SFTPServer):
    def __init__(self, vendor: Sftp, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=str(vendor._root).encode())
        self._vendor = vendor
        self._steps: dict[int, Step] = {}

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            return super().open(path, pflags, attrs)
        step = self._vendor.begin()
        fault = None if step is None else step.fault
        if fault in ("denied", "revoke"):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if fault == "reset_before_body":
            self._break()
        if fault == "status":
            raise asyncssh.SFTPFailure("Failure")
        found = super().open(path, pflags, attrs)
        if step is not None:
            self._steps[id(found)] = step
        return found

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        step = self._steps.get(id(file_obj))
        fault = None if step is None else step.fault
        if fault == "full" or (self._vendor.config["max_bytes"] and offset + len(data) > self._vendor.config["max_bytes"]):
            raise asyncssh.SFTPNoSpaceOnFilesystem("No space left on device")
        if fault == "hang":
            await self._vendor._released.wait()
        if step is not None and fault == "slow":
            await asyncio.sleep(step.wait or 1)
        half = len(data) // 2 if fault in ("reset", "truncated") else len(data)
        self._vendor.counters.bytes += half
        written = super().write(file_obj, offset, data[:half])
        if fault in ("reset", "truncated"):
            self._break()
        return written  # type: ignore[return-value]

    async def close(self, file_obj: object) -> None:
        step = self._steps.pop(id(file_obj), None)
        super().close(file_obj)
        if step is not None and step.fault == "lost":
            # Everything is written; the one who wrote it does not hear of it.
            self._break()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().rename(oldpath, newpath)
        self._renamed(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        self._renamed(oldpath, newpath)

    def _renamed(self, old: bytes, new: bytes) -> None:
        self._vendor.counters.items["renames"] += 1
        self._vendor.renames.append([old.decode(), new.decode()])

    def _break(self) -> None:
        connection = self.channel.get_connection()
        connection.abort()
        raise asyncssh.SFTPConnectionLost("gone")
