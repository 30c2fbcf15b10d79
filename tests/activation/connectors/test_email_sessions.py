"""E-mail against relays that are slow, rude, out of order, or somebody else."""

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from personalake.activation.delivery import Delivery, Outcome
from personalake.activation.mail import wire_address
from tests.activation.connectors.relay import Relay
from tests.activation.connectors.settings import connector_of
from tests.activation.doubles import sent

LOGIN = {"username": "secret://relay/user", "password": "secret://relay/password"}


def outcome(relay: Relay, text: str = "Hello", whom: str = "ann.smith@home.example", **more: Any) -> Outcome:
    content = {
        "to": whom,
        "subject": "News",
        "text": text,
        "unsubscribe_url": "https://shop.example/u/1",
    }
    settings = {"patience": {"connect_seconds": 20, "reply_seconds": 20}, **more}
    _, journal = sent(
        [Delivery("d1", "p1", "mail", json.dumps(content))], connector_of("email", port=relay.port, **settings)
    )
    return journal.outcomes["d1"]


def to(verb: bytes, reply: bytes) -> Any:
    """An answer to one verb alone."""
    return lambda line: reply if line.upper().startswith(verb) else None


@pytest.mark.parametrize(
    ("verb", "reply", "state"),
    [
        (b"RCPT", b"550 5.1.1 nobody\r\n", "rejected"),
        (b"RCPT", b"251 passed on\r\n", "accepted"),
        (b"RCPT", b"450 later\r\n", "pending"),
        (b"RCPT", b"33 what\r\n", "pending"),
        # What was not allowed to begin has not left.
        (b"DATA", b"451 not now\r\n", "pending"),
        (b"DATA", b"250 ok\r\n", "pending"),
        (b"DATA", b"close", "pending"),
        # An answer that was there before the message is none to it.
        (b"DATA", b"354 go\r\n250 taken\r\n", "pending"),
        # The sender is the same for all: their messages wait until it is right.
        (b"MAIL", b"550 5.7.1 who are you\r\n", "pending"),
        (b"MAIL", b"550 5.1.1 nobody\r\n", "pending"),
        (b".", b"550 5.1.1 nobody\r\n", "rejected"),
        (b".", b"252 taken\r\n", "accepted"),
        (b".", b"554 spam\r\n", "rejected"),
        (b".", b"451 later\r\n", "pending"),
        (b".", b"25 OK\r\n", "unknown"),
        (b".", b"so be it\r\n", "unknown"),
    ],
)
def test_only_what_is_said_or_not_said_of_the_message_itself_is_a_doubt(verb: bytes, reply: bytes, state: str) -> None:
    with Relay(to(verb, reply)) as relay:
        assert outcome(relay).state.value == state


def test_where_a_relay_knows_ascii_only_who_is_beyond_it_is_refused_and_a_sender_stops_all() -> None:
    with Relay() as relay:
        of_one = outcome(relay, whom="jürgen@home.example")
        of_all = outcome(relay, sender="Shop <grüße@shop.example>")

    assert (str(of_one.state), of_one.reason) == ("rejected", "an address needs SMTPUTF8, which the relay does not offer")
    assert str(of_all.state) == "pending"
    assert not [line for line in relay.heard if "MAIL" in line]


def test_a_reply_in_another_encoding_that_names_the_recipient_can_be_written_down_and_names_nobody() -> None:
    with Relay(to(b"RCPT", "552 boîte de ann.smith pleine\r\n".encode("latin-1"))) as relay:
        reason = outcome(relay).reason or ""

    assert (reason.encode(), "smith" in reason) == (
        "SMTP 552: bo\N{REPLACEMENT CHARACTER}te de <value> pleine".encode(),
        False,
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("user ANN.SMITH unknown", "user <value> unknown"),
        ("mailbox of Ann Smith is full", "mailbox of <value> is full"),
        ("smithereens", "smithereens"),
    ],
)
def test_a_refusal_names_nobody_however_the_name_is_spelled(said: str, told: str) -> None:
    with Relay(to(b"RCPT", f"552 {said}\r\n".encode())) as relay:
        assert outcome(relay).reason == f"SMTP 552: {told}"


