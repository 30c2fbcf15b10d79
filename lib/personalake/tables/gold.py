"""Gold: one table for one question; what BI tools, notebooks and exports read."""

from personalake.tables.features import CHURN_FEATURES
from personalake.tables.profile import CUSTOMER_PROFILE as CUSTOMER_PROFILE
from personalake.tables.schema import Field, Table

_PERSON = Field("person_id", "string", "The resolved human")
_AS_OF = Field("as_of", "date", "Exclusive day up to which things were known")

CUSTOMER_FEATURE = Table(
    layer="gold",
    name="customer_feature",
    grain="One person as known at one as-of",
    key=("person_id", "as_of"),
    fields=(_PERSON, _AS_OF, *CHURN_FEATURES, Field("definition", "string", "Fingerprint of the feature definitions")),
    aged_by="as_of",
)

FEATURE_SNAPSHOT = Table(
    layer="gold",
    name="feature_snapshot",
    grain="One building of the features of one as-of; the latest counts",
    key=("as_of", "run_id"),
    fields=(
        _AS_OF,
        Field("definition", "string", "Fingerprint of the feature definitions"),
        Field("order_lines", "bigint", "Order lines of persons, returns left out, that were known before the as-of"),
        Field("links_version", "bigint", "Version of silver.person_link that it stands on, or an older one; operational"),
        Field("run_id", "string", "Id of the run that built it"),
        Field("built_at", "timestamp", "When that run began (UTC)"),
    ),
    run_columns=("links_version", "run_id", "built_at"),
)

SEGMENT_MEMBERSHIP = Table(
    layer="gold",
    name="segment_membership",
    grain="One person's segment in one scheme at one as-of",
    key=("person_id", "scheme", "as_of"),
    fields=(
        _PERSON,
        Field("scheme", "string", "How the segments were cut: rfm or kmeans"),
        _AS_OF,
        Field("segment", "string", "Name of the segment"),
        Field("detail", "map<string,string>", "What put the person there, e.g. the RFM scores"),
    ),
    aged_by="as_of",
)

SEGMENT_SUMMARY = Table(
    layer="gold",
    name="segment_summary",
    grain="One segment at one as-of",
    key=("scheme", "segment", "as_of"),
    fields=(
        Field("scheme", "string", "How the segments were cut: rfm or kmeans"),
        Field("segment", "string", "Name of the segment"),
        _AS_OF,
        Field("people", "bigint", "Persons in the segment"),
        Field("share", "double", "Share of all persons, 0..1"),
        Field("mean_recency_days", "double", "Mean days since the last order"),
        Field("mean_orders", "double", "Mean orders so far"),
        Field("mean_spend", "double", "Mean spend so far"),
        Field("description", "string", "The segment in words"),
    ),
)

PREDICTION = Table(
    layer="gold", name="prediction",
    grain="One person's score by one model at one as-of",
    key=("person_id", "model", "as_of"),
    fields=(
        _PERSON,
        Field("model", "string", "What is predicted, e.g. churn"),
        _AS_OF,
        Field("probability", "double", "Calibrated probability, 0..1", purposes=("personalisation",)),
        Field("percentile", "double", "Share of people with a lower or equal probability, 0..1"),
        Field("reasons", "array<struct<feature:string,value:double,effect:double,words:string>>",
              "Strongest reasons, signed effect on the log-odds, strongest first"),
        Field("model_version", "string", "Version in the model registry"),
    ), aged_by="as_of",
)  # fmt: skip

RECOMMENDATION = Table(
    layer="gold",
    name="recommendation",
    grain="One ranked item for one person and slot at one as-of",
    key=("person_id", "slot", "as_of", "rank"),
    fields=(
        _PERSON,
        Field("slot", "string", "Where it would be shown: all_items, or new_items the person never bought"),
        _AS_OF,
        Field("rank", "int", "1 is the best"),
        Field("product_id", "string", "The item", purposes=("personalisation",)),
        Field("score", "double", "The recommender's score, comparable within one person and slot"),
        Field("reason", "string", "Why it is there, in words"),
        Field("model", "string", "Recommender that ranked it"),
        Field("model_version", "string", "Version in the model registry"),
    ),
    aged_by="as_of",
)

