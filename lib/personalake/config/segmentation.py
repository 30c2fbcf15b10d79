"""Segments: how people are grouped."""

from itertools import product
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Ordered, Section
from personalake.config.sql import check_row_condition, numbers_beside

SCORES = ("r", "f", "m")
# Segments that need no declaration: of people without an order, and of those whom no condition takes.
UNNAMED = ("No orders yet", "Other")
# How clusters are called: by a word for what is low, middling or high in them; see segments/clusters.py.
CLUSTER_WORDS = {
    "recency": ("recent", "", "lapsed"),
    "frequency": ("rare", "regular", "frequent"),
    "spending": ("small spenders", "medium spenders", "big spenders"),
}
CLUSTER_NAMES = tuple(" ".join(filter(None, words)) for words in product(*CLUSTER_WORDS.values()))


class RfmSegment(Section):
    """One named RFM segment: the first whose condition holds takes the person."""

    name: str = Field(min_length=1, description="Name of the segment, e.g. Champions")
    when: str = Field(description="Spark SQL over the scores r, f and m; 1 is the lowest, rfm_quantiles the best")
    meaning: str = Field(min_length=1, description="The segment in words, shown in gold.segment_summary")

    @field_validator("when")
    @classmethod
    def _reads_only_scores(cls, when: str) -> str:
        check_row_condition(when, dict.fromkeys(SCORES, "int"))
        return when


class ClusterSettings(Ordered):
    """How people are clustered by K-Means."""

    min_clusters: int = Field(3, ge=2, description="Fewest clusters that are tried")
    max_clusters: int = Field(8, ge=2, le=50, description="Most clusters that are tried; the best silhouette wins")
    min_people: int = Field(100, ge=10, description="People with an order below which nobody is clustered")
    trials: int = Field(3, ge=1, description="Starts from which each number of clusters is tried; the best one counts")
    max_iterations: int = Field(20, ge=1, description="Iterations of a fit at most")
    partitions: int = Field(1, ge=1, description="Partitions while fitting; more for millions of people")

    in_order: ClassVar[tuple[str, str]] = ("min_clusters", "max_clusters")


class SegmentSettings(Section):
    """conf/segments.yml."""

    purpose: str = Field("personalisation", min_length=1, description="Who does not grant it is in no segment")
    rfm_quantiles: int = Field(5, ge=2, le=10, description="Groups per RFM dimension")
    rfm: tuple[RfmSegment, ...] = Field((), description="Named segments, tried in order; who fits none is in `Other`")
    clusters: ClusterSettings = ClusterSettings()
    summary_min_people: int = Field(
        5, ge=1, description="Fewest people of a segment that gold.segment_summary shows; members of all keep theirs"
    )

    @model_validator(mode="after")
    def _within_the_scores(self) -> "SegmentSettings":
        for segment in self.rfm:
            beyond = [number for number in numbers_beside(segment.when, SCORES) if not 1 <= number <= self.rfm_quantiles]
            if beyond:
                raise ValueError(
                    f"segment {segment.name!r}: {beyond[0]:g} is no score; they are 1 to {self.rfm_quantiles}, as "
                    "rfm_quantiles says"
                )
        return self

    @field_validator("rfm")
    @classmethod
    def _unique_names(cls, segments: tuple[RfmSegment, ...]) -> tuple[RfmSegment, ...]:
        names = [segment.name.strip().casefold() for segment in segments]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"segment names must be unique; more than once: {', '.join(twice)}")
        return segments
