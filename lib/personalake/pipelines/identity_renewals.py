"""Persons and links of whom nothing new is known: copied into new files while the others are grouped."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from personalake.lake import Lake
from personalake.lake.renewal import Renewal
from personalake.tables import Table
from personalake.tables.identity import PERSON
from personalake.tables.silver import PERSON_LINK


@dataclass
class Renewals:
    """The tables of a run that changes a part of them; a context that leaves nothing behind of what was not committed.

    Args:
        lake: The lake.
        renews_links: Whether links are made of records alone, and may be copied, too.
    """

    lake: Lake
    renews_links: bool
    # One at a time: what is grouped meanwhile goes first.
    _beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _begun: dict[str, "Future[Renewal]"] = field(default_factory=dict)

    def __enter__(self) -> "Renewals":
        return self

    def __exit__(self, *_: Any) -> None:
        self._beside.shutdown(cancel_futures=True)
        for renewal in self._begun.values():
            if not renewal.cancelled() and renewal.exception() is None:
                renewal.result().discard()

    def begin(self, persons: pa.Array) -> None:
        """Begin to copy all but those who may change, by their `person_id`."""
        for table in (PERSON, PERSON_LINK) if self.renews_links else (PERSON,):
            self._begun[table.name] = self._beside.submit(Renewal, self.lake, table, "person_id", persons)

    def of(self, table: Table) -> Renewal | None:
        """What became of a table, once it is copied; None if that was not begun."""
        return self._begun[table.name].result() if table.name in self._begun else None
