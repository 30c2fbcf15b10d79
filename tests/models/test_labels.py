from datetime import date, datetime

from pyspark.sql import SparkSession

from personalake.models.labels import with_churn_label

MAY_1 = date(2017, 5, 1)


def test_churned_means_no_purchase_from_the_as_of_up_to_the_last_day_of_the_window(spark: SparkSession) -> None:
    people = ("same_day", "last_day", "day_after", "only_before", "only_returned")
    features = spark.createDataFrame([(name, MAY_1) for name in people], "person_id string, as_of date")
    bought = [
        ("same_day", False, datetime(2017, 5, 1, 0, 0)),
        ("last_day", False, datetime(2017, 5, 28, 23, 59)),
        ("day_after", False, datetime(2017, 5, 29, 0, 0)),
        ("only_before", False, datetime(2017, 4, 30, 23, 59)),
        ("only_returned", True, datetime(2017, 5, 10, 12, 0)),
    ]
    lines = spark.createDataFrame(bought, "person_id string, is_return boolean, occurred_at timestamp")

    labelled = features.transform(with_churn_label(lines, 28, [MAY_1])).collect()

    assert {row.person_id: row.label for row in labelled} == {
        "same_day": 0.0,
        "last_day": 0.0,
        "day_after": 1.0,
        "only_before": 1.0,
        "only_returned": 1.0,
    }
