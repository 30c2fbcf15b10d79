"""Looking inside without Spark: everything that is known about one person, and the state of every table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from personalake.activation.last_state import PLACES
from personalake.config.identity import IdentitySettings
from personalake.errors import InputError
from personalake.identity.explanation import explain_person
from personalake.identity.households import fitting_guards
from personalake.lake import Ledger
from personalake.pipelines.match_models import latest_model
from personalake.pipelines.product_names import product_names
from personalake.tables import ALL, Table
from personalake.tables.gold import (
    ACTIVATION_LOG,
    ACTIVATION_OUTBOX,
    CUSTOMER_FEATURE,
    CUSTOMER_PROFILE,
    DECISION,
    PREDICTION,
    RECOMMENDATION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.identity import MATCH_EDGE, MATCH_RECORD
from personalake.tables.silver import CONSENT_CURRENT, PERSON_LINK

_HINTED = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Everything that is known, believed and planned about one person.

    Args:
        person_id: The person.
        identifiers: Namespace, value and sources of each identifier.
        records: The records that were put together, standardised.
        bridges: The links that hold them together, the weakest first.
        profile: The row of `gold.customer_profile`; empty without one.
        features: The row of `gold.customer_feature`.
        segments: Scheme, segment and detail.
        predictions: Model, probability, percentile and reasons, strongest first.
        recommendations: Slot, rank, item with its name and category, and why.
        decisions: Action, status, rule and why.
        deliveries: Destination, state, and the payload exactly as it would be sent.
        consents: Purpose, status, and when it was given.
    """

    person_id: str
    identifiers: Sequence[Row] = field(default_factory=list)
    records: Sequence[Row] = field(default_factory=list)
    bridges: Sequence[Row] = field(default_factory=list)
    profile: Row = field(default_factory=dict)
    features: Row = field(default_factory=dict)
    segments: Sequence[Row] = field(default_factory=list)
    predictions: Sequence[Row] = field(default_factory=list)
    recommendations: Sequence[Row] = field(default_factory=list)
    decisions: Sequence[Row] = field(default_factory=list)
    deliveries: Sequence[Row] = field(default_factory=list)
    consents: Sequence[Row] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The explanation with plain values, for `json.dumps(…, default=str)`."""
        return asdict(self)


def explain(ledger: Ledger, person: str, as_of: date | None = None, identity: IdentitySettings | None = None) -> Explanation:
    """Everything about one person.

    Args:
        ledger: The tables.
        person: A person id, or any identifier of the person, e.g. a customer id.
        as_of: The latest as-of to look at; the latest there is by default.
        identity: How records became persons; only with it are the links between records explained.

    Raises:
        InputError: If nobody goes by that id, or several persons do; names some that are known.
    """
    person_id, identifiers = _found(ledger, person)
    records = records_of(ledger, identifiers)
    recommendations = sorted(_latest(ledger, RECOMMENDATION, person_id, as_of), key=lambda row: (row["slot"], row["rank"]))
    products = product_names(ledger, {row["product_id"] for row in recommendations})
    return Explanation(
        person_id=person_id,
        identifiers=identifiers,
        records=records,
        bridges=[] if identity is None else _bridges(ledger, records, identity),
        profile=_only(ledger.read(CUSTOMER_PROFILE, where=[("person_id", "=", person_id)])),
        features=_only(_latest(ledger, CUSTOMER_FEATURE, person_id, as_of)),
        segments=sorted(_latest(ledger, SEGMENT_MEMBERSHIP, person_id, as_of), key=lambda row: str(row["scheme"])),
        predictions=sorted(_latest(ledger, PREDICTION, person_id, as_of), key=lambda row: str(row["model"])),
        recommendations=[{**row, **products.get(row["product_id"], {})} for row in recommendations],
        decisions=_latest(ledger, DECISION, person_id, as_of),
        deliveries=_deliveries(ledger, person_id, as_of),
        consents=sorted(ledger.read(CONSENT_CURRENT, where=[("person_id", "=", person_id)]), key=lambda row: row["purpose"]),
    )


def _found(ledger: Ledger, person: str) -> tuple[str, list[Row]]:
    columns = ("namespace", "value", "person_id", "sources")
    links = ledger.read(PERSON_LINK, columns, [("person_id", "=", person)])
    links = links or ledger.read(PERSON_LINK, columns, [("value", "=", person)])
    people = sorted({row["person_id"] for row in links})
    if not people:
        known = sorted(ledger.arrow(PERSON_LINK, ["person_id"])["person_id"].to_pylist())[:_HINTED]
        hint = (
            f"Known persons are, e.g., {', '.join(known)}."
            if known
            else "No person is known yet: run personalake run first."
        )
        raise InputError(f"No person goes by {person!r}: expected a person id or an identifier of one.", hint)
    if len(people) > 1:
        raise InputError(f"{person!r} is an identifier of {len(people)} persons.", f"Name one of {', '.join(people)}.")
    everything = ledger.read(PERSON_LINK, columns, [("person_id", "=", people[0])])
    return people[0], sorted(everything, key=lambda row: (row["namespace"], row["value"]))


def records_of(ledger: Ledger, identifiers: Sequence[Row]) -> list[Row]:
    """The records whose own keys are among a person's identifiers, the oldest first."""
    own = {(row["namespace"], row["value"]) for row in identifiers}
    columns = [name for name in MATCH_RECORD.columns if name not in ("blocking_keys", "spelling")]
    rows = ledger.read(MATCH_RECORD, columns, [("customer_id", "in", sorted({value for _, value in own}))])
    mine = [row for row in rows if (row["namespace"], row["customer_id"]) in own]
    return sorted(mine, key=lambda row: (row["known_at"], row["record_key"]))


