"""Who read or exported what about persons: one row in `gold.access_log` for each time."""

import getpass
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from personalake.config import Settings
from personalake.lake import Lake, Ledger
from personalake.pipelines.look import Explanation
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.receipts import PERSON, pseudonym
from personalake.tables.erasure import ACCESS_LOG
from personalake.tables.gold import (
    ACTIVATION_OUTBOX,
    CUSTOMER_FEATURE,
    CUSTOMER_PROFILE,
    DECISION,
    PREDICTION,
    RECOMMENDATION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.identity import MATCH_RECORD
from personalake.tables.silver import CONSENT_CURRENT, CUSTOMER_RECORD, PERSON_LINK


def access_row(
    job: str,
    action: str,
    subject: str | None,
    rows: int,
    tables: Iterable[str],
    run_id: str,
    destination: str | None = None,
) -> dict[str, Any]:
    """A row of `gold.access_log`: this account, now."""
    return {
        "access_id": uuid.uuid4().hex,
        "job": job,
        "user": account(),
        "action": action,
        "subject": subject,
        "destination": destination,
        "rows": rows,
        "tables": sorted(tables),
        "run_id": run_id,
        "accessed_at": datetime.now(UTC),
    }


def account() -> str:
    """Who runs this; in a container the account may have a number and no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def log_look(settings: Settings, ledger: Ledger, job: str, found: Explanation) -> None:
    """Write down that somebody looks at one person, before anything is shown.

    Raises:
        EnvironmentProblem: If it cannot be written: who looks without a trace, sees nothing.
    """
    parts = {
        PERSON_LINK: found.identifiers, CUSTOMER_RECORD: found.records, CUSTOMER_PROFILE: [found.profile],
        CUSTOMER_FEATURE: [found.features], SEGMENT_MEMBERSHIP: found.segments, PREDICTION: found.predictions,
        RECOMMENDATION: found.recommendations, DECISION: found.decisions, ACTIVATION_OUTBOX: found.deliveries,
        CONSENT_CURRENT: found.consents,
    }  # fmt: skip
    held = {table.full_name: len(rows) for table, rows in parts.items() if any(rows)}
    subject = pseudonym(erasure_key(settings, ledger.locations), PERSON, found.person_id)
    ledger.append(ACCESS_LOG, [access_row(job, "look", subject, sum(held.values()), held, uuid.uuid4().hex[:12])])


def log_pair(settings: Settings, ledger: Ledger, keys: Sequence[str]) -> None:
    """Write down that somebody looks at records, a row for the person of each, before anything is shown.

    Args:
        settings: The configuration.
        ledger: The tables.
        keys: Record keys, `source:record_id`; of a record that is nobody's yet, the key stands for the person.

    Raises:
        EnvironmentProblem: If it cannot be written.
    """
    own = ("record_key", "namespace", "customer_id")
    records = ledger.read(MATCH_RECORD, own, [("record_key", "in", list(keys))])
    links = ledger.read(PERSON_LINK, where=[("value", "in", sorted({row["customer_id"] for row in records}))])
    person_of = {(row["namespace"], row["value"]): row["person_id"] for row in links}
    key, run_id, tables = erasure_key(settings, ledger.locations), uuid.uuid4().hex[:12], [MATCH_RECORD.full_name]
    subjects = {person_of.get((row["namespace"], row["customer_id"]), row["record_key"]) for row in records}
    named = [pseudonym(key, PERSON, subject) for subject in sorted(subjects)]
    ledger.append(ACCESS_LOG, [access_row("explain", "look", subject, 1, tables, run_id) for subject in named])


def log_exports(lake: Lake, job: str, due: Mapping[str, int], run_id: str) -> None:
    """Write down what is about to leave for each destination; nothing is to leave without a trace.

    Args:
        lake: The tables.
        job: The job that sends.
        due: Destination or connection to the deliveries that are due to leave.
        run_id: The run.

    Raises:
        EnvironmentProblem: If it cannot be written.
    """
    tables = [ACTIVATION_OUTBOX.full_name]
    rows = [access_row(job, "export", None, count, tables, run_id, name) for name, count in sorted(due.items()) if count]
    lake.add(rows, ACCESS_LOG)


def log_query(ledger: Ledger, rows: int, tables: Iterable[str]) -> None:
    """Write down that somebody asked tables, persons masked.

    Raises:
        EnvironmentProblem: If it cannot be written.
    """
    ledger.append(ACCESS_LOG, [access_row("query", "query", None, rows, tables, uuid.uuid4().hex[:12])])
