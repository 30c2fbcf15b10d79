"""Identifiers, consents and messages fit the people they belong to."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.world import World
from tests.world.conftest import SETTINGS


def test_every_identifier_that_an_event_tells_has_an_owner(known: World, owners: DataFrame) -> None:
    sources = known.sources
    told = {
        "login": sources["web_events"].select(F.col("user_id").alias("value")),
        "cookie": sources["web_events"].select(F.col("client_id").alias("value")),
        "device": sources["app_events"].select(F.col("deviceId").alias("value")),
        "loyalty_id": sources["pos_sales"].select(F.col("card_no").alias("value")),
        "email": sources["email_events"].select(F.col("email").alias("value")),
    }

    for namespace, values in told.items():
        found = values.dropna().distinct()
        assert found.count() > 100, namespace
        assert found.join(owners.where(F.col("namespace") == namespace), "value", "left_anti").isEmpty(), namespace


def test_logins_and_cards_have_one_owner_and_shared_devices_several_of_one_household(
    known: World, owners: DataFrame
) -> None:
    housed = owners.join(known.truth["person"].select("person", "household"), "person")

    counted = housed.groupBy("namespace", "value").agg(
        F.count("*").alias("people"), F.count_distinct("household").alias("households")
    )

    assert counted.where("namespace IN ('login', 'loyalty_id') AND people > 1").isEmpty()
    assert counted.where("namespace IN ('device', 'cookie') AND people > 1 AND households = 1").count() > 50
    # Only public terminals are used by several households.
    hubs = counted.where("namespace = 'device' AND households > 1")
    assert 1 <= hubs.count() <= SETTINGS.people / 400 + 1


def test_records_and_events_tell_the_same_identifiers(known: World) -> None:
    accounts = known.sources["web_accounts"].select("userId").dropna().distinct()
    visitors = known.sources["web_events"].select(F.col("user_id").alias("userId")).dropna().distinct()

    assert visitors.join(accounts, "userId").count() > 100


def test_nobody_gets_mail_whose_latest_answer_is_no(known: World, owners: DataFrame) -> None:
    latest = _latest_answers(known, owners, "email_marketing")
    people = known.truth["person"].select("person", "joined_day")

    mails = known.sources["email_events"].where("event = 'delivered'")
    mailboxes = owners.where("namespace = 'email'").select(F.col("value").alias("email"), "person")
    received = mails.join(mailboxes, "email").join(people, "person")
    refused = received.join(latest.where("decision <> 'accept'"), "person").where(
        "timestamp > collected_at + INTERVAL 2 DAYS"
    )

    assert mails.count() > 1_000
    # A family's mailbox is read by others, too; the address itself decides.
    assert refused.join(_family(owners), "email", "left_anti").isEmpty()


def test_refusals_and_withdrawals_are_as_frequent_as_drawn(known: World) -> None:
    answers = known.sources["store_consents"].unionByName(known.sources["web_consents"], allowMissingColumns=True)
    counts = {row["decision"]: row["count"] for row in answers.groupBy("decision").count().collect()}

    assert 0.05 < counts["revoke"] / counts["accept"] < 0.12
    assert 0.12 < counts["reject"] / counts["accept"] < 0.25


def test_the_books_count_the_messages_that_were_sent(known: World) -> None:
    spend = {row["campaign"]: row for row in known.sources["campaign_spend"].collect()}
    sent = {
        row["category"]: row["count"]
        for row in known.sources["email_events"]
        .where("event IN ('delivered', 'bounce')")
        .groupBy("category")
        .count()
        .collect()
    }

    assert {name: row["impressions"] for name, row in spend.items()} == sent
    campaign = spend["premium-club"]
    assert float(campaign["cost"]) == round(150 + 0.8 * campaign["impressions"] + 0.4 * campaign["clicks"], 2)


def test_some_ask_to_be_forgotten_and_one_of_them_is_unknown(known: World, owners: DataFrame) -> None:
    requests = known.sources["erasure_requests"]
    mailboxes = owners.where("namespace = 'email'").select(F.col("value").alias("email"))

    unknown = requests.join(mailboxes, "email", "left_anti")

    assert requests.count() > 2
    assert unknown.count() == 1


def _latest_answers(known: World, owners: DataFrame, purpose: str) -> DataFrame:
    """The last answer of each person about a purpose, through card or e-mail."""
    parts = {"store_consents": ("card_no", "loyalty_id"), "web_consents": ("email", "email")}
    answers = []
    for source, (column, namespace) in parts.items():
        keyed = owners.where(F.col("namespace") == namespace).select(F.col("value").alias(column), "person")
        told = known.sources[source].where(F.col("purpose") == purpose).join(keyed, column)
        answers.append(told.select("person", "decision", "collected_at"))
    both = answers[0].unionByName(answers[1])
    return both.groupBy("person").agg(
        F.max_by("decision", "collected_at").alias("decision"), F.max("collected_at").alias("collected_at")
    )


def _family(owners: DataFrame) -> DataFrame:
    """Mailboxes that several people read."""
    emails = owners.where("namespace = 'email'").groupBy("value").count()
    return emails.where("count > 1").select(F.col("value").alias("email"))
