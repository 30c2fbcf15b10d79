"""Whether decisions about identifiers are of one mind: what one keeps apart, no others may join."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from personalake.common.spellings import spelled
from personalake.config.identity import IdentitySettings

Problem = tuple[tuple[str, ...], str]
Joins = Mapping[str, Sequence[tuple[str, int]]]


def override_problems(identity: IdentitySettings) -> Iterator[Problem]:
    """Key and text of each decision to keep apart what other decisions join, directly or from one to the next."""
    joins: dict[str, list[tuple[str, int]]] = {}
    pairs = [tuple(_one_spelling(name, identity.calling_code) for name in each.between) for each in identity.overrides]
    for number, (override, (left, right)) in enumerate(zip(identity.overrides, pairs, strict=True)):
        if override.decision == "always":
            joins.setdefault(left, []).append((right, number))
            joins.setdefault(right, []).append((left, number))
    for number, (override, (left, right)) in enumerate(zip(identity.overrides, pairs, strict=True)):
        if left == right:
            yield _place(number), "both are one identifier in two spellings; name two identifiers"
            continue
        way = _way(joins, left, right) if override.decision == "never" else []
        if way:
            told = " and ".join(f"identity.overrides.{each}" for each in way)
            joined = "joins" if len(way) == 1 else "join"
            yield _place(number), f"never one person's, but {told} {joined} them; take out one of these decisions"


def _place(number: int) -> tuple[str, ...]:
    return "identity", "overrides", str(number), "between"


def _one_spelling(identifier: str, calling_code: str) -> str:
    namespace, _, value = identifier.partition(":")
    return f"{namespace}:{spelled(namespace, value, calling_code)}"


def _way(joins: Joins, start: str, end: str) -> list[int]:
    """The decisions that lead from one identifier to another one, as few as possible; none if nothing does."""
    came: dict[str, tuple[str, int]] = {}
    left = deque([start])
    while left and end not in came:
        here = left.popleft()
        for other, number in joins.get(here, ()):
            if other != start and other not in came:
                came[other] = (here, number)
                left.append(other)
    way = []
    while end in came:
        end, number = came[end]
        way.append(number)
    return sorted(way)