DECISION = Table(
    layer="gold",
    name="decision",
    grain="One decision for one person at one as-of",
    key=("decision_id",),
    fields=(
        Field("decision_id", "string", "Hash of person, as-of and rule set"),
        _PERSON,
        _AS_OF,
        Field("action", "string", "What to do, e.g. win_back_coupon; none if nothing is to be done"),
        Field("rule", "string", "Rule in conf/rules.yml that chose the action"),
        Field("channel", "string", "Channel to use, e.g. email; null for no action"),
        Field("purpose", "string", "Consent purpose that the action needs"),
        Field("product_id", "string", "Item offered; null without one", purposes=("personalisation",)),
        Field("category", "string", "Category offered; null without one", purposes=("personalisation",)),
        Field("reason", "string", "Why, in words"),
        Field("status", "string", "act, holdout, no_consent or no_action"),
        Field("probability", "double", "Probability with which this action was chosen, 0..1"),
    ),
    aged_by="as_of",
)

ACTIVATION_OUTBOX = Table(
    layer="gold",
    name="activation_outbox",
    grain="One planned delivery to one destination; insert-only",
    key=("delivery_id",),
    fields=(
        Field("delivery_id", "string", "Hash of what is sent where, and for which plan; the idempotency key"),
        Field("decision_id", "string", "Decision that asked for it; null for the audiences of syncs"),
        _PERSON,
        Field("destination", "string", "Name in conf/destinations.yml or conf/connections.yml"),
        Field("operation", "string", "What is done there, e.g. identify, track"),
        Field("payload", "string", "The item exactly as it would be sent, JSON or a CSV row as JSON", pii="payload"),
        Field("payload_hash", "string", "SHA-256 of the payload; of a sync, without its message id and time"),
        Field("purpose", "string", "Consent purpose that was checked; several are joined by a comma"),
        _AS_OF,
        Field("plan_id", "string", "Plan that it is part of, see gold.activation_plan; null for decisions to files"),
        Field("sync", "string", "Name in conf/audiences.yml; null for decisions to files"),
        Field("sync_key", "string", "Key of what is kept in step, as the destination knows it", pii="identifier"),
        Field("removal", "boolean", "Whether it takes something away at the destination"),
    ),
)

ACTIVATION_PLAN = Table(
    layer="gold",
    name="activation_plan",
    grain="One change of state of one plan; append-only, the last row is the state",
    key=("plan_id", "state", "logged_at"),
    fields=(
        Field("plan_id", "string", "Hash of the sync, its as-of and every delivery; an equal plan has an equal id"),
        Field("sync", "string", "Name in conf/audiences.yml"),
        Field("destination", "string", "Connection in conf/connections.yml or destination in conf/destinations.yml"),
        Field(
            "mode",
            "string",
            "insert, update, upsert, mirror or archive; withdrawals: only who may not be told any more goes",
        ),
        _AS_OF,
        Field("added", "bigint", "Deliveries of keys that the destination does not hold"),
        Field("changed", "bigint", "Deliveries of keys that it holds with other content"),
        Field("removed", "bigint", "Deliveries that take a key away"),
        Field("unchanged", "bigint", "Keys that it holds as they are, or that the mode leaves alone: not sent"),
        Field("refused", "map<string,bigint>", "People of the audience who are not sent, by reason"),
        Field("holdout", "bigint", "People who are left alone because they are held out"),
        Field("bytes", "bigint", "Bytes of the payloads of all deliveries"),
        Field("calls", "bigint", "Requests or files, estimated from the limits of the connection"),
        Field("seconds", "double", "How long sending takes by its rates and requests, estimated, seconds"),
        Field("data_points", "bigint", "Data points that the vendor bills, estimated; null where it bills none"),
        Field("state", "string", "ready or approved, which may leave, awaiting_approval, stopped, rejected or superseded"),
        Field("reason", "string", "Why, e.g. the bound that stopped it; null if nothing to say"),
        Field("logged_at", "timestamp", "When the state changed"),
    ),
    run_columns=("logged_at",),
)

