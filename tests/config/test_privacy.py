"""What the settings must satisfy together: purposes, encryption on the way, names for destinations."""

from typing import Any

import pytest

from personalake.config import Settings
from personalake.config.lawful import deaf_rules, deaf_syncs, lawful_problems
from personalake.config.sources import Source
from personalake.errors import ConfigError
from personalake.ingestion.adapters import read_spec
from personalake.tables import Field
from personalake.tables.features import CHURN_FEATURES, declared_for

KAFKA: dict[str, Any] = {"bootstrap_servers": "k:9093", "topic": "t"}
DATABASE = {"url": "jdbc:postgresql://crm/crm", "table": "t", "watermark": "w", "tls": "off"}
ORDERS: dict[str, Any] = {"contract": "order_line", "kind": "kafka", "columns": {"order_id": "order"}}
WEBHOOK = {"kind": "webhook", "url": "http://10.0.0.7/hook", "secret": "secret://hook/key", "allow_private": True}
SEGMENT = {"dialect": "segment_batch", "purposes": ["personalisation"], "max_items": 1, "max_bytes": 100_000}


def problems(**settings: Any) -> list[str]:
    return [f"{'.'.join(key)}: {text}" for key, text in lawful_problems(Settings.model_validate(settings))]


def test_a_purpose_that_the_company_does_not_declare_is_refused_wherever_it_is_asked_for() -> None:
    rule = {"name": "r", "when": "orders > 1", "action": "a", "channel": "email", "purpose": "mailing", "reason": "because"}

    found = problems(
        privacy={"purposes": ["personalisation"], "signals": {}},
        decisions={"rules": [rule]},
        destinations={"ads": {**SEGMENT, "purposes": ["personalisation", "ad_sale"]}},
    )

    assert [problem.split(" is a purpose")[0] for problem in found] == [
        "decisions.rules.0.purpose: 'mailing'",
        "destinations.ads.purposes: 'ad_sale'",
    ]


def test_a_sync_that_does_not_hear_who_unsubscribes_on_its_channel_is_told() -> None:
    mail = {"kind": "email", "host": "127.0.0.1", "security": "none", "sender": "a@shop.example"}
    push = {"kind": "onesignal", "app_id": "a", "api_key": "secret://app/key", "subscribers": 9}
    everybody = {"where": "customer_id IS NOT NULL"}
    rules = [
        {"name": name, "when": "true", "action": name, "channel": "email", "purpose": purpose, "reason": "because"}
        for name, purpose in (("coupon", "email_marketing"), ("hint", "personalisation"))
    ]
    syncs = {
        "hears": (everybody, "mail", ["email_marketing"]),
        "deaf": (everybody, "mail", ["personalisation"]),
        "no_channel": (everybody, "files", ["personalisation"]),
        "deaf_push": (everybody, "push", ["email_marketing"]),
        "decided": ({"decisions": {"actions": ["coupon"]}}, "mail", ["personalisation"]),
        "decided_deaf": ({"decisions": {}}, "mail", ["personalisation"]),
    }
    settings = Settings.model_validate(
        {
            "connections": {"mail": mail, "push": push, "files": {"kind": "csv_drop", "folder": "x", "columns": ["id"]}},
            "decisions": {"rules": rules},
            "audiences": {
                name: {"audience": audience, "destination": place, "mode": "insert", "purposes": purposes, "channel": "push"}
                for name, (audience, place, purposes) in syncs.items()
            },
        }
    )

    assert list(deaf_syncs(settings)) == [
        ("deaf", "email_marketing"), ("deaf_push", "push_marketing"), ("decided_deaf", "email_marketing"),
    ]  # fmt: skip


def test_a_rule_that_does_not_ask_for_its_channel_s_purpose_is_told_and_one_for_another_channel_is_not() -> None:
    rules = [
        {
            "name": f"{channel}, {purpose}",
            "when": "true",
            "action": "a",
            "channel": channel,
            "purpose": purpose,
            "reason": "x",
        }
        for channel in ("push", "letter")
        for purpose in ("push_marketing", "analytics")
    ]

    assert list(deaf_rules(Settings.model_validate({"decisions": {"rules": rules}}))) == [
        ("push, analytics", "push_marketing")
    ]


def test_features_of_a_purpose_that_the_company_does_not_have_are_refused() -> None:
    found = problems(privacy={"purposes": ["statistics"], "signals": {}})

    assert any(problem.startswith("privacy.purposes: 'personalisation' is missing") for problem in found)


def test_a_model_s_purpose_is_one_of_the_company_s() -> None:
    found = problems(
        privacy={"purposes": ["personalisation"], "signals": {}},
        models={"churn": {"purpose": "guessing", "training_purpose": "learning"}},
        recommender={"purpose": "guessing"},
        segments={"purpose": "grouping"},
    )

    assert [problem.split(" is a purpose")[0] for problem in found] == [
        "models.churn.purpose: 'guessing'",
        "models.churn.training_purpose: 'learning'",
        "recommender.purpose: 'guessing'",
        "segments.purpose: 'grouping'",
    ]


