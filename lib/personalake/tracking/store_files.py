"""The files of a local model store."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

Blackened = Callable[[str], str]


def redact(path: Path, blackened: Sequence[Blackened]) -> list[int]:
    """Blacken texts in a sqlite database, and write its free pages over, where deleted rows would stay readable.

    Args:
        path: The database.
        blackened: Each gives a text without what must not be in it.

    Returns:
        How many values each changed.
    """
    counts = [0] * len(blackened)
    with closing(sqlite3.connect(path, timeout=60)) as database:
        database.execute("PRAGMA secure_delete = ON")
        with database:
            for table in [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
                counts = [count + more for count, more in zip(counts, _redact(database, table, blackened), strict=True)]
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return counts


def _redact(database: sqlite3.Connection, table: str, blackened: Sequence[Blackened]) -> list[int]:
    counts = [0] * len(blackened)
    columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    for column in columns:
        texts = database.execute(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE typeof("{column}") = ?', ("text",))
        for (text,) in texts.fetchall():
            kept = text
            for place, black in enumerate(blackened):
                before, kept = kept, black(kept)
                counts[place] += before != kept
            if kept != text:
                database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?', (kept, text))
    return counts
