"""Sending measured: each connector beside a bare aiohttp loop, its memory, and the whole fault matrix.

The fakes run in a process of their own. The yardstick posts the same bodies, made before it is timed, with as many
requests at the same time, and looks at nothing but the status. The connector is given rows of the outbox; it claims them,
looks at consent, packs, paces, reads replies and writes outcomes down.
"""

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.activation_job import job
from benchmarks.activation_stores import Timed, bare_mail, files_by_hand
from personalake.activation.connectors import connect
from personalake.activation.connectors.base import BaseConnector, HttpConnector, declared
from personalake.activation.contract import Limits
from personalake.activation.delivery import Claimed, Delivery, Outcome, Pack
from personalake.activation.journal import Check
from personalake.activation.packing import packed
from personalake.activation.sending import Report, send
from personalake.activation.transport import Request
from personalake.config.connections import Connection, CsvDropConnection
from personalake.pipelines.system_clock import SystemClock
from tests.activation.address_book import Book, problems
from tests.activation.matrix import CASES, FAULTS, KILLS, Case, judged, played
from tests.fakes import Fakes, fakes_in_a_process, running_fakes

GIB = 1 << 30
_LEAST = 0.9
_TURNS = 21
_PARTS = ("throughput", "memory", "job", "packs", "addresses", "matrix")
# Salesforce publishes no rate, only what an account should not go beyond in a day.
_SALESFORCE_A_DAY = 50_000_000
# Segment's, of users in a calendar month: https://segment.com/docs/privacy/user-deletion-and-suppression/
_SEGMENT_REGULATIONS_A_MONTH = 110_000


class CountingJournal:
    """Counts instead of keeping, so that memory is the sender's own."""

    def __init__(self) -> None:
        self.claims = 0
        self.outcomes = 0

    def claim(self, claims: Sequence[Claimed]) -> None:
        self.claims += sum(len(claimed.delivery_ids) for claimed in claims)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += sum(len(outcome.delivery_ids) for outcome in outcomes)


@dataclass(frozen=True)
class Measured:
    """One run: deliveries, requests and bytes in so many seconds, of which so many on the processor."""

    deliveries: int
    requests: int
    bytes: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.deliveries / self.seconds

    def __str__(self) -> str:
        requests, size = self.requests / self.seconds, self.bytes / self.seconds / 1e6
        return f"{self.rate:>9,.0f}/s, {requests:>6,.0f} req/s, {size:6.2f} MB/s, CPU {self.cpu / self.seconds:4.0%}"


def measured(deliveries: int, timed: Timed) -> Measured:
    """What a bare loop took, for so many deliveries."""
    return Measured(deliveries, timed.requests, timed.bytes, timed.seconds, timed.cpu)


def rows(case: Case, count: int) -> Iterator[Delivery]:
    """Deliveries of as many people."""
    for number in range(count):
        operation, payload = case.items(number * 2)
        yield Delivery(f"d{number:08d}", f"p{number}", operation, json.dumps(payload, separators=(",", ":")))


def bare(requests: Sequence[Request], at_once: int, deliveries: int) -> Measured:
    """What a loop around `session.request` reaches."""

    async def run() -> None:
        queue = iter(requests)

        async def work(session: aiohttp.ClientSession) -> None:
            for request in queue:
                async with session.request(
                    request.method, request.url, data=request.body, headers=request.headers
                ) as response:
                    await response.read()
                    if response.status >= 300:
                        raise SystemExit(f"the fake refuses the yardstick: {response.status}")

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:
            await asyncio.gather(*(work(session) for _ in range(at_once)))

    started, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return Measured(deliveries, len(requests), sum(len(request.body) for request in requests), seconds, used)


def ours(deliveries: Iterable[Delivery], connector: Any, check: Check) -> Measured:
    """What `send` reaches, with a check and a journal that cost nothing of their own."""
    journal = CountingJournal()
    started, cpu = time.perf_counter(), time.process_time()
    report: Report = send(deliveries, connector, SystemClock(), journal, random.Random(1), check=check)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    good = report.states["accepted"] + report.states["confirmed"]
    if report.stopped or good != journal.outcomes:
        raise SystemExit(f"not everything was taken: {report}")
    return Measured(good, report.traffic.requests, report.traffic.bytes, seconds, used)


