"""Against a server on this machine that hangs, resets, redirects and lies."""

import asyncio
import contextlib
import gzip
import logging
import random
import tracemalloc
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from personalake.activation.connectors import connect
from personalake.activation.transport import Reply, ReplyLost, Request, Transport, Unreached
from personalake.config.connections import Patience
from tests.activation.connectors.settings import connection_of, secret
from tests.activation.doubles import FakeClock, MemoryJournal, delivery, sent

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE = Patience(connect_seconds=0.5, reply_seconds=0.3)


def exchanged(handler: Handler, path: str = "/", **options: bool) -> Reply:
    """The reply of a server with one handler."""

    async def run() -> Reply:
        runner = await served(handler)
        try:
            async with Transport(PATIENCE, 2, **options) as transport:
                return await transport.send(Request("POST", f"{url_of(runner)}{path}", b'{"a":1}'))
        finally:
            await runner.cleanup()

    return asyncio.run(run())


async def served(handler: Handler) -> web.AppRunner:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def url_of(runner: web.AppRunner) -> str:
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_a_reply_is_read_to_its_end() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"got": await request.json()}, status=202)

    reply = exchanged(echo)

    assert (reply.status, reply.json()) == (202, {"got": {"a": 1}})


@pytest.mark.parametrize(
    ("kind", "body", "is_page"),
    [
        ("text/html", b'{"success":true}', False),
        ("text/html; charset=utf-8", b"Sign in", True),
        ("application/json", b" <!DOCTYPE html>", True),
        ("application/json", b"[]", False),
    ],
)
def test_a_page_is_told_by_its_kind_and_its_beginning_and_json_under_a_wrong_kind_is_none(
    kind: str, body: bytes, is_page: bool
) -> None:
    assert Reply(200, {"Content-Type": kind}, body).is_html is is_page


def test_a_reply_that_comes_in_parts_or_packed_is_read_whole() -> None:
    async def in_parts(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (b"one", b"two"):
            await response.write(part)
            await asyncio.sleep(0.02)
        return response

    async def packed(request: web.Request) -> web.Response:
        response = web.Response(text="x" * 200_000)
        response.enable_compression()
        return response

    assert exchanged(in_parts).body == b"onetwo"
    assert exchanged(packed).body == b"x" * 200_000


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_reply_beyond_all_measure_is_lost_and_never_held_whole(is_packed: bool) -> None:
    async def bomb(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"} if is_packed else {})
        await response.prepare(request)
        part = gzip.compress(b"x" * 10_000_000) if is_packed else b"x" * 100_000
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                await response.write(part)
        return response

    tracemalloc.start()
    with pytest.raises(ReplyLost, match=r"patience\.max_reply_bytes"):
        exchanged(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000


def test_a_server_that_accepts_and_hangs_has_lost_the_reply() -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    with pytest.raises(ReplyLost):
        exchanged(hang)


def test_a_connection_that_is_reset_after_the_body_has_lost_the_reply() -> None:
    async def reset(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(ReplyLost):
        exchanged(reset)


def test_a_port_where_nobody_listens_was_certainly_not_reached() -> None:
    async def run() -> None:
        async with Transport(PATIENCE, 1) as transport:
            await transport.send(Request("POST", "http://127.0.0.1:9/"))

    with pytest.raises(Unreached):
        asyncio.run(run())


def test_a_name_that_is_not_looked_up_in_time_was_certainly_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object) -> list[object]:
        await asyncio.sleep(5)
        return []

    async def run() -> None:
        async with Transport(Patience(connect_seconds=0.1, reply_seconds=4), 1) as transport:
            await transport.send(Request("POST", "http://desk.example/"))

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", slow)

    with pytest.raises(Unreached):
        asyncio.run(run())


def test_redirects_are_not_followed() -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/steal"})

    assert exchanged(away).status == 307


@pytest.mark.parametrize(("status", "arrives"), [(307, True), (308, True), (302, False), (303, False)])
def test_where_they_are_allowed_only_redirects_that_keep_the_request_are_followed(status: int, arrives: bool) -> None:
    async def moved(request: web.Request) -> web.Response:
        if request.path == "/":
            return web.Response(status=status, headers={"Location": "/there"})
        return web.json_response({"method": request.method, "got": await request.json()})

    reply = exchanged(moved, allow_redirects=True)

    if arrives:
        assert reply.json() == {"method": "POST", "got": {"a": 1}}
    else:
        assert reply.status == status


def test_private_addresses_are_refused_by_number_and_by_name() -> None:
    async def run(url: str) -> None:
        async with Transport(PATIENCE, 1, allow_private=False) as transport:
            await transport.send(Request("POST", url))

    for url in ("http://127.0.0.1:9/", "http://[::1]:9/", "http://169.254.169.254/", "http://localhost:9/"):
        with pytest.raises(Unreached):
            asyncio.run(run(url))


def test_nothing_secret_or_personal_is_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": f"bad {(await request.json())} {request.headers['Authorization']}"}, status=400)

    async def run() -> tuple[MemoryJournal, list[str]]:
        runner = await served(refuse)
        connection = connection_of("braze_track", endpoint=url_of(runner))
        connector = connect("there", connection, FakeClock(), secret)
        journal = MemoryJournal()
        try:
            payload = '{"external_id":"u-4711","first_name":"Josephine"}'
            one = delivery("d1", operation="attributes", payload=payload)
            from personalake.activation.sending import Report, sending

            async for _ in sending([one], connector, FakeClock(), journal, random.Random(1), Report()):
                pass
        finally:
            await runner.cleanup()
        return journal, [repr(connection), repr(connector)]

    journal, shown = asyncio.run(run())

    told = " ".join([str(journal.outcomes["d1"]), *shown, caplog.text])
    assert journal.states == {"d1": "rejected"}
    for secret_text in ("Josephine", "u-4711", "value-of-key"):
        assert secret_text not in told


def test_a_destination_that_answers_html_takes_nothing_and_is_left_alone() -> None:
    async def run() -> tuple[str | None, set[str]]:
        async def page(request: web.Request) -> web.Response:
            return web.Response(text="<!doctype html><title>Sign in</title>", content_type="text/html")

        runner = await served(page)
        connector = connect(
            "there", connection_of("segment", endpoint=url_of(runner), max_items=1, max_in_flight=1), FakeClock(), secret
        )
        payload = '{"type":"track","messageId":"m%d","userId":"u","event":"e"}'
        try:
            ones = [delivery(f"d{n}", payload=payload % n) for n in range(9)]
            report, journal = await asyncio.to_thread(sent, ones, connector)
        finally:
            await runner.cleanup()
        return report.stopped, set(journal.states.values())

    stopped, states = asyncio.run(run())

    assert stopped is not None
    assert "requests in a row failed, the last: status 200 with a page" in stopped
    assert states == {"unknown", "pending"}
