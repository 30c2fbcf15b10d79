"""Names that one part of the settings uses and another one gives; a misspelt one would reach nobody, without a word."""

from collections.abc import Collection, Iterator
from itertools import combinations

from sqlglot import exp

from personalake.config.audience_kinds import ability, kind_of
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.identity import IDENTIFIERS
from personalake.config.nearest import closest, nearest
from personalake.config.override_checks import override_problems
from personalake.config.segmentation import CLUSTER_NAMES, UNNAMED
from personalake.config.settings import Settings
from personalake.config.sql import check_expression

Problem = tuple[tuple[str, ...], str]
# How near a name must come that could also be one of its own.
_MISSPELT = 0.85
# Columns of conditions: the scheme whose segment they are.
_SEGMENTS = {"rfm_segment": "rfm", "kmeans_segment": "kmeans"}
# Kinds whose files hold who is in; who one sync takes out of them the other may have put in.
_FILES = ("csv_drop", "sftp", "object_store", "tealium_file")
# Kinds that hold nothing of a person but whether they are on a list.
_LISTS = frozenset({"segment_suppression", "braze_subscription"})
# Kinds that hold one value of a field for each person, whoever sent it.
_HOLDING = frozenset({"segment", "braze_track", "onesignal_user", "sfmc_rows", "sfmc_rowset"})


def name_problems(settings: Settings) -> Iterator[Problem]:
    """Key and text of each name that nothing has, and of what two syncs call the same."""
    yield from _of_rules(settings)
    yield from _of_audiences(settings)
    yield from _of_sources(settings)
    yield from override_problems(settings.identity)
    if settings.decisions.rules:
        for kind, names in (
            ("actions", {rule.action for rule in settings.decisions.rules}),
            ("channels", {rule.channel for rule in settings.decisions.rules}),
        ):
            yield from _decided(settings, kind, names)
    for (one, first), (other, second) in combinations(sorted(settings.audiences.items()), 2):
        connection = settings.connections.get(first.destination)
        if _takes_away_only(first) or _takes_away_only(second):
            continue
        if first.enabled and second.enabled and first.destination == second.destination and connection is not None:
            for name in _fought_over(first, second, connection):
                yield (
                    ("audiences", other, "fields", name),
                    f"{one} sets it, too, at {first.destination}, and the last one sent would win; rename one, or make "
                    f"one sync of both",
                )
            if _is_one_list(first, second, connection):
                yield (
                    ("audiences", other, "mode"),
                    f"{one} keeps the same list at {first.destination}, and one takes out of it whom the other has put in; "
                    f"make one sync of both",
                )


def syncs_left_off(settings: Settings) -> dict[str, str]:
    """Syncs that are on while their connection is off, so that nothing of them leaves, with that connection."""
    return {
        name: sync.destination
        for name, sync in sorted(settings.audiences.items())
        if sync.enabled and (target := settings.connections.get(sync.destination)) is not None and not target.enabled
    }


def _takes_away_only(sync: Sync) -> bool:
    """Whether a sync sets nothing: nobody is meant, and it takes away whom an earlier audience of it had put there."""
    return (sync.audience.where or "").strip().lower() == "false"


def _is_one_list(one: Sync, other: Sync, connection: Connection) -> bool:
    """Whether two syncs keep one list of people, of which one takes those out who left its own audience."""
    if kind_of(connection) not in _LISTS or "mirror" not in (one.mode, other.mode):
        return False
    return one.subscription_group_id == other.subscription_group_id


def _of_rules(settings: Settings) -> Iterator[Problem]:
    for number, rule in enumerate(settings.decisions.rules):
        if rule.template is not None and rule.template not in settings.templates:
            told = f"rule {rule.name!r} names the template {rule.template!r}; {nearest(rule.template, settings.templates)}"
            yield ("decisions", "rules", str(number), "template"), told
        for scheme, name in _segments_in(rule.when):
            if not _is_segment(scheme, name, settings):
                yield ("decisions", "rules", str(number), "when"), _no_segment(scheme, name, settings)


def _of_audiences(settings: Settings) -> Iterator[Problem]:
    for name, sync in sorted(settings.audiences.items()):
        if not sync.enabled:
            continue
        segment = sync.audience.segment
        if segment is not None and not _is_segment(segment.scheme, segment.name, settings):
            yield ("audiences", name, "audience", "segment", "name"), _no_segment(segment.scheme, segment.name, settings)
        for scheme, called in _segments_in(sync.audience.where or ""):
            if not _is_segment(scheme, called, settings):
                yield ("audiences", name, "audience", "where"), _no_segment(scheme, called, settings)


