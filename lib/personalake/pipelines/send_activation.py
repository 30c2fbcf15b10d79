"""`gold.activation_outbox` to its destinations, `gold.activation_log` in step; safe to kill at any line."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from personalake.activation.backlog import Backlog
from personalake.activation.breaker import Volume
from personalake.activation.clock import Chance, Clock
from personalake.activation.connectors import connect
from personalake.activation.contract import Connector
from personalake.activation.delivery import Delivery
from personalake.activation.journal import Journal
from personalake.activation.kept_back import beside_others, kept_back
from personalake.activation.packing import held_back
from personalake.activation.sending import Report, finished, sending
from personalake.config.connections import Connection
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError, EnvironmentProblem, LeaseHeldError, PersonalakeError, SendingStoppedError
from personalake.pipelines.access import log_exports
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.activation_plans import (
    PlanState,
    as_ofs_of,
    cancel_superseded,
    left_lately,
    log_about,
    owed,
    plans,
    superseded,
)
from personalake.pipelines.activation_results import equation, figures, sentence
from personalake.pipelines.foretelling import Due, foretold
from personalake.pipelines.held_up import beyond_bounds
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.last_look import LastLook
from personalake.pipelines.open_ends import left_waiting, open_ends
from personalake.pipelines.results_later import ask_on, handed, with_results
from personalake.pipelines.sending_failures import failure
from personalake.pipelines.sending_lease import Leases
from personalake.pipelines.system_clock import SystemClock
from personalake.tables.gold import DATA_HEALTH

# A look at consent may rest on versions of tables that were asked for so recently, in shares of `recheck_seconds`.
_REST, _LONGEST_REST = 0.05, 1.0


@dataclass
class Errand:
    """What is sent to one destination in this run."""

    connector: Connector
    backlog: Backlog
    journal: Journal
    clock: Clock
    require: Callable[[], None]
    report: Report = field(default_factory=Report)
    volume: Volume = field(init=False)
    kept_back: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.volume = self.backlog.volume(self.is_held)

    def is_held(self, delivery: Delivery) -> bool:
        """Whether an unknown delivery stays so: by the destination's policy, or since it must not leave again."""
        return delivery.delivery_id in self.kept_back or held_back(delivery, self.connector, self.clock.now()) is not None

    def look(self, check: LastLook) -> None:
        """Leave out what is unknown, and still must not leave for the reason that the log has."""
        self.kept_back = kept_back(self.backlog.doubtful(), check)
        if self.kept_back:
            self.kept_back -= beside_others(self.backlog.doubtful(), self.kept_back, self.is_held, self.connector)
            self.volume = replace(self.backlog.volume(self.is_held), recent=self.volume.recent)

    def due(self) -> Due:
        """What is sent, as a dry run looks at it."""
        return Due(self.backlog.deliveries(self.is_held), self.is_held, self.volume, self.connector.declaration.bounds)


def run(context: JobContext) -> JobResult:
    """Send what standing plans still owe to each destination; what an earlier run left in doubt comes first.

    Raises:
        ConfigError: If a connection cannot be made, e.g. of an unreadable key; the others are sent to.
        SendingStoppedError: If a destination was left alone: its account, its bounds, failures in a row.
        LeaseHeldError: If a destination is being sent to by somebody else.
    """
    return send_planned(context, SystemClock(), random.Random())


