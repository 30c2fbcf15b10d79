"""One HTTP server for all vendors: each lives under its name, and `/_control` steers them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD

from tests.fakes.clock import FakeClock
from tests.fakes.faults import Script, Step
from tests.fakes.registry import VENDORS
from tests.fakes.vendor import Call, Reply, Vendor
from tests.fakes.wire import break_off

_MAX_BODY = 1 << 28
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>It works</h1></body></html>"
_BEFORE = frozenset({"reset_before_body"})
_UNTAKEN = frozenset({"reset", "hang", "throttle", "status", "html"})


class Server:
    """All vendors behind one port.

    Args:
        clock: Seconds since the epoch; one that can be moved by default.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.clock = clock or FakeClock()
        self.vendors: dict[str, Vendor] = {name: make(self.clock) for name, make in VENDORS.items()}
        self._released = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._server: web.Server | None = None
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port that was found free if none is named."""
        loop = asyncio.get_running_loop()
        self._server = web.Server(self._handle, request_factory=self._request, access_log=None, lingering_time=0)
        self._listener = await loop.create_server(self._server, host, port, backlog=1024)
        found: int = self._listener.sockets[0].getsockname()[1]
        self.url = f"http://{host}:{found}"
        for name, vendor in self.vendors.items():
            vendor.url = f"{self.url}/{name}"
        for vendor in self.vendors.values():
            await vendor.start(host)
        return found

    async def stop(self) -> None:
        """Close every connection, hanging ones included."""
        self._released.set()
        for vendor in self.vendors.values():
            await vendor.stop()
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            await self._server.shutdown(1)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(
            message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=_MAX_BODY
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name, _, rest = request.path[1:].partition("/")
        if name == "_control":
            return await self._steer(request, rest)
        vendor = self.vendors.get(name)
        if vendor is None:
            return web.json_response({"error": f"no vendor {name!r}", "vendors": list(self.vendors)}, status=404)
        counters = vendor.counters
        counters.in_flight += 1
        counters.peak_in_flight = max(counters.peak_in_flight, counters.in_flight)
        try:
            return await self._served(vendor, f"/{rest}", request)
        finally:
            counters.in_flight -= 1

    async def _served(self, vendor: Vendor, path: str, request: web.BaseRequest) -> web.StreamResponse:
        vendor.counters.requests[f"{request.method} {vendor.counted(path)}"] += 1
        step = vendor.script.next(path, vendor.carries_data(path))
        if step is not None:
            vendor.counters.faults[step.fault] += 1
            if step.fault in _BEFORE:
                return await self._reset(request)
        body = await request.read()
        vendor.counters.bytes += len(body)
        call = Call(request.method, path, request.query, request.headers, body, step)
        if step is None:
            return self._sent(vendor, call, vendor.answer(call))
        return await self._faulty(vendor, call, step, request)

    def _sent(self, vendor: Vendor, call: Call, reply: Reply) -> web.Response:
        vendor.counters.statuses[str(reply.status)] += 1
        vendor.note(call, reply.status)
        return web.Response(
            status=reply.status, body=reply.raw(), headers=reply.headers or None, content_type=reply.content_type
        )

    async def _faulty(self, vendor: Vendor, call: Call, step: Step, request: web.BaseRequest) -> web.StreamResponse:
        if step.fault in _UNTAKEN:
            return await self._untaken(vendor, call, step, request)
        if step.fault == "expire_tokens":
            vendor.expire_tokens()
        elif step.fault == "revoke":
            vendor.is_revoked = step.status or 401
        elif step.fault in vendor.specials and (special := vendor.special(call, step)) is not None:
            return self._sent(vendor, call, special)
        reply = vendor.answer(call)
        if step.fault == "lost":
            vendor.note(call, reply.status, "lost")
            return await (self._hang(request) if step.how == "hang" else self._reset(request))
        if step.fault == "truncated":
            vendor.note(call, reply.status, "truncated")
            return await self._truncated(request, reply)
        if step.fault == "slow":
            await asyncio.sleep(step.wait or 1)
        return self._sent(vendor, call, reply)

    async def _untaken(self, vendor: Vendor, call: Call, step: Step, request: web.BaseRequest) -> web.StreamResponse:
        if step.fault == "throttle":
            return self._sent(vendor, call, vendor.throttled(1.0 if step.wait is None else step.wait))
        if step.fault == "status":
            return self._sent(vendor, call, vendor.failed(step.status or 500))
        if step.fault == "html":
            return self._sent(vendor, call, Reply(step.status or 200, _PAGE, content_type="text/html"))
        vendor.note(call, 0, step.fault)
        return await (self._hang(request) if step.fault == "hang" else self._reset(request))

    async def _hang(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._released.wait()
        return await self._reset(request)

    async def _reset(self, request: web.BaseRequest) -> web.StreamResponse:
        break_off(request.transport)
        raise asyncio.CancelledError

    async def _truncated(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        body = reply.raw() or b"{}"
        response = web.StreamResponse(status=reply.status, headers={"Content-Length": str(len(body))})
        response.content_type = reply.content_type
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        return await self._reset(request)

    def control(self, name: str, verb: str, argument: Any = None) -> Any:
        """Steer one vendor, or the clock; what comes back can be written as JSON."""
        if name == "clock":
            if not isinstance(self.clock, FakeClock):
                raise ValueError("this clock was handed in; move it where it comes from")
            if verb == "reset":
                self.clock.reset()
            self.clock.advance(float(argument or 0))
            return self.clock()
        if verb == "release":
            self._released.set()
            self._released = asyncio.Event()
            for vendor in self.vendors.values():
                vendor.release()
            return None
        vendor = self.vendors[name]
        if verb == "script":
            steps = [step if isinstance(step, Step) else Step(**step) for step in argument or ()]
            for step in steps:
                vendor.knows(step.fault)
            vendor.script = Script(steps)
            return None
        if verb == "counters":
            return vendor.counters.dump()
        if verb == "journal":
            return list(vendor.journal)
        if verb == "restore":
            vendor.is_revoked = None
            return None
        if verb in vendor.verbs:
            method = getattr(vendor, verb)
            return method() if argument is None else method(argument)
        raise ValueError(f"unknown verb {verb!r}")

    async def _steer(self, request: web.BaseRequest, path: str) -> web.Response:
        name, _, verb = path.partition("/")
        if not name:
            return web.json_response({"url": self.url, "vendors": {n: v.url for n, v in self.vendors.items()}})
        body = await request.read() if request.content is not EMPTY_PAYLOAD else b""
        try:
            found = self.control(name, verb, json.loads(body) if body else None)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": found})
