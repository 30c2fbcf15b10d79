"""Deletions that a destination took on: later runs ask whether they are done, and write a receipt once they are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from personalake.activation.answers import Answer, NotYet, Refused, Stop, Taken
from personalake.activation.connectors import connect
from personalake.activation.contract import Connector
from personalake.activation.reasons import told
from personalake.activation.sending import finished
from personalake.config import Settings
from personalake.errors import PersonalakeError
from personalake.lake import Ledger
from personalake.pipelines.erasure_destinations import Answered
from personalake.pipelines.erasure_receipts import Receipts
from personalake.pipelines.erasure_requests import Request
from personalake.pipelines.job import JobContext
from personalake.pipelines.system_clock import SystemClock
from personalake.tables.erasure import ERASURE_RECEIPT

# Vendors name 30 days for a deletion; what is not done after twice that has to be asked of a person there.
_AWAITED = timedelta(days=60)
_SILENT = "not known whether it is done"
Row = dict[str, Any]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Later:
    """What is known by now of deletions that were asked for earlier.

    Args:
        found: New receipts by outcome: erased, or failed.
        silent: Destinations that answer nobody, and why: whoever owns the account must act.
    """

    found: dict[str, int] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.found or self.silent)


def awaited(settings: Settings, ledger: Ledger, now: datetime) -> list[Row]:
    """Receipts of deletions that were asked for and are not known to be done, newest of each request and destination."""
    rows = ledger.read(ERASURE_RECEIPT, None, [("kind", "=", "destination"), ("recorded_at", ">=", now - _AWAITED)])
    newest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["recorded_at"]):
        asked = row["request_id"], row["place"]
        if not (row["detail"] or "").startswith(_SILENT):
            newest[asked] = row
        elif asked in newest:
            # That nobody answers is no reason to wait for longer than from when it was asked.
            newest[asked] = {**newest[asked], "detail": row["detail"]}
    return [
        row for row in newest.values() if row["outcome"] == "asked" and row["reference"] and _tells(settings, row["place"])
    ]


def _tells(settings: Settings, destination: str) -> bool:
    connection = settings.connections.get(destination)
    return connection is not None and connection.enabled and connection.tells_of_deletions


def ask_on(context: JobContext, key: str) -> Later:
    """Ask on, and write receipts of what is known now; who does not answer at all keeps nobody else from being asked."""
    later, rows = Later(), awaited(context.settings, context.lake.ledger, context.run_started_at)
    requests = {row["request_id"]: Request(row["request_id"], None, True, {"subject": row["subject"]}) for row in rows}
    receipts = Receipts(context, key, requests)
    for row in rows:
        name = row["place"]
        answer = None if name in later.silent else _asked(context.settings, name, row["reference"].split(", "))
        if isinstance(answer, Stop):
            later.silent[name] = told(answer.reason)
            logger.warning("%s does not say what became of deletions: %s", name, later.silent[name])
        elif answer is not None:
            later.found[answer.outcome] = later.found.get(answer.outcome, 0) + 1
            receipts.add_answers(row["request_id"], [answer])
        if name in later.silent and row["detail"] != (why := f"{_SILENT}: {later.silent[name]}"):
            # Once for each reason: it is asked again at every run.
            receipts.add_answers(row["request_id"], [Answered(name, "asked", 0, row["reference"], why)])
    receipts.write()
    return later


def _asked(settings: Settings, name: str, references: Sequence[str]) -> Answered | Stop | None:
    """What a destination says of its requests by now; null if not all of them have come to an end."""
    try:
        connector = connect(name, settings.connections[name], SystemClock())
    except PersonalakeError as error:
        return Stop(error.what)
    answers = finished(_ask(connector, references))
    for answer in answers:
        if isinstance(answer, Stop):
            return answer
    refusals = sorted({told(answer.reason) for answer in answers if isinstance(answer, Refused)})
    if not refusals and not all(isinstance(answer, Taken) for answer in answers):
        return None
    # It was counted when it was asked for.
    return Answered(name, "failed" if refusals else "erased", 0, ", ".join(references), "; ".join(refusals) or None)


async def _ask(connector: Connector, references: Sequence[str]) -> list[Answer | NotYet]:
    async with connector:
        return [await connector.ask_erasure(reference) for reference in references]
