import pytest
from pyspark.sql import SparkSession

from personalake.common.hashing import key_blocks
from personalake.config.privacy import PseudonymSettings
from personalake.errors import ConfigError, InputError
from personalake.privacy.pseudonyms import KeyRing, key_ring, pseudonymous

PEOPLE = ("p_1", "p_2")
BEFORE = KeyRing({"k1": "old secret"}, "k1")
ROTATED = KeyRing({"k1": "old secret", "k2": "new secret"}, "k2", ("k1",))


def test_spark_and_python_give_a_person_the_same_name_and_nobody_none(spark: SparkSession) -> None:
    people = spark.createDataFrame([("p_1",), (None,)], "person_id string")

    named, nobody = people.transform(pseudonymous(ROTATED, "ads")).collect()

    assert named["pseudonym"] == ROTATED.pseudonym_of("ads", "p_1")
    assert named["pseudonym"].startswith("k2_")
    assert nobody["pseudonym"] is None


def test_a_key_stands_in_no_query_plan(spark: SparkSession) -> None:
    people = spark.createDataFrame([("p_1",)], "person_id string")

    plan = people.transform(ROTATED.named("ads"))._jdf.queryExecution().toString()

    blocks = key_blocks(ROTATED._key("ads", "k2"))
    assert "sha2" in plan
    assert not any(block.hex().upper()[:16] in plan.upper() for block in blocks)


def test_two_destinations_cannot_join_what_they_know() -> None:
    names = {BEFORE.pseudonym_of(destination, "p_1") for destination in ("ads", "mail")}

    assert len(names) == 2
    assert all("p_1" not in name and "old secret" not in name for name in names)


def test_during_a_rotation_old_and_new_names_are_understood_and_after_it_the_new_only(spark: SparkSession) -> None:
    people = spark.createDataFrame([(person,) for person in PEOPLE], "person_id string")
    told = {BEFORE.pseudonym_of("ads", "p_1"), ROTATED.pseudonym_of("ads", "p_2")}

    def recognised(ring: KeyRing) -> set[str]:
        known = people.transform(ring.known_as("ads")).collect()
        return {row["person_id"] for row in known if row["pseudonym"] in told}

    assert recognised(ROTATED) == {"p_1", "p_2"}
    assert recognised(KeyRing({"k2": "new secret"}, "k2")) == {"p_2"}


def test_a_rotation_tells_a_destination_the_new_name_of_each_old_one(spark: SparkSession) -> None:
    people = spark.createDataFrame([("p_1",)], "person_id string")

    pairs = people.transform(ROTATED.renamed("ads")).collect()

    assert [tuple(pair) for pair in pairs] == [(BEFORE.pseudonym_of("ads", "p_1"), ROTATED.pseudonym_of("ads", "p_1"))]
    with pytest.raises(InputError, match="No previous key version"):
        BEFORE.renamed("ads")


def test_keys_come_from_secrets_and_are_never_shown() -> None:
    settings = PseudonymSettings(
        keys={"k1": "secret://pseudonyms/one", "k2": "secret://pseudonyms/two", "k3": "secret://pseudonyms/gone"},
        current="k2",
        previous=("k1",),
    )

    ring = key_ring(settings, {"secret://pseudonyms/one": "old secret", "secret://pseudonyms/two": "new secret"}.__getitem__)

    assert ring == ROTATED
    assert "secret" not in repr(ring)
    with pytest.raises(ConfigError, match="needs a key"):
        key_ring(PseudonymSettings())


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"keys": {"k1": "the key itself"}, "current": "k1"}, "expected a reference"),
        ({"keys": {"k1": "secret://a/b"}}, "current is missing"),
        ({"keys": {"k1": "secret://a/b"}, "current": "k2"}, "no key for version k2"),
        ({"keys": {"k1": "secret://a/b"}, "current": "k1", "previous": ["k1"]}, "current version and a previous one"),
        ({"keys": {"K_1": "secret://a/b"}, "current": "K_1"}, "small letters and digits"),
    ],
)
def test_keys_that_do_not_fit_together_are_refused(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        PseudonymSettings.model_validate(settings)
