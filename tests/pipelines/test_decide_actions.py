from collections.abc import Callable
from datetime import date

from personalake.config import Settings
from personalake.config.decisions import DecisionSettings, Holdout, Rule
from personalake.lake import Lake
from personalake.pipelines.decide_actions import run
from personalake.pipelines.job import JobContext
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION
from personalake.tables.silver import CONSENT_CURRENT
from tests.pipelines.placed import place

AS_OF = date(2017, 12, 1)
RULE = Rule(
    name="category", when="orders > 1", action="show", channel="email", purpose="email", offer="favourite_category",
    reason="They like {favourite_category}.",
)  # fmt: skip


def settings_of(lake: Lake) -> Settings:
    return Settings(root=lake.locations.root, decisions=DecisionSettings(rules=(RULE,), holdout=Holdout(share=0)))


def two_people(lake: Lake) -> None:
    likes = {"orders": 2, "favourite_category": "BEER", "as_of": AS_OF}
    place(lake, CUSTOMER_PROFILE, ({"person_id": p, **likes} for p in "ab"))
    grants = [("a", "personalisation"), ("a", "email"), ("b", "personalisation")]
    place(lake, CONSENT_CURRENT, ({"person_id": p, "purpose": purpose, "status": "granted"} for p, purpose in grants))


def test_decisions_need_no_predictions_and_are_the_same_after_a_second_run(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    two_people(lake)

    result = run(context_of(settings_of(lake)))
    first = sorted(map(str, lake.ledger.read(DECISION)))
    run(context_of(settings_of(lake)))

    assert {row["person_id"]: row["status"] for row in lake.ledger.read(DECISION)} == {"a": "act", "b": "no_consent"}
    assert sorted(map(str, lake.ledger.read(DECISION))) == first
    told, _, remark = result.message.partition("; ")
    assert told == "2 people: 1 to act on, 1 without consent"
    assert remark.startswith("rule 'category' does not ask for email_marketing, its channel's purpose")
    assert result.figures["actions"] == {"show": 1}


def test_without_rules_or_profiles_nothing_is_decided(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    assert run(context_of()).message == "there are no rules: write some into conf/rules.yml"
    assert "have not been built yet" in run(context_of(settings_of(lake))).message
    assert not lake.exists(DECISION)
