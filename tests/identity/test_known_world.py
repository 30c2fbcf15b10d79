"""The known world is the judge: its truth is compared with what resolution makes of its records."""

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.config.identity import IdentitySettings, MatchSettings
from personalake.identity.evaluation import b_cubed, pairwise
from personalake.identity.households import fitting_guards
from personalake.identity.records import match_records
from personalake.identity.resolution import resolve
from personalake.identity.scoring import score
from personalake.identity.told_names import with_told_names
from personalake.identity.training import fit_match_model
from personalake.world.records import record_truth, records
from personalake.world.settings import WorldSettings

WORLD = WorldSettings(people=1_500)
SETTINGS = IdentitySettings(calling_code="999", matching=MatchSettings(random_pairs=500_000))


@pytest.fixture(scope="module")
def standardised(spark_session: SparkSession) -> pa.Table:
    known = {"namespace": F.col("source"), "customer_id": F.col("record_id"), "known_at": F.col("recorded_at")}
    return with_told_names(match_records(records(spark_session, WORLD).withColumns(known), SETTINGS).toArrow(), {})


@pytest.fixture(scope="module")
def truth(spark_session: SparkSession) -> "pd.Series[str]":
    return record_truth(spark_session, WORLD).toPandas().set_index("record_id")["person"]


def test_people_of_the_known_world_are_found_though_households_share_devices(
    standardised: pa.Table, truth: "pd.Series[str]"
) -> None:
    model = fit_match_model(standardised, SETTINGS.matching)
    edges = score(model, standardised, None, SETTINGS.matching).pairs.to_pandas()
    found = resolve(standardised.to_pandas(), edges, fitting_guards(SETTINGS, model.household_share))

    actual = truth.loc[found.graph.records["customer_id"]]
    pairs, bags = pairwise(pd.Series(found.group), actual), b_cubed(pd.Series(found.group), actual)
    assert model.household_share is not None
    assert model.household_share > 0.2
    assert pairs.precision >= 0.98
    assert pairs.f1 >= 0.96
    assert bags.f1 >= 0.97


def test_values_that_a_fifth_of_the_records_share_neither_merge_them_nor_are_compared(
    standardised: pa.Table, truth: "pd.Series[str]"
) -> None:
    rows = standardised.to_pandas()
    chosen = rows.index % 5 == 0
    rows.loc[chosen, ["loyalty_id", "email", "phone"]] = ["L42", "shop@till.example", "+999100200300"]
    shared = rows["blocking_keys"].map(lambda keys: [*keys[:2], 42, *keys[3:]])
    rows["blocking_keys"] = rows["blocking_keys"].where(~chosen, shared)
    table = pa.Table.from_pandas(rows, standardised.schema)

    scored = score(fit_match_model(table, SETTINGS.matching), table, None, SETTINGS.matching)
    found = resolve(rows, scored.pairs.to_pandas(), SETTINGS)

    assert pairwise(pd.Series(found.group), truth.loc[found.graph.records["customer_id"]]).precision >= 0.98
    assert max(found.graph.records.groupby(found.group).size()) < 20
    assert ("loyalty_id", "L42") in set(zip(found.hubs["namespace"], found.hubs["value"], strict=True))
    assert [rule.oversized_rows for rule in scored.rules][2] == chosen.sum()
