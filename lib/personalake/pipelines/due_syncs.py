"""Which syncs are planned in a run, and what should be known of those that are not, or are deaf to a no."""

import logging

from personalake.config import Settings
from personalake.config.audience_checks import audience_problems
from personalake.config.audiences import Sync
from personalake.config.lawful import deaf_syncs
from personalake.config.name_checks import syncs_left_off
from personalake.config.schedules import is_due
from personalake.errors import ConfigError
from personalake.pipelines.job import JobContext
from personalake.pipelines.left_behind import GONE, left_behind
from personalake.pipelines.plan_states import latest_plans, newest, of_all
from personalake.reports.words import plural

logger = logging.getLogger(__name__)
_DEAF = (
    "%s does not ask for %s: who unsubscribes from what it sends, or complains, gets it all the same; add it to its "
    "purposes, unless these are messages that nobody can unsubscribe from"
)
_LEFT_BEHIND = (
    "%s %s, and %s still holds %s of it, whom nobody takes away any more, also if they withdraw: until they have left, keep "
    "a sync of that name there with the fields that it had, audience: {where: 'false'}, mode: %s and bounds: "
    "{max_removed_share: 1}%s"
)
_BESIDE = (
    "; who is in one of %s, too, loses what both have set there, fields of the same name or the place on a list, and gets "
    "it back only when that one has something new to say of them"
)
_RENAMED = (
    "; if one of these has taken its place, keep it with the fields and purposes that it had and enabled: false first: then "
    "only people are counted whom no mirrored sync with all of these fields and purposes takes away"
)


def active_syncs(settings: Settings) -> dict[str, Sync]:
    """Syncs that are on and go to a connection that is."""
    return {
        name: sync
        for name, sync in sorted(settings.audiences.items())
        if sync.enabled and (target := settings.connections.get(sync.destination)) is not None and target.enabled
    }


def due_syncs(context: JobContext) -> dict[str, Sync]:
    """Syncs to be planned in this run: the one that was asked for, or those whose day it is.

    Raises:
        ConfigError: If a sync does not fit its connection, or there is none of the asked name.
    """
    settings, asked = context.settings, context.options.get("sync")
    found = audience_problems(settings.audiences, settings.connections, settings.destinations, settings.templates)
    problems = [f"{'.'.join(place)}: {text}" for place, text in found]
    active = active_syncs(settings)
    if asked is not None and asked not in active:
        there = ", ".join(active) or "none"
        problems.append(f"--sync {asked}: no enabled sync of that name to an enabled connection; there are: {there}")
    if problems:
        raise ConfigError(problems)
    for name, purpose in deaf_syncs(settings):
        if name in (active if asked is None else (asked,)):
            logger.warning(_DEAF, name, purpose)
    if asked is not None:
        return {asked: active[asked]}
    for name, connection in syncs_left_off(settings).items():
        logger.warning("%s is not planned: its connection %s is off", name, connection)
    for left in left_behind(context.lake.ledger, settings):
        people = plural(left.people, "person", "people")
        beside = _BESIDE % ", ".join(left.beside) if left.beside else ""
        beside += _RENAMED if left.beside and left.why == GONE else ""
        logger.warning(_LEFT_BEHIND, left.sync, left.why, left.destination, people, left.mode, beside)
    if not active:
        return {}
    planned = {name: newest(of_all(latest_plans(context.lake.ledger, name))) for name in active}
    return {
        name: sync
        for name, sync in active.items()
        if is_due(sync.schedule, context.as_of, None if (last := planned[name]) is None else last["as_of"])
    }
