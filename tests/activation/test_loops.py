"""Bodies are written at once where that needs no waiting, and whole where it does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from aiohttp import web

from personalake.activation.loops import sending_loop, writing_at_once
from personalake.activation.sending import finished
from personalake.activation.transport import ReplyLost, Request, Transport
from personalake.config.connections import Patience

PATIENCE = Patience(connect_seconds=2, reply_seconds=2)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the coroutines for which a task was made."""
    names: list[str] = []

    class Noted(asyncio.Task):  # type: ignore[type-arg]
        def __init__(self, work: Coroutine[Any, Any, Any], **options: Any) -> None:
            names.append(work.__qualname__)
            super().__init__(work, **options)

    monkeypatch.setattr(asyncio, "Task", Noted)
    return names


def answered(body: bytes, wait: float = 0, read: bool = True) -> bytes:
    """What a server on this machine, which begins to read after a while, has got of one body."""
    got = bytearray()

    async def handle(request: web.Request) -> web.Response:
        await asyncio.sleep(wait)
        if not read:
            assert request.transport is not None
            request.transport.abort()
        got.extend(await request.read())
        return web.Response()

    async def run() -> None:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_post("/", handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with Transport(PATIENCE, 1) as transport:
                for _ in range(2):
                    got.clear()
                    await transport.send(Request("POST", f"http://127.0.0.1:{runner.addresses[0][1]}/", body))
        finally:
            await runner.cleanup()

    finished(run())
    return bytes(got)


def writers(made: list[str]) -> list[str]:
    return [name for name in made if "write_bytes" in name or "_rest" in name]


def test_a_short_body_is_written_without_a_task(made: list[str]) -> None:
    assert answered(b'{"a":1}') == b'{"a":1}'

    assert made
    assert writers(made) == []


def test_a_body_for_which_a_connection_has_no_room_yet_arrives_whole(made: list[str]) -> None:
    body = bytes(range(256)) * (1 << 17)

    assert answered(body, wait=0.2) == body

    assert writers(made)


def test_a_body_that_is_taken_halfway_is_a_lost_reply(made: list[str]) -> None:
    with pytest.raises(ReplyLost):
        answered(bytes(1 << 25), read=False)

    assert writers(made)


def test_other_work_is_a_task_like_any_other() -> None:
    async def run() -> tuple[int, bool]:
        async def work() -> int:
            return 7

        started = asyncio.get_running_loop().create_task(work(), name="seven")
        is_begun = started.done()
        return await started, is_begun

    with asyncio.Runner(loop_factory=sending_loop) as runner:
        runner.get_loop().set_task_factory(writing_at_once)
        assert runner.run(run()) == (7, False)
