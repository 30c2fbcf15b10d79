"""The whole graph twice over a handful of people: what is never said of them, and what becomes of who merge and split."""

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from benchmarks.erasure import HEARD_ON_DEMAND
from personalake.errors import PersonalakeError
from personalake.lake import Lake
from personalake.lake.search import Search, files_below
from personalake.pipelines.command import fail
from personalake.pipelines.graph import run_graph, select_jobs
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import BY_NAME as BY_JOB
from personalake.pipelines.runner import run_job
from personalake.tables import BY_NAME
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DECISION
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY
from tests.pipelines.known_company import (
    NEXT_DAY,
    PURPOSES,
    answer,
    company_lake,
    company_settings,
    customer,
    happened,
    land,
    order,
)
from tests.pipelines.overheard import overheard
from tests.plans import compiled

# Nothing else on earth is called so, and each is long enough to be nothing by chance.
ANN = {
    "first_name": "Annelorna", "last_name": "Zwiebeltau", "birth_date": "1931-02-28", "street": "Quittenstieg 4711",
    "postcode": "Q9X7Z", "city": "Unterkrumbach", "phone": "+1 212 555 0147", "loyalty_id": "card-90210-ann",
    "age_band": "age-31-ish", "income_band": "income-87k", "home_ownership": "owns-a-windmill",
    "marital_status": "twice-wed",
    "household_size": "household-of-17", "household_type": "windmill-commune", "kids_count": "kids-eleven",
    "device_id": "device-4b1d-ann", "cookie_id": "cookie-77aa-ann",
}  # fmt: skip
ANN_MAIL, ANN_LOGIN, SIAM_MAIL = "a.zwiebeltau@work.example", "login-annelorna", "siamese@shared.example"
TEXTS = {
    "search_term": "cure for zwiebelitis", "ticket": "My card 4929 1234 5678 9012 was stolen at Quittenstieg",
    "wish": "only-at-midnight", "broken": "brokenline-annelorna", "much": "amount-of-annelorna",
}  # fmt: skip
CANARIES = {*ANN.values(), ANN_MAIL, ANN_LOGIN, SIAM_MAIL, *TEXTS.values()}
OVERRIDES = (
    {"decision": "always", "between": ["crm:1001", "crm:2001"]},
    {"decision": "never", "between": ["crm:1002", "crm:2002"]},
)
# What is there now, and is read by whoever comes next; beside it lie histories and ledgers.
CURRENT = (
    "silver.person", "silver.consent_current", "gold.customer_profile", "gold.customer_journey", "gold.customer_feature",
    "gold.segment_membership", "gold.recommendation", "gold.decision",
)  # fmt: skip


# What somebody starts when there is a reason, and what they would be told if they wrote it wrongly.
ON_DEMAND: Mapping[str, Mapping[str, str]] = {
    "change_preference": {"identifier": "crm=1001", "preference": "calls", "value": TEXTS["wish"]},
    "replay_quarantine": {},
    "publish_counts": {"by": "favourite_category"},
    "export_customer": {"identifier": f"email={ANN_MAIL}"},
    "protect_tables": {},
}
WRONG: Mapping[str, Mapping[str, str]] = {
    "export_customer": {"identifier": ANN_MAIL},
    "erase_customers": {"identifier": f"email={ANN_MAIL}", "also": ANN["first_name"]},
    "change_preference": {"identifier": f"fax={ANN['phone']}", "preference": "calls", "value": TEXTS["wish"]},
}
# Where others are listened to: models need more than a handful of people, regions more than one lake.
ELSEWHERE = {*HEARD_ON_DEMAND, "train_model", "score_customers", "share_figures", "collect_figures"}


@dataclass
class Story:
    """What was there after each of the two days, and all that was said meanwhile."""

    folder: Path
    lake: Lake
    spoken: list[str] = field(default_factory=list)
    said: str = ""
    heard: set[str] = field(default_factory=set)
    links: list[dict[tuple[str, str], str]] = field(default_factory=list)
    kept: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def read(self, table: str) -> list[dict[str, Any]]:
        return self.lake.ledger.read(BY_NAME[table])


