"""E-mail against a real SMTP server in this process."""

import json
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from personalake.activation.delivery import Delivery, State
from personalake.activation.receipts.addresses import GONE
from personalake.common.mailboxes import one_address
from tests.activation.connectors.settings import connector_of
from tests.activation.doubles import sent

SAID = {
    "unknown": "550 5.1.1", "moved": "551 5.1.6", "null-mx": "556 5.1.10", "relay": "550 5.1.8", "policy": "550 5.7.1",
    "full": "552 5.2.2", "later": "450 4.1.1", "longer": "550 5.1.100",
}  # fmt: skip


class Mailbox:
    """Keeps what it takes; some addresses are refused, some make it hang up."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        # By recipient: what the message was announced with, and its bytes.
        self.taken: dict[str, tuple[list[str], bytes]] = {}

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address.startswith("gone"):
            return f"550 no such user {address}"
        if (status := address.partition("@")[0]) in SAID:
            return f"{SAID[status]} <{address}>: not taken"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content))
        self.taken[envelope.rcpt_tos[0]] = list(envelope.mail_options), envelope.content
        if envelope.rcpt_tos[0].startswith("lost"):
            assert server.transport is not None
            server.transport.abort()
        return "so be it" if envelope.rcpt_tos[0].startswith("odd") else "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    found = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    yield found, port
    controller.stop()


def mail(name: str, to: str, **more: Any) -> Delivery:
    content = {"to": to, "subject": "Grüße", "text": "Hello", "unsubscribe_url": "https://shop.example/u/1"}
    return Delivery(name, name, "mail", json.dumps({**content, **more}))


def test_a_message_has_a_way_out_in_its_headers(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    _, journal = sent([mail("d1", "ann@home.example", html="<p>Hello</p>")], connector_of("email", port=port))

    (message,) = box.messages
    assert journal.states == {"d1": "accepted"}
    assert message["List-Unsubscribe"] == "<https://shop.example/u/1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == "<d1@shop.example>"
    assert (message["From"], message["To"]) == ("Shop <news@shop.example>", "ann@home.example")
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]


def test_a_way_out_is_one_however_its_scheme_is_written(mailbox: tuple[Mailbox, int]) -> None:
    # RFC 3986, 3.1.
    box, port = mailbox
    found = mail("d1", "ann@home.example", unsubscribe_url="HTTPS://shop.example/u/1", feedback_id=17)

    _, journal = sent([found], connector_of("email", port=port))

    assert journal.outcomes["d1"].state is State.ACCEPTED
    assert box.messages[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert box.messages[0]["Feedback-ID"] == "17"


def test_lines_that_begin_with_a_full_stop_arrive_as_they_are(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    sent([mail("d1", "ann@home.example", text="Hello\n.\n..\n.end")], connector_of("email", port=port))

    (message,) = box.messages
    assert message.get_payload() == "Hello\r\n.\r\n..\r\n.end\r\n"


def test_an_address_beyond_ascii_is_written_to_where_the_relay_can(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    mails = [mail("d1", "Jürgen <jürgen@bücher.example>"), mail("d2", "ann@home.example")]

    _, journal = sent(mails, connector_of("email", port=port))

    assert {one.state for one in journal.outcomes.values()} == {State.ACCEPTED}
    # RFC 6531: asked for where it is needed, and only there.
    assert box.taken.keys() == {"jürgen@xn--bcher-kva.example", "ann@home.example"}
    options, raw = box.taken["jürgen@xn--bcher-kva.example"]
    assert options == ["SMTPUTF8", "BODY=8BITMIME"]
    assert "\r\nTo: =?utf-8?q?J=C3=BCrgen?= <jürgen@xn--bcher-kva.example>\r\n".encode() in raw
    assert (box.taken["ann@home.example"][0], box.taken["ann@home.example"][1].isascii()) == ([], True)


def test_one_refused_address_does_not_keep_the_others_from_theirs(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    _, journal = sent(
        [mail("d1", "ann@home.example"), mail("d2", "gone@home.example"), mail("d3", "cy@home.example")],
        connector_of("email", port=port, max_in_flight=1),
    )

    assert journal.states == {"d1": "accepted", "d2": "rejected", "d3": "accepted"}
    assert journal.outcomes["d2"].reason == "SMTP 550: no such user <value>"
    assert len(box.messages) == 2


def test_an_address_behind_which_nobody_is_is_said_in_words_of_our_own(mailbox: tuple[Mailbox, int]) -> None:
    _, port = mailbox
    mails = [mail(name, f"{name}@home.example", text="no such mailbox there") for name in SAID]

    _, journal = sent(mails, connector_of("email", port=port))

    told = {name for name, outcome in journal.outcomes.items() if outcome.reason in GONE["email"]}
    assert told == {"unknown", "moved", "null-mx"}
    states = {name: state for name, state in journal.states.items() if name not in told}
    assert states == {
        "relay": "rejected",
        "policy": "rejected",
        "full": "rejected",
        "later": "pending",
        "longer": "rejected",
    }


def test_a_lost_reply_after_the_message_is_unknown_and_nobody_gets_it_twice(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    _, journal = sent([mail("d1", "lost@home.example"), mail("d2", "ann@home.example")], connector_of("email", port=port))

    assert journal.outcomes["d1"].state is State.UNKNOWN
    assert journal.outcomes["d2"].state is State.ACCEPTED
    assert sorted(message["To"] for message in box.messages) == ["ann@home.example", "lost@home.example"]


def test_a_relay_that_is_not_there_leaves_mail_pending() -> None:
    _, journal = sent([mail("d1", "ann@home.example")], connector_of("email", port=9))

    assert journal.outcomes["d1"].state is State.PENDING


def test_a_reply_after_the_message_that_says_nothing_is_a_doubt_and_no_reason_to_send_it_again(
    mailbox: tuple[Mailbox, int],
) -> None:
    box, port = mailbox

    _, journal = sent([mail("d1", "odd@home.example"), mail("d2", "ann@home.example")], connector_of("email", port=port))

    assert journal.states == {"d1": "unknown", "d2": "accepted"}
    assert sorted(message["To"] for message in box.messages) == ["ann@home.example", "odd@home.example"]


_ODD = st.text(alphabet="ab1.@-_+ <>\",()=?:;'ä", max_size=24)


@given(st.one_of(_ODD, st.emails(), st.builds("{} <{}>".format, st.sampled_from(["Ann", '"A, B"']), st.emails())))
def test_one_address_is_what_a_reader_of_headers_finds_bare_or_in_brackets_or_none(text: str) -> None:
    read, found = getaddresses([text]), one_address(text)

    assert found is None or [found] == read
    mailbox = read[0][1] if len(read) == 1 else ""
    is_there = text.strip() == mailbox or text.rstrip().endswith(f"<{mailbox}>")
    is_mailbox = mailbox.count("@") == 1 and " " not in mailbox and not mailbox.lower().startswith("mailto:")
    assert (found is not None) == (is_there and is_mailbox)
