"""What a run with new records needs of earlier ones, fetched while Spark standardises the new ones and a core is idle."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from personalake.config.identity import MatchSettings
from personalake.identity.increment import EDGE, Earlier
from personalake.identity.match_model import MatchModel
from personalake.identity.scoring import Plan, plan_of
from personalake.lake import Ledger
from personalake.lake.declared import arrow_schema
from personalake.tables.identity import MATCH_EDGE, MATCH_RECORD
from personalake.tables.silver import PERSON_LINK


@dataclass
class Ahead:
    """Reads that may begin before anybody waits for them.

    Args:
        ledger: The tables.
        settings: How records are compared.
        model: The model that was there when the run began.
        beside: Where it is done.
        links: Columns of `silver.person_link` that are needed.
    """

    ledger: Ledger
    settings: MatchSettings
    model: MatchModel | None
    beside: Executor
    links: Sequence[str] = PERSON_LINK.columns
    _begun: dict[str, "Future[Any]"] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin, now that new records have come; a second call does nothing."""
        if self._begun:
            return
        if self.model is not None and not self.settings.scored_by_spark(0):
            nobody = arrow_schema(MATCH_RECORD).empty_table()
            self._begun["plan"] = self.beside.submit(plan_of, self.model, nobody, self.settings, True)
        for name, read in (
            ("links", self._links),
            ("pairs", self._pairs),
            ("scored_by", self._scored_by),
        ):
            self._begun[name] = self.beside.submit(read)

    def plan(self) -> Plan | None:
        """How to score pairs, if that was begun."""
        found: Plan | None = self._begun["plan"].result() if "plan" in self._begun else None
        return found

    def before(self, keeps_pairs: bool, is_idle: bool) -> tuple[pa.Table, Earlier]:
        """Pairs and links of earlier runs; none are needed by one that has nothing to do."""
        if is_idle:
            return _no_pairs(), Earlier.of(arrow_schema(PERSON_LINK).empty_table())
        links = self._begun["links"].result() if "links" in self._begun else self._links()
        if not keeps_pairs:
            return _no_pairs(), links
        return self._begun["pairs"].result() if "pairs" in self._begun else self._pairs(), links

    def scored_by(self) -> set[str]:
        """Versions of the models that scored the pairs of earlier runs."""
        found: set[str] = self._begun["scored_by"].result() if "scored_by" in self._begun else self._scored_by()
        return found

    def _pairs(self) -> pa.Table:
        return self.ledger.arrow(MATCH_EDGE, EDGE)

    def _scored_by(self) -> set[str]:
        return self.ledger.distinct(MATCH_EDGE, "model_version")

    def _links(self) -> Earlier:
        return Earlier.of(self.ledger.arrow(PERSON_LINK, self.links))


def _no_pairs() -> pa.Table:
    return arrow_schema(MATCH_EDGE, EDGE).empty_table()
