"""Rows of a data extension, asynchronously: queued by `PUT`, then polled to the end."""

from functools import partial
from typing import Any

from personalake.activation.answers import Again, Answer, NotYet, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, Resolve, declared
from personalake.activation.connectors.replies import joined, said
from personalake.activation.connectors.salesforce import Salesforce, by_key, many_valued
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.transport import Reply, Request
from personalake.config.connections.salesforce import SalesforceRowsConnection

_HEAD, _TAIL = '{"items":[', "]}"
# A reply that says there are more rows, and never shows them, must not be asked for ever.
_MOST_PAGES = 10_000


class SalesforceRows(Salesforce):
    """Upserts (or inserts) by primary key; the payload is the row, keys and values side by side."""

    def __init__(self, name: str, connection: SalesforceRowsConnection, clock: Clock, resolve: Resolve) -> None:
        limits = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, distinct=True)
        declaration = declared(connection, limits=limits)
        super().__init__(name, connection, declaration, clock, resolve)
        self._connection = connection

    def key_of(self, delivery: Delivery) -> str:
        """The primary key: two rows with one key in a request deadlock."""
        row = self.parsed(delivery)
        return "|".join([f"{row.get(column)!r}" for column in self._connection.keys])

    def envelope(self, group: str, first: Delivery) -> int:
        """The list's brackets."""
        return len(_HEAD) + len(_TAIL)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """A row needs its whole primary key, and one value in each column."""
        missing = [column for column in self._connection.keys if payload.get(column) in (None, "")]
        return f"key column {', '.join(missing)} is missing or empty" if missing else many_valued(payload)

    def request(self, pack: Pack) -> Request:
        """The rows."""
        url = f"{self._connection.rest_url}/data/v1/async/dataextensions/{by_key(self._connection.data_extension)}/rows"
        method = "PUT" if self._connection.mode == "upsert" else "POST"
        return Request(method, url, f"{_HEAD}{joined(pack)}{_TAIL}".encode(), JSON)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Queued; what became of the rows is asked for later."""
        if not 200 <= reply.status < 300:
            return Refused(_first_message(reply) or said(reply))
        return Taken(reference=str(reply.json()["requestId"]), ask_later=True)

    async def ask(self, pack: Pack, reference: str) -> Answer | NotYet:
        """Whether the queue is done with the request, and with which rows it was not content."""
        url = f"{self._connection.rest_url}/data/v1/async/{reference}"
        status = await self.exchange(Request("GET", f"{url}/status"), _is_done)
        if not isinstance(status, Taken):
            return status
        if not status.again:
            return Taken(State.CONFIRMED, reference=reference)
        return await self._results(pack, url, reference)

    async def _results(self, pack: Pack, url: str, reference: str) -> Answer | NotYet:
        """Page by page, in the order of the rows."""
        rows: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            found: list[dict[str, Any]] = []
            answer = await self.exchange(Request("GET", f"{url}/results?page={page}"), partial(_page, found))
            if not isinstance(answer, Taken):
                return answer
            rows.extend(found)
            if not found or len(rows) >= len(pack.deliveries):
                break
        if len(rows) < len(pack.deliveries):
            return NotYet()
        return self._judged(rows, reference)

    def _judged(self, rows: list[dict[str, Any]], reference: str) -> Answer:
        bad = {place: str(row.get("message", "")) for place, row in enumerate(rows) if row.get("status") != "OK"}
        phrase = self._connection.rerun_phrase.lower()
        again = {place: message for place, message in bad.items() if phrase in message.lower()}
        refused = {place: f"row: {message}" for place, message in bad.items() if place not in again}
        return Taken(State.CONFIRMED, refused, again, reference)


def _is_done(reply: Reply) -> Answer | NotYet:
    """A request that ended in `Error` may still end well, as one that is not known yet may be picked up: ask on."""
    if not 200 <= reply.status < 300:
        return Again(said(reply)) if reply.status != 401 else Stop(said(reply))
    status = reply.json().get("status") or {}
    if status.get("requestStatus") == "Error":
        return NotYet(f"the queue says Error: {_first_message(reply) or 'no reason given'}")
    if status.get("requestStatus") != "Complete":
        return NotYet()
    has_errors = status.get("resultStatus") != "OK" or status.get("hasErrors") is True
    return Taken(State.CONFIRMED, again={0: "look at the rows"} if has_errors else {})


def _page(into: list[dict[str, Any]], reply: Reply) -> Answer | NotYet:
    if not 200 <= reply.status < 300:
        return Again(said(reply))
    into.extend(reply.json().get("items") or [])
    return Taken()


def _first_message(reply: Reply) -> str | None:
    messages = reply.object().get("resultMessages")
    if isinstance(messages, list) and messages and isinstance(messages[0], dict):
        return f"status {reply.status}: {messages[0].get('message')}"
    return None
