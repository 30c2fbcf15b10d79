"""A mail as it goes over the wire: RFC 5322 headers, MIME parts.

`email.message.EmailMessage` is slow at folding headers, and encodes a long address to unsubscribe as if it were prose, which
mailboxes then do not find.
"""

import binascii
import re
from collections.abc import Iterable
from email.header import Header
from email.utils import formataddr
from hashlib import sha256
from urllib.parse import quote

# Lines of up to so many characters go as they are, longer ones are folded or encoded (RFC 5322, 2.1.1).
_LINE = 78
_LONG_LINE = re.compile(rb"[^\r\n]{79}")
_LINE_END = re.compile(r"\r\n|\r|\n")
# The same where it is no pair, and what ends a message.
_BARE_END, _FULL_STOP = re.compile(rb"\r(?!\n)|(?<!\r)\n"), re.compile(rb"(?m)^\.")
# A part of an address that may hold anything.
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
# What a URL may hold beside letters and digits (RFC 3986), escapes included.
_IN_URL = "-._~:/?#[]@!$&'()*+,;=%"
_PLAIN_URL = re.compile(rf"(?:[A-Za-z0-9{re.escape(_IN_URL[:-1])}]++|%[0-9A-Fa-f]{{2}})++")
_STRAY_PERCENT, _ORIGIN = re.compile("%(?![0-9A-Fa-f]{2})"), re.compile("(https://)([^/?#@:]+)", re.IGNORECASE)


def header(name: str, text: str) -> str:
    """A line, or several, of one header.

    >>> header("Subject", "Hello"), header("Subject", "Grüße")
    ('Subject: Hello', 'Subject: =?utf-8?b?R3LDvMOfZQ==?=')

    Raises:
        ValueError: If it holds a line end.
    """
    if "\r" in text or "\n" in text:
        raise ValueError(f"{name} holds a line end")
    is_plain = text.isascii() and text.isprintable()
    if is_plain and len(name) + 2 + len(text) <= _LINE and "=?" not in text:
        return f"{name}: {text}"
    # Lines are folded between words: one that is too long for a line only parts if it is encoded.
    is_folded = is_plain and "=?" not in text and max(map(len, text.split(" "))) <= _LINE - len(name) - 2
    charset = "us-ascii" if is_folded else "utf-8"
    return f"{name}: {Header(text, charset, _LINE, name).encode(linesep=chr(13) + chr(10))}"


def address(name: str, mailbox: str) -> str:
    """Who it is, as headers of addresses have it.

    >>> address("Ann, the first", "ann@home.example"), address("Änn", "ann@bücher.example")
    ('"Ann, the first" <ann@home.example>', '=?utf-8?q?=C3=84nn?= <ann@xn--bcher-kva.example>')

    Raises:
        ValueError: If it is no address.
    """
    mailbox = wire_address(mailbox)
    if not name:
        return mailbox
    name = "".join(filter(str.isprintable, name))
    # `formataddr` knows ASCII only.
    if name.isascii() and mailbox.isascii() and len(name) < _LINE and "=?" not in name:
        return formataddr((name, mailbox))
    return f"{Header(name, 'utf-8', _LINE, 'To').encode(linesep=chr(13) + chr(10))} <{mailbox}>"


def wire_address(mailbox: str) -> str:
    """An address, its domain as DNS has it; what stands before the @ stays, and may need SMTPUTF8 (RFC 6531).

    >>> wire_address("ann@bücher.example"), wire_address("jürgen@faß.example")
    ('ann@xn--bcher-kva.example', 'jürgen@xn--fa-hia.example')

    Raises:
        ValueError: If it is none.
    """
    if "@" not in mailbox or " " in mailbox or not mailbox.isprintable():
        raise ValueError("not an address")
    # In a command it stands between such brackets, and would end there.
    if ("<" in mailbox or ">" in mailbox) and re.search("[<>]", _QUOTED.sub("", mailbox)):
        raise ValueError("not an address")
    if mailbox.isascii():
        return mailbox
    local, _, domain = mailbox.rpartition("@")
    return f"{local}@{dns_name(domain)}"


def dns_name(domain: str) -> str:
    """A domain as DNS has it, by IDNA 2008: an `ß` is a letter of its own there, and another owner's than `ss`.

    >>> dns_name("bücher.example"), dns_name("faß.example")
    ('xn--bcher-kva.example', 'xn--fa-hia.example')

    Raises:
        ValueError: If it is none.
    """
    if domain.isascii():
        return domain
    # Part of what sending needs, and names of deliveries are made without it, too.
    from yarl import URL

    found = URL.build(scheme="https", host=domain).raw_host
    if not found:
        raise ValueError("not a domain")
    return found


def on_the_wire(message: bytes) -> bytes:
    r"""A message as it follows DATA (RFC 5321, 4.5.2): lines that begin with a full stop get another one, one alone ends it.

    >>> on_the_wire(b"Subject: a\r\n\r\n.b\n..\r")
    b'Subject: a\r\n\r\n..b\r\n...\r\n.\r\n'
    """
    lines = _BARE_END.sub(b"\r\n", message)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _FULL_STOP.sub(b"..", lines) + b".\r\n"


def in_brackets(url: str) -> str:
    """A URL as RFC 2369 wants it: in angle brackets, never as an encoded word, however long; its host as DNS has it.

    >>> in_brackets("https://bücher.example/ü?a=1&b=%20&off=5%")
    '<https://xn--bcher-kva.example/%C3%BC?a=1&b=%20&off=5%25>'

    Raises:
        ValueError: If its host is none.
    """
    if _PLAIN_URL.fullmatch(url):
        return f"<{url}>"
    if origin := _ORIGIN.match(url):
        url = f"{origin[1]}{dns_name(origin[2])}{url[origin.end() :]}"
    return f"<{quote(_STRAY_PERCENT.sub('%25', url), safe=_IN_URL)}>"


def mail(headers: Iterable[str], text: str | None, html: str | None, seed: str) -> bytes:
    """Headers and parts.

    Args:
        headers: Lines of `header`.
        text: Plain part; null if there is none.
        html: HTML part, an alternative to the plain one.
        seed: What the boundary is made of, so that the same message is the same bytes.
    """
    parts = [_part(kind, content) for kind, content in (("plain", text), ("html", html)) if content]
    head = "\r\n".join([*headers, "MIME-Version: 1.0"]).encode()
    if len(parts) == 1:
        return head + b"\r\n" + parts[0]
    boundary = f"=_{sha256(seed.encode()).hexdigest()[:24]}".encode()
    while any(boundary in part for part in parts):
        boundary += b"_"
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    kind = b'\r\nContent-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n'
    return head + kind + body + b"--" + boundary + b"--\r\n"


def _part(kind: str, content: str) -> bytes:
    """One part with its headers; as it is if it is short-lined ASCII, else by whichever encoding is shorter."""
    raw = _LINE_END.sub("\r\n", content.removesuffix("\n") + "\n").encode()
    how, coded = "7bit", raw
    if not content.isascii() or _LONG_LINE.search(raw) or b"\0" in raw:
        how, coded = "quoted-printable", binascii.b2a_qp(raw)
        if len(coded) > 1.4 * len(raw):
            # Lines of 76 characters hold 57 bytes.
            lines = [binascii.b2a_base64(raw[at : at + 57], newline=False) for at in range(0, len(raw), 57)]
            how, coded = "base64", b"\r\n".join([*lines, b""])
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {how}\r\n\r\n'
    return head.encode() + coded
