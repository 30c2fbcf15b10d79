"""What a run of plans says."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from personalake.pipelines.job import JobResult
from personalake.pipelines.plan_figures import with_plans


def test_who_asks_for_a_day_without_profiles_is_told_the_day_that_has_them() -> None:
    def said(newest: date | None) -> str:
        ledger = SimpleNamespace(latest=lambda table, column: newest)
        context: Any = SimpleNamespace(as_of=date(2018, 1, 2), lake=SimpleNamespace(ledger=ledger))
        return with_plans(JobResult(message="nothing has been decided", skipped=True), [], context).message

    told = "nothing has been decided; no audience was planned: there are no profiles as of 2018-01-02"
    assert said(None) == told
    assert said(date(2017, 12, 1)) == f"{told}; the newest are as of 2017-12-01: --as-of 2017-12-01"