ACTIVATION_LOG = Table(
    layer="gold",
    name="activation_log",
    grain="One change of state of one delivery; append-only, the last row is the state",
    key=("delivery_id", "state", "logged_at"),
    fields=(
        Field("delivery_id", "string", "The delivery"),
        Field("destination", "string", "Name in conf/destinations.yml"),
        Field("state", "string", "pending, in_flight, accepted, confirmed, rejected, unknown or cancelled"),
        Field("reason", "string", "Why, e.g. the vendor's words; null if nothing to say"),
        Field("file", "string", "File that holds it, for file destinations"),
        Field("pack_id", "string", "Request that it was part of; null before it is claimed"),
        Field("reference", "string", "The destination's own name for the request or message"),
        Field("may_repeat", "boolean", "True if it was sent again, after a lost reply, to who cannot tell; null if unsaid"),
        Field("requests", "int", "Requests that left until then, tries and halves; on one row of all that shared them"),
        Field("logged_at", "timestamp", "When the state changed; later rows of one delivery have later times"),
    ),
    run_columns=("logged_at",),
)

DATA_HEALTH = Table(
    layer="gold",
    name="data_health",
    grain="One micro-batch of one source in one job: in = accepted + quarantined + duplicates",
    key=("job", "source", "batch_id"),
    fields=(
        Field("job", "string", "Job that counted"),
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("batch_id", "string", "Stream and micro-batch"),
        Field("run_id", "string", "The run, see gold.run"),
        Field("rows_in", "bigint", "Rows that came in"),
        Field("rows_accepted", "bigint", "Rows written to their table"),
        Field(
            "rows_quarantined",
            "bigint",
            "Rows refused, kept in quarantine",
        ),
        Field("rows_duplicate", "bigint", "Rows dropped because they were known already"),
        Field("rows_late", "bigint", "Accepted rows that became known a day or more after they happened"),
        Field("balanced", "boolean", "True if in = accepted + quarantined + duplicates"),
        Field("reasons", "map<string,bigint>", "Refused rows by reason; a row counts under each of its reasons"),
        Field("warnings", "map<string,bigint>", "Accepted rows by warning"),
        Field("recorded_at", "timestamp", "When it was counted"),
    ),
    run_columns=("run_id", "recorded_at", "batch_id"),
)

MODEL_HEALTH = Table(
    layer="gold",
    name="model_health",
    grain="One metric of one candidate of one model at one training cut",
    key=("model", "candidate", "as_of", "population", "metric"),
    fields=(
        Field("model", "string", "What is predicted or recommended, e.g. churn, items"),
        Field("candidate", "string", "The candidate or yardstick, e.g. gbt, recency, popularity"),
        _AS_OF,
        Field(
            "population", "string", "Who it was measured on, e.g. everyone, new_items, gender=f; gender: gaps of its groups"
        ),
        Field("metric", "string", "Name of the metric, e.g. roc_auc, ndcg_at_10, recall_difference"),
        Field("value", "double", "The metric's value"),
        Field("low", "double", "Lower end of the 95 % interval; null without one"),
        Field("high", "double", "Upper end of the 95 % interval; null without one"),
        Field("role", "string", "champion, candidate or yardstick"),
        Field("model_version", "string", "Version in the model registry; null for yardsticks"),
    ),
)

RUN = Table(
    layer="gold",
    name="run",
    grain="One run of one job",
    key=("run_id",),
    fields=(
        Field("run_id", "string", "Id of the run"),
        Field("job", "string", "Name of the job"),
        Field("environment", "string", "Environment of the configuration, e.g. local"),
        Field("as_of", "date", "The as-of it ran for; null for jobs without one"),
        Field("status", "string", "done, skipped or failed"),
        Field("message", "string", "Why it was skipped or failed; a note otherwise"),
        Field("fingerprint", "string", "Hash of input versions, configuration, code and as-of"),
        Field("rows_read", "bigint", "Rows of the inputs"),
        Field("rows_written", "bigint", "Rows written to all outputs"),
        Field("rows_rejected", "bigint", "Rows refused"),
        Field("tables", "map<string,bigint>", "Version of each table written"),
        Field("started_at", "timestamp", "When it began"),
        Field("ended_at", "timestamp", "When it ended"),
        Field("seconds", "double", "How long it took, seconds"),
        Field("code_version", "string", "Version and source hash of the library"),
    ),
    run_columns=("run_id", "started_at", "ended_at", "seconds"),
)

GOLD = (
    CUSTOMER_FEATURE, FEATURE_SNAPSHOT, CUSTOMER_PROFILE, SEGMENT_MEMBERSHIP, SEGMENT_SUMMARY, PREDICTION, RECOMMENDATION,
    DECISION, ACTIVATION_OUTBOX, ACTIVATION_PLAN, ACTIVATION_LOG, DATA_HEALTH, MODEL_HEALTH, RUN,
)  # fmt: skip
