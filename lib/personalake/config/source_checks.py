"""Whether sources fit their files and one another: what nothing would heed, columns that cannot be, rows read twice."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

from personalake.config.identity import IDENTIFIERS
from personalake.config.nearest import closest, nearest
from personalake.config.sources import ELEMENT, POSITION, Source
from personalake.config.sql import columns_of, roots_read

# Keys of records are source:record_id, and folders of inboxes are called after sources.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OF_CSV = ("separator", "quote", "header", "multiline")
Problem = tuple[tuple[str, ...], str]


def source_set_problems(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Key and text of everything that does not fit, in sources that are enabled.

    Args:
        sources: conf/sources/.
    """
    active = {name: source for name, source in sorted(sources.items()) if source.enabled}
    for name, source in active.items():
        if not _NAME.fullmatch(name):
            meant = re.sub(r"[^A-Za-z0-9_.-]+", "_", name.strip())
            yield ("sources", name), f"a source is called by letters, digits, _ and -, as its records are; call it {meant}"
        for key, text in (*_unheeded(source), *_columns(source)):
            yield ("sources", name, *key.split(".")), text
    yield from _namespaces(active)
    for (one, first), (other, second) in combinations(active.items(), 2):
        if _reads_the_same(first, second):
            yield ("sources", other), f"reads files that {one} reads, too, onto the same contract: each row would come twice"


def _unheeded(source: Source) -> Iterator[tuple[str, str]]:
    if source.kind == "files" and source.format != "csv":
        for key in _OF_CSV:
            if key in source.model_fields_set:
                yield (
                    key,
                    f"is for CSV files only, and these are {source.format}; write format: csv, or leave it out",
                )
    if source.format == "csv" and source.separator == source.quote:
        yield "separator", f"{source.separator!r} is the quote character, too"


def _columns(source: Source) -> Iterator[tuple[str, str]]:
    """Columns that a header does not have, and elements of an array that is not named."""
    header, given = source.header or (), {ELEMENT, POSITION} if source.each is not None else set()
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        yield "header", f"{', '.join(twice)} stands in it twice"
    for field, mapped in source.columns.items():
        read = roots_read(mapped.expression) if mapped.expression else (mapped.column,) if mapped.column else ()
        for name in read:
            if name in (ELEMENT, POSITION) and source.each is None:
                yield f"columns.{field}", f"{name} is there only where `each` names an array"
            elif header and name not in header and name not in given:
                yield f"columns.{field}", f"the header has no column {name}; {nearest(name, header)}"
    if source.where and source.each is None and {ELEMENT, POSITION} & {*columns_of(source.where)}:
        yield "where", f"{ELEMENT} and {POSITION} are there only where `each` names an array"


def _namespaces(active: Mapping[str, Source]) -> Iterator[Problem]:
    """Keys that meet no record of a customer, under a name that is nearly one whose keys do."""
    meeting = {*IDENTIFIERS, *(it.namespace for it in active.values() if it.contract == "customer_record")}
    for name, source in active.items():
        meant = None if source.namespace in meeting else closest(source.namespace, meeting)
        if meant is not None and _is_slip(source.namespace, meant):
            yield (
                ("sources", name, "namespace"),
                f"no customer record has keys of {source.namespace!r}, so nobody is known by them; did you mean {meant}?",
            )


def _is_slip(name: str, meant: str) -> bool:
    """Whether a name is another one misspelt, and not a name of its own, as `customer_no` beside `customer_id`."""
    words, others = name.split("_"), meant.split("_")
    if len(words) != len(others):
        return name in meant or meant in name
    return all(word == other or closest(word, (other,)) is not None for word, other in zip(words, others, strict=True))


def _reads_the_same(one: Source, other: Source) -> bool:
    if one.kind != "files" or other.kind != "files" or one.path is None or other.path is None:
        return False
    is_parted = one.where is not None and other.where is not None and one.where != other.where
    if one.contract != other.contract or one.each != other.each or is_parted:
        return False
    return _meet(f"{one.path}/{one.glob}", f"{other.path}/{other.glob}")


def _meet(one: str, other: str) -> bool:
    """Whether there may be a path that fits both patterns, read as `Path.glob` reads them: `*` stays within a folder."""
    return _aligned(one.split("/"), other.split("/"), "**", _one_name)


def _one_name(one: str, other: str) -> bool:
    return _aligned(list(one), list(other), "*", lambda first, second: first == second or "?" in (first, second))


def _aligned(first: list[str], second: list[str], any_number: str, is_alike: Callable[[str, str], bool]) -> bool:
    """Whether two sequences can be the same, `any_number` standing for any number of parts."""
    fits: dict[tuple[int, int], bool] = {}
    for i in range(len(first), -1, -1):
        for j in range(len(second), -1, -1):
            if i == len(first) or j == len(second):
                fits[i, j] = {*first[i:], *second[j:]} <= {any_number}
            elif any_number in (first[i], second[j]):
                fits[i, j] = fits[i + 1, j] or fits[i, j + 1]
            else:
                fits[i, j] = fits[i + 1, j + 1] and is_alike(first[i], second[j])
    return fits[0, 0]
