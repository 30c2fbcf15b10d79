"""Rules over candidates: the first that applies decides, within consent and holdout."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_share
from personalake.config.decisions import PLACEHOLDER, SHARES, DecisionSettings, Rule
from personalake.tables.gold import DECISION

PERSONALISATION = "personalisation"
NO_RULE = "No rule applies."
LEFT_ALONE = "Left alone, as conf/rules.yml says."


def fingerprint_of(settings: DecisionSettings) -> str:
    """A short hash of the rule set; any change of a rule or of the holdout changes it."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]


def decide(candidates: DataFrame, granted: DataFrame, settings: DecisionSettings, as_of: date) -> DataFrame:
    """One decision for each person.

    A rule applies if its condition is true (null is not) and its offer is known. Who did not grant personalisation and
    the rule's purpose gets no action; a missing answer is a no. Of those who remain, the holdout is logged with the
    action that they would have had, and left alone. Whom `leave_alone` names has no rule at all.

    Args:
        candidates: Rows of `candidates`.
        granted: `person_id` and `purposes`, the array of purposes that the person grants.
        settings: Rules and holdout.
        as_of: Exclusive day.

    Returns:
        Rows of `gold.decision`.
    """
    is_left_alone = F.lit(False) if settings.leave_alone is None else _is_true(settings.leave_alone)
    chosen = candidates.withColumn("is_left_alone", is_left_alone).withColumn("place", _first_applying(settings.rules))
    allowed = _granted(PERSONALISATION) & _granted(F.col("purpose"))
    is_held_out = keyed_share(settings.holdout.salt) < settings.holdout.share
    status = (
        F.when(F.col("place").isNull(), "no_action")
        .when(~allowed, "no_consent")
        .when(is_held_out, "holdout")
        .otherwise("act")
    )
    return (
        chosen.join(granted, "person_id", "left")
        .withColumns(_of_rule(settings.rules))
        .withColumn("status", status)
        .withColumns(_withheld())
        .withColumns(_identity(settings, as_of))
        .select(*DECISION.columns)
    )


def _first_applying(rules: Sequence[Rule]) -> Column:
    """Place of the first rule that applies; null if none does."""
    applying = [F.when(~F.col("is_left_alone") & _applies(rule), F.lit(place)) for place, rule in enumerate(rules)]
    return F.coalesce(*applying, F.lit(None).cast("int"))


def _applies(rule: Rule) -> Column:
    condition = _is_true(rule.when)
    return condition if rule.offer == "none" else condition & F.col(rule.offer).isNotNull()


def _is_true(condition: str) -> Column:
    """Whether a condition holds; one that is null does not."""
    return F.coalesce(F.expr(condition).cast("boolean"), F.lit(False))


def _granted(purpose: str | Column) -> Column:
    """Whether the person grants a purpose; no answer is a no."""
    return F.coalesce(F.array_contains("purposes", purpose), F.lit(False))


def _of_rule(rules: Sequence[Rule]) -> dict[str, Column]:
    def pick(value: Callable[[Rule], Column]) -> Column:
        values = [F.when(F.col("place") == place, value(rule)) for place, rule in enumerate(rules)]
        return F.coalesce(*values, F.lit(None).cast("string"))

    return {
        "rule": pick(lambda rule: F.lit(rule.name)),
        "action": pick(lambda rule: F.lit(rule.action)),
        "channel": pick(lambda rule: F.lit(rule.channel)),
        "purpose": pick(lambda rule: F.lit(rule.purpose)),
        "product_id": pick(lambda rule: F.col(rule.offer) if rule.offer.endswith("_item") else F.lit(None).cast("string")),
        "category": pick(lambda rule: F.col(rule.offer) if rule.offer.endswith("_category") else F.lit(None).cast("string")),
        "reason": pick(lambda rule: in_words(rule.reason)),
    }


def in_words(text: str) -> Column:
    """A reason with its placeholders filled: shares as percentages, what is not known as `unknown`.

    >>> PLACEHOLDER.findall("Likely to leave ({churn_probability}).")
    ['churn_probability']
    """
    pieces = PLACEHOLDER.split(text)
    shown = [F.lit(piece) if place % 2 == 0 else _shown(piece) for place, piece in enumerate(pieces)]
    return F.concat(*shown)


def _shown(name: str) -> Column:
    value = F.col(name)
    text = F.concat(F.round(value * 100).cast("int").cast("string"), F.lit(" %")) if name in SHARES else value.cast("string")
    return F.coalesce(text, F.lit("unknown"))


def _withheld() -> dict[str, Column]:
    """Without consent nothing of the offer is kept, not even its reason; rule and purpose say what was missing."""
    may_know = F.col("status").isin("act", "holdout")
    missing = F.when(~_granted(PERSONALISATION), F.lit(PERSONALISATION)).otherwise(F.col("purpose"))
    refused = F.concat(F.lit("No consent for "), missing, F.lit("."))
    kept = {name: F.when(may_know, F.col(name)) for name in ("channel", "product_id", "category")}
    return {
        **kept,
        "action": F.when(may_know, F.col("action")).otherwise("none"),
        "reason": F.when(may_know, F.col("reason"))
        .when(F.col("status") == "no_consent", refused)
        .when(F.col("is_left_alone"), LEFT_ALONE)
        .otherwise(NO_RULE),
    }


def _identity(settings: DecisionSettings, as_of: date) -> dict[str, Column]:
    parts = [F.col("person_id"), F.lit(as_of.isoformat()), F.lit(fingerprint_of(settings))]
    share = settings.holdout.share
    probability = F.when(F.col("status") == "act", F.lit(1.0 - share)).when(F.col("status") == "holdout", F.lit(share))
    return {
        "decision_id": F.concat(F.lit("d_"), F.substring(F.sha2(F.concat_ws("|", *parts), 256), 1, 32)),
        "as_of": F.lit(as_of),
        "probability": F.coalesce(probability, F.lit(1.0)).cast("double"),
    }
