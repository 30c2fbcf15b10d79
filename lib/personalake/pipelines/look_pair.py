"""Looking at two records: what each comparison says of them, whose they are, and what kept them apart or joined them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from personalake.config.identity import IdentitySettings
from personalake.errors import InputError
from personalake.identity.explanation import Step, explain_pair
from personalake.identity.guard_events import PAIR
from personalake.identity.told_names import told_names
from personalake.lake import Ledger
from personalake.pipelines.look import records_of
from personalake.pipelines.match_models import latest_model
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, MATCH_RECORD
from personalake.tables.silver import PERSON_LINK

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PairExplanation:
    """What there is to say of two records.

    Args:
        steps: From the prior to the match weight, comparison by comparison.
        link_weight: Match weight from which a pair is a link, bits.
        persons: The person of each; None before the first run since it came.
        was_compared: Whether the pair is among those that were compared and kept.
        refusals: What guards refused between records of these two persons, the strongest first: rows of
            `silver.identity_guard`.
    """

    steps: Sequence[Step]
    link_weight: float
    persons: tuple[str | None, str | None]
    was_compared: bool
    refusals: Sequence[Row] = ()

    @property
    def match_weight(self) -> float:
        """Evidence for one person, bits."""
        return self.steps[-1].total


def explain_records(ledger: Ledger, left: str, right: str, settings: IdentitySettings) -> PairExplanation:
    """Why two records are one person's, or not.

    Args:
        ledger: The tables.
        left: A record key, `source:record_id`.
        right: Another one.
        settings: How records are compared.

    Raises:
        InputError: If a record is not there, both are the same, or no match model serves.
    """
    if left == right:
        raise InputError(f"{left} is named twice: a pair is two records.", "personalake explain --person lists records.")
    found = {row["record_key"]: row for row in ledger.read(MATCH_RECORD, where=[("record_key", "in", [left, right])])}
    missing = [key for key in (left, right) if key not in found]
    if missing:
        raise InputError(
            f"No record goes by {', '.join(missing)}: expected source:record_id.",
            "personalake explain --person lists the records of a person.",
        )
    model = latest_model(ledger, settings)
    if model is None:
        raise InputError(
            "No match model serves: none has been trained yet, or identity.matching is off.", "Run resolve_identities first."
        )
    one, other = (_as_compared(found[key], settings) for key in (left, right))
    steps = explain_pair(model, one, other, settings.matching)
    first, second = sorted((left, right))
    edge = ledger.read(MATCH_EDGE, ["match_weight"], [("left_key", "=", first), ("right_key", "=", second)])
    persons = (_person_of(ledger, found[left]), _person_of(ledger, found[right]))
    refusals = _refusals(ledger, *persons) if None not in persons and persons[0] != persons[1] else []
    return PairExplanation(steps, settings.matching.link_weight, persons, bool(edge), refusals)


def _as_compared(record: Row, settings: IdentitySettings) -> Row:
    first, last = told_names(record["first_name"], record["last_name"], record["email"], settings.nicknames)
    return {**record, "first_name": first, "last_name": last}


def _person_of(ledger: Ledger, record: Row) -> str | None:
    own = [("namespace", "=", record["namespace"]), ("value", "=", record["customer_id"])]
    rows = ledger.read(PERSON_LINK, ["person_id"], own)
    return str(rows[0]["person_id"]) if rows else None


def _refusals(ledger: Ledger, *persons: str | None) -> list[Row]:
    """What guards refused between the records of two persons."""
    ours, theirs = (_keys(ledger, person) for person in persons)
    found = []
    for row in ledger.read(IDENTITY_GUARD, where=[("namespace", "=", PAIR)]):
        ends = set(str(row["value"]).split(" "))
        if ends & ours and ends & theirs:
            found.append(row)
    return sorted(found, key=lambda row: (-(row["match_weight"] or 0), str(row["value"])))


def _keys(ledger: Ledger, person: str | None) -> set[str]:
    links = ledger.read(PERSON_LINK, ["namespace", "value"], [("person_id", "=", person)])
    return {row["record_key"] for row in records_of(ledger, links)}
