"""Silver tables of what destinations report back, and of whom must not be written to."""

from personalake.tables.schema import Field, Table

SUPPRESSION = Table(
    layer="silver",
    name="suppression",
    grain="One reason why one identifier or person must not be reached, over one channel or all",
    key=("suppression_id",),
    fields=(
        Field("suppression_id", "string", "Hash of whom, scope, reason and source; the same thing told twice is one row"),
        Field("namespace", "string", "What kind of identifier was hashed, e.g. email; null if a person is named"),
        Field("identifier_hash", "string", "HMAC-SHA-256 of `namespace|value` under a secret key; outlives an erasure"),
        Field("person_id", "string", "The resolved human; null if an identifier is suppressed, whoever has it"),
        Field("scope", "string", "Channel that must not be used, e.g. email; `all` for every channel"),
        Field("reason", "string", "Why, e.g. hard_bounce, spam_complaint, erased"),
        Field("since", "timestamp", "From when on (UTC)"),
        Field("until", "timestamp", "When it ends (UTC); null if it does not"),
        Field("source", "string", "Who said so: a source in conf/sources/, or the job that wrote it"),
    ),
)  # fmt: skip

RECEIPTS = (SUPPRESSION,)