def throughput(kinds: Sequence[str], seconds: float) -> bool:
    """Each connector beside the lesser of the vendor's published limit and what the bare loop reaches; whether all are near.

    Where the published limit is the lesser, the connector keeps it and the fake enforces it; refusals for speed are counted.
    """
    is_near = True
    with fakes_in_a_process() as fakes:
        print(f"{'':22} deliveries, requests, bytes a second and share of a core, ours | the same of the floor", flush=True)
        for kind in kinds:
            case = CASES[kind]
            connector = case.whole(fakes, SystemClock(), rates=None)
            if not isinstance(connector, HttpConnector):
                is_near &= files_and_mail(case, fakes, seconds)
                continue
            given = list(rows(case, int(seconds * (6_000 if connector.declaration.limits.max_items == 1 else 60_000))))
            # The rows are looked at by no collection of garbage: in a run they come and go.
            gc.freeze()
            most = published(connector)
            yard, run = paced(case, fakes, given, most, seconds) or in_turns(case, fakes, given)
            refused = case.handle(fakes).counters()["rejects"].get("rate", 0)
            is_near &= tell(kind, run, yard, "bare aiohttp loop", most, refused)
    return is_near


def paced(
    case: Case, fakes: Fakes, given: Sequence[Delivery], most: float, seconds: float
) -> tuple[Measured, Measured] | None:
    """The bare loop, and the connector at the published limit; null if the limit is beyond what the bare loop reaches."""
    if most == float("inf"):
        return None
    emptied(case, fakes, unlimited=True)
    yard = yardstick(case, fakes, given)
    if most >= yard.rate:
        return None
    emptied(case, fakes, unlimited=False)
    connector = case.whole(fakes, SystemClock(), rates=None)
    few = given[: max(int(most * seconds), 1)] if connector.declaration.rates else given
    return yard, ours(few, connector, nobody)