def first_day(folder: Path) -> None:
    """Ann with two accounts that nothing connects yet, and two people who share a login and pass for one."""
    land(folder, "crm", customer("1001", **ANN, login=ANN_LOGIN), customer("2001", email=ANN_MAIL),
         customer("1002", email=SIAM_MAIL, login="siam"), customer("2002", login="siam"),
         customer("1003", email="else@x.example"))  # fmt: skip
    orders = [order(f"o-{who}", who) for who in ("1001", "2001", "1002", "2002", "1003")]
    land(folder, "orders", *orders, order("o-bad", "1001", amount=TEXTS["much"]), orders[0],
         ending=f'{{"event_id": "{TEXTS["broken"]}"\n')  # fmt: skip
    click = {"customer_id": ANN_LOGIN, "cookie_id": ANN["cookie_id"], "device_id": ANN["device_id"]}
    land(folder, "site", happened("click", interaction_type="search", search_term=TEXTS["search_term"], **click))
    land(folder, "tickets", happened("ticket", customer_id=ANN_MAIL, phone=ANN["phone"], text=TEXTS["ticket"]))
    land(folder, "wishes", happened("wish", customer_id="1001", preference="calls", value=TEXTS["wish"]))
    land(folder, "answers", *(answer(who, purpose) for who in ("2001", "1002", "1003") for purpose in PURPOSES),
         answer("2001", "ads"), answer("1001", "ads", "withdrawn", "2017-03-01"))  # fmt: skip
    land(folder, "catalog", {**happened("tea-1"), "product_id": "tea-1", "name": "Tea", "category": "tea"})


def run_day(story: Story, **settings: Any) -> None:
    spoken = io.StringIO()
    jobs = [job for job in select_jobs() if job.name not in ELSEWHERE]
    story.heard |= {job.name for job in jobs}
    run_graph(jobs, company_settings(story.folder, **settings), story.lake, progress=Progress(stream=spoken))
    story.said += spoken.getvalue()
    links = story.read("silver.person_link")
    story.links.append({(row["namespace"], row["value"]): row["person_id"] for row in links})


def run_on_demand(story: Story) -> None:
    settings = company_settings(story.folder, as_of=NEXT_DAY, overrides=OVERRIDES)
    for name, options in ON_DEMAND.items():
        outcome = run_job(BY_JOB[name], settings, story.lake, options)
        story.said += json.dumps(outcome.as_json(), default=str)
        story.heard.add(name)
    for name, options in WRONG.items():
        with pytest.raises(PersonalakeError) as refused:
            run_job(BY_JOB[name], settings, story.lake, options)
        spoken = io.StringIO()
        with redirect_stdout(spoken), redirect_stderr(spoken):
            fail(name, refused.value)
        story.said += spoken.getvalue()


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("company") / "shop"
    (folder.parent / "said").mkdir()
    story = Story(folder, company_lake(folder, spark))
    first_day(folder)
    with overheard(spark, folder.parent / "said") as spoken:
        with compiled(spark):  # as outside of the tests
            run_day(story)
        ledgers = (DECISION, ACTIVATION_OUTBOX, ACTIVATION_LOG, CUSTOMER_PROFILE_HISTORY)
        story.kept = {table.full_name: story.read(table.full_name) for table in ledgers}
        # Somebody has looked meanwhile: Ann's accounts are one person's, the others' are not.
        run_day(story, as_of=NEXT_DAY, overrides=OVERRIDES)
        run_on_demand(story)
    story.spoken = spoken.texts
    return story


def found_in(texts: Iterable[str | bytes]) -> set[str]:
    """What stands in the lines, each looked at once: the same plan is told again at each of its steps."""
    whole = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts)
    return Search(CANARIES).content(b"\n".join(dict.fromkeys(whole.replace(b"\\n", b"\n").split(b"\n"))))


def told_by_plans(story: Story) -> list[bytes]:
    return [path.read_bytes() for path in (story.folder.parent / "said").iterdir()]


def test_the_search_finds_every_word_of_the_people_where_rows_are(story: Story) -> None:
    search = Search(CANARIES)
    layers = [story.folder / "lake" / layer for layer in ("bronze", "silver", "gold")]

    assert {word for path in files_below(layers) for word in search.file(path)} == CANARIES
    assert found_in([rf'{{"plan": "Filter\n{word}\n+- Scan"}}' for word in CANARIES]) == CANARIES


def test_no_word_of_a_person_is_in_a_plan_a_log_line_a_message_or_a_file_name(story: Story) -> None:
    jvm, events = sorted(told_by_plans(story), key=len)
    messages = [str(row["message"]) for row in story.read("gold.run")]
    names = [path.relative_to(story.folder).as_posix() for path in story.folder.rglob("*")]

    assert found_in([jvm, events]) == set()
    assert found_in([*story.spoken, *messages, *names, story.said]) == set()
    assert jvm.count(b"INFO ") > 1_000
    assert events.count(b'"physicalPlanDescription"') > 100
    assert b"person_id" in events


