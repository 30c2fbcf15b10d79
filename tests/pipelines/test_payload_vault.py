"""Raw payloads of two people, encrypted under a key each: read by who must, gone for good with the key."""

import base64
import io
import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from personalake.config.privacy import EncryptionSettings
from personalake.lake.search import Search, files_below
from personalake.pipelines import erase_customers, export_customer, maintain_tables, refine_events, replay_quarantine
from personalake.pipelines.job import JobContext
from personalake.pipelines.payload_vault import STORED, Vault
from personalake.privacy.encryption import MARK, master_keys
from personalake.tables.bronze import DATA_KEY, EVENT, RECORD
from personalake.tables.erasure import ERASURE_RECEIPT
from personalake.tables.silver import CUSTOMER_RECORD, ORDER_LINE, QUARANTINE
from tests.pipelines.erasure_lake import ANN, BOB, context_in, land, take_in
from tests.pipelines.overheard import Spoken, listening

RAW = (EVENT, RECORD, QUARANTINE)


def rotated(context: JobContext) -> JobContext:
    two = EncryptionSettings(keys={"m1": "secret://vault/one", "m2": "secret://vault/two"}, current="m2")
    privacy = context.settings.privacy.model_copy(update={"encryption": two})
    return replace(context, settings=context.settings.model_copy(update={"privacy": privacy}))


def named(context: JobContext, *words: str) -> list[str]:
    """Files of raw payloads, decoded, that hold any of some words."""
    search = Search(words)
    return [
        path.name for table in RAW for path in files_below([Path(context.lake.locations.table(table))]) if search.file(path)
    ]


def readable(context: JobContext, folder: Path) -> str:
    """Everything that the vault can read in a copy of bronze."""
    rows = context.lake.spark.read.parquet(*(str(folder / table.name) for table in (EVENT, RECORD)))
    return " ".join(row["payload"] for row in Vault(context.settings, context.lake).opened(rows).collect())


def on_disk(context: JobContext) -> set[str]:
    """Wrapped keys in any file of their table, whatever version it belongs to."""
    files = Path(context.lake.locations.table(DATA_KEY)).glob("*.parquet")
    return {text for path in files for text in pq.read_table(path, columns=["wrapped"])["wrapped"].to_pylist()}


@pytest.fixture(scope="module")
def spoken() -> Iterator[Spoken]:
    with listening() as told:
        yield told


@pytest.fixture(scope="module")
def context(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, spoken: Spoken) -> Any:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PERSONALAKE_SECRET_VAULT_ONE", "the first master key, 32 characters")
        environment.setenv("PERSONALAKE_SECRET_VAULT_TWO", "the second master key, 32 characters")
        made = context_in(tmp_path_factory.mktemp("vault"), spark)
        made.progress.stream = io.StringIO()
        one = EncryptionSettings(keys={"m1": "secret://vault/one"}, current="m1")
        privacy = made.settings.privacy.model_copy(update={"encryption": one})
        made = replace(made, settings=made.settings.model_copy(update={"privacy": privacy}))
        land(made.settings.landing)
        take_in(made)
        yield made


