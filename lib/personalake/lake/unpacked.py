"""Files as bytes, unpacked where they are packed."""

import gzip
import io
from pathlib import Path


def opened(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """The bytes of a file, unpacked if it is a gzip."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
