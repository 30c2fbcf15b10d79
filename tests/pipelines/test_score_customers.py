from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from personalake.models.portable import MODEL_FILE, PortableModel, opener
from personalake.pipelines import score_customers
from personalake.pipelines.job import JobContext
from personalake.profiles.features import definition
from personalake.tables.features import FEATURE_NAMES
from personalake.tables.gold import CUSTOMER_FEATURE, PREDICTION
from personalake.tracking import LoggedModel, Tracker
from tests.pipelines.consents import grant

CUT = date(2017, 12, 1)
RECENCY = PortableModel(
    "linear", ("recency_days", "tenure_days", "order_days"), coefficients=(1.0, 0.0, 0.0), means=(2.0, 4.0, 2.0)
)


def test_without_a_champion_no_score_is_made_up(context_of: Callable[..., JobContext]) -> None:
    context = context_of(as_of=CUT, model="churn")

    result = score_customers.run(context)

    assert result.skipped
    assert result.message == "no champion for churn: train_model has not promoted one"
    assert not context.lake.exists(PREDICTION)


@pytest.mark.parametrize("rows_per_task", [50_000, 1], ids=["on the driver", "by workers"])
def test_each_person_at_the_as_of_who_allows_it_is_scored_by_the_champion(
    context_of: Callable[..., JobContext], rows_per_task: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(as_of=CUT, model="churn")
    person = {**dict.fromkeys(FEATURE_NAMES, 1.0), "tenure_days": 100.0, "order_days": 10.0, "definition": definition()}
    people = [
        {**person, "person_id": "fresh", "as_of": CUT, "recency_days": 1.0},
        {**person, "person_id": "silent", "as_of": CUT, "recency_days": 90.0},
        {**person, "person_id": "earlier", "as_of": date(2017, 11, 1), "recency_days": 5.0},
    ]
    context.lake.ledger.append(CUSTOMER_FEATURE, [*people, {**people[0], "person_id": "refusing"}])
    grant(context.lake, ["fresh", "silent", "earlier"])
    tracker = Tracker(context.settings, context.lake.locations.root)
    example = pd.DataFrame(people)[list(FEATURE_NAMES)]
    tags = {"definition": definition()}
    tracker.promote("churn", tracker.log(LoggedModel("churn", {MODEL_FILE: RECENCY.as_json()}, opener, example, tags=tags)))

    monkeypatch.setattr(score_customers, "_ROWS_PER_TASK", rows_per_task)
    result = score_customers.run(context)

    found = {row["person_id"]: row for row in context.lake.ledger.read(PREDICTION)}
    # Log-odds are log1p(recency): odds of 2 to 1 after one day, of 91 to 1 after ninety.
    assert {name: round(row["probability"], 6) for name, row in found.items()} == {
        "fresh": round(2 / 3, 6),
        "silent": round(91 / 92, 6),
    }
    assert (found["fresh"]["percentile"], found["silent"]["percentile"]) == (0.5, 1.0)
    assert found["silent"]["reasons"][0]["words"] == "last bought 90 days ago; usually every 1 day"
    assert found["silent"]["model_version"] == "1"
    assert result.message == "2 people scored with churn version 1; 1 left out without consent to personalisation"
