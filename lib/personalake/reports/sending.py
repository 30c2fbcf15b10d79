"""What was sent to vendors, and what became of it."""

from collections.abc import Sequence
from datetime import timedelta

from personalake.reports.blocks import Block, Note, Section, Table
from personalake.reports.data import ReportData, Sent, Total
from personalake.reports.words import ABSENT, minute, name, number, plural, share

HEAD = (
    "Destination", "Sync", "Plan", "Plan is", "Planned", "Sent", "Confirmed", "Rejected", "Unknown", "In flight",
    "Said again", "Perhaps twice", "Cancelled", "Waiting", "Share sent", "Data points", "Took", "Last",
)  # fmt: skip
REASONS_HEAD = ("Destination", "Sync", "Plan", "State", "Reason", "Deliveries")
TOTAL_REASONS_HEAD = ("Destination", "State", "Reason", "Deliveries")
TOTAL_HEAD = (
    "Destination", "Planned", "Sent", "Confirmed", "Delivered", "Share delivered", "Rejected", "Unknown", "In flight",
    "Said again", "Perhaps twice", "Cancelled", "Waiting", "Held out", "Calls", "Bytes", "Data points", "Took",
)  # fmt: skip
_TOTAL_NOTE = (
    "Delivered: of what was sent, what a receipt says arrived, and did not bounce later; its share, where any receipt has "
    "come. Held out: left alone to see what sending is worth. Calls: requests that left, each try by itself, and each half "
    "of one that was cut for a row that was refused. Bytes and data points: of what was sent, estimated from the plans. "
    "Planned: what a later plan says again counts once."
)
_NOTE = (
    "Sent: the destination said that it took it; confirmed: also that it has processed it. Unknown: it may have left, and "
    "nobody knows whether it was taken. In flight: claimed, and no outcome yet; it is on the way now, or a run died. Said "
    "again: of these two, what a later plan has among its own. Perhaps twice: sent again after a lost reply, to a "
    "destination that cannot tell a repetition. Cancelled: stopped here at the last moment. Share "
    "sent: of what was planned and not cancelled. Data points: billed for what was sent, estimated. Took: while requests "
    "were under way, without the time between runs."
)
_REASONS_NOTE = "Refused: of the audience, and left out of the plan; not among what was planned."
_DOUBT = "`personalake activation unknown` shows them, and why"
_NO_OUTCOME = "they are on the way now, or were when a run died; the next one says more"
_NEWEST, _REASONS = 30, 30
# Plans are named by hashes; so much of one tells it apart.
_SHORT = 12


def what_was_sent(data: ReportData) -> Section | None:
    """Plans by destination, and why deliveries did not arrive; nothing where nothing was planned for a vendor."""
    if not (data.sent or data.held_up or data.too_small):
        return None
    lead = "Every delivery is written down before it leaves and after; what is not certain is called unknown."
    newest = data.sent[:_NEWEST]
    blocks: list[Block] = [*(Note(one, "alarm") for one in data.held_up), *_alarms(newest)]
    blocks += [Note(one) for one in data.too_small]
    if not newest:
        return Section("sending", "What was sent", lead, blocks)
    if data.totals:
        rows = [total_cells(one) for one in data.totals]
        blocks += _two("By destination", TOTAL_HEAD, rows, TOTAL_HEAD[:1], "Calls", _TOTAL_NOTE)
        if whole := total_reason_rows(data.totals):
            blocks.append(Table("Not sent by destination", TOTAL_REASONS_HEAD, whole[:_REASONS], ("Deliveries",)))
    blocks += _two("By plan and destination", HEAD, [cells(one) for one in newest], HEAD[:4], "Share sent", _NOTE)
    reasons = reason_rows(newest)
    if reasons:
        blocks.append(Table("Not sent, and why", REASONS_HEAD, reasons[:_REASONS], ("Deliveries",), _REASONS_NOTE))
    return Section("sending", "What was sent", lead, blocks)


