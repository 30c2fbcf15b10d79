"""Who is who: persons by size, weak bridges, guards that fired, hubs, what the match model believes, where to cut."""

from collections import Counter
from collections.abc import Mapping

from personalake.reports.blocks import Block, Card, Cards, Chart, Grid, Note, Section, Table
from personalake.reports.charts import GREEN, ORANGE, bars, histogram
from personalake.reports.data import Linkage, ReportData
from personalake.reports.words import number, plural, share

_LARGEST_SHOWN = 10
_FRAGILE_BITS = 5.0
_GUARDS = {
    "hub": "a value that too many share belongs to nobody",
    "never_link": "somebody decided that the two are never one person",
    "max_merges": "a person would have taken in too many records",
    "max_identifiers": "a person would have held too many identifiers",
    "oversized_key": "too many records share a blocking key to compare them",
    "override_conflict": "decisions contradict each other; the two are kept apart",
    "override_unknown": "a decision names an identifier that no record holds",
    "weak_for_groups": "two groups of several records have no pair that is strong enough for so many",
    "contradiction_first_name": "first names disagree",
    "contradiction_birth_date": "birth dates disagree",
}
_LINKS = "links refused"
# What the figures of the other guards count.
_COUNTED = {
    "hub": "persons at shared values, at each value anew",
    "oversized_key": "pairs not compared",
    "override_conflict": "decisions",
    "override_unknown": "decisions",
}


def who_is_who(data: ReportData) -> Section | None:
    """The section; None where no source tells people apart."""
    linkage = data.linkage
    if linkage is None or linkage.persons.empty:
        return None
    blocks: list[Block] = [_cards(linkage), Grid([_sizes(linkage), *_bridges(linkage)]), *_guards(linkage), *_hubs(linkage)]
    if linkage.weights:
        blocks += [Note(_HOW_TO_READ, "quiet"), Grid(_weights(linkage)), _cuts(linkage)]
    return Section(
        "who-is-who",
        "Who is who?",
        "Records of the same person in several systems, put together by shared identifiers and by likeness. What was seen "
        "together, such as an account in a browser, counts as a record.",
        blocks,
    )


_HOW_TO_READ = (
    "Each comparison adds its weight to the match weight of a pair, in bits: one bit more doubles the odds that the two "
    "records are one person's; zero are even odds."
)


def _cards(linkage: Linkage) -> Cards:
    persons = linkage.persons
    merged = int((persons["records"] > 1).sum())
    fragile = int((persons["weakest_link"] < _FRAGILE_BITS).sum())
    moves = Counter({str(row["kind"]): 0 for row in linkage.changes})
    for row in linkage.changes:
        moves[str(row["kind"])] += 1
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(moves.items())) or "no person has changed so far"
    return Cards(
        [
            Card("Records", number(persons["records"].sum()), f"of {plural(len(persons), 'person', 'persons')}"),
            Card("Persons with several records", number(merged), share(merged / len(persons))),
            Card("Fragile persons", number(fragile), f"a bridge below {_FRAGILE_BITS:g} bits holds them together"),
            Card("Changes", number(sum(moves.values())), told),
        ]
    )


def _sizes(linkage: Linkage) -> Chart:
    sizes = linkage.persons["records"].clip(upper=_LARGEST_SHOWN).value_counts().sort_index()
    labels = {
        (f"{size} and more" if size == _LARGEST_SHOWN else plural(int(str(size)), "record", "records")): float(count)
        for size, count in sizes.items()
    }
    return bars("Persons by number of records", labels, "persons")


def _bridges(linkage: Linkage) -> list[Chart]:
    weakest = linkage.persons["weakest_link"].dropna()
    if weakest.empty:
        return []
    return [histogram("The weakest bridge of each person", list(weakest), "match weight, bits", "persons", ORANGE)]


def _guards(linkage: Linkage) -> list[Block]:
    counted: Counter[str] = Counter()
    for row in linkage.guards:
        guard = str(row["guard"])
        # A decision about an identifier that nobody holds refuses no link, and is one all the same.
        counted[guard] += 1 if _COUNTED.get(guard) == "decisions" else int(row["links"] or 0)
    if not counted:
        return [Note("No guard had to refuse anything.", "good")]
    rows = [
        [guard, number(count), _COUNTED.get(guard, _LINKS), guard_words(guard)] for guard, count in sorted(counted.items())
    ]
    return [Table("Guards that fired", ("Guard", "Count", "Of what", "Why"), rows, ("Count",))]


def guard_words(guard: str) -> str:
    """Why a guard refuses.

    >>> guard_words("contradiction_first_name"), guard_words("per_person_login")
    ('first names disagree', 'a person would have held more values of login than allowed')
    """
    kind = guard.removeprefix("per_person_")
    return _GUARDS.get(guard, f"a person would have held more values of {kind} than allowed" if kind != guard else "")


def _hubs(linkage: Linkage) -> list[Block]:
    hubs = [row for row in linkage.guards if row["guard"] == "hub"]
    if not hubs:
        return []
    by_kind: dict[str, list[int]] = {}
    for row in hubs:
        by_kind.setdefault(str(row["namespace"]), []).append(int(row["persons"] or 0))
    rows = [
        [kind, number(len(persons)), number(max(persons)), number(sum(persons))] for kind, persons in sorted(by_kind.items())
    ]
    head = ("Kind of identifier", "Hubs", "Persons at the largest", "Persons at all of them")
    return [Table("Hubs: shared devices, family mailboxes, test values", head, rows, head[1:], "Values are not shown.")]


def _weights(linkage: Linkage) -> list[Chart]:
    return [_levels(comparison, levels) for comparison, levels in linkage.weights.items()]


def _levels(comparison: str, levels: Mapping[str, float]) -> Chart:
    return bars(f"{comparison.replace('_', ' ')}: weight of each level", levels, "match weight, bits", GREEN, 1)


def _cuts(linkage: Linkage) -> Table:
    rows = [
        [
            number(row["weight"], 1) + (" (in use)" if row["weight"] == linkage.link_weight else ""),
            number(row["pairs"]),
            share(row["precision"], 2),
            share(row["recall"], 2),
        ]
        for row in linkage.cuts
    ]
    head = ("Match weight from which a pair is a link", "Pairs", "Expected precision", "Expected recall")
    note = (
        "As the model expects them, of pairs alone and before any guard; recall counts among the pairs that were compared "
        "and kept. A wrong merge is worse than a missed one. Between groups of several records a pair needs more bits."
    )
    return Table("Where to cut", head, rows, head[1:], note)
