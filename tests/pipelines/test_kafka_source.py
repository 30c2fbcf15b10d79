"""Events from a real broker, in KRaft mode, started from its Maven jars by this test."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.ingestion.adapters import read_spec
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
listeners=PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{tls_port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{tls_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location=broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=authority.pem
ssl.client.auth=required
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


@dataclass(frozen=True)
class Broker:
    """Where a broker listens, and the folder of its certificates."""

    plain: str
    tls: str
    folder: Path


def certify(folder: Path) -> None:
    """An authority that signs the broker's and a client's certificates, and one that nobody knows, as PEM files."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())

    def signed(name: str, own: ec.EllipticCurvePrivateKey, issuer: str, is_authority: bool) -> bytes:
        subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer))
        place = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        draft = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(own.public_key())
        dated = draft.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1))
        whole = dated.not_valid_after(now + timedelta(1)).add_extension(x509.BasicConstraints(is_authority, None), True)
        return whole.add_extension(place, False).sign(key, SHA256()).public_bytes(Encoding.PEM)

    (folder / "authority.pem").write_bytes(signed("authority", key, "authority", True))
    for name in ("broker", "client"):
        own = ec.generate_private_key(ec.SECP256R1())
        secret = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(secret + signed(name, own, "authority", False))
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "stranger.pem").write_bytes(signed("stranger", key, "stranger", True))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("kafka")
    certify(folder)
    port, tls_port, controller = free_port(), free_port(), free_port()
    ports = {"port": port, "tls_port": tls_port, "controller": controller}
    (folder / "server.properties").write_text(PROPERTIES.format(**ports, logs=folder / "logs"))
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
        yield Broker(f"127.0.0.1:{port}", f"127.0.0.1:{tls_port}", folder)
    finally:
        process.kill()
        process.wait()


def send(spark: SparkSession, broker: Broker, *events: dict[str, object] | str) -> None:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    frame = spark.createDataFrame([(line,) for line in lines], "value string")
    frame.write.format("kafka").option("kafka.bootstrap.servers", broker.plain).option("topic", "orders").save()


def take_in(settings: Settings, lake: Lake) -> None:
    for job in ("ingest_events", "refine_events"):
        run_job(BY_NAME[job], settings, lake)


def test_messages_become_events_once_with_their_place_in_the_topic(broker: Broker, spark: SparkSession, lake: Lake) -> None:
    source = Source.model_validate(
        {
            "contract": "order_line",
            "kind": "kafka",
            "kafka": {"bootstrap_servers": broker.plain, "topic": "orders"},
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


def read_by_tls(spark: SparkSession, broker: Broker, authority: str) -> list[str]:
    tls = {"authorities": str(broker.folder / authority), "identity": str(broker.folder / "client.pem")}
    kafka = {"bootstrap_servers": broker.tls, "topic": "sealed", "tls": tls}
    source = Source.model_validate({"contract": "order_line", "kind": "kafka", "kafka": kafka, "columns": {}})
    spec = read_spec(source, broker.folder, None)
    rows = spark.read.format(spec.format).options(**spec.options).load()
    return sorted(row["value"] for row in rows.selectExpr("CAST(value AS STRING) AS value").collect())


def test_messages_come_by_tls_from_a_broker_that_proves_who_it_is_to_a_client_that_does(
    broker: Broker, spark: SparkSession
) -> None:
    frame = spark.createDataFrame([("a",), ("b",)], "value string")
    frame.write.format("kafka").option("kafka.bootstrap.servers", broker.plain).option("topic", "sealed").save()

    told = read_by_tls(spark, broker, "authority.pem")
    with pytest.raises(Exception, match=r"SSL handshake failed|SslAuthenticationException"):
        read_by_tls(spark, broker, "stranger.pem")

    assert told == ["a", "b"]
