"""What planning remembers, so that the next plan looks only at people of whom something changed."""

from personalake.tables.schema import Field, Table

ACTIVATION_BASIS = Table(
    layer="gold",
    name="activation_basis",
    grain="What a plan of one sync made of one person; the last row counts while nothing that it was made of changes",
    key=("sync", "person_id", "planned_at"),
    fields=(
        Field("sync", "string", "Name in conf/audiences.yml"),
        Field("person_id", "string", "The person"),
        Field("sync_key", "string", "What the destination knows the person by; null for who is outside the audience",
              pii="identifier"),
        Field("payload_hash", "string", "What would be said, as a hash; null for who is not sent"),
        Field("refusal", "string", "Why the person is not sent; null for who is"),
        Field("inputs", "bigint", "Fingerprint of all that was read of the person; null once nothing is"),
        Field("mark", "string", "Digest of the settings that it holds for"),
        Field("planned_at", "timestamp", "When the run began"),
    ),
    run_columns=("planned_at",),
)  # fmt: skip
ACTIVATION = (ACTIVATION_BASIS,)
