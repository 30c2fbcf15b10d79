"""One table of persons to `gold.published_count`: counts with noise, within the privacy budget."""

from collections import Counter
from typing import Any

from personalake.config.privacy import PublishingSettings
from personalake.errors import InputError
from personalake.lake import Ledger
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.published_counts import Budget, Cell, budget_left, is_overdrawn, noisy_counts, price_of
from personalake.tables import ALL, Table
from personalake.tables.privacy import PRIVACY_BUDGET, PUBLISHED_COUNT

# Tables with one row for each person (at one as-of): only there is a person in one cell.
SUBJECTS = {table.full_name: table for table in ALL if table.key in (("person_id",), ("person_id", "as_of"))}
_UNCOUNTABLE = ("identifier", "contact", "payload", "protected")


def run(context: JobContext) -> JobResult:
    """Publish one set of counts.

    The budget is charged first: a run that dies has spent it, and shown nothing. It is looked at again after that, since two
    runs may have seen the same budget: appends never meet, so that the one of both that looks last sees both charges.
    """
    ledger, settings = context.lake.ledger, context.settings.privacy.publishing
    table, by, epsilon = _asked(context.options)
    left = _left(ledger, context, settings)
    price = price_of(epsilon, settings.minimum_cell)
    if not left.covers(price):
        raise _beyond(price, left, settings)
    counts = _counts(ledger, table, by, context)
    if not counts:
        return JobResult(skipped=True, message=f"{table.full_name} has no rows as of {context.as_of}")
    charge = {"publication_id": context.run_id, "subject": table.full_name, "by": list(by), "as_of": context.as_of,
              "epsilon": epsilon, "run_id": context.run_id, "spent_at": context.run_started_at}  # fmt: skip
    if context.dry_run:
        return JobResult(message=f"counts would cost {epsilon:g} of {left.epsilon:g} that are left of the budget")
    published = noisy_counts(counts, epsilon, settings.minimum_cell)
    ledger.append(PRIVACY_BUDGET, [{**charge, "delta": published.delta, "accuracy": published.accuracy}])
    left = _left(ledger, context, settings)
    if is_overdrawn(left, settings):
        raise _overtaken(left)
    ledger.append(
        PUBLISHED_COUNT,
        [
            {"publication_id": context.run_id, "subject": table.full_name, "cell": dict(zip(by, cell, strict=True)),
             "persons": persons, "accuracy": published.accuracy, "as_of": context.as_of}
            for cell, persons in published.counts.items()
        ],
    )  # fmt: skip
    return JobResult(
        message=f"{len(published.counts):,} cells of at least {settings.minimum_cell} persons, each within "
        f"{published.accuracy:.0f} of the truth 95 % of the time; {max(left.epsilon, 0):g} of the budget are left",
        figures={
            "cells": len(published.counts),
            "epsilon": epsilon,
            "delta": published.delta,
            "budget_left": left.epsilon,
            "delta_left": left.delta,
        },
    )


def _left(ledger: Ledger, context: JobContext, settings: PublishingSettings) -> Budget:
    return budget_left(ledger.read(PRIVACY_BUDGET), context.run_started_at, settings)


def _overtaken(left: Budget) -> InputError:
    return InputError(
        "Another run has charged the privacy budget meanwhile, and both together are beyond it by "
        f"{max(-left.epsilon, 0):g} of epsilon and {max(-left.delta, 0):.1g} of delta; nothing was published.",
        "What was charged stays charged. Use what has been published, or wait until a publication is old enough.",
    )


def _beyond(price: Budget, left: Budget, settings: PublishingSettings) -> InputError:
    """A refusal says which of the two budgets does not suffice, and what would."""
    if not Budget(left.epsilon, price.delta).covers(price):
        return InputError(
            f"epsilon {price.epsilon:g} is beyond what is left of the privacy budget: {max(left.epsilon, 0):g} of "
            f"{settings.budget:g} in {settings.period_days} days.",
            "Wait until a publication is older than that, ask for less, or use what has been published.",
        )
    return InputError(
        f"delta {price.delta:.1g} is beyond what is left of the privacy budget: {max(left.delta, 0):.1g} of "
        f"{settings.delta_budget:g} in {settings.period_days} days. It is the chance that a cell of one person is shown.",
        "More epsilon, or a greater privacy.publishing.minimum_cell, makes it smaller; or wait as for epsilon.",
    )


def _asked(options: Any) -> tuple[Table, tuple[str, ...], float]:
    table = SUBJECTS.get(options["table"])
    if table is None:
        raise InputError(f"{options['table']} does not have one row for each person.", f"There are: {', '.join(SUBJECTS)}.")
    by = tuple(part.strip() for part in options["by"].split(","))
    countable = [field.name for field in table.fields if field.pii not in _UNCOUNTABLE and "<" not in field.type]
    countable = [name for name in countable if name not in table.key]
    wrong = [name for name in by if name not in countable]
    if wrong:
        raise InputError(f"{', '.join(wrong)} cannot be counted by.", f"{table.full_name} has {', '.join(countable)}.")
    try:
        return table, by, float(options["epsilon"])
    except ValueError as error:
        raise InputError(f"epsilon is {options['epsilon']!r}; expected a number, e.g. 0.5.") from error


def _counts(ledger: Ledger, table: Table, by: tuple[str, ...], context: JobContext) -> dict[Cell, int]:
    of_day = [("as_of", "=", context.as_of)] if "as_of" in table.key else []
    rows = ledger.arrow(table, by, of_day).to_pylist()
    return dict(Counter(tuple("unknown" if row[name] is None else str(row[name]) for name in by) for row in rows))
