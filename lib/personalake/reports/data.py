"""What the report draws from, as plain frames; `pipelines/publish_report.py` fills it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

from personalake.tables.journeys import JOURNEY_PATH

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Arrivals:
    """What came in.

    Args:
        health: Rows of `gold.data_health`.
        files: Source, status and reason of each landing file.
        quarantine: Source, reasons and payload hash of each row in quarantine.
        days: Accepted order lines by the day on which they became known.
        assumed_consent: Sources whose silence counts as consent.
        planted: What was planted and found, by source and kind; None without a planted truth.
        own_dirt: What the data itself holds beside what was planted: source, what, rows.
    """

    health: Rows
    files: Rows
    quarantine: Rows
    days: Mapping[date, int]
    assumed_consent: Sequence[str] = ()
    planted: Rows | None = None
    own_dirt: Rows = ()


@dataclass(frozen=True)
class Linkage:
    """How records became persons.

    Args:
        persons: Records, weakest link and sources of each person, from `silver.person`.
        guards: Rows of `silver.identity_guard`, without the identifiers themselves.
        changes: Kind and identifiers of each row of `silver.person_change`.
        weights: Comparison: the weight of each level in bits, by its label.
        cuts: Threshold, pairs, expected precision and recall.
        link_weight: The threshold in use, bits.
    """

    persons: pd.DataFrame
    guards: Rows
    changes: Rows
    weights: Mapping[str, Mapping[str, float]]
    cuts: Rows
    link_weight: float


@dataclass(frozen=True)
class Sent:
    """What became of one plan at one destination, in deliveries.

    Args:
        destination: Name of the connection.
        sync: Name of the sync.
        plan_id: The plan.
        plan_state: Where the plan stands.
        planned_at: When it was made.
        planned: All of them; the sum of taken, rejected, unknown, in flight, cancelled and pending.
        taken: Accepted or confirmed by the destination.
        confirmed: Processed there.
        rejected: Will never be taken as they are.
        unknown: May have left, and nobody knows whether they were taken.
        in_flight: Claimed, and without an outcome: on the way now, or left so by a run that died.
        again: Those of the unknown and of those in flight of which a later plan says the same again.
        cancelled: Stopped before they left.
        pending: Still to be sent.
        may_repeat: Sent again after a lost reply to a destination that cannot tell.
        data_points: What the vendor bills for what was taken, estimated; null where it bills none.
        last_at: Latest change; null before.
        reasons: Deliveries by state and reason; `refused` are those of the audience whom the plan left out.
        bytes: Bytes of what was taken, estimated from the plan.
        stopped: Why the last run that sent there stopped before its end, if some still waits for that; null if it did not.
        spells: When something of it was under way, from claim to outcome.
    """

    destination: str
    sync: str
    plan_id: str
    plan_state: str
    planned_at: datetime
    planned: int
    taken: int
    confirmed: int
    rejected: int
    unknown: int
    in_flight: int
    cancelled: int
    pending: int
    may_repeat: int
    data_points: int | None
    last_at: datetime | None
    reasons: Mapping[tuple[str, str], int]
    bytes: int = 0
    stopped: str | None = None
    again: int = 0
    spells: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class Total:
    """What all plans came to at one destination, in deliveries.

    Args:
        destination: Name of the connection.
        planned: All of them, what a later plan says again once; with `again`, the sum of all states.
        taken: Accepted or confirmed by the destination.
        confirmed: Processed there.
        delivered: Arrived, as a receipt says.
        rejected: Will never be taken as they are.
        unknown: May have left, and nobody knows whether they were taken.
        in_flight: Claimed, and without an outcome.
        again: Those of the unknown and of those in flight that a later plan says again.
        may_repeat: Sent again after a lost reply to a destination that cannot tell.
        cancelled: Stopped before they left.
        pending: Still to be sent.
        held_out: Never planned, since the person is held out.
        calls: Requests that left, each try and each half of one that was cut.
        bytes: Bytes of what was taken, estimated from the plans.
        data_points: What the vendor bills, estimated; null where it bills none.
        seconds: How long anything was under way, from claim to outcome.
        reasons: Deliveries by state and reason, over all plans; who was left out of a plan is not among them.
    """

    destination: str
    planned: int
    taken: int
    confirmed: int
    delivered: int
    rejected: int
    unknown: int
    in_flight: int
    again: int
    may_repeat: int
    cancelled: int
    pending: int
    held_out: int
    calls: int
    bytes: int
    data_points: int | None
    seconds: float
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportData:
    """Everything that the report shows; frames have the columns of their tables.

    Args:
        title: Title of the page.
        as_of: Exclusive day up to which things were known.
        arrivals: What came in.
        profiles: `gold.customer_profile`.
        segments: `gold.segment_summary` at the as-of.
        predictions: `gold.prediction` at the as-of.
        recommendations: `gold.recommendation` at the as-of.
        products: Name, category and size of the products that are recommended.
        decisions: `gold.decision` at the as-of.
        outbox: Destination, operation, person and payload of a few deliveries.
        deliveries: Destination, state, reason, file of the latest state of each delivery at the as-of.
        models: `gold.model_health`, latest training cut of each model.
        consents: Person, purpose, status and origin.
        runs: `gold.run`, last run of each job.
        linkage: How records became persons; None where no source tells people apart.
        sent: What was sent to vendors, the newest plan first.
        totals: The same by vendor.
        held_up: What is said of plans that a person has to look at.
        too_small: What is said of plans that do not leave since too few people are meant.
        planning: Rows of `gold.data_health` of plan_activation, the latest of each destination at the as-of.
        messages: What one person of each template would read: template, rule, person_id, locale, parts, reason.
        audits: Newest row of each source in `gold.source_audit`.
        region_figures: Newest figures of each region in `gold.region_figure`.
        paths: `gold.journey_path` at the as-of; no rows where orders are all that is known.
        verdicts: Rows of `gold.dataset_verdict`, those of the newest look at the as-of.
        masked: Names of the keys that hold personal data, masked in excerpts.
    """

    title: str
    as_of: date
    arrivals: Arrivals
    profiles: pd.DataFrame
    segments: pd.DataFrame
    predictions: pd.DataFrame
    recommendations: pd.DataFrame
    products: Mapping[str, Mapping[str, Any]]
    decisions: pd.DataFrame
    outbox: Rows
    deliveries: pd.DataFrame
    models: Rows
    consents: pd.DataFrame
    runs: Rows
    masked: frozenset[str] = frozenset()
    planning: Rows = ()
    linkage: Linkage | None = None
    sent: Sequence[Sent] = ()
    totals: Sequence[Total] = ()
    held_up: Sequence[str] = ()
    too_small: Sequence[str] = ()
    messages: Rows = ()
    audits: Rows = ()
    region_figures: Rows = ()
    paths: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(JOURNEY_PATH.columns)))
    verdicts: Rows = ()

    @property
    def currency(self) -> str | None:
        """The currency of most people's amounts."""
        found = self.profiles["currency"].dropna() if len(self.profiles) else None
        return None if found is None or found.empty else str(found.mode().iloc[0])
