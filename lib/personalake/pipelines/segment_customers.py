"""Profiles to `gold.segment_membership` and `gold.segment_summary`: RFM segments and clusters."""

from pyspark.sql import functions as F

from personalake.pipelines.consenting import consenting, forget_others
from personalake.pipelines.job import JobContext, JobResult
from personalake.segments.clusters import fit_clusters
from personalake.segments.rfm import rfm_segments
from personalake.segments.summary import segment_summary
from personalake.tables.gold import CUSTOMER_PROFILE, SEGMENT_MEMBERSHIP, SEGMENT_SUMMARY


def run(context: JobContext) -> JobResult:
    """Segment everyone who has a profile and allows it; few people are not clustered."""
    lake, settings = context.lake, context.settings.segments
    profiles_of = lake.ledger.latest(CUSTOMER_PROFILE, "as_of")
    if profiles_of != context.as_of:
        found = f"are as of {profiles_of}" if profiles_of else "have not been built yet"
        return JobResult(skipped=True, message=f"profiles {found}, so nobody is segmented as of {context.as_of}")
    allowed = consenting(context, [settings.purpose])
    withdrawn = forget_others(context, SEGMENT_MEMBERSHIP, allowed)
    profiles = allowed.within(lake, lake.read(CUSTOMER_PROFILE)).persist()
    try:
        people, buyers = profiles.agg(F.count("*"), F.count_if(F.col("orders") > 0)).collect()[0]
        membership = rfm_segments(profiles, settings, context.as_of)
        message, silhouettes = f"{people:,} people in RFM segments", {}
        if buyers >= settings.clusters.min_people:
            with context.progress.step("clustering people"):
                clusters = fit_clusters(profiles, settings.clusters, context.settings.models.seed, context.as_of)
            membership, silhouettes = membership.unionByName(clusters.membership), clusters.silhouettes
            message += f" and {clusters.count} clusters"
        else:
            message += f"; no clusters: {buyers:,} people have ordered, {settings.clusters.min_people:,} are needed"
        membership = membership.persist()
        lake.replace_as_of(membership, SEGMENT_MEMBERSHIP, context.as_of)
        meanings = {segment.name: segment.meaning for segment in settings.rfm}
        summary = segment_summary(membership, profiles, meanings, context.as_of, settings.summary_min_people)
        lake.replace_as_of(summary, SEGMENT_SUMMARY, context.as_of)
        membership.unpersist()
    finally:
        profiles.unpersist()
    everyone = lake.ledger.rows(CUSTOMER_PROFILE)
    message += allowed.told(everyone - people, withdrawn)
    figures = {"silhouettes": silhouettes, "without_consent": everyone - people}
    return JobResult(rows_read=everyone, message=message, figures=figures)