def _bridges(ledger: Ledger, records: Sequence[Row], settings: IdentitySettings) -> list[Row]:
    if len(records) < 2:
        return []
    keys = sorted(row["record_key"] for row in records)
    edges = ledger.read(MATCH_EDGE, ["left_key", "right_key", "match_weight"], [("left_key", "in", keys)])
    model = latest_model(ledger, settings)
    guarded = fitting_guards(settings, model.household_share if model else None)
    return [asdict(bridge) for bridge in explain_person(records, edges, guarded)]


def _latest(ledger: Ledger, table: Table, person_id: str, as_of: date | None) -> list[Row]:
    """The person's rows of the latest as-of, up to the given one."""
    limit = [] if as_of is None else [("as_of", "<=", as_of)]
    rows = ledger.read(table, where=[("person_id", "=", person_id), *limit])
    newest = max((row["as_of"] for row in rows), default=None)
    return [row for row in rows if row["as_of"] == newest]


def _only(rows: Sequence[Row]) -> Row:
    return rows[0] if rows else {}


def _deliveries(ledger: Ledger, person_id: str, as_of: date | None) -> list[Row]:
    planned = _latest(ledger, ACTIVATION_OUTBOX, person_id, as_of)
    if not planned:
        return []
    log = ledger.read(ACTIVATION_LOG, where=[("delivery_id", "in", [row["delivery_id"] for row in planned])])
    states: dict[str, Row] = {}
    for row in sorted(log, key=lambda row: (row["logged_at"], PLACES.index(row["state"]))):
        states[row["delivery_id"]] = {"state": row["state"], "state_reason": row["reason"], "file": row["file"]}
    unsent = {"state": "pending", "state_reason": None, "file": None}
    ordered = sorted(planned, key=lambda row: (row["destination"], row["operation"], row["delivery_id"]))
    return [{**row, **states.get(row["delivery_id"], unsent)} for row in ordered]


@dataclass(frozen=True)
class TableFacts:
    """The state of one declared table; version and time are None for a table that is not there yet.

    Args:
        name: `layer.table`.
        grain: What one row is.
        rows: Rows of the current version.
        version: Current version.
        modified_at: Time of the latest commit.
        bytes: Size of the current version on disk.
    """

    name: str
    grain: str
    rows: int = 0
    version: int | None = None
    modified_at: datetime | None = None
    bytes: int = 0

    def as_json(self) -> Mapping[str, Any]:
        """The facts with plain values."""
        return asdict(self)


def table_facts(ledger: Ledger) -> list[TableFacts]:
    """The state of every declared table, in the order of declaration."""
    return [_facts(ledger, table) for table in ALL]


def _facts(ledger: Ledger, table: Table) -> TableFacts:
    version = ledger.version(table)
    if version is None:
        return TableFacts(table.full_name, table.grain)
    milliseconds = ledger.modified_at(table)
    modified_at = None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    return TableFacts(table.full_name, table.grain, ledger.rows(table), version, modified_at, ledger.size(table))
