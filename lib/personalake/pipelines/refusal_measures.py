"""Counts refused rows of what must not be lost: a withdrawal in quarantine stops nothing."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from personalake.ingestion.contracts import CONTRACTS
from personalake.pipelines.job import JobContext
from personalake.quality.verdicts import Verdict, few_refused
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import QUARANTINE

_COUNTED = ("source", "rows_in", "rows_quarantined", "job")


def refusal_verdicts(context: JobContext) -> Iterator[Verdict]:
    """One verdict for each source of each contract that conf/quality.yml names under `refused`.

    Rows that were cured and went through again are not in quarantine any more, and count no longer.
    """
    ledger, settings = context.lake.ledger, context.settings
    for name, wanted in settings.quality.refused.items():
        waiting = Counter(row["source"] for row in ledger.read(QUARANTINE, ["source"], [("contract", "=", name)]))
        sources = sorted({*waiting, *settings.active_sources(name)})
        came, refused = Counter[str](), Counter[str]()
        since = context.run_started_at - timedelta(wanted.days)
        where = [("recorded_at", ">=", since), ("source", "in", sources)]
        for row in ledger.read(DATA_HEALTH, _COUNTED, where) if sources else ():
            if row["job"].startswith("refine_"):
                came[row["source"]] += row["rows_in"]
                refused[row["source"]] += row["rows_quarantined"]
        table = CONTRACTS[name].table.full_name
        yield from (few_refused(table, each, waiting[each], came[each], refused[each], wanted) for each in sources)
