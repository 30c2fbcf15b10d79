"""The known world judges who is who, what is known of each, and how they got there: resolve, profile, journey.

The feeds come without dirt and without the detour through files: what is judged here is what is made of good rows.
"""

from collections.abc import Mapping
from datetime import timedelta

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from benchmarks.meeting import fill
from benchmarks.meeting import met as whether_met
from personalake.config import load_settings
from personalake.lake import Lake, Locations
from personalake.pipelines import build_journeys, build_profiles, resolve_identities
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.tables import Table
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.identity import PERSON
from personalake.tables.journeys import CUSTOMER_JOURNEY
from personalake.tables.silver import PERSON_LINK
from personalake.world import World, WorldSettings, world
from personalake.world.life import kept

SETTINGS = WorldSettings(people=100, days=21)
AS_OF = SETTINGS.end + timedelta(days=2)
FEEDS = ("pos_sales", "web_events", "support_tickets", "third_party_attributes")
TRUTHS = ("record", "identifier", "order", "session", "ticket")
Truth = Mapping[str, pd.DataFrame]


@pytest.fixture(scope="module")
def drawn(spark_session: SparkSession) -> World:
    return world(spark_session, SETTINGS, hold=kept)


@pytest.fixture(scope="module")
def truth(drawn: World) -> Truth:
    return {name: drawn.truth[name].toPandas() for name in TRUTHS}


@pytest.fixture(scope="module")
def profiled(spark_session: SparkSession, drawn: World, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("profiled")
    settings = load_settings("world", overrides={"root": str(root), "identity.matching.random_pairs": 100_000}, environ={})
    lake = Lake(Locations(root), lambda: spark_session)
    context = JobContext(settings, lake, AS_OF, AS_OF, "test-run", {}, Progress())
    fill(lake, settings, drawn, FEEDS)
    for job in (resolve_identities, build_profiles, build_journeys):
        job.run(context)
    return lake


def frame(lake: Lake, table: Table) -> pd.DataFrame:
    return lake.ledger.arrow(table).to_pandas(maps_as_pydicts="strict")


@pytest.fixture(scope="module")
def touched(profiled: Lake, truth: Truth) -> pd.DataFrame:
    """Every step, order and ticket of the journeys, with `actual`: whose it truly is."""
    sessions = truth["session"].drop_duplicates("session_id").set_index("session_id")["person"]
    orders = truth["order"].drop_duplicates("order_id").set_index("order_id")["person"]
    tickets = truth["ticket"].assign(key="support_tickets:" + truth["ticket"]["ticket_id"]).set_index("key")["person"]
    found = frame(profiled, CUSTOMER_JOURNEY).sort_values(["person_id", "touchpoint"])
    by_id = found["touchpoint_id"]
    actual = by_id.str.rsplit("-", n=1).str[0].map(sessions).fillna(found["order_id"].map(orders)).fillna(by_id.map(tickets))
    return found.assign(actual=actual)


@pytest.fixture(scope="module")
def met(profiled: Lake, truth: Truth) -> pd.DataFrame:
    """Whether card and browser met, of each person of whom both are known."""
    keys = {"session": "session_id", "order": "order_id", "record": "record_id"}
    owners = (truth[name].drop_duplicates(key).set_index(key)["person"] for name, key in keys.items())
    return whether_met(profiled, *owners)


def test_a_card_purchase_and_a_cookies_clicks_end_in_one_profile_wherever_anything_joins_them(met: pd.DataFrame) -> None:
    can_meet = met[met["bridge"] != "none"]
    counts = met.groupby("bridge")["outcome"].value_counts().to_dict()

    # Of the others the data do not tell it: they never signed in, or no record holds their card or their account.
    assert (can_meet["bridge"] == "shared identifiers").sum() >= 4, counts
    assert {*can_meet["outcome"]} == {"met"}, counts
    assert {*met.loc[met["bridge"] == "none", "outcome"]} <= {"never signed in", "account in no record", "card in no record"}


def test_profiles_of_those_who_met_know_both_what_they_bought_and_what_they_looked_at(
    profiled: Lake, touched: pd.DataFrame, met: pd.DataFrame
) -> None:
    is_bought = (touched["channel"] == "store") & (touched["kind"] == "purchase")
    is_seen = (touched["channel"] == "web") & (touched["kind"] == "view")
    bought, seen = (touched[rows].groupby("actual")["person_id"].agg(set) for rows in (is_bought, is_seen))
    profiles = frame(profiled, CUSTOMER_PROFILE).set_index("person_id")
    people = met.loc[met["outcome"] == "met", "person"]

    known = profiles.loc[
        [min(bought[person] & seen[person]) for person in people if person in {*bought.index} & {*seen.index}]
    ]

    assert len(known) >= 4
    assert (known["orders"] > 0).all()
    assert (known["web_visits"] > 0).all()
    assert known["region"].notna().all()
    assert touched["actual"].notna().all()
    assert touched.groupby("person_id")["actual"].nunique().gt(1).mean() <= 0.1  # one device, two people


def test_the_golden_record_and_bought_data_are_those_of_the_true_person(profiled: Lake, truth: Truth) -> None:
    links = frame(profiled, PERSON_LINK).merge(truth["record"], left_on="value", right_on="record_id")
    owners = links.groupby("person_id")["person"].agg(lambda people: people.mode().iloc[0])
    mails = truth["identifier"].query("namespace == 'email'").groupby("person")["value"].agg(set)
    golden = frame(profiled, PERSON).dropna(subset="email").set_index("person_id")
    bought = frame(profiled, CUSTOMER_PROFILE)["third_party"]

    right = [mail in mails[owners[person]] for person, mail in golden["email"].items()]
    assert (links["person"] == links["person_id"].map(owners)).mean() >= 0.99
    assert len(right) > 80
    assert sum(right) >= 0.95 * len(right)  # some are typed wrongly, and nowhere else
    assert golden["first_name"].dropna().str.contains("[A-Z]").mean() > 0.9  # as written, not as compared
    assert set.union(*map(set, bought)) == {"income_band", "home_ownership"}  # what the licence permits


def test_journeys_run_forward_and_hold_every_order_and_call_of_their_person(touched: pd.DataFrame, truth: Truth) -> None:
    pauses = touched.groupby("person_id")["occurred_at"].diff().dropna()
    bought, tickets = (touched[touched["kind"] == kind] for kind in ("purchase", "ticket"))

    assert (pauses >= pd.Timedelta(0)).all()
    assert not bought.duplicated("order_id").any()
    assert len(bought) > 50
    assert {*tickets["touchpoint_id"].str.split(":").str[1]} == {*truth["ticket"]["ticket_id"]}
    assert "phone" in set(tickets["channel"])  # by the number alone
