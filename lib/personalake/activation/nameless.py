"""What a relay says of a recipient, without who they are, however they are spelled."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from personalake.activation.mail import dns_name
from personalake.activation.reasons import BEGINS, ENDS, VALUE
from personalake.activation.spellings import APART, BETWEEN, JOINED, Letters, folded, readings
from personalake.common.mailboxes import one_address

_WORDS, _NAMES, _HOST = re.compile(r"[^\W_]+"), re.compile(r"[^\W\d_]+"), re.compile(r"@\S*")
# Scripts in which a family name of one sign stands before the given name, without a gap.
_FAMILY_FIRST = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]{1,4}")
# A header as it was encoded (RFC 2047), and repeated.
_ENCODED = r"=\?[^?\s]+\?[bq]\?[^?\s]*\?="
# Nobody is called by more words, or longer ones; of a reply, more is not told.
_MOST_WORDS, _LONGEST_WORD, _LONGEST_REPLY = 20, 64, 2_000
# Shorter words of an address, and shorter numbers, are not told from what a reply says in any case.
_WORD, _NUMBER, _NAME = 3, 6, 2
# Shorter ones before the @ count only where an address stands.
_LOCAL, _LOCAL_NUMBER = 3, 4
# Letters from which on a name is found at the beginning or in the midst of a domain, and may have gaps in a reply.
_INSIDE, _WITH_GAPS = 4, 5
_QUOTES = frozenset({"<>", "()", "[]", '""', "''"})
# Letters that stand for a name in joined ones (jadoe).
_CUT_TO = (2, 3)
# What parts say: nothing by themselves; a name of two letters, one that tells who it is, letters that stand for one.
_BESIDE, _SHORT, _TELLS, _CUT = 0, 1, 2, 4
# Who is called so before the @ has a domain of their own: a company's mailbox has another name.
_ONESELF = frozenset({"me", "myself", "i", "hi", "mail", "ich", "moi"})

# For each part what it says, and how many signs may stand between its letters.
_Parts = dict[str, tuple[int, int]]


def nameless(reply: str, to: str) -> str:
    """A reply that names the recipient neither by address nor by name, nor by a domain that is called like them.

    Domains that many share stay: they tell what is wrong. Of a very long reply only the beginning is left.

    Args:
        reply: What a relay says.
        to: Whom the message is for, as a header has it.

    >>> nameless("no such user JANE_DOE at home.example", "jane.doe@home.example")
    'no such user <value> at home.example'
    >>> nameless("janedoe.example: no host for Jane", "Jane D. <jd@janedoe.example>")
    '<value>: no host for <value>'
    """
    found = one_address(unicodedata.normalize("NFC", to))
    reply = unicodedata.normalize("NFC", _beginning(reply))
    if found is None:
        return reply
    name, (local, domain) = _HOST.sub("", found[0]), found[1].rsplit("@", 1)
    hosts, telling = _hosts(domain), _telling(local, name)
    own = [label for host in hosts for label in host.split(".")[:-1] if label and _is_own(label, local, telling)]
    shared = [] if own else _spans("|".join(map(re.escape, hosts)), reply)
    ways = "|".join([*map(re.escape, hosts), *(rf"{re.escape(label)}(?:\.[\w-]+)*" for label in own)])
    spans = _spans(f"{_ENCODED}|{BEGINS}(?:{ways}){ENDS}" if own else _ENCODED, reply)
    parts = _parts(local, name, telling)
    for letters in readings(reply):
        named = [*_named(letters, parts), *_addressed(letters, local, hosts)]
        spans += [span for span in named if not any(begin <= span[0] and span[1] <= end for begin, end in shared)]
    return _without(reply, spans)


def _beginning(reply: str) -> str:
    """Whole words, as far as they may be told."""
    if len(reply) <= _LONGEST_REPLY:
        return reply
    cut = reply[:_LONGEST_REPLY]
    return cut.rpartition(" ")[0] or cut


def _spans(pattern: str, reply: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(pattern, reply, re.IGNORECASE)]


def _without(reply: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with something else instead of some spans, which may overlap."""
    pieces, at = [], 0
    for begin, end in sorted(spans):
        if begin >= at:
            pieces += [reply[at:begin], VALUE]
        at = max(at, end)
    return "".join([*pieces, reply[at:]])


def _hosts(domain: str) -> list[str]:
    """A domain as it is written, as DNS has it, and as people read it."""
    hosts = [domain]
    with suppress(UnicodeError):
        # A relay may have it as an older form of DNS had it.
        wire = domain.encode("idna")
        hosts += [dns_name(domain), wire.decode(), wire.decode("idna")]
    return list(dict.fromkeys(hosts))


def _words(pattern: re.Pattern[str], text: str) -> list[str]:
    return [word[:_LONGEST_WORD] for word in pattern.findall(text)[:_MOST_WORDS]]


