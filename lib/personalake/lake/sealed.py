"""What of a file nobody here can open: encrypted, or packed in a way that is not known."""

import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO

AVRO = b"Obj\x01"
_TAIL = 8


class Sealed(bytes):
    """In the place of what is not opened: what it is, in words. Nobody can say what stands inside."""


def sealed(head: bytes) -> Iterator[Sealed]:
    """What a file is that is known by its beginning and not opened; nothing of all others."""
    return (Sealed(what) for magic, what in _CLOSED.items() if head.startswith(magic))


def is_whole(stream: BinaryIO, head: bytes) -> bool:
    """Whether it is what it begins like: a table that ends as such files do, or begins with its schema."""
    stream.seek(0, io.SEEK_END)
    stream.seek(max(0, stream.tell() - _TAIL))
    tail = stream.read()
    told = any(head.startswith(magic) and magic in tail for magic in (b"PAR1", b"ARROW1", b"ORC"))
    return told or (head.startswith(AVRO) and b"avro.schema" in head)


_CLOSED: Mapping[bytes, bytes] = {
    b"PARE": b"an encrypted Parquet file",
    b"7z\xbc\xaf\x27\x1c": b"a 7z archive",
    b"Rar!\x1a\x07": b"a RAR archive",
    b"LZIP": b"packed by lzip",
    b"\x1f\x9d": b"packed by compress",
    b"\xff\x06\x00\x00sNaPpY": b"packed by snappy",
    b"-----BEGIN PGP MESSAGE": b"encrypted by PGP",
    b"age-encryption.org/": b"encrypted by age",
    b"Salted__": b"encrypted by OpenSSL",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": b"an Office file of the old kind, or one with a password",
    b"%PDF-": b"a PDF",
}