def test_a_signal_speaks_for_declared_purposes_only() -> None:
    with pytest.raises(ValueError, match="signals speak for resale"):
        problems(privacy={"purposes": ["personalisation"], "signals": {"gpc": ["resale"]}})


def test_a_feature_without_a_purpose_cannot_be_declared() -> None:
    assert all(feature.purposes for feature in CHURN_FEATURES)

    with pytest.raises(ConfigError, match="feature shoe_size has no purpose"):
        declared_for((), [Field("recency", "double", "Days", purposes=("p",)), Field("shoe_size", "double", "Size")])


@pytest.mark.parametrize(("environment", "count"), [("local", 0), ("prod", 3)])
def test_outside_of_ones_own_machine_every_way_is_encrypted(environment: str, count: int) -> None:
    ways = {
        "sources": {
            "orders": {**ORDERS, "kafka": KAFKA},
            "off": {**ORDERS, "enabled": False, "kafka": KAFKA},
            "crm": {**ORDERS, "kind": "jdbc", "database": DATABASE},
        },
        "connections": {"hook": WEBHOOK},
    }

    assert len(problems(environment=environment, **ways)) == count
    assert len(problems(environment=environment, privacy={"require_tls": count == 0}, **ways)) == 3 - count


@pytest.mark.parametrize(
    ("url", "options", "is_fine"),
    [
        ("jdbc:sqlserver://crm", {}, False),
        ("jdbc:sqlserver://crm", {"trustServerCertificate": "true", "encrypt": "false"}, False),
        ("jdbc:sqlserver://crm;encrypt=strict", {}, True),
        ("jdbc:mysql://crm/crm?sslMode=PREFERRED", {}, False),
        ("jdbc:mysql://crm/crm", {"sslMode": "VERIFY_IDENTITY"}, True),
    ],
)
def test_what_is_left_to_the_driver_must_ask_the_driver_to_encrypt(url: str, options: dict[str, str], is_fine: bool) -> None:
    database = {**DATABASE, "url": url, "driver": "d", "tls": "own", "options": options}
    sources = {"crm": {**ORDERS, "kind": "jdbc", "database": database}}

    found = problems(environment="prod", sources=sources)

    assert [problem.partition(":")[0] for problem in found] == ([] if is_fine else ["sources.crm.database.tls"])
    assert problems(environment="local", sources=sources) == []


def test_encrypted_ways_are_let_through() -> None:
    sasl = {**KAFKA, "options": {"kafka.security.protocol": "SASL_SSL"}}

    assert (
        problems(
            environment="prod",
            sources={"tls": {**ORDERS, "kafka": {**KAFKA, "tls": {}}}, "sasl": {**ORDERS, "kafka": sasl}},
            connections={"hook": {**WEBHOOK, "url": "https://hooks.example/x"}},
        )
        == []
    )


def test_tls_reaches_the_options_of_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONALAKE_SECRET_KAFKA_KEY", "s3cret")
    tls = {"authorities": "/etc/ca.pem", "identity": "/etc/me.pem", "key_password": "secret://kafka/key"}
    source = Source.model_validate({**ORDERS, "kafka": {**KAFKA, "tls": tls}})

    options = read_spec(source, inbox=None, header=None).options  # type: ignore[arg-type]

    assert {key: value for key, value in options.items() if "ssl" in key or "security" in key} == {
        "kafka.security.protocol": "SSL",
        "kafka.ssl.endpoint.identification.algorithm": "https",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.location": "/etc/ca.pem",
        "kafka.ssl.keystore.type": "PEM",
        "kafka.ssl.keystore.location": "/etc/me.pem",
        "kafka.ssl.key.password": "s3cret",
    }


@pytest.mark.parametrize(
    ("tls", "options", "fault"),
    [
        ({}, {"kafka.security.protocol": "PLAINTEXT"}, "tls is set, but"),
        ({"key_password": "hunter2"}, {}, "expected a reference"),
    ],
)
def test_a_half_encrypted_kafka_is_refused(tls: dict[str, str], options: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Source.model_validate({**ORDERS, "kafka": {**KAFKA, "tls": tls, "options": options}})


def test_a_destination_that_knows_persons_by_pseudonyms_needs_a_key() -> None:
    destinations = {"ads": {**SEGMENT, "identifier": "pseudonym"}}
    keys = {"pseudonyms": {"keys": {"k1": "secret://pseudonyms/k1"}, "current": "k1"}}

    assert problems(destinations=destinations) == [
        "destinations.ads.identifier: a pseudonym needs a key; name one under privacy.pseudonyms.keys"
    ]
    assert problems(destinations=destinations, privacy=keys) == []


def test_a_sync_that_reads_pseudonyms_needs_a_key() -> None:
    sync = {"audience": {"where": "orders > 1"}, "purposes": ["personalisation"], "destination": "x", "key": "pseudonym"}
    keys = {"pseudonyms": {"keys": {"k1": "secret://pseudonyms/k1"}, "current": "k1"}}

    assert problems(audiences={"ads": sync}) == [
        "audiences.ads: reads pseudonym, which needs a key; name one under privacy.pseudonyms.keys"
    ]
    assert problems(audiences={"ads": sync}, privacy=keys) == []
    assert problems(audiences={"ads": {**sync, "enabled": False}}) == []