def _telling(local: str, name: str) -> set[str]:
    """What names somebody by itself."""
    telling = {one for one in _words(_NAMES, name) if len(one) >= _NAME or _FAMILY_FIRST.fullmatch(one)}
    words = [one for text in (local, name) for pattern in (_NAMES, _WORDS) for one in _words(pattern, text)]
    telling.update(one for one in words if len(one) >= (_NUMBER if one.isdecimal() else _WORD))
    telling.update(one[1:] + one[0] for one in telling.copy() if _FAMILY_FIRST.fullmatch(one))
    telling.update(one[1:] for one in _words(_NAMES, name) if _FAMILY_FIRST.fullmatch(one) and len(one) > _NAME)
    return telling


def _parts(local: str, name: str, telling: Iterable[str]) -> _Parts:
    """What names somebody, and what does so beside it: shorter parts, numbers, initials, first letters."""
    names = [*_words(_NAMES, local), *_words(_NAMES, name)]
    before = "".join(_WORDS.findall(local))
    parts: _Parts = {form[:length]: (_CUT, JOINED) for one in names for form in folded(one) for length in _CUT_TO}
    beside = [*(one[0] for one in names), *_words(_WORDS, local), *_words(_WORDS, name), *names]
    parts |= {form: (_BESIDE, JOINED) for one in beside for form in folded(one)}
    for one in telling:
        is_long = len(one) >= _WORD or bool(_FAMILY_FIRST.fullmatch(one))
        gap = APART if len(one) >= _WITH_GAPS or _FAMILY_FIRST.fullmatch(one) else JOINED
        parts |= {form: (_TELLS if is_long else _SHORT, gap) for form in folded(one)}
    if not _is_short(before):
        parts |= {form: (_TELLS, BETWEEN) for form in folded(before)}
    return parts


def _is_short(before: str) -> bool:
    return len(before) < (_LOCAL_NUMBER if before.isdecimal() else _LOCAL)


def _named(text: Letters, parts: _Parts) -> Iterator[tuple[int, int]]:
    """Where parts follow one another from edge to edge, and one tells; each place is looked at once."""
    by_first: dict[str, list[tuple[str, int, int]]] = {}
    for part, (says, gap) in parts.items():
        if part:
            by_first.setdefault(part[0], []).append((part, says, gap))
    # By place and what was said on the way there: where it began.
    reached: dict[int, dict[int, int]] = {}
    for at, letter in enumerate(text.letters):
        ways = reached.pop(at, {}) if text.is_gap(at, at + 1, BETWEEN) else {}
        if text.is_edge(at):
            ways.setdefault(0, at)
        if not ways:
            continue
        for part, says, gap in by_first.get(letter, ()):
            end = at + len(part)
            if not text.letters.startswith(part, at) or not text.is_gap(at + 1, end, gap):
                continue
            # First letters stand for a name only where they are joined to another.
            for said, begin in ({0: at} if says == _CUT and text.gaps[at] else ways).items():
                now = said | says
                if text.is_edge(end) and (now & _TELLS or now == _SHORT):
                    yield text.span(begin, end)
                if says != _CUT or not text.gaps[end]:
                    there = reached.setdefault(end, {})
                    there[now] = min(begin, there.get(now, begin))


def _addressed(text: Letters, local: str, hosts: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where the address is, and where what is short stands before an @, in brackets or in quotes."""
    before = "".join(_WORDS.findall(local))
    if not before:
        return
    for domain in filter(None, ("".join(_WORDS.findall(host)) for host in hosts)):
        for begin, end in _literally(text, before + domain, BETWEEN):
            yield text.span(begin, end)
    if len(before) >= _NAME and _is_short(before):
        for begin, end in _literally(text, before, APART):
            opened, closed = text.gaps[begin][-1:], text.gaps[end][:1]
            if closed == "@" or opened + closed in _QUOTES:
                yield text.span(begin, end)


def _literally(text: Letters, word: str, gap: int) -> Iterator[tuple[int, int]]:
    """Where a word stands, from edge to edge."""
    for form in folded(word):
        for found in re.finditer(re.escape(form), text.letters):
            begin, end = found.span()
            if text.is_edge(begin) and text.is_edge(end) and text.is_gap(begin + 1, end, gap):
                yield begin, end


def _is_own(label: str, local: str, telling: Collection[str]) -> bool:
    """Whether a part of a domain is called like somebody, as far as their address and name tell."""
    if local.lower() in _ONESELF:
        return True
    pieces = {form for piece in (label.replace("-", ""), *label.split("-")) for form in folded(piece)}
    called = {form for one in (*telling, "".join(_WORDS.findall(local))) for form in folded(one)}
    return any(_is_called(piece, one) for piece in pieces for one in called)


def _is_called(piece: str, name: str) -> bool:
    """Whether one is part of the other; few letters are so by chance, but for all of them, or those at an end."""
    short, long = sorted((piece, name), key=len)
    if len(short) < _WORD:
        return False
    return long.endswith(short) or (len(short) >= _INSIDE and (long.startswith(short) or name in piece))
