"""Everything that is held about one person, as JSON and CSV, for the person to read."""

import csv
import json
import os
from pathlib import Path
from typing import Any

from personalake.activation.formulas import harmless
from personalake.errors import EnvironmentProblem, InputError
from personalake.pipelines.access import access_row
from personalake.pipelines.erasure_requests import identifiers_named, told_as
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.person_search import find_subject, is_shared, matching, personal_tables, rows_told
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.circumstances import UNSAID, circumstances, flat
from personalake.privacy.receipts import PERSON, pseudonym
from personalake.privacy.subject import Identifier, Subject
from personalake.tables.erasure import ACCESS_LOG

JOB = "export_customer"
README = """Everything that is held about you
=================================

Each table is here twice: as JSON, and as CSV for spreadsheets. columns.csv says what each column means.
Rows that name another person, too, are left out.

about.json and about.csv say what the data is used for, who was sent some of it, how long each table is kept, where the data
came from, who looked at it here, what was decided by machines and by which logic, and what your rights are.
"""


def run(context: JobContext) -> JobResult:
    """Write one folder for each person asked for.

    Raises:
        InputError: If nobody is named, or an identifier is several persons'.
    """
    asked = identifiers_named(context)
    if not asked:
        raise InputError("Nobody is asked for.", "Pass --identifier namespace=value, or --request-file.")
    subjects = {one: find_subject(context.settings, context.lake, one, further) for one, further in asked.items()}
    if any(is_shared(context.settings, context.lake, subject, asked[one]) for one, subject in subjects.items()):
        raise InputError(
            "Several persons have one of the identifiers.",
            "Ask who it is, and name one that is theirs alone; nothing was written.",
        )
    if context.dry_run:
        return JobResult(message=f"{len(subjects)} persons would be exported")
    rows = [_export(context, one, subject) for one, subject in subjects.items()]
    folder = context.settings.erasure.access
    message = f"{sum(rows):,} rows of {len(rows)} persons are in {folder}"
    if unknown := rows.count(0):
        message += f"; nothing is held about {unknown} of them: tell them so, and ask for other identifiers"
    if lacking := [name for name, told in vars(context.settings.erasure.notice).items() if told is None]:
        message += f"; about.json says of {', '.join(lacking)}: {UNSAID} (erasure.notice)"
    return JobResult(rows_read=sum(rows), message=message)


def _export(context: JobContext, asked: Identifier, subject: Subject) -> int:
    who = told_as(context, erasure_key(context.settings, context.lake.locations), asked)
    tables = {table: rows_told(matching(context.settings, context.lake, table, subject, is_strict=True))
              for table in personal_tables(context.lake)}  # fmt: skip
    held = {table: rows for table, rows in tables.items() if rows}
    rows = sum(map(len, held.values()))
    # Logged before it is written: what left without a trace is worse than a trace of what did not leave.
    names = [table.full_name for table in held]
    context.lake.add([access_row(JOB, "export", who, rows, names, context.run_id)], ACCESS_LOG)
    parts = circumstances(context.settings, held, _accesses(context, subject))
    folder = context.settings.erasure.access.expanduser().resolve() / f"{who[:16]}-{context.run_id}"
    try:
        folder.mkdir(parents=True, mode=0o700)
        _write(folder / "README.txt", README)
        meanings = [
            {"table": table.full_name, "column": column.name, "meaning": column.comment}
            for table in held
            for column in table.fields
        ]
        _write_csv(folder / "columns.csv", meanings)
        _write(folder / "about.json", _as_json(parts))
        _write_csv(folder / "about.csv", [_flat(row) for row in flat(parts)])
        for table, found in held.items():
            _write(folder / f"{table.full_name}.json", _as_json(found))
            _write_csv(folder / f"{table.full_name}.csv", [_flat(row) for row in found])
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {folder}: {error.strerror or error}.",
            "Check the folder's permissions, or set another erasure.access.",
        ) from error
    return rows


def _accesses(context: JobContext, subject: Subject) -> list[dict[str, Any]]:
    """Who looked at the person or exported them, this time included; the log knows them by pseudonyms only."""
    named = [*subject.identifiers, *((PERSON, one) for one in (*subject.person_ids, *subject.record_keys)), subject.asked]
    key = erasure_key(context.settings, context.lake.locations)
    subjects = sorted({pseudonym(key, *one) for one in named} | {told_as(context, key, subject.asked)})
    found: list[dict[str, Any]] = context.lake.ledger.read(ACCESS_LOG, where=[("subject", "in", subjects)])
    return found


def _as_json(told: Any) -> str:
    return json.dumps(told, indent=2, default=_plain, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as file:
        file.write(text)


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Lists and maps as JSON, and no cell that a spreadsheet takes for a formula."""
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return harmless(value) if isinstance(value, str) else value


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
