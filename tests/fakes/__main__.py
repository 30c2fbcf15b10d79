"""`python -m tests.fakes --port 0` serves all vendors and prints where, as one line of JSON."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from tests.fakes.server import Server


async def serve(host: str, port: int) -> None:
    """Serve until the process is told to end."""
    server = Server()
    found = await server.start(host, port)
    vendors = {name: vendor.url for name, vendor in server.vendors.items()}
    sys.stdout.write(json.dumps({"port": found, "url": server.url, "vendors": vendors}) + "\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()
    await server.stop()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tests.fakes", description="Fake vendors on this machine")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.host, options.port))


if __name__ == "__main__":
    main()
