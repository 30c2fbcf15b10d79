"""Identifiers of every source to `silver.person_link`; answers about purposes to `silver.consent_current`."""

from personalake.common.persons import with_person
from personalake.config import Settings
from personalake.identity.links import identifiers, lone_links
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.consent import assumed_consent, current_consent
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
    assumed = assumed_consent(links, _assumed_purposes(context.settings))
    silent = assumed.join(answers, ["person_id", "purpose"], "left_anti")
    consents = lake.overwrite(answers.unionByName(silent), CONSENT_CURRENT)
    message = f"{people.rows:,} identifiers linked, {consents.rows:,} current consents"
    return JobResult(rows_read=sum(lake.ledger.rows(table) for table in (EVENT, CONSENT)), message=message)


def _assumed_purposes(settings: Settings) -> dict[str, tuple[str, ...]]:
    purposes = {rule.purpose for rule in settings.decisions.rules}
    purposes |= {purpose for destination in settings.destinations.values() for purpose in destination.purposes}
    return {
        name: tuple(sorted(purposes))
        for name, source in settings.active_sources().items()
        if source.consent == "assume_granted"
    }
