"""Raw payloads at rest under a key for each person: who destroys the key has destroyed the payload, in every copy.

A payload becomes `aes1:<key id>:<base64 of nonce, AES-256-GCM ciphertext and tag>`; source and key id are authenticated with
it. Keys of persons ("data keys") are made by chance and kept wrapped by a master key, which is a secret.
"""

import base64
import os
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_by, keyed_hash_of
from personalake.common.spellings import spellings
from personalake.common.standardise import standard_value
from personalake.config.privacy import EncryptionSettings
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError
from personalake.privacy.subject import Subject

MARK = "aes1:"
_KEY_BYTES, _NONCE_BYTES, _ID_BYTES = 32, 12, 12
_PREFIX = "payload"


@dataclass(frozen=True)
class MasterKeys:
    """Master keys by version; a rotation adds one, makes it current, and wraps every data key anew.

    Args:
        keys: Version to secret of 32 characters or more; never shown.
        current: Version that wraps new keys; None encrypts nothing any more.
    """

    keys: Mapping[str, str] = field(repr=False)
    current: str | None

    def new_key(self, subject: str) -> dict[str, Any]:
        """A row of `bronze.data_key` with a new key for a subject."""
        key_id = os.urandom(_ID_BYTES).hex()
        return {"key_id": key_id, "subject": subject, **self._wrapped(key_id, AESGCM.generate_key(_KEY_BYTES * 8))}

    def key_of(self, row: Mapping[str, Any]) -> bytes:
        """The key in a row of `bronze.data_key`.

        Raises:
            ConfigError: If the master key of its version is not configured, or is another one.
        """
        version, wrapped = row["master_version"], base64.b64decode(row["wrapped"])
        try:
            return self._cipher(version).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], row["key_id"].encode())
        except InvalidTag as error:
            raise ConfigError(
                [f"privacy.encryption.keys.{version}: not the key under which payloads were encrypted"]
            ) from error

    def rewrapped(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The same row with its key under the current master key."""
        return {**row, **self._wrapped(row["key_id"], self.key_of(row))}

    def _wrapped(self, key_id: str, key: bytes) -> dict[str, Any]:
        assert self.current is not None, "without a current version nothing is encrypted"
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher(self.current).encrypt(nonce, key, key_id.encode())
        return {"master_version": self.current, "wrapped": base64.b64encode(sealed).decode()}

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        return {version: AESGCM(_derived(key)) for version, key in self.keys.items()}

    def _cipher(self, version: str) -> AESGCM:
        if version not in self.keys:
            there = ", ".join(self.keys) or "none"
            raise ConfigError(
                [f"privacy.encryption.keys: payloads are encrypted under version {version}; there are: {there}"]
            )
        return self._ciphers[version]


def master_keys(settings: EncryptionSettings, secret: Callable[[str], str] = resolve_secret) -> MasterKeys:
    """The configured master keys.

    Raises:
        ConfigError: If a secret is not set, or too short to be one.
    """
    keys = {version: secret(reference) for version, reference in settings.keys.items()}
    short = [
        f"privacy.encryption.keys.{name}: fewer than 32 characters" for name, key in keys.items() if len(key) < _KEY_BYTES
    ]
    if short:
        raise ConfigError(short)
    return MasterKeys(keys, settings.current)


def subject_column(identifying: Sequence[tuple[Column, str]], calling_code: str, inner: Column, outer: Column) -> Column:
    """Whose a raw row is: the keyed hash of the first identifier that it has, or of its source and day if it has none.

    Args:
        identifying: Texts of identifiers, each with the kind of it, the most telling first.
        calling_code: Country calling code of phone numbers that are written without one.
        inner: Inner block of the hash's key, a column: a literal would show in query plans.
        outer: Outer block of it.
    """
    named = [
        F.concat(F.lit(f"{_PREFIX}|{kind}|"), F.coalesce(standard_value(F.lit(kind), text, calling_code), text))
        for text, kind in identifying
    ]
    nobody = F.concat_ws("|", F.lit(f"{_PREFIX}||nobody"), "source", F.to_date("landed_at").cast("string"))
    return keyed_hash_by(inner, outer, F.coalesce(*named, nobody))


def subjects_of(subject: Subject, key: str, calling_code: str) -> Iterator[str]:
    """Hashes under which the payloads of a person may lie, computed in Python."""
    for kind, value in sorted(subject.alone | subject.accounts):
        for text in sorted(spellings(kind, value, calling_code)):
            yield keyed_hash_of(key, f"{_PREFIX}|{kind}|{text}")


def sealed(payload: Column, source: Column, key_id: Column, key: Column) -> Column:
    """A payload encrypted by Spark; the nonce is made by chance for each row."""
    text = F.aes_encrypt(
        payload.cast("binary"), key, F.lit("GCM"), F.lit("DEFAULT"), F.lit("").cast("binary"), _authenticated(source, key_id)
    )
    # Spark's base64 breaks lines.
    return F.concat(F.lit(MARK), key_id, F.lit(":"), F.translate(F.base64(text), "\r\n", ""))


def opened(payload: Column, source: Column, key: Column) -> Column:
    """A payload in clear text; as it is if it is not encrypted, if its key is gone, or if somebody changed it."""
    body = F.try_to_binary(F.split_part(payload, F.lit(":"), F.lit(3)), F.lit("base64"))
    plain = F.try_aes_decrypt(body, key, F.lit("GCM"), F.lit("DEFAULT"), _authenticated(source, key_id_of(payload)))
    return F.when(payload.startswith(MARK), F.coalesce(plain.cast("string"), payload)).otherwise(payload)


def key_id_of(payload: Column) -> Column:
    """Id of the key of an encrypted payload, null for another."""
    return F.when(payload.startswith(MARK), F.split_part(payload, F.lit(":"), F.lit(2)))


def opened_text(payload: str, source: str, key_of: Callable[[str], bytes | None]) -> str:
    """The same as `opened`, computed in Python; `key_of` gives the key of an id, None if it is gone."""
    if not payload.startswith(MARK):
        return payload
    _, key_id, body = [*payload.split(":", 2), "", ""][:3]
    key = key_of(key_id)
    if key is None:
        return payload
    try:
        text = base64.b64decode(body)
        aad = f"{source}|{key_id}".encode()
        return AESGCM(key).decrypt(text[:_NONCE_BYTES], text[_NONCE_BYTES:], aad).decode("utf-8", "replace")
    except (InvalidTag, NotBase64, ValueError):
        return payload


def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"personalake data keys").derive(secret.encode())


def _authenticated(source: Column, key_id: Column) -> Column:
    """Authenticated with each payload: it cannot be put below another source or key."""
    return F.concat(source, F.lit("|"), key_id)
