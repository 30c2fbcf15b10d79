"""Events from a real broker, in KRaft mode, started from its Maven jars by this test."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import date

import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.jars import jar_folder
from personalake.lake import Lake
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import run_job
from personalake.tables.bronze import EVENT as BRONZE_EVENT
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import EVENT

pytestmark = pytest.mark.broker
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("kafka")
    port, controller = free_port(), free_port()
    (folder / "server.properties").write_text(PROPERTIES.format(port=port, controller=controller, logs=folder / "logs"))
    java = [shutil.which("java") or "java", "-Xmx256m", "-cp", f"{jar_folder() / 'kafka'}/*"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": {**os.environ}}
    cluster = ["-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", "server.properties"]
    subprocess.run([*java, "kafka.tools.StorageTool", "format", *cluster], check=True, timeout=120, **quiet)
    process = subprocess.Popen([*java, "kafka.Kafka", "server.properties"], **quiet)
    try:
        deadline = time.monotonic() + 120
        while not answers(port):
            assert process.poll() is None, "the broker ended while starting"
            assert time.monotonic() < deadline, "the broker did not start within 120 s"
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def send(spark: SparkSession, broker: str, *events: dict[str, object] | str) -> None:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    frame = spark.createDataFrame([(line,) for line in lines], "value string")
    frame.write.format("kafka").option("kafka.bootstrap.servers", broker).option("topic", "orders").save()


def take_in(settings: Settings, lake: Lake) -> None:
    for job in ("ingest_events", "refine_events"):
        run_job(BY_NAME[job], settings, lake)


def test_messages_become_events_once_with_their_place_in_the_topic(broker: str, spark: SparkSession, lake: Lake) -> None:
    source = Source.model_validate(
        {
            "contract": "order_line",
            "kind": "kafka",
            "kafka": {"bootstrap_servers": broker, "topic": "orders"},
            "currency": "EUR",
            "columns": {
                "event_id": "id",
                "order_id": "id",
                "product_id": {"constant": "i1"},
                "quantity": {"constant": "1"},
                "amount": "paid",
                "occurred_at": "at",
            },
        }
    )
    settings = Settings(root=lake.locations.root, sources={"till": source}, as_of=date(2017, 12, 1))
    send(spark, broker, *({"id": f"e{n}", "paid": 1.5, "at": "2017-03-01T10:00:00Z"} for n in range(5)), "no json")

    take_in(settings, lake)
    send(spark, broker, {"id": "e0", "paid": 1.5, "at": "2017-03-01T10:00:00Z"}, {"id": "e9", "paid": 2, "at": "2017-03-02"})
    take_in(settings, lake)

    assert sorted(row["event_id"] for row in lake.ledger.read(EVENT)) == ["e0", "e1", "e2", "e3", "e4", "e9"]
    places = [row["source_file"] for row in lake.ledger.read(BRONZE_EVENT)]
    assert len(places) == len(set(places)) == 8
    assert all(place.startswith("orders-") for place in places)
    rows = lake.ledger.read(DATA_HEALTH)
    assert sum(row["rows_in"] for row in rows) == 8
    assert sum(row["rows_quarantined"] for row in rows) == 1
    assert all(row["balanced"] for row in rows)
