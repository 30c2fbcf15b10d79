from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from personalake.config.segmentation import ClusterSettings, RfmSegment, SegmentSettings


def test_a_condition_over_anything_but_scores_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown column x"):
        RfmSegment(name="a", when="x > 1", meaning="m")


def test_a_condition_that_is_no_sql_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not Spark SQL"):
        RfmSegment(name="a", when="r >", meaning="m")


def test_two_segments_of_one_name_are_refused() -> None:
    same = RfmSegment(name="a", when="r > 1", meaning="m")

    with pytest.raises(ValidationError, match="more than once: a"):
        SegmentSettings(rfm=(same, same))


def test_a_range_of_clusters_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="min_clusters"):
        ClusterSettings(min_clusters=5, max_clusters=4)


def test_the_delivered_segments_give_each_combination_of_scores_a_name() -> None:
    delivered = SegmentSettings(**yaml.safe_load(Path("conf/segments.yml").read_text(encoding="utf-8")))
    conditions = [segment.when.replace(" = ", " == ").replace("AND", "and").replace("OR", "or") for segment in delivered.rfm]
    scores = range(1, 6)

    nameless = [
        (r, f, m)
        for r in scores
        for f in scores
        for m in scores
        if not any(eval(condition, {"r": r, "f": f, "m": m}) for condition in conditions)
    ]

    assert nameless == []
