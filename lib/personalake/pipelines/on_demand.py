"""The jobs that somebody starts when there is a reason; see `registry`, which declares them all."""

from personalake.pipelines.awaited import awaits_deletions
from personalake.pipelines.job import JobSpec, Option
from personalake.tables import BY_NAME

_PERSON = (
    Option("identifier", "the person, as namespace=value, e.g. email=ann@example.com", is_private=True),
    Option(
        "also",
        "what the same person names besides, e.g. 'cookie_id=ab12; crm=77'; a ; in a value is written twice",
        is_private=True,
    ),
    Option("request-file", "file with one person a line, written alike: no list of processes shows it", is_private=True),
)
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
        name="change_preference",
        purpose="write down what one person wishes, or takes back; it counts from the next run on",
        reads=("silver.person_link",),
        writes=(),
        kind="on_demand",
        sections=("sources", "profiles"),
        needs_as_of=False,
        needs_session=False,
        options=(
            Option("identifier", "the person, as namespace=value, e.g. customer_id=17", is_private=True),
            Option("preference", "what the wish is about, e.g. language"),
            Option("value", "the wish; left out, it is taken back", is_private=True),
            Option("by", "who changes it", default="agent"),
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
    JobSpec(
        name="erase_customers",
        purpose="forget people who ask for it: in every table, file, version and destination, with receipts",
        reads=("silver.erasure_request", "gold.erasure_request"),
        writes=("silver.suppression", "gold.erasure_request", "gold.erasure_receipt"),
        kind="on_demand",
        needs_as_of=False,
        needs_session=False,  # only what waits to be refined, and catalogs, need one
        waits=awaits_deletions,
        options=_PERSON,
    ),
    JobSpec(
        name="protect_tables",
        purpose="mask personal columns in the catalog, and grant what is left to analysts; after each release",
        reads=(),
        writes=(),
        kind="on_demand",
        sections=("privacy",),
        needs_as_of=False,
        needs_session=False,  # without a catalog there is nothing to do
    ),
    JobSpec(
        name="maintain_tables",
        purpose="keep tables small and lawful: rows beyond their retention go, small files become large, old versions leave",
        reads=tuple(name for name, table in BY_NAME.items() if table.aged_by is not None),
        writes=("gold.retention_receipt",),
        kind="on_demand",
        sections=("maintenance",),
        needs_session=False,  # rows that are too old, and catalogs, need one
    ),
    JobSpec(
        name="export_customer",
        purpose="write down everything that is held about one person, as JSON and CSV",
        reads=("silver.person_link", "gold.access_log"),
        writes=("gold.access_log",),
        kind="on_demand",
        needs_as_of=False,
        needs_session=False,
        options=_PERSON,
    ),
)
