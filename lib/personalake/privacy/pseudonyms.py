"""Names of persons for others: keyed, a key for each destination, and versions of keys that follow one another.

A pseudonym is `<version>_<32 hex digits>` of HMAC-SHA-256 over the person id. Without the key nobody can tell whose it is by
trying ids, and two destinations cannot join what they know: each has a key derived from the version's by its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash, keyed_hash_of
from personalake.common.transformation import Transformation
from personalake.config.privacy import PseudonymSettings
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError, InputError

_DIGITS = 32


@dataclass(frozen=True)
class KeyRing:
    """Keys by version; a rotation adds one, makes it current, and keeps the older ones for a while.

    Args:
        keys: Version to key; never shown.
        current: Version of pseudonyms that leave now.
        previous: Versions that are still understood.
    """

    keys: Mapping[str, str] = field(repr=False)
    current: str
    previous: tuple[str, ...] = ()

    def pseudonym(self, destination: str, person_id: str | Column, version: str | None = None) -> Column:
        """A person's name at one destination, null for null.

        Args:
            destination: Name in conf/destinations.yml.
            person_id: Column with the resolved human.
            version: Key version; the current one by default.
        """
        version = version or self.current
        person = F.col(person_id) if isinstance(person_id, str) else person_id
        digest = F.substring(keyed_hash(self._key(destination, version), person), 1, _DIGITS)
        return F.concat(F.lit(f"{version}_"), digest)

    def pseudonym_of(self, destination: str, person_id: str, version: str | None = None) -> str:
        """The same name as `pseudonym`, computed in Python.

        >>> KeyRing({"k1": "secret"}, "k1").pseudonym_of("ads", "p_1")[:10]
        'k1_124676e'
        """
        version = version or self.current
        return f"{version}_{keyed_hash_of(self._key(destination, version), person_id)[:_DIGITS]}"

    def known_as(self, destination: str) -> Transformation:
        """Rows with `person_id` as `person_id` and `pseudonym`, one row for each version that is understood.

        Joined with what a destination sends back, it finds persons by their names of before and after a rotation.
        """
        names = F.array(*(self.pseudonym(destination, "person_id", version) for version in (self.current, *self.previous)))
        return lambda people: people.select("person_id", F.explode(names).alias("pseudonym"))

    def renamed(self, destination: str) -> Transformation:
        """What a destination is told at a rotation: `old` and `new` name of each person, one row for each older version.

        Raises:
            InputError: If no previous version is kept: nothing is left that could be renamed.
        """
        if not self.previous:
            raise InputError("No previous key version is kept.", "Name it under privacy.pseudonyms.previous.")
        pairs = F.array(*(F.struct(self.pseudonym(destination, "person_id", old).alias("old")) for old in self.previous))
        new = self.pseudonym(destination, "person_id").alias("new")
        return lambda people: people.select(F.explode(pairs).alias("pair"), new).select("pair.old", "new")

    def _key(self, destination: str, version: str) -> str:
        if version not in self.keys:
            raise InputError(f"No key has the version {version}.", f"There are: {', '.join(self.keys)}.")
        return keyed_hash_of(self.keys[version], f"destination|{destination}")


def key_ring(settings: PseudonymSettings, secret: Callable[[str], str] = resolve_secret) -> KeyRing:
    """The configured keys of all versions that are understood.

    Raises:
        ConfigError: If none is configured, or a secret is not set.
    """
    if settings.current is None:
        raise ConfigError(["privacy.pseudonyms.keys: a pseudonym needs a key, as secret://scope/key"])
    return KeyRing(
        {version: secret(settings.keys[version]) for version in settings.valid}, settings.current, settings.previous
    )


def pseudonymous(ring: KeyRing | None, destination: str) -> Transformation:
    """Add `pseudonym`, the person's name at a destination; without a ring nothing is added."""

    def named(people: DataFrame) -> DataFrame:
        return people if ring is None else people.withColumn("pseudonym", ring.pseudonym(destination, "person_id"))

    return named
