"""Ways to run the fakes and to steer them: in a thread of this process, or in a process of their own."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.fakes.faults import Step
from tests.fakes.registry import VENDORS
from tests.fakes.server import Server

ROOT = Path(__file__).resolve().parents[2]
Control = Callable[[str, str, Any], Any]


class Handle:
    """One vendor, steered from outside.

    Args:
        name: Which one.
        url: Base of its endpoints.
        control: Does what is asked.
    """

    def __init__(self, name: str, url: str, control: Control) -> None:
        self.name = name
        self.url = url
        self._control = control

    def __getattr__(self, key: str) -> Any:
        """Credentials and other constants of the vendor, e.g. `api_key`."""
        if key.startswith("_"):
            raise AttributeError(key)
        return getattr(VENDORS[self.name], key)

    def script(self, *steps: Step) -> None:
        """What goes wrong from now on; without steps, nothing does. Requests are counted from here."""
        self._control(self.name, "script", [asdict(step) for step in steps])

    def state(self) -> dict[str, Any]:
        """What the vendor holds now."""
        found: dict[str, Any] = self._control(self.name, "state", None)
        return found

    def digest(self) -> dict[str, Any]:
        """Number and checksum of what the vendor holds, by its kind, whatever the order."""
        found: dict[str, Any] = self._control(self.name, "digest", None)
        return found

    def counters(self) -> dict[str, Any]:
        """Requests, bytes, statuses, items, rejects by reason, faults, duplicates recognised, most in flight, crashes."""
        found: dict[str, Any] = self._control(self.name, "counters", None)
        return found

    def journal(self) -> list[dict[str, Any]]:
        """The latest requests, one line each."""
        found: list[dict[str, Any]] = self._control(self.name, "journal", None)
        return found

    def configure(self, **changes: Any) -> None:
        """Change limits, rates and contracts; see `settings` of the vendor's class."""
        self._control(self.name, "configure", changes)

    def reset(self) -> None:
        """Forget everything but the configuration; the script too."""
        self._control(self.name, "reset", None)

    def restore(self) -> None:
        """Take the account back after `revoke`."""
        self._control(self.name, "restore", None)

    def expire_tokens(self) -> None:
        """Tokens that were issued until now are worth nothing."""
        self._control(self.name, "expire_tokens", None)

    def do(self, verb: str, argument: Any = None) -> Any:
        """What only this vendor can (its `verbs`)."""
        return self._control(self.name, verb, argument)


class Fakes:
    """All vendors, each as an attribute: `fakes.braze.url`."""

    def __init__(self, urls: dict[str, str], control: Control, has_own_clock: bool = True) -> None:
        self._control = control
        self._has_own_clock = has_own_clock
        self.vendors = {name: Handle(name, url, control) for name, url in urls.items()}

    def __getattr__(self, name: str) -> Handle:
        try:
            return self.__dict__["vendors"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def advance(self, seconds: float) -> float:
        """Move the vendors' clock; the time that it shows then."""
        found: float = self._control("clock", "", seconds)
        return found

    def release(self) -> None:
        """Reset the connections that hang."""
        self._control("all", "release", None)

    def reset(self) -> None:
        """Forget everything at every vendor, settings and jumps of the clock too."""
        self.release()
        if self._has_own_clock:
            self._control("clock", "reset", None)
        for vendor in self.vendors.values():
            vendor.configure(**vendor.settings)
            vendor.reset()


@contextmanager
def running_fakes(clock: Callable[[], float] | None = None) -> Iterator[Fakes]:
    """The fakes in a thread of this process.

    Args:
        clock: Seconds since the epoch; by default the machine's, which `advance` moves.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fakes", daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    async def made() -> Server:
        server = Server(clock)
        await server.start()
        return server

    server: Server = run(made())

    async def steered(name: str, verb: str, argument: Any) -> Any:
        # Through JSON, as in the other process: what is looked at does not change any more, and shares nothing.
        found = server.control(name, verb, argument)
        return json.loads(json.dumps(found))

    try:
        urls = {name: vendor.url for name, vendor in server.vendors.items()}
        yield Fakes(urls, lambda *ask: run(steered(*ask)), has_own_clock=clock is None)
    finally:
        run(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def fakes_in_a_process(arguments: Sequence[str] = ()) -> Iterator[Fakes]:
    """The fakes in a process of their own, for measurements: they do not take the sender's turn at the interpreter."""
    command = [sys.executable, "-m", "tests.fakes", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield connect(told["url"])
        finally:
            process.terminate()
            process.wait(10)


def connect(url: str) -> Fakes:
    """Fakes that run somewhere else on this machine."""

    def control(name: str, verb: str, argument: Any) -> Any:
        return _asked(f"{url}/_control/{name}/{verb}", argument)["result"]

    return Fakes(_asked(f"{url}/_control/", None)["vendors"], control)


def _asked(url: str, argument: Any) -> Any:
    data = None if argument is None else json.dumps(argument).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method="POST"), timeout=60) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        raise ValueError(json.loads(error.read())["error"]) from None
