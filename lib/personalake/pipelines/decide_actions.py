"""Gold to `gold.decision`: one action for each person, within consent and holdout."""

from collections import Counter

import pyarrow as pa

from personalake.config.lawful import deaf_rules
from personalake.context.offers import sold_out
from personalake.decisions.candidates import Insight, candidates
from personalake.decisions.rules import decide
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.consent import granted_purposes
from personalake.tables.context import OFFER_HISTORY
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION, PREDICTION, RECOMMENDATION, SEGMENT_MEMBERSHIP
from personalake.tables.silver import CATALOG_ITEM, CONSENT_CURRENT

_IN_WORDS = {"act": "to act on", "holdout": "held out", "no_consent": "without consent", "no_action": "without a rule"}
# Also what a destination asks for does not stop it, where that is another purpose.
_DEAF = "; rule '{}' does not ask for {}, its channel's purpose: it goes on choosing for who withdraws that"


def run(context: JobContext) -> JobResult:
    """Decide for everyone who has a profile."""
    lake, settings = context.lake, context.settings.decisions
    if not settings.rules:
        return JobResult(skipped=True, message="there are no rules: write some into conf/rules.yml")
    profiles_of = lake.ledger.latest(CUSTOMER_PROFILE, "as_of")
    if profiles_of != context.as_of:
        found = f"are as of {profiles_of}" if profiles_of else "have not been built yet"
        return JobResult(skipped=True, message=f"profiles {found}, so nothing is decided as of {context.as_of}")
    insight = Insight(
        profiles=lake.read(CUSTOMER_PROFILE),
        segments=lake.read(SEGMENT_MEMBERSHIP),
        predictions=lake.read(PREDICTION),
        recommendations=lake.read(RECOMMENDATION),
        catalog=lake.read(CATALOG_ITEM),
        sold_out=lake.read(OFFER_HISTORY).transform(sold_out),
    )
    granted = lake.read(CONSENT_CURRENT).transform(granted_purposes)
    decisions = decide(candidates(insight, context.as_of), granted, settings, context.as_of)
    with context.progress.step("deciding for each person"):
        written = lake.replace_as_of(decisions, DECISION, context.as_of)
    if context.dry_run:
        return JobResult(message=f"{written.rows:,} people would be decided for")
    decided = lake.ledger.arrow(DECISION, ("status", "action"), [("as_of", "=", context.as_of)])
    return _told(decided, "".join(_DEAF.format(*found) for found in deaf_rules(context.settings)))


def _told(decisions: pa.Table, remarks: str) -> JobResult:
    counted = decisions.group_by(["status", "action"]).aggregate([([], "count_all")]).to_pylist()
    by_status: Counter[str] = Counter()
    by_action: Counter[str] = Counter()
    for row in counted:
        by_status[row["status"]] += row["count_all"]
        if row["status"] == "act":
            by_action[row["action"]] += row["count_all"]
    told = [f"{by_status[status]:,} {words}" for status, words in _IN_WORDS.items() if by_status[status]]
    total = sum(by_status.values())
    figures = {"statuses": dict(sorted(by_status.items())), "actions": dict(sorted(by_action.items()))}
    return JobResult(rows_read=total, message=f"{total:,} people: {', '.join(told)}{remarks}", figures=figures)