def by_turns(floor: Callable[[], Measured], sender: Callable[[], Measured]) -> tuple[Measured, Measured]:
    """The floor and the connector by turns, since what else this machine does weighs on one; the middle ratio."""
    turns = []
    for turn in range(_TURNS):
        # Who comes first is changed, so that neither always has the warmer machine.
        if turn % 2:
            run = sender()
            turns.append((floor(), run))
        else:
            turns.append((floor(), sender()))
    return sorted(turns, key=lambda pair: pair[1].rate / pair[0].rate)[_TURNS // 2]


def in_turns(case: Case, fakes: Fakes, given: Sequence[Delivery]) -> tuple[Measured, Measured]:
    """The bare loop, and the connector."""

    def floor() -> Measured:
        emptied(case, fakes, unlimited=True)
        return yardstick(case, fakes, given)

    def sender() -> Measured:
        emptied(case, fakes, unlimited=True)
        return ours(given, case.whole(fakes, SystemClock()), nobody)

    return by_turns(floor, sender)


def tell(kind: str, run: Measured, yard: Measured, floor: str, most: float, refused: int) -> bool:
    """One line: what was reached, what the floor reaches, and the ratio to the lesser bound; whether it is near."""
    ratio = run.rate / min(most, yard.rate)
    short = "" if ratio >= _LEAST else f"  BELOW {_LEAST}"
    paced = f", {refused} refused for speed" if refused else ""
    print(
        f"{kind:22} {run} | {floor} {yard} | published {'none' if most == float('inf') else f'{most:,.0f}/s'}"
        f" | {ratio:.2f} of the {'limit' if most < yard.rate else 'floor'}{paced}{short}",
        flush=True,
    )
    return ratio >= _LEAST


def files_and_mail(case: Case, fakes: Fakes, seconds: float) -> bool:
    """The same for what speaks no HTTP, beside what one would write by hand for the same job; nobody publishes a limit."""
    is_mail = case.kind == "email"
    # What a row costs beside its cells counts most where there are few: two as in a list of people, twelve as in a profile.
    widths: Sequence[int | None] = (None,) if is_mail else (2, _WIDE)
    return all([beside_by_hand(case, fakes, int(seconds * (2_000 if is_mail else 60_000)), width) for width in widths])


def beside_by_hand(case: Case, fakes: Fakes, count: int, width: int | None) -> bool:
    """So many deliveries of so many cells, or messages where there are none."""
    floor, by_hand = ("bare smtplib", bare_mail) if width is None else ("by hand", files_by_hand)
    given = list(rows(case, count))
    if width == _WIDE:
        given = [replace(one, payload=f"{one.payload[:-1]},{_CELLS[1:]}") for one in given]
    gc.freeze()

    def connector() -> Any:
        emptied(case, fakes, unlimited=True)
        return case.whole(fakes, SystemClock(), **wider(case, width))

    yard, run = by_turns(lambda: measured(count, by_hand(connector(), given)), lambda: ours(given, connector(), nobody))
    name = case.kind if width is None else f"{case.kind}, {width} cells"
    return tell(name, run, yard, floor, float("inf"), 0)


_WIDE = 12
_CELLS = json.dumps(
    {f"c{n}": value for n, value in enumerate(("Ann", "Grüße, alle", 12.5, 7, None, True, "2026-01-01", "x" * 20, "", "-5"))}
)


def wider(case: Case, width: int | None) -> dict[str, Any]:
    """Settings that add columns to those that the case has."""
    if width != _WIDE:
        return {}
    first = "visitor_id" if case.kind == "tealium_file" else "external_id"
    return {"columns": [first, "tier", *(f"c{n}" for n in range(10))]}


def nobody(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """A look at consent that stops nobody."""
    return {}


def published(connector: HttpConnector) -> float:
    """Deliveries a second that the vendor's limits allow, by full requests."""
    declaration = connector.declaration
    items = declaration.limits.max_items or 3 * (declaration.limits.max_each or 1)
    found = [rate.amount / rate.per_seconds * {"requests": items, "items": 1}.get(rate.of, 1) for rate in declaration.rates]
    if declaration.bounds.max_in_window:
        found.append(declaration.bounds.max_in_window / declaration.bounds.window_seconds)
    if declaration.kind.startswith("sfmc"):
        found.append(_SALESFORCE_A_DAY / 86_400)
    if declaration.kind == "segment_suppression":
        found.append(_SEGMENT_REGULATIONS_A_MONTH / (30 * 86_400))
    return min(found, default=float("inf"))


def emptied(case: Case, fakes: Fakes, unlimited: bool) -> None:
    """The fake with nothing in it, without its rates or with those that it publishes."""
    handle = case.handle(fakes)
    handle.configure(**{**handle.settings, **(case.configure if unlimited else {}), "keep": False})
    handle.reset()
    case.prepare(handle, 1)


def yardstick(case: Case, fakes: Fakes, given: Sequence[Delivery]) -> Measured:
    """The bare loop over the connector's own bodies."""
    connector = case.whole(fakes, SystemClock())
    assert isinstance(connector, HttpConnector)
    packs = [part for part in packed(given, connector, SystemClock().now()) if isinstance(part, Pack)]
    requests = [connector.request(pack) for pack in packs]
    token = asyncio.run(_token(connector))
    if token:
        requests = [Request(r.method, r.url, r.body, {**r.headers, "Authorization": f"Bearer {token}"}) for r in requests]
    return bare(requests, connector.declaration.max_in_flight, len(given))


async def _token(connector: HttpConnector) -> str:
    if connector.tokens is None:
        return ""
    async with connector:
        return (await connector.tokens.current()).value


def memory(count: int) -> bool:
    """A million rows within 4 GiB: the greatest resident set of this process after it."""
    with fakes_in_a_process() as fakes:
        case = CASES["segment"]
        emptied(case, fakes, unlimited=True)
        run = ours(rows(case, count), case.whole(fakes, SystemClock()), nobody)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"memory: {count:,} deliveries at {run.rate:,.0f}/s; peak of the process {peak / GIB:.2f} GiB of 4 allowed")
    return peak < 4 * GIB


def address_book(count: int) -> bool:
    """So many people, one in a hundred broken: templates filled, rows checked, files written and read again."""
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        connection = CsvDropConnection(folder=Path(folder), columns=("id", "greeting"), max_item_bytes=16_000)
        book, journal, clock = Book(count), RejectionsJournal(), SystemClock()
        report = send(book.deliveries(), connect("there", connection, clock), clock, journal, random.Random(1))
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
        wrong = problems(Path(folder), count, book.refused, journal.rejected)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    refused = book.refused.total() + journal.rejected.total()
    print(
        f"address book: {count:,} rows in {seconds:.0f} s ({count / seconds:,.0f}/s, CPU {used / seconds:4.0%}); "
        f"{report.states['confirmed']:,} written, {refused:,} refused, {'; '.join(wrong) or 'nothing lost, nothing wrong'}; "
        f"peak {peak / GIB:.2f} GiB of 4 allowed, reading the files again included"
    )
    return not wrong and peak < 4 * GIB


class RejectionsJournal(CountingJournal):
    """Keeps the reasons alone."""

    def __init__(self) -> None:
        super().__init__()
        self.rejected: Counter[str] = Counter()

    def record(self, outcomes: Sequence[Outcome]) -> None:
        super().record(outcomes)
        self.rejected.update((one.reason or "").partition(":")[0] for one in outcomes if one.state == "rejected")


class Sized(BaseConnector):
    """A destination whose payloads are their own sizes."""

    def __init__(self, limits: Limits) -> None:
        connection = Connection(max_items=1)
        super().__init__("there", replace(declared(connection), limits=limits, chunk_items=1_000_000), SystemClock())

    def size_of(self, delivery: Delivery) -> int:
        return int(delivery.payload)

    def key_of(self, delivery: Delivery) -> str:
        return delivery.person_id

    def problem_of(self, delivery: Delivery) -> str | None:
        return None


def packs(count: int) -> bool:
    """So many packs of items of random size, within limits drawn by chance: none beyond them, all but the last full."""
    chance, made, beyond, fills = random.Random(1), 0, 0, []
    while made < count:
        most, size = chance.randint(2, 100), chance.randint(2_000, 500_000)
        limits = Limits(most, size, max_item_bytes=size // chance.randint(12, 60), distinct=chance.random() < 0.3)
        typical = max(1, min(limits.max_item_bytes or 1, 2 * size // most))
        items = [Delivery(str(n), f"p{n // 2}", "x", str(chance.randint(1, typical))) for n in range(400 * most // 2)]
        found = [part for part in packed(items, Sized(limits), SystemClock().now()) if isinstance(part, Pack)]
        beyond += sum(pack.size > size or len(pack.deliveries) > most for pack in found)
        beyond += sum(limits.distinct and len({d.person_id for d in p.deliveries}) < len(p.deliveries) for p in found)
        fills += [max(pack.size / size, len(pack.deliveries) / most) for pack in found[:-8]]
        made += len(found)
    fill = sum(fills) / len(fills)
    print(f"packs: {made:,} made, {beyond} beyond a limit, {fill:.1%} of the binding limit filled")
    return beyond == 0 and fill >= 0.95


def matrix(kinds: Sequence[str]) -> bool:
    """Every kill × every fault × every policy."""
    breaches = 0
    with running_fakes() as fakes:
        for kind in kinds:
            case, started, cases, bad = CASES[kind], time.perf_counter(), 0, 0
            usual = case.connector(fakes, SystemClock()).declaration.unknown
            for policy in (usual, "at_least_once"):
                for fault in FAULTS:
                    for kill in (None, *KILLS):
                        found = played(case, fakes, kill, fault, unknown=policy)
                        told = judged(case, found, 12, policy)
                        cases += 1
                        bad += bool(told)
                        if told:
                            print(f"  {kind}, {policy}, fault {fault}, killed {kill}: {'; '.join(told)}")
            breaches += bad
            print(f"matrix: {kind:20} {cases} cases, {bad} breaches, {time.perf_counter() - started:.0f} s", flush=True)
    return breaches == 0


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(_PARTS)}; all by default")
    parser.add_argument("--kinds", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seconds", type=float, default=1.5, help="about how long each of so many turns takes")
    parser.add_argument("--rows", type=int, default=1_000_000, help="deliveries for the memory, job and addresses parts")
    chosen = parser.parse_args()
    parts = chosen.parts or _PARTS
    if unknown := set(parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
    good = True
    if "throughput" in parts:
        good &= throughput(chosen.kinds, chosen.seconds)
    if "memory" in parts:
        good &= memory(chosen.rows)
    if "job" in parts:
        with fakes_in_a_process() as fakes:
            emptied(CASES["segment"], fakes, unlimited=True)
            good &= job(CASES["segment"], fakes, chosen.rows)
    if "packs" in parts:
        good &= packs(100_000)
    if "addresses" in parts:
        good &= address_book(chosen.rows)
    if "matrix" in parts:
        good &= matrix(chosen.kinds)
    gc.unfreeze()
    if not good:
        sys.exit("a bound is not kept, see above")


if __name__ == "__main__":
    main()