def send_planned(
    context: JobContext, clock: Clock, chance: Chance, resolve: Callable[[str], str] = resolve_secret
) -> JobResult:
    """The same, with time, chance and secrets as arguments."""
    active, known = _chosen(context), plans(context.lake.ledger)
    is_for_all = context.options.get("destination") is None
    waiting = left_waiting(context.lake.ledger, known, context.settings.connections) if is_for_all else []
    if not active:
        return JobResult(skipped=True, message="; ".join(["no connection is enabled in conf/connections.yml", *waiting]))
    standing, fallen = [plan for plan in known if plan.stands_since is not None], superseded(known, context.lake.ledger)
    stamps = Stamps.after(context.lake.ledger, clock, [plan.changed_at for plan in known])
    with ExitStack() as opened:
        leases = Leases(context, opened)
        later, silent = _answered_later(context, active, stamps, clock, resolve, leases)
        stopped = [
            SendingStoppedError(f"{plan.sync} to {plan.destination}: {plan.plan_id} {what}: {plan.reason}")
            for plan, what in beyond_bounds(known, context.settings.audiences)
            if plan.destination in active
        ]
        if not (standing or fallen or later or silent or stopped):
            told = ["no plan is ready to be sent", *open_ends(context.lake.ledger, known)]
            return JobResult(skipped=True, message="; ".join(told))
        errands, left_out = _errands(context, active, standing, stamps, clock, resolve, opened, leases)
        if context.dry_run:
            if left_out:
                raise left_out[0]
            taken_back, _ = cancel_superseded(context.lake, fallen, stamps, lambda destination: nullcontext(lambda: None))
            with _last_look(context, as_ofs_of(context.lake.ledger, standing), clock, _LONGEST_REST) as check:
                errands = _begun(errands, check)
                due = {name: one.due() for name, one in errands.items()}
                told_ahead = foretold(due, check, taken_back, [error.what for error in stopped])
            return replace(told_ahead, message="; ".join([told_ahead.message, *waiting]))
        cancelled, crossed = cancel_superseded(context.lake, fallen, stamps, leases.briefly)
        broken: Mapping[str, BaseException] = {}
        if errands:
            with _last_look(context, as_ofs_of(context.lake.ledger, standing), clock, _rest([*errands.values()])) as check:
                errands = _begun(errands, check)
                leaving = {name: one.volume.leaving for name, one in errands.items()}
                log_exports(context.lake, "send_activation", leaving, context.run_id)
                broken = finished(_all(errands, clock, chance, check))
    results = {name: (errand.report, errand.volume.deliveries) for name, errand in errands.items()}
    context.lake.add([equation(name, *one, context.run_id) for name, one in results.items()], DATA_HEALTH)
    error = failure(results, broken, [*left_out, *crossed, *silent, *stopped])
    if error is not None:
        raise error
    ends = [] if results else open_ends(context.lake.ledger, known)
    return _ended(results, cancelled, later, [*ends, *waiting])


def _begun(errands: Mapping[str, Errand], check: LastLook) -> dict[str, Errand]:
    """Begin the look, and go on with the errands of which something is left to send, or to say."""
    check.begin()
    for one in errands.values():
        one.look(check)
    return {name: one for name, one in errands.items() if one.volume.deliveries}


def _rest(errands: Sequence[Errand]) -> float:
    """How old a look at versions may be: the strictest destination decides for all, since they share one look."""
    return min(_LONGEST_REST, *(one.connector.declaration.recheck_seconds * _REST for one in errands))


def _last_look(context: JobContext, as_ofs: Sequence[date], clock: Clock, max_age_seconds: float) -> LastLook:
    return LastLook(context.lake.ledger, as_ofs, clock, max_age_seconds, context.settings)


def _chosen(context: JobContext) -> Mapping[str, Connection]:
    """The enabled connections, or the one that was asked for."""
    active = {name: one for name, one in sorted(context.settings.connections.items()) if one.enabled}
    if (asked := context.options.get("destination")) is None:
        return active
    if asked not in active:
        known = ", ".join(active) or "none"
        raise ConfigError([f"--destination {asked}: no enabled connection of that name; there are: {known}"])
    return {asked: active[asked]}


def _errands(
    context: JobContext,
    active: Mapping[str, Connection],
    standing: Sequence[PlanState],
    stamps: Stamps,
    clock: Clock,
    resolve: Callable[[str], str],
    opened: ExitStack,
    leases: Leases,
) -> tuple[dict[str, Errand], list[PersonalakeError]]:
    """One for each destination that is owed something; and why some are left out: somebody else sends, or none can."""
    errands: dict[str, Errand] = {}
    left_out: list[PersonalakeError] = []
    for name, parts in owed(context.lake.ledger, standing, active).items():
        try:
            if not context.dry_run:
                leases.take(name)
            connector = _connected(name, active[name], clock, resolve)
        except (LeaseHeldError, ConfigError, EnvironmentProblem) as error:
            left_out.append(error)
            continue
        # The log is looked at only now that nobody else can add to it, and after the journal has seen the last claim.
        journal = LakeJournal(context.lake, name, stamps, partial(leases.require, name), active[name].local_folder)
        backlog = opened.enter_context(Backlog(parts, log_about(context.lake.ledger, standing, name)))
        errand = Errand(connector, backlog, journal, clock, partial(leases.require, name))
        if errand.volume.deliveries:
            recent = left_lately(context.lake.ledger, name, connector.declaration.bounds, clock.now())
            errand.volume = replace(errand.volume, recent=recent)
            errands[name] = errand
    return errands, left_out