@pytest.fixture(scope="module")
def story(context: JobContext, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was there before, a copy as a backup makes it, and what is left after one person was erased."""
    lake, backup = context.lake, tmp_path_factory.mktemp("backup")
    told: dict[str, Any] = {
        "stored": [row["payload"] for table in RAW for row in lake.ledger.read(table)],
        "named": named(context, ANN.first, ANN.email, BOB.first, BOB.email),
        "lines": {row["event_id"] for row in lake.ledger.read(ORDER_LINE)},
        "records": {row["first_name"] for row in lake.ledger.read(CUSTOMER_RECORD)},
        "refused": len(lake.ledger.read(QUARANTINE)),
        "keys": len(lake.ledger.read(DATA_KEY)),
    }
    replay_quarantine.run(replace(context, options={"source": "orders"}))
    refine_events.run(context)
    told["refused_again"] = [row["payload"] for row in lake.ledger.read(QUARANTINE)]
    export_customer.run(replace(context, options={"identifier": f"email={ANN.email}"}))
    (folder,) = context.settings.erasure.access.iterdir()
    told["export"] = {path.name: path.read_text() for path in folder.iterdir()}
    anew = rotated(context)
    told["foretold"] = Vault(anew.settings, replace(lake, dry_run=True)).rewrap()
    told["maintained"] = maintain_tables.run(anew).message
    told["versions"] = {row["master_version"] for row in lake.ledger.read(DATA_KEY)}
    for table in (EVENT, RECORD):
        shutil.copytree(lake.locations.table(table), backup / table.name, ignore=shutil.ignore_patterns("_delta_log"))
    told["before"] = readable(anew, backup)
    told["keys_on_disk"] = on_disk(anew)
    erase_customers.run(replace(anew, options={"identifier": f"email={ANN.email}"}))
    told["after"] = readable(anew, backup)
    told["receipts"] = [row for row in lake.ledger.read(ERASURE_RECEIPT) if row["place"] == DATA_KEY.full_name]
    return told


def test_raw_payloads_lie_encrypted_and_silver_is_as_without(story: dict[str, Any]) -> None:
    assert all(payload.startswith(MARK) for payload in story["stored"])
    assert story["named"] == []
    assert story["lines"] == {"o1", "o2"}
    assert story["records"] == {ANN.first, BOB.first}
    assert story["keys"] == 5  # one each, and one for each source of what nobody could read, or name somebody by


def test_refused_rows_go_back_and_are_refused_again_under_encryption(story: dict[str, Any]) -> None:
    assert len(story["refused_again"]) == story["refused"] == 5
    assert all(payload.startswith(MARK) for payload in story["refused_again"])


def test_who_asks_what_is_held_reads_their_own_payloads(story: dict[str, Any]) -> None:
    held = json.loads(story["export"]["bronze.record.json"])
    (record,) = [row for row in held if row["source"] == "crm"]

    assert json.loads(record["payload"])["name"] == ANN.first
    assert BOB.email not in "".join(story["export"].values())


def test_a_rotation_of_the_master_key_wraps_all_keys_anew(story: dict[str, Any]) -> None:
    assert story["foretold"] == 5
    assert "5 data keys were wrapped by the current master key" in story["maintained"]
    assert story["versions"] == {"m2"}


def test_destroying_the_key_makes_every_copy_unreadable_and_nobody_elses(story: dict[str, Any]) -> None:
    assert ANN.first in story["before"]
    assert BOB.first in story["before"]
    assert ANN.first not in story["after"]
    assert BOB.first in story["after"]
    assert story["after"].count(MARK) > 0


def test_the_destroyed_key_is_receipted_and_in_no_version(context: JobContext, story: dict[str, Any]) -> None:
    (receipt,) = [row for row in story["receipts"] if row["outcome"] != "intended"]
    assert (receipt["outcome"], receipt["rows_erased"]) == ("erased", 1)
    assert (receipt["rows_before"], receipt["rows_after"]) == (5, 4)
    assert receipt["vacuumed_at"] is not None
    left = {row["wrapped"] for row in context.lake.ledger.read(DATA_KEY)}
    assert len(left) == 4
    assert story["keys_on_disk"] > left
    assert on_disk(context) == left


def test_no_key_is_in_a_log_a_message_or_a_file(context: JobContext, story: dict[str, Any], spoken: Spoken) -> None:
    held, masters = context.lake.ledger.read(DATA_KEY), master_keys(rotated(context).settings.privacy.encryption)
    keys = [masters.key_of(row) for row in held]
    words = [form for key in keys for form in (key.hex(), base64.b64encode(key).decode())]
    words += ["first master key", "second master key"]
    logging.getLogger("canary").debug("a bird %s", held[0]["key_id"])

    told = "\n".join(spoken.texts) + story["maintained"] + context.progress.stream.getvalue()  # type: ignore[attr-defined]
    search = Search(words)
    assert [word for word in words if word in told] == []
    assert [path.name for path in files_below([context.lake.locations.root]) if search.file(path)] == []
    assert held[0]["key_id"] in told


def test_without_a_current_key_new_rows_lie_in_clear_text_and_old_ones_can_be_read(
    context: JobContext, story: dict[str, Any]
) -> None:
    two = rotated(context)
    off = two.settings.privacy.encryption.model_copy(update={"current": None})
    settings = two.settings.model_copy(update={"privacy": two.settings.privacy.model_copy(update={"encryption": off})})
    vault = Vault(settings, context.lake)
    rows = context.lake.read(RECORD)

    with vault.sealing(rows, settings.sources["crm"]) as same:
        assert same is rows
    (row,) = [row for row in vault.opened(rows).collect() if BOB.first in row["payload"]]
    assert json.loads(row["payload"])["mail"] == BOB.email.upper()
    assert row[STORED].startswith(MARK)
