import asyncio
import hashlib
from urllib.parse import urlsplit

import asyncssh
import pytest

from tests.fakes import Fakes, Step

CONTENT = b"id,tier\r\np-1,gold\r\n" * 100


def upload(fakes: Fakes, name: str = "people.csv", **changes: object) -> None:
    asyncio.run(asyncio.wait_for(_upload(fakes, name, changes), 5))


async def _upload(fakes: Fakes, name: str, changes: dict[str, object]) -> None:
    # What the client still waits for when it is aborted, is of no interest.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    parts = urlsplit(fakes.sftp.url)
    known = asyncssh.import_known_hosts(f"[{parts.hostname}]:{parts.port} {fakes.sftp.do('host_key')}\n")
    usual = {"username": fakes.sftp.username, "password": fakes.sftp.password, "client_keys": None}
    options = {"known_hosts": known, "agent_path": None, "config": None, **usual, **changes}
    ssh = await asyncssh.connect(parts.hostname or "", parts.port or 0, **options)
    try:
        client = await ssh.start_sftp_client()
        file = await client.open(f"{fakes.sftp.folder}/{name}.tmp", "wb")
        await asyncio.wait_for(file.write(CONTENT), 0.5)
        await file.close()
        await client.posix_rename(f"{fakes.sftp.folder}/{name}.tmp", f"{fakes.sftp.folder}/{name}")
    finally:
        # An orderly end would wait for a server that hangs.
        ssh.abort()


def files(fakes: Fakes) -> dict[str, int]:
    return {path: found["bytes"] for path, found in fakes.sftp.state()["files"].items()}


def test_a_file_is_whole_and_renamed_over_the_one_before(fakes: Fakes) -> None:
    upload(fakes)
    upload(fakes)

    found = fakes.sftp.state()
    assert found["files"] == {"/incoming/people.csv": {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}}
    assert found["renames"] == [["/incoming/people.csv.tmp", "/incoming/people.csv"]] * 2
    assert fakes.sftp.do("read", "/incoming/people.csv").encode() == CONTENT


def test_a_user_needs_a_password_or_a_key_and_the_server_is_known_by_its_own(fakes: Fakes) -> None:
    key = asyncssh.import_private_key(fakes.sftp.do("client_key"))
    other = asyncssh.generate_private_key("ssh-ed25519")

    upload(fakes, password=None, client_keys=[key])
    with pytest.raises(asyncssh.PermissionDenied):
        upload(fakes, password=fakes.sftp.password[::-1])
    with pytest.raises(asyncssh.PermissionDenied):
        upload(fakes, password=None, client_keys=[other])
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        upload(fakes, known_hosts=([other.convert_to_public()], [], []))


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (Step("denied", at=[1]), {}),
        (Step("reset_before_body", at=[1]), {}),
        (Step("full", at=[1]), {"/incoming/people.csv.tmp": 0}),
        (Step("reset", at=[1]), {"/incoming/people.csv.tmp": len(CONTENT) // 2}),
        (Step("lost", at=[1]), {"/incoming/people.csv.tmp": len(CONTENT)}),
        (Step("hang", at=[1]), {"/incoming/people.csv.tmp": 0}),
    ],
)
def test_a_fault_leaves_no_file_under_its_name_and_a_repetition_mends_it(
    fakes: Fakes, step: Step, left: dict[str, int]
) -> None:
    fakes.sftp.script(step)

    with pytest.raises((asyncssh.Error, OSError, TimeoutError)):
        upload(fakes)
    assert files(fakes) == left
    fakes.release()
    upload(fakes)
    assert files(fakes) == {"/incoming/people.csv": len(CONTENT)}


def test_a_user_who_is_revoked_uploads_no_more(fakes: Fakes) -> None:
    fakes.sftp.script(Step("revoke", at=[1]))

    for refusal in (asyncssh.SFTPPermissionDenied, asyncssh.PermissionDenied):
        with pytest.raises(refusal):
            upload(fakes)
    fakes.sftp.restore()
    upload(fakes)
    assert files(fakes) == {"/incoming/people.csv": len(CONTENT)}