def _answered_later(
    context: JobContext,
    active: Mapping[str, Connection],
    stamps: Stamps,
    clock: Clock,
    resolve: Callable[[str], str],
    leases: Leases,
) -> tuple[dict[str, Counter[str]], list[PersonalakeError]]:
    """What is known by now of requests that were accepted, by destination; and of whom nothing can be asked."""
    found: dict[str, Counter[str]] = {}
    silent: list[PersonalakeError] = []
    if context.dry_run:
        return found, silent
    for name, kept in with_results(active).items():
        if next(handed(context.lake.ledger, name, clock.now() - kept), None) is None:
            continue
        try:
            leases.take(name)
        except LeaseHeldError:
            continue  # somebody else asks; if anything is owed to it besides, that is said there
        connector = partial(_connected, name, active[name], clock, resolve)
        journal = LakeJournal(context.lake, name, stamps, partial(leases.require, name), active[name].local_folder)
        try:
            told, stopped = ask_on(context.lake.ledger, name, clock.now() - kept, connector, journal)
        except (ConfigError, EnvironmentProblem) as error:
            silent.append(error)
            continue
        if told:
            found[name] = told
        if stopped is not None:
            silent.append(SendingStoppedError(f"{name}: it does not say what became of earlier requests: {stopped}"))
    return found, silent


def _connected(name: str, connection: Connection, clock: Clock, resolve: Callable[[str], str]) -> Connector:
    try:
        return connect(name, connection, clock, resolve)
    except ImportError as error:
        raise EnvironmentProblem(
            f"Sending to {name} needs {error.name}, which is not installed.", "pip install -e '.[sending]' brings it."
        ) from error


async def _all(errands: Mapping[str, Errand], clock: Clock, chance: Chance, check: LastLook) -> dict[str, BaseException]:
    """All destinations at the same time; one that breaks does not end the others: which did, and by what."""

    async def one(errand: Errand) -> None:
        def still(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
            errand.require()
            return check(deliveries)

        given = errand.backlog.deliveries(errand.is_held)
        run = sending(
            given, errand.connector, clock, errand.journal, chance, errand.report, check=still, volume=errand.volume
        )
        async for outcomes in run:
            errand.report.add(outcomes)

    found = await asyncio.gather(*map(one, errands.values()), return_exceptions=True)
    return {name: error for name, error in zip(errands, found, strict=True) if error is not None}


def _ended(
    results: Mapping[str, tuple[Report, int]], cancelled: int, later: Mapping[str, Counter[str]], ends: Sequence[str]
) -> JobResult:
    """Say what happened, and what stays open."""
    told = [sentence(name, *one) for name, one in results.items()]
    if cancelled:
        told.append(f"{cancelled:,} of superseded or rejected plans taken back")
    for name, states in later.items():
        told.append(f"{name}: of earlier requests {', '.join(f'{n:,} {state}' for state, n in sorted(states.items()))}")
    return JobResult(
        rows_read=sum(owed for _, owed in results.values()),
        rows_rejected=sum(report.states["rejected"] for report, _ in results.values()),
        message="; ".join([*(told or ["nothing is left to send"]), *ends]),
        skipped=not told,
        figures={"destinations": {name: figures(*one) for name, one in results.items()}, **_of_later(later)},
    )


def _of_later(later: Mapping[str, Counter[str]]) -> dict[str, dict[str, dict[str, int]]]:
    return {"earlier_requests": {name: dict(states) for name, states in later.items()}} if later else {}
