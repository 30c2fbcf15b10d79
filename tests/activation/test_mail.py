"""Mails as a mailbox reads them."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from personalake.activation.mail import address, header, in_brackets, mail, wire_address

PRINTED = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))


def read(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def said(content: bytes, kind: str) -> str:
    part = read(content).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@settings(max_examples=80)
@given(text=st.text(PRINTED | st.sampled_from("\n\t =.€"), min_size=1, max_size=300))
@example(text="=\n.\nFrom here\n" + "x" * 500)
@example(text="Привет " * 60)
def test_what_is_read_is_what_was_written_and_no_line_is_too_long(text: str) -> None:
    content = mail([header("Subject", "Hello")], text, f"<p>{text}</p>", "d1")

    assert said(content, "plain") == text.removesuffix("\n") + "\n"
    assert said(content, "html") == f"<p>{text}</p>\n"
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")


@settings(max_examples=80)
@given(subject=st.text(PRINTED, min_size=1, max_size=120).filter(lambda text: text.strip() == text))
@example(subject="=?utf-8?q?not_encoded?=")
@example(subject="Grüße an alle " * 8 + "!")
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    assert " ".join(str(read(mail([header("Subject", subject)], "x", None, "d"))["Subject"]).split()) == " ".join(
        subject.split()
    )


def test_an_address_to_unsubscribe_stays_in_one_piece_however_long_it_is() -> None:
    url = "https://shop.example/u?token=" + "a1" * 200

    content = mail([f"List-Unsubscribe: {in_brackets(url)}"], "x", None, "d")

    assert f"List-Unsubscribe: <{url}>\r\n".encode() in content


def test_no_line_of_a_header_is_too_long_whatever_the_words_in_it() -> None:
    # 998 characters by RFC 5322, and the first line is not left empty.
    subject = f"Your voucher: {'7f3a' * 300} is here"

    line = header("Subject", subject)

    assert max(map(len, line.split("\r\n"))) <= 78
    assert str(read(mail([line], "x", None, "d"))["Subject"]) == subject
    assert not header("Subject", "a" * 100).startswith("Subject: \r\n")


@pytest.mark.parametrize(
    ("url", "written"),
    [
        # RFC 3986, 3.2.2: what DNS is asked for is in its form, and a percent sign begins an escape.
        ("https://bücher.example/ü?a=1", "<https://xn--bcher-kva.example/%C3%BC?a=1>"),
        ("https://shop.example/u?save=5%&to=%C3%BC", "<https://shop.example/u?save=5%25&to=%C3%BC>"),
        ("https://shop.example:8443/u", "<https://shop.example:8443/u>"),
        ("mailto:out@shop.example?subject=stop it", "<mailto:out@shop.example?subject=stop%20it>"),
    ],
)
def test_an_address_to_unsubscribe_can_be_followed(url: str, written: str) -> None:
    assert in_brackets(url) == written


@pytest.mark.parametrize(
    ("mailbox", "written"),
    [
        # By IDNA 2003 this would be fass.example, which is somebody else's.
        ("ann@faß.example", "ann@xn--fa-hia.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ("ann@home.example", "ann@home.example"),
    ],
)
def test_a_domain_is_asked_for_as_its_owner_registered_it(mailbox: str, written: str) -> None:
    assert wire_address(mailbox) == written


@pytest.mark.parametrize(
    ("name", "mailbox", "written"),
    [
        ("", "ann@home.example", "ann@home.example"),
        ("Ann", "ann@home.example", "Ann <ann@home.example>"),
        ("Smith, Ann", "ann@home.example", '"Smith, Ann" <ann@home.example>'),
        ("=?utf-8?q?x?=", "ann@home.example", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <ann@home.example>"),
        ("Änn", "ann@bücher.example", "=?utf-8?q?=C3=84nn?= <ann@xn--bcher-kva.example>"),
        ("Ann", "änn@home.example", "=?utf-8?q?Ann?= <änn@home.example>"),
    ],
)
def test_people_are_named_as_relays_understand_it(name: str, mailbox: str, written: str) -> None:
    assert address(name, mailbox) == written


@pytest.mark.parametrize("mailbox", ["ann@ü..de", "ann", "ann@home.example\r\nBcc: all@home.example", "a b@c.d"])
def test_an_address_that_no_relay_takes_is_refused(mailbox: str) -> None:
    with pytest.raises(ValueError, match=r"not an address|label empty"):
        address("Ann", mailbox)


def test_a_header_never_becomes_two() -> None:
    with pytest.raises(ValueError, match="Subject holds a line end"):
        header("Subject", "Hello\r\nBcc: all@home.example")
