"""What every row of silver carries beside what its contract fills."""

from personalake.tables.schema import Field

STAMPS = (
    Field("source", "string", "Name of the source in conf/sources/"),
    Field("known_at", "timestamp", "When we could have known it (UTC)"),
    Field("warnings", "array<string>", "Declared rules that the row breaks without being refused"),
    Field("batch_id", "string", "Stream and micro-batch that refined the row"),
)
