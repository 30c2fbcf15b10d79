"""Jobs that run when they are asked for, beside the graph; `registry` has them all."""

from personalake.pipelines.job import JobSpec, Option

ON_DEMAND: tuple[JobSpec, ...] = (
    JobSpec(
        name="share_figures",
        purpose="share figures about groups of a region's people with the centre of a hybrid set-up",
        reads=("gold.customer_profile", "gold.segment_membership", "gold.decision", "silver.consent_current"),
        writes=(),
        kind="on_demand",
        sections=("regions",),
        needs_session=False,
    ),
    JobSpec(
        name="collect_figures",
        purpose="collect the figures that regions have shared, into the centre's lake",
        reads=(),
        writes=("gold.region_figure",),
        kind="on_demand",
        sections=("regions",),
        needs_as_of=False,
        needs_session=False,
        watches_handover=True,
    ),
    JobSpec(
        name="replay_quarantine",
        purpose="send quarantined rows through again after a cure",
        reads=("silver.quarantine",),
        writes=("bronze.event", "bronze.record", "silver.quarantine"),
        kind="on_demand",
        needs_as_of=False,
        options=(
            Option("source", "only rows of this source"),
            Option("reason", "only rows with this reason, e.g. 'product_id: missing'"),
        ),
    ),
    JobSpec(
        name="publish_counts",
        purpose="count persons with noise for everyone to see, within a privacy budget",
        reads=("gold.customer_profile", "gold.customer_feature", "silver.person"),
        writes=("gold.privacy_budget", "gold.published_count"),
        kind="on_demand",
        sections=("privacy",),
        options=(
            Option("table", "table with one row for each person", default="gold.customer_profile"),
            Option("by", "columns to count by, comma-separated", default="favourite_category"),
            Option("epsilon", "what it may take from the privacy budget", default="0.5"),
        ),
        needs_session=False,
    ),
)
