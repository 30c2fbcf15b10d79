"""What a competent engineer writes by hand for files and mail: the same job, with the same durability and record.

For files: rows checked, one bad row leaves its neighbours alone, cells that a spreadsheet would run made harmless, files
within the same limits put into the same store, each followed by its manifest with a checksum. Before a file is put, the
ids of its rows are claimed under its name, and their outcome is told after it: to a list in memory, as the measured
sender tells its journal; what it costs to append them to a table is part of the job's measure. It looks at nobody's
consent, keeps no order among the files of a person, and tries nothing twice.

For mail: messages that were made before, by as many sessions at once, each kept open for all its messages.
"""

import asyncio
import csv
import hashlib
import json
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

from personalake.activation.connectors.csv_files import CsvFiles
from personalake.activation.connectors.email import Email
from personalake.activation.delivery import Delivery


class Timed(NamedTuple):
    """Seconds on the clock and on the processor, requests, bytes."""

    seconds: float
    cpu: float
    requests: int
    bytes: int


def files_by_hand(connector: CsvFiles, given: Sequence[Delivery]) -> Timed:
    """One loop from JSON to CSV, a file after the other into the connector's own store."""
    connection, store = connector._connection, connector._store
    log: list[tuple[Sequence[str], str, str]] = []

    async def run() -> tuple[int, int]:
        puts = size = 0
        async with store:
            for number, (rows, ids, refused) in enumerate(_files(given, connection)):
                # Named by its rows, so that a run that is repeated writes over it.
                name = f"{connection.prefix}_{number:06d}_{hashlib.sha256('|'.join(ids).encode()).hexdigest()[:12]}.csv"
                content = "".join(rows).encode()
                log.append((ids, "in_flight", name))
                await store.put(name, content)
                manifest = {
                    "file": name,
                    "columns": connection.columns,
                    "rows": len(ids),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
                await store.put(f"{name}.manifest.json", json.dumps(manifest).encode())
                log.append((ids, "confirmed", name))
                log.extend(((one,), "rejected", reason) for one, reason in refused)
                puts, size = puts + 2, size + len(content)
        return puts, size

    with _timed() as taken:
        puts, size = asyncio.run(run())
        found = taken(puts, size)
    return found


def _files(given: Sequence[Delivery], connection: Any) -> Iterator[tuple[list[str], list[str], list[tuple[str, str]]]]:
    """Lines, ids and refusals of each file."""
    columns, most, bound = connection.columns, connection.max_items, connection.max_bytes
    loads = json.JSONDecoder(parse_float=str).decode
    lines: list[str] = []
    write = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n").writerow
    write(columns)
    size, ids, refused = len(lines[0]), list[str](), list[tuple[str, str]]()
    for delivery in given:
        try:
            row = loads(delivery.payload)
            write([_cell(row.get(column)) for column in columns])
        except (ValueError, AttributeError) as problem:
            refused.append((delivery.delivery_id, str(problem)))
            continue
        ids.append(delivery.delivery_id)
        size += len(lines[-1].encode())
        if len(ids) >= most or size >= bound:
            yield lines, ids, refused
            lines.clear()
            write(columns)
            size, ids, refused = len(lines[0]), [], []
    if ids:
        yield lines, ids, refused


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        if value.startswith(("=", "+", "-", "@", "\t", "\r")):
            try:
                float(value)
            except ValueError:
                return f"'{value}"
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("more than one value")
    return value


def bare_mail(connector: Email, given: Sequence[Delivery]) -> Timed:
    """The same messages, made before, by as many `smtplib` sessions as the connector opens."""
    connection = connector._connection
    messages = [connector.message(one) for one in given]
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
