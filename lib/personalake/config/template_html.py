"""Where in a page a value may stand: escaping makes it harmless in text and in quoted attributes, and nowhere else."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_CODE = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
_PLACEHOLDER = re.compile(r"{{\s*(\w*).*?}}", re.DOTALL)
_MARK = re.compile(r"pl4ceh0lder_(\w*?)_x")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "background", "poster", "srcset", "cite", "data"})


def html_problems(source: str) -> Iterator[str]:
    """Placeholders of an HTML template whose values could run as code, or lead elsewhere.

    Args:
        source: The template.

    >>> list(html_problems('<a href="{{ name }}" onclick="{{ name }}">{{ name }}</a>'))
    ['name begins the address in href, which only variables that end in _url may', 'name stands in onclick, which runs']
    """
    marked = _PLACEHOLDER.sub(lambda match: f"pl4ceh0lder_{match[1]}_x", _CODE.sub("", source))
    reader = _Reader()
    reader.feed(marked)
    if "<" in reader.rawdata:
        reader.problems.append("a tag or a comment is not closed")
    reader.close()
    yield from dict.fromkeys(reader.problems)


class _Reader(HTMLParser):
    """Collects what is wrong."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.problems: list[str] = []
        self._code: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code = tag if tag in ("script", "style") else None
        if tag == "script":
            self.problems.append("script is not allowed, mail programs do not run it")
        if _MARK.search(tag) or any(_MARK.search(name) for name, _ in attrs):
            self.problems.append("a placeholder stands for a tag or an attribute's name")
        elif _MARK.search(_QUOTED.sub("", self.get_starttag_text() or "")):
            self.problems.append(f"a placeholder stands in an attribute of {tag} without quotes")
        for name, value in attrs:
            self.problems += _of_attribute(name, value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._code = None

    def handle_endtag(self, tag: str) -> None:
        self._code = None

    def handle_data(self, data: str) -> None:
        if self._code is not None and _MARK.search(data):
            self.problems.append(f"a placeholder stands in {self._code}")

    def handle_comment(self, data: str) -> None:
        if _MARK.search(data):
            self.problems.append("a placeholder stands in a comment")


def _of_attribute(name: str, value: str) -> Iterator[str]:
    found = _MARK.search(value)
    if found is None:
        return
    if name.startswith("on"):
        yield f"{found[1]} stands in {name}, which runs"
    elif name == "style":
        yield f"{found[1]} stands in a style"
    elif name in _ADDRESSES and found.start() == len(value) - len(value.lstrip()) and not found[1].endswith("_url"):
        yield f"{found[1]} begins the address in {name}, which only variables that end in _url may"
