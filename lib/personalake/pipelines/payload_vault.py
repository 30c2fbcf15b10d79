"""Where raw payloads are locked and unlocked: on the way into bronze and quarantine, and where somebody must read them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import key_blocks
from personalake.config import Settings
from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import with_texts
from personalake.lake import Lake
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import frame_of
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.encryption import (
    MARK,
    MasterKeys,
    key_id_of,
    master_keys,
    opened,
    opened_text,
    sealed,
    subject_column,
    subjects_of,
)
from personalake.privacy.payloads import identifying
from personalake.privacy.subject import Subject
from personalake.tables.bronze import DATA_KEY

# The payload as it lies in its table, beside the one in clear text.
STORED = "stored_payload"
_SUBJECT, _NEEDED, _KEY_ID, _KEY = "_subject", "_needed", "_key_id", "_key"


@dataclass(frozen=True)
class Vault:
    """The data keys of a lake.

    Args:
        settings: The configuration; without a current master key nothing is encrypted, and what is can still be read.
        lake: Where the keys lie.
    """

    settings: Settings = field(repr=False)
    lake: Lake

    @property
    def is_locking(self) -> bool:
        """Whether new payloads are encrypted."""
        return self.settings.privacy.encryption.current is not None

    @property
    def is_used(self) -> bool:
        """Whether any payload may be encrypted."""
        return self.is_locking or self.lake.exists(DATA_KEY)

    @contextmanager
    def sealing(self, rows: DataFrame, source: Source) -> Iterator[DataFrame]:
        """Rows of one source with their payloads encrypted, for as long as the block runs; missing keys are made first.

        Args:
            rows: Rows with `source`, `payload` in clear text, and `landed_at`.
            source: The source, whose mapping tells whose a row is.
        """
        if not self.is_locking:
            yield rows
            return
        named = self._with_subject(rows, source).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            subjects = named.select(_SUBJECT).distinct().toArrow()[_SUBJECT].to_pylist()
            keys = _frame(self.lake, _SUBJECT, self._keys_for(subjects))
            payload = sealed(F.col("payload"), F.col("source"), F.col(_KEY_ID), F.col(_KEY))
            yield named.join(keys, _SUBJECT).withColumn("payload", payload).select(*rows.columns)
        finally:
            named.unpersist()

    def opened(self, rows: DataFrame) -> DataFrame:
        """Rows with `payload` in clear text, and beside it `stored_payload`, as it lies in the table.

        What nobody can read any more, since its key was destroyed, stays as it is.
        """
        stored = rows.withColumn(STORED, F.col("payload"))
        if not self.is_used:
            return stored
        needed = rows.select(key_id_of(F.col("payload")).alias(_KEY_ID)).dropna().distinct().toArrow()[_KEY_ID].to_pylist()
        if not needed:
            return stored
        rows_of_keys = self.lake.ledger.read(DATA_KEY, where=[("key_id", "in", needed)])
        keys = _frame(self.lake, _NEEDED, {row["key_id"]: (row["key_id"], self._key_of(row)) for row in rows_of_keys})
        told = stored.withColumn(_NEEDED, key_id_of(F.col("payload"))).join(keys, _NEEDED, "left")
        return told.withColumn("payload", opened(F.col("payload"), F.col("source"), F.col(_KEY))).drop(
            _NEEDED, _KEY_ID, _KEY
        )

    def opened_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same for rows on the driver, in place of the stored payloads; rows without `payload` stay as they are."""
        if "payload" not in batch.schema.names or "source" not in batch.schema.names:
            return batch
        if not pc.any(pc.starts_with(batch["payload"], MARK)).as_py():
            return batch
        told = zip(batch["payload"].to_pylist(), batch["source"].to_pylist(), strict=True)
        texts = [None if text is None else opened_text(text, source, self._key_by_id) for text, source in told]
        place = batch.schema.get_field_index("payload")
        return batch.set_column(place, batch.schema.field(place), pa.array(texts, batch.schema.field(place).type))

    def keys_of(self, subjects: Mapping[str, Subject]) -> tuple[pa.Table, dict[str, int]]:
        """Keys of persons, to be destroyed out of every version of their table at once: their payloads are gone everywhere.

        Returns:
            Ids of the keys, and how many each request has.
        """
        code = self.settings.identity.calling_code
        hashes = {request: set(subjects_of(subject, self._hash_key, code)) for request, subject in subjects.items()}
        rows = self.lake.ledger.read(DATA_KEY, ("key_id", "subject"))
        counts = {request: sum(row["subject"] in theirs for row in rows) for request, theirs in hashes.items()}
        gone = [row["key_id"] for row in rows if any(row["subject"] in theirs for theirs in hashes.values())]
        return (pa.table({"key_id": pa.array(gone, pa.string())}) if gone else pa.table({})), counts

    def rewrap(self) -> int:
        """Wrap what an older master key wraps under the current one; payloads stay as they are.

        Returns:
            Keys that were wrapped anew.
        """
        current = self.settings.privacy.encryption.current
        if current is None:
            return 0
        older = [row for row in self._rows.values() if row["master_version"] != current]
        if older and not self.lake.dry_run:
            anew = pa.Table.from_pylist([self._masters.rewrapped(row) for row in older], arrow_schema(DATA_KEY))
            self.lake.merge_changes(anew.append_column("is_gone", pa.array([False] * len(older))), DATA_KEY)
        return len(older)

    @cached_property
    def _masters(self) -> MasterKeys:
        return master_keys(self.settings.privacy.encryption)

    @cached_property
    def _hash_key(self) -> str:
        return erasure_key(self.settings, self.lake.locations)

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {row["key_id"]: row for row in self.lake.ledger.read(DATA_KEY)}

    @cached_property
    def _opened_keys(self) -> dict[str, bytes | None]:
        return {}

    def _key_by_id(self, key_id: str) -> bytes | None:
        if key_id not in self._opened_keys:
            row = self._rows.get(key_id)
            self._opened_keys[key_id] = None if row is None else self._key_of(row)
        return self._opened_keys[key_id]

    def _key_of(self, row: Mapping[str, Any]) -> bytes:
        return self._masters.key_of(row)

    def _keys_for(self, subjects: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """Id and key of each subject. Two streams at once may both make one: then either opens what it has sealed."""
        held: dict[str, dict[str, Any]] = {}
        there = self.lake.ledger.read(DATA_KEY, where=[("subject", "in", subjects)])
        for row in sorted(there, key=lambda row: str(row["key_id"]), reverse=True):
            held[row["subject"]] = row
        now = datetime.now(UTC)
        made = [{**self._masters.new_key(name), "created_at": now} for name in subjects if name not in held]
        self.lake.ledger.append(DATA_KEY, made)
        held |= {str(row["subject"]): row for row in made}
        return {name: (held[name]["key_id"], self._key_of(held[name])) for name in subjects}

    def _with_subject(self, rows: DataFrame, source: Source) -> DataFrame:
        contract = CONTRACTS[source.contract]
        told = [(F.col(f"text_{name}"), kind) for name, kind in identifying(source)]
        # As rows, not as literals: those stand in query plans.
        blocks = self.lake.spark.createDataFrame([key_blocks(self._hash_key)], "_inner binary, _outer binary")
        subject = subject_column(told, self.settings.identity.calling_code, F.col("_inner"), F.col("_outer"))
        texts = rows.transform(with_texts(source, contract)) if told else rows
        return texts.crossJoin(F.broadcast(blocks)).withColumn(_SUBJECT, subject).select(*rows.columns, _SUBJECT)


def _frame(lake: Lake, name: str, keys: Mapping[str, tuple[str, bytes]]) -> DataFrame:
    """Keys as rows to be joined by a column of the given name."""
    ids, texts = [key_id for key_id, _ in keys.values()], [key for _, key in keys.values()]
    return frame_of(
        lake.spark,
        pa.table(
            {name: pa.array(keys, pa.string()), _KEY_ID: pa.array(ids, pa.string()), _KEY: pa.array(texts, pa.binary())}
        ),
    )