def test_every_job_is_listened_to_somewhere(story: Story) -> None:
    assert story.heard & ELSEWHERE == set()
    assert story.heard | ELSEWHERE == set(BY_JOB)
    assert story.said.count("FAILED") == len(WRONG)


def test_no_person_id_is_in_a_plan_a_log_line_a_file_name_or_a_commit(story: Story) -> None:
    """They are pseudonyms, yet each is somebody's for ever in what no erasure reaches."""
    persons = {person for links in story.links for person in links.values()}
    commits = [path.read_bytes() for path in story.folder.rglob("_delta_log/*.json")]
    names = [path.as_posix().encode() for path in story.folder.rglob("*")]
    said = b"\n".join(
        [*told_by_plans(story), *names, *commits, *(text.encode() for text in story.spoken), story.said.encode()]
    )

    assert len(persons) == 5
    assert {person for person in persons if person.encode() in said} == set()


def test_no_table_of_today_names_a_person_who_is_gone(story: Story) -> None:
    alive = set(story.links[1].values())
    gone = set(story.links[0].values()) - alive

    for name in CURRENT:
        rows = [row for row in story.read(name) if row.get("as_of", NEXT_DAY) == NEXT_DAY]
        assert rows, name
        assert {row["person_id"] for row in rows} <= alive, name
    assert len(gone) == 1


def test_a_merge_joins_what_was_known_and_the_later_withdrawal_of_either_half_counts(story: Story) -> None:
    was, now = story.links
    ann = now["crm", "1001"]
    profile = {row["person_id"]: row for row in story.read("gold.customer_profile")}
    consent = {row["purpose"]: row["status"] for row in story.read("silver.consent_current") if row["person_id"] == ann}

    assert was["crm", "1001"] != was["crm", "2001"]
    assert ann == now["crm", "2001"] == was["crm", "1001"]
    assert profile[ann]["orders"] == 2
    assert consent == {"ads": "withdrawn", "email_marketing": "granted", "personalisation": "granted"}
    assert {row["kind"] for row in story.read("gold.customer_journey") if row["person_id"] == ann} >= {"search", "ticket"}


def test_a_split_gives_each_their_own_and_consent_to_whoever_gave_it(story: Story) -> None:
    was, now = story.links
    one, other = now["crm", "1002"], now["crm", "2002"]
    orders = {row["person_id"]: row["orders"] for row in story.read("gold.customer_profile")}

    assert was["crm", "1002"] == was["crm", "2002"] == one != other
    assert (orders[one], orders[other]) == (1, 1)
    assert other not in {row["person_id"] for row in story.read("silver.consent_current")}
    assert {(row["kind"], row["old_person_id"], row["new_person_id"]) for row in story.read("silver.person_change")} == {
        ("split", one, other),
        ("merged", was["crm", "2001"], now["crm", "2001"]),
    }


def test_who_was_merged_is_not_sent_again_what_a_half_was_sent(story: Story) -> None:
    plans = {row["as_of"]: row for row in story.read("gold.activation_plan")}
    sent = [row for row in story.read("gold.activation_outbox") if row["destination"] == "partner"]

    assert {row["person_id"] for row in sent} == {
        story.links[0][kind] for kind in (("crm", "2001"), ("crm", "1002"), ("crm", "1003"))
    }
    assert [row["sync_key"] for row in sent].count(ANN_MAIL) == 1
    told = {name: plans[NEXT_DAY][name] for name in ("added", "changed", "removed", "unchanged", "refused")}
    assert told == {"added": 0, "changed": 0, "removed": 0, "unchanged": 1, "refused": {"capped": 2}}


def test_ledgers_and_histories_keep_what_was(story: Story) -> None:
    for name, before in story.kept.items():
        key = BY_NAME[name].key or ("delivery_id", "state")
        now = {tuple(row[column] for column in key): row for row in story.read(name)}
        if name != "gold.customer_profile_history":
            assert all(now[tuple(row[column] for column in key)] == row for row in before), name
    gone = story.links[0]["crm", "2001"]
    ended = [row for row in story.read("gold.customer_profile_history") if row["person_id"] == gone]
    assert ended
    assert all(row["valid_to"] is not None for row in ended)