def _two(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], keys: Sequence[str], cut: str, note: str
) -> list[Block]:
    """What became of deliveries; and how far they got, from the column `cut` on: all in one table is wider than a screen."""
    place, named = head.index(cut), len(keys)
    took = [*keys, *head[place:]]
    return [
        Table(title, head[:place], [row[:place] for row in rows], head[named:place]),
        Table(f"{title}: how far, at what cost", took, [[*row[:named], *row[place:]] for row in rows], took[named:], note),
    ]


def cells(sent: Sent) -> list[str]:
    """A row of the table of plans."""
    counts = (sent.planned, sent.taken, sent.confirmed, sent.rejected, sent.unknown, sent.in_flight, sent.again)
    meant = sent.planned - sent.cancelled
    return [
        *_who(sent), name(sent.plan_state), *map(number, (*counts, sent.may_repeat, sent.cancelled, sent.pending)),
        share(sent.taken / meant) if meant else ABSENT, number(sent.data_points), _took(sent), minute(sent.last_at),
    ]  # fmt: skip


def total_cells(total: Total) -> list[str]:
    """A row of the table of destinations."""
    first = (total.planned, total.taken, total.confirmed, total.delivered)
    rate = share(total.delivered / total.taken) if total.delivered and total.taken else ABSENT
    doubt = (total.unknown, total.in_flight, total.again, total.may_repeat)
    rest = (total.cancelled, total.pending, total.held_out, total.calls, total.bytes, total.data_points)
    took = str(timedelta(seconds=round(total.seconds))) if total.taken else ABSENT
    return [total.destination, *map(number, first), rate, *map(number, (total.rejected, *doubt, *rest)), took]


def reason_rows(sent: Sequence[Sent]) -> list[list[str]]:
    """Why deliveries did not arrive, most frequent first."""
    found = [(count, one, state, why) for one in sent for (state, why), count in one.reasons.items()]
    found.sort(key=lambda row: (-row[0], row[1].destination, row[2], row[3]))
    return [[*_who(one), state, why, number(count)] for count, one, state, why in found]


def total_reason_rows(totals: Sequence[Total]) -> list[list[str]]:
    """The same for each destination as a whole, by destination."""
    found = [(one.destination, -count, state, why) for one in totals for (state, why), count in one.reasons.items()]
    return [[destination, state, why, number(-count)] for destination, count, state, why in sorted(found)]


def _who(sent: Sent) -> tuple[str, str, str]:
    return sent.destination, sent.sync, sent.plan_id[:_SHORT]


def _alarms(sent: Sequence[Sent]) -> list[Note]:
    """What a person should look at."""
    words = [(one.destination, why) for one in sent if (why := stopped_words(one)) is not None]
    found = [Note(f"{destination}: sending stopped, and {why}", "alarm") for destination, why in words]
    for one in sent:
        again = f" A later plan says {number(one.again)} of them again." if one.again else ""
        for count, doubt in ((one.unknown, _DOUBT), (one.in_flight, _NO_OUTCOME)):
            if count:
                told = f"{plural(count, 'delivery', 'deliveries')} of plan {one.plan_id[:_SHORT]}"
                found.append(Note(f"{one.destination}: {told} may have been taken or not: {doubt}.{again}", "alarm"))
    return found


def stopped_words(one: Sent) -> str | None:
    """What waits since sending was stopped, and what to do; null where nothing does."""
    if one.stopped is None or not one.pending:
        return None
    waits = plural(one.pending, "delivery", "deliveries")
    mend = "Mend the cause"
    if "bounds." in one.stopped:
        mend += ", or raise the bound in conf/connections.yml if that much is meant"
    return f"{waits} of plan {one.plan_id[:_SHORT]} wait: {one.stopped}. {mend}; then run send_activation again."


def _took(sent: Sent) -> str:
    if not sent.spells:
        return ABSENT
    seconds = sum((until - since).total_seconds() for since, until in sent.spells)
    return str(timedelta(seconds=round(seconds)))
