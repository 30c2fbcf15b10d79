"""Identifiers of every source to `silver.person_link`; answers about purposes to `silver.consent_current`."""

from datetime import date

from personalake.common.persons import with_person
from personalake.common.time_cuts import known_before
from personalake.config import Settings
from personalake.identity.links import identifiers, lone_links
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.consent import PERSONALISATION, assumed_consent, current_consent
from personalake.tables.gold import RUN
from personalake.tables.silver import (
    CAMPAIGN_RESPONSE,
    CONSENT,
    CONSENT_CURRENT,
    CUSTOMER_RECORD,
    EVENT,
    PERSON_LINK,
)


def run(context: JobContext) -> JobResult:
    """Link every identifier to a person, and derive the current consent of each person."""
    lake = context.lake
    sightings = [lake.read(table) for table in (EVENT, CUSTOMER_RECORD, CONSENT, CAMPAIGN_RESPONSE) if lake.exists(table)]
    if not sightings:
        return JobResult(skipped=True, message="silver is empty: no identifier has been seen yet")
    links = lone_links(identifiers(sightings))
    people = lake.overwrite(links, PERSON_LINK)
    links = lake.read(PERSON_LINK) if not context.dry_run else links
    answers = lake.read(CONSENT).transform(with_person(links)).transform(current_consent(context.as_of))
    assumed = assumed_consent(links, _assumed_purposes(context.settings)).transform(known_before(context.as_of))
    silent = assumed.join(answers, ["person_id", "purpose"], "left_anti")
    message = f"{people.rows:,} identifiers linked"
    later = _later_as_of(context)
    if later:
        message += (
            f"; consent is as of {later} already, an older as-of ({context.as_of}) never brings withdrawn consent back"
        )
    else:
        consents = lake.overwrite(answers.unionByName(silent), CONSENT_CURRENT)
        message += f", {consents.rows:,} current consents"
    return JobResult(rows_read=sum(lake.ledger.rows(table) for table in (EVENT, CONSENT)), message=message)


def _later_as_of(context: JobContext) -> date | None:
    """The latest as-of for which consent has been derived, if it lies after this run's."""
    if not context.lake.exists(CONSENT_CURRENT):
        return None
    done = [
        row["as_of"]
        for row in context.lake.ledger.read(RUN, ("job", "status", "as_of"))
        if row["job"] == "resolve_identities" and row["status"] == "done" and row["as_of"] is not None
    ]
    return max((as_of for as_of in done if as_of > context.as_of), default=None)


def _assumed_purposes(settings: Settings) -> dict[str, tuple[str, ...]]:
    purposes = {PERSONALISATION} | {rule.purpose for rule in settings.decisions.rules}
    purposes |= {purpose for destination in settings.destinations.values() for purpose in destination.purposes}
    return {
        name: tuple(sorted(purposes))
        for name, source in settings.active_sources().items()
        if source.consent == "assume_granted"
    }
