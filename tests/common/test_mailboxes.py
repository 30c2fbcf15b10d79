"""Texts that are one address, and those by which a mailer would write to somebody under another spelling."""

import pytest

from personalake.common.mailboxes import one_address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ann@x.example", ("", "ann@x.example")),
        ("<ann@x.example>", ("", "ann@x.example")),
        ('"Lee, Ann" <ann@x.example> ', ("Lee, Ann", "ann@x.example")),
        ("jürgen@x.example", ("", "jürgen@x.example")),
        ("(c)ann@x.example", None),
        ("ann@x.example (Ann)", None),
        ('"ann@x.example"', None),
        ("mailto:ann@x.example", None),
        ("<mailto:ann@x.example>", None),
        ("ann@x.example, bob@x.example", None),
        ("friends: ann@x.example;", None),
        ("ann", None),
    ],
)
def test_one_address_is_bare_or_in_brackets(text: str, found: tuple[str, str] | None) -> None:
    assert one_address(text) == found
