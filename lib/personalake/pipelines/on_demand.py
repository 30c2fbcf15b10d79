"""Jobs that run when asked, outside the graph; declared here, and part of the list in `registry.py`."""

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
)