def _is_segment(scheme: str, name: str, settings: Settings) -> bool:
    """Whether a segment may be called so; clusters that are called alike are numbered from 1."""
    if scheme == "kmeans":
        words, _, number = name.rpartition(" ")
        is_numbered = number.isdecimal() and 1 <= int(number) <= settings.segments.clusters.max_clusters
        return (words if is_numbered else name) in CLUSTER_NAMES
    named = [segment.name for segment in settings.segments.rfm]
    return not named or name in (*named, *UNNAMED)


def _no_segment(scheme: str, name: str, settings: Settings) -> str:
    if scheme == "kmeans":
        meant = closest(name, CLUSTER_NAMES)
        kind = "clusters are called by how lately, how often and for how much people buy, e.g. recent frequent big spenders"
        return f"no cluster {name!r}; " + (f"did you mean {meant}?" if meant else kind)
    return f"no segment {name!r}; {nearest(name, [*(segment.name for segment in settings.segments.rfm), *UNNAMED])}"


def _segments_in(condition: str) -> Iterator[tuple[str, str]]:
    """Scheme and text where a condition compares the segment of a scheme with a text."""
    if not any(column in condition.lower() for column in _SEGMENTS):
        return
    for part in check_expression(condition).find_all(exp.EQ, exp.NEQ, exp.In):
        values = [part.this, *(part.expressions if isinstance(part, exp.In) else [part.expression])]
        columns = {value.name.lower() for value in values if isinstance(value, exp.Column)}
        texts = [value.name for value in values if isinstance(value, exp.Literal) and value.is_string]
        yield from ((scheme, text) for column, scheme in _SEGMENTS.items() if column in columns for text in texts)


def _decided(settings: Settings, kind: str, names: Collection[str]) -> Iterator[Problem]:
    """Actions or channels that no rule has; of destinations, which may wait for a rule, those that nearly are one."""
    asked: dict[tuple[str, ...], tuple[str, ...]] = {
        ("destinations", name, kind): getattr(it, kind) for name, it in settings.destinations.items()
    }
    for name, sync in settings.audiences.items():
        if sync.enabled and sync.audience.decisions is not None:
            asked["audiences", name, "audience", "decisions", kind] = getattr(sync.audience.decisions, kind)
    for key, values in asked.items():
        for value in values:
            if value not in names and (key[0] == "audiences" or closest(value, names)):
                yield key, f"no rule has {value!r} among its {kind}; {nearest(value, sorted(names))}"


def _of_sources(settings: Settings) -> Iterator[Problem]:
    """Sources and namespaces that identity names and that are nearly others; those of former sources may stay."""
    for kind in ("trusted_sources", "partial_sources"):
        for name in getattr(settings.identity.survivorship, kind):
            meant = None if name in settings.sources else closest(name, settings.sources, _MISSPELT)
            if meant is not None:
                yield ("identity", "survivorship", kind), f"no source {name!r}; did you mean {meant}?"
    namespaces = sorted({*IDENTIFIERS, *(source.namespace for source in settings.sources.values())})
    for number, override in enumerate(settings.identity.overrides):
        for identifier in override.between:
            namespace = identifier.partition(":")[0]
            meant = None if namespace in namespaces else closest(namespace, namespaces, _MISSPELT)
            if meant is not None:
                told = f"no source has keys of {namespace!r}; did you mean {meant}?"
                yield ("identity", "overrides", str(number), "between"), told


def _fought_over(one: Sync, other: Sync, connection: Connection) -> list[str]:
    """Fields of one person that both syncs set; people of two segments of one scheme are never the same."""
    is_mirrored = kind_of(connection) in _FILES and "mirror" in (one.mode, other.mode)
    if not (is_mirrored or kind_of(connection) in _HOLDING) or one.group is not None or other.group is not None:
        return []
    if any(ability(connection, sync.happening, sync.audience.orders is not None).is_message for sync in (one, other)):
        return []
    apart = (one.audience.segment, other.audience.segment)
    keep = {"insert", "update", "upsert"}
    is_parted = None not in apart and apart[0] != apart[1] and {one.mode, other.mode} <= keep
    shared = [] if is_parted else [name for name in one.fields if name in other.fields]
    if one.membership is not None and one.membership in (other.membership, *other.fields):
        shared.append(one.membership)
    return shared
