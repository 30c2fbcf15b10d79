"""Names of persons for others: keyed, a key for each destination, and versions of keys that follow one another.

A pseudonym is `<version>_<32 hex digits>` of HMAC-SHA-256 over the person id. Without the key nobody can tell whose it is by
trying ids, and two destinations cannot join what they know: each has a key derived from the version's by its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import key_blocks, keyed_hash_by, keyed_hash_of
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

    def named(self, destination: str) -> Transformation:
        """Rows with `person_id` and, added, `pseudonym`: the person's current name at one destination; null for nobody."""
        return lambda people: (
            people.crossJoin(self._key_rows(people, destination, (self.current,)))
            .withColumn("pseudonym", _name())
            .drop("_version", "_inner", "_outer")
        )

    def pseudonym_of(self, destination: str, person_id: str, version: str | None = None) -> str:
        """The same name as `named` gives, or one of another key version, computed in Python.

        >>> KeyRing({"k1": "secret"}, "k1").pseudonym_of("ads", "p_1")[:10]
        'k1_124676e'
        """
        version = version or self.current
        return f"{version}_{keyed_hash_of(self._key(destination, version), person_id)[:_DIGITS]}"

    def known_as(self, destination: str) -> Transformation:
        """Rows with `person_id` as `person_id` and `pseudonym`, one row for each version that is understood.

        Joined with what a destination sends back, it finds persons by their names of before and after a rotation.
        """
        versions = (self.current, *self.previous)
        return lambda people: (
            people.select("person_id")
            .crossJoin(self._key_rows(people, destination, versions))
            .select("person_id", _name().alias("pseudonym"))
        )

    def renamed(self, destination: str) -> Transformation:
        """What a destination is told at a rotation: `old` and `new` name of each person, one row for each older version.

        Raises:
            InputError: If no previous version is kept: nothing is left that could be renamed.
        """
        if not self.previous:
            raise InputError("No previous key version is kept.", "Name it under privacy.pseudonyms.previous.")
        return lambda people: (
            people.select("person_id")
            .transform(self.named(destination))
            .withColumnRenamed("pseudonym", "new")
            .crossJoin(self._key_rows(people, destination, self.previous))
            .select(_name().alias("old"), "new")
        )

    def _key_rows(self, people: DataFrame, destination: str, versions: Sequence[str]) -> DataFrame:
        """Keys as rows, since a literal would show in every query plan, log and error."""
        blocks = [(version, *key_blocks(self._key(destination, version))) for version in versions]
        return F.broadcast(people.sparkSession.createDataFrame(blocks, "_version string, _inner binary, _outer binary"))

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
    return (lambda people: people) if ring is None else ring.named(destination)


def _name() -> Column:
    digest = F.substring(keyed_hash_by(F.col("_inner"), F.col("_outer"), F.col("person_id")), 1, _DIGITS)
    return F.concat("_version", F.lit("_"), digest)
