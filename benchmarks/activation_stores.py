"""The barest loops for files and mail: bytes that were made before, put into place by as many at once.

For files there is a second yardstick, since making their bytes is most of the work: a plain loop from JSON to one CSV file.
"""

import asyncio
import csv
import hashlib
import json
import smtplib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from personalake.activation.connectors.csv_files import CsvFiles
from personalake.activation.connectors.email import Email
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.packing import packed
from personalake.pipelines.system_clock import SystemClock


class Timed(NamedTuple):
    """Seconds on the clock and on the processor, requests, bytes."""

    seconds: float
    cpu: float
    requests: int
    bytes: int


class _Kept:
    """A store that keeps what it is given."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes) -> None:
        self.files[name] = content

    async def __aenter__(self) -> "_Kept":
        return self

    async def __aexit__(self, *raised: Any) -> None:
        return None


def files_of(connector: CsvFiles, given: Sequence[Delivery]) -> dict[str, bytes]:
    """The files and manifests that a connector writes, by name."""
    kept, store = _Kept(), connector._store
    connector._store = kept

    async def run() -> None:
        for pack in packed(given, connector, SystemClock().now()):
            if isinstance(pack, Pack):
                await connector.post(pack)

    asyncio.run(run())
    connector._store = store
    return kept.files


def bare_files(connector: CsvFiles, given: Sequence[Delivery]) -> Timed:
    """The same bytes into the same store, one after the other: a folder's rename, asyncssh's put."""
    files = files_of(connector, given)

    async def run() -> None:
        async with connector._store as store:
            for name, content in files.items():
                await store.put(name, content)

    with _timed() as taken:
        asyncio.run(run())
    return taken(len(files), sum(map(len, files.values())))


def plain_csv(connector: CsvFiles, given: Sequence[Delivery]) -> Timed:
    """One file by `json.loads` and `csv.writer`, with the checksum that a manifest needs."""
    columns = connector._connection.columns
    with tempfile.TemporaryDirectory(prefix="personalake-bench-") as folder, _timed() as taken:
        path = Path(folder) / "all.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(columns)
            for delivery in given:
                row = json.loads(delivery.payload, parse_float=str)
                writer.writerow([row.get(column) for column in columns])
        content = path.read_bytes()
        hashlib.sha256(content).hexdigest()
        found = taken(1, len(content))
    return found


def bare_mail(connector: Email, given: Sequence[Delivery]) -> Timed:
    """The same messages, made before, by as many `smtplib` sessions as the connector opens."""
    connection = connector._connection
    messages = [(connector.message(one)["To"], connector.message(one).as_bytes()) for one in given]
    queue = iter(messages)

    def work(_: int) -> None:
        with smtplib.SMTP(connection.host, connection.port) as session:
            session.login(*connector._login)
            for to, content in queue:
                session.sendmail("news@shop.example", [to], content)

    with _timed() as taken, ThreadPoolExecutor(connection.max_in_flight) as pool:
        list(pool.map(work, range(connection.max_in_flight)))
        found = taken(len(messages), sum(len(content) for _, content in messages))
    return found


@contextmanager
def _timed() -> Iterator[Callable[[int, int], Timed]]:
    started, cpu = time.perf_counter(), time.process_time()
    yield lambda requests, size: Timed(time.perf_counter() - started, time.process_time() - cpu, requests, size)
