"""The jars that Spark needs beside its own: which, and where they lie once resolved."""

import os
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
KAFKA_BROKER = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",)


def class_archive() -> Path:
    """Classes that the JVM maps into memory instead of loading them one by one; made once by `setup_archive`."""
    return jar_folder() / "classes.jsa"


def jar_folder() -> Path:
    """Where resolved jars lie: `PERSONALAKE_JARS`, else `.jars` beside the library's checkout."""
    configured = os.environ.get("PERSONALAKE_JARS")
    return Path(configured) if configured else Path(__file__).resolve().parents[2] / ".jars"


def spark_jar_paths() -> list[str]:
    """Absolute paths of the resolved jars for Spark; empty on platforms that bring Delta themselves."""
    return [str(path) for path in sorted((jar_folder() / "spark").glob("*.jar"))]