@pytest.mark.parametrize(("verb", "code"), [(b"MAIL", 550), (b"RCPT", 450), (b"DATA", 554), (b".", 552)])
def test_neither_the_name_before_an_address_nor_a_domain_of_its_own_is_said_at_any_step(verb: bytes, code: int) -> None:
    reply = f"{code} no host janesmythe.example for Smythe, jane%2Esmythe\r\n".encode()

    with Relay(to(verb, reply)) as relay:
        reason = outcome(relay, whom="Jane Smythe <post@janesmythe.example>").reason or ""

    assert reason.endswith(f"SMTP {code}: no host <value> for <value>")


def test_a_login_that_does_not_work_for_now_is_tried_again_and_a_wrong_one_stops() -> None:
    reasons = []
    for reply in (b"454 4.7.0 later\r\n", b"535 5.7.8 no\r\n"):
        with Relay(to(b"AUTH", reply)) as relay:
            reasons.append(outcome(relay, **LOGIN).reason)

    assert reasons[0] == "given up after 8 tries: SMTP 454 at login"
    assert "the relay refuses user and password" in (reasons[1] or "")


def test_a_message_that_is_given_up_does_not_arrive_while_it_is_sent_again() -> None:
    goes_on, begun = threading.Event(), count()

    def first_is_slow() -> None:
        if next(begun) == 0:
            goes_on.wait(20)
        else:
            goes_on.set()
            relay.cut_off.wait(1)

    with Relay(after_go=first_is_slow) as relay:
        patience = {"connect_seconds": 3, "reply_seconds": 2}
        found = outcome(relay, text=("y" * 70 + "\n") * 60_000, patience=patience, unknown="at_least_once")

        assert (found.state.value, len(relay.messages), relay.cut_off.is_set()) == ("accepted", 1, True)


def test_who_calls_is_told_by_a_full_name_or_an_address() -> None:
    with Relay() as relay:
        outcome(relay)

    name = relay.heard[0].split(" ")[-1]
    assert relay.heard[0].startswith("plain ehlo") or relay.heard[0].startswith("plain EHLO")
    assert "." in name or name.startswith("[")


@pytest.mark.parametrize("mailbox", ["ann@home.example>RET=HDRS", "a@[x>y]", '"a"<b@x.example'])
def test_an_address_does_not_end_before_its_end(mailbox: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        wire_address(mailbox)
    assert wire_address('"a>b"@x.example') == '"a>b"@x.example'


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of this machine, and of another host; each with its key."""
    return {
        name: _signed_by_itself(name, tmp_path_factory.mktemp("tls") / "one.pem") for name in ("localhost", "other.example")
    }


def _signed_by_itself(host: str, path: Path) -> Path:
    key, now, a_day = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC), timedelta(1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - a_day, now + a_day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return path


@pytest.mark.parametrize(
    ("trusted", "shown", "state"),
    [
        ("localhost", "localhost", "accepted"),
        ("other.example", "localhost", "pending"),
        ("other.example", "other.example", "pending"),
        ("localhost", None, "pending"),
    ],
    ids=["right", "not trusted", "another host's", "not offered"],
)
def test_neither_a_password_nor_a_message_leaves_in_clear_or_to_somebody_else(
    certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch, trusted: str, shown: str | None, state: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[trusted]))
    context = None
    if shown is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates[shown])

    with Relay(tls=context) as relay:
        found = outcome(relay, host="localhost", security="starttls", **LOGIN)

    secret = [line for line in relay.heard if line.split()[1].upper() in ("AUTH", "MAIL", "RCPT", "DATA")]
    assert found.state.value == state
    assert all(line.startswith("tls ") for line in secret)
    assert bool(secret) == (state == "accepted")
