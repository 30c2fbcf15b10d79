"""What each person does beside buying: visits, messages, tickets, answers; one aggregation over all of it."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import by_caller, by_other_identifiers, with_person
from personalake.common.time_cuts import known_before

# Of all that happened to one message, the last of these says how far it came.
_STEPS = ("sent", "opened", "clicked")
_WHO = ("namespace", "customer_id")
_SHAPE = (*_WHO, "kind", "at", "region", "score")


@dataclass(frozen=True)
class Engaged:
    """What engagement is made of, as rows of silver.

    Args:
        interactions: `silver.interaction`.
        emails: `silver.email_engagement`.
        tickets: `silver.support_ticket`.
        answers: `silver.survey_answer`.
    """

    interactions: DataFrame
    emails: DataFrame
    tickets: DataFrame
    answers: DataFrame


def engagement(engaged: Engaged, links: DataFrame, as_of: date) -> DataFrame:
    """What each person did on each channel, as known before `as_of`.

    Args:
        engaged: Rows of silver.
        links: `silver.person_link`.
        as_of: Exclusive day.

    Returns:
        One row per person who did anything: counts and last times of visits, messages, tickets and surveys, and the region
        of most visits (ties go to the first by name).
    """
    known = known_before(as_of)
    units = (
        engaged.interactions.transform(known).transform(_visits)
        .unionByName(engaged.emails.transform(known).transform(_messages))
        .unionByName(engaged.tickets.transform(known).transform(_tickets))
        .unionByName(engaged.answers.transform(known).transform(_answers))
    )  # fmt: skip
    of_person = units.transform(with_person(links)).groupBy("person_id")
    latest_answer = F.max(F.when(F.col("kind") == "survey", F.struct("at", "score")))
    return of_person.agg(
        F.mode(F.col("region"), True).alias("region"),
        _count("web").alias("web_visits"),
        _last("web").alias("last_web_visit_at"),
        _count("app").alias("app_visits"),
        _last("app").alias("last_app_visit_at"),
        _count(*_STEPS).alias("emails_sent"),
        _count("opened", "clicked").alias("emails_opened"),
        _count("clicked").alias("emails_clicked"),
        _last("opened", "clicked").alias("last_email_at"),
        _count("ticket").alias("tickets"),
        _last("ticket").alias("last_ticket_at"),
        F.mean(F.when(F.col("kind") == "ticket", F.col("score"))).alias("ticket_rating"),
        latest_answer["score"].alias("survey_score"),
        latest_answer["at"].alias("last_survey_at"),
    )


def _count(*kinds: str) -> Column:
    return F.count_if(F.col("kind").isin(*kinds))


def _last(*kinds: str) -> Column:
    return F.max(F.when(F.col("kind").isin(*kinds), F.col("at")))


def _visits(interactions: DataFrame) -> DataFrame:
    """One row per visit: many steps become few rows before anybody looks for the person."""
    named = by_other_identifiers(cookie_id=F.col("cookie_id"), device_id=F.col("device_id"))
    visit = F.coalesce("session_id", F.to_date("occurred_at").cast("string")).alias("visit")
    return (
        interactions.transform(named)
        .groupBy(*_WHO, F.col("channel").alias("kind"), visit)
        .agg(F.max("occurred_at").alias("at"), F.min("region").alias("region"))
        .withColumn("score", F.lit(None).cast("int"))
        .select(*_SHAPE)
    )


def _messages(emails: DataFrame) -> DataFrame:
    """One row per message that reached somebody, by how far it came; a machine that opens it again counts once."""
    step = F.array_position(F.array(*map(F.lit, _STEPS)), F.col("engagement_type"))
    reached = emails.where(F.col("engagement_type").isin(*_STEPS)).groupBy(*_WHO, "message_id")
    furthest = reached.agg(F.max(step).alias("step"), F.max("occurred_at").alias("at"))
    kind = F.element_at(F.array(*map(F.lit, _STEPS)), F.col("step").cast("int"))
    return furthest.withColumn("kind", kind).transform(_without_region).select(*_SHAPE)


def _tickets(tickets: DataFrame) -> DataFrame:
    return _scored(tickets.transform(by_caller), "ticket", "rating")


def _answers(answers: DataFrame) -> DataFrame:
    return _scored(answers, "survey", "score")


def _scored(rows: DataFrame, kind: str, score: str) -> DataFrame:
    named = rows.select(*_WHO, F.lit(kind).alias("kind"), F.col("occurred_at").alias("at"), F.col(score).alias("score"))
    return named.withColumn("region", F.lit(None).cast("string")).select(*_SHAPE)


def _without_region(rows: DataFrame) -> DataFrame:
    nothing = F.lit(None)
    return rows.withColumns({"region": nothing.cast("string"), "score": nothing.cast("int")})
