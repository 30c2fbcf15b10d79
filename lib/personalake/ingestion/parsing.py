"""Raw payloads into typed rows, each with all the reasons against it."""

from collections.abc import Iterable, Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from personalake.common.standardise import BLANKS
from personalake.common.transformation import Transformation
from personalake.config.sources import ColumnMap, Source
from personalake.config.sql import columns_of
from personalake.ingestion.contracts import Contract, ContractField
from personalake.quality.expectations import Expectation, reasons

MALFORMED = "payload: not readable"
OPEN_QUOTE = f"{MALFORMED}; a quote stays open in its line: if values go over several, set multiline: true and land it again"
# What a payload begins with that is a line of a CSV as it stands.
UNREAD = "\x00"
CORRUPT = "_corrupt"
_OURS = "_ours"
# Characters of how a text is written: the longest usual form of a time has one less, and reasons are counted by their words.
_SHAPE = 30
KEPT = ("source", "payload", "source_file", "ordinal", "landed_at")


def parse(name: str, source: Source, contract: Contract, time_zone: str = "UTC") -> Transformation:
    """Bronze rows of one source, typed by its contract.

    Args:
        name: Name of the source.
        source: How its columns map onto the contract.
        contract: What the rows become.
        time_zone: Zone of the session that will run it.

    Returns:
        A transformation that yields the bronze columns, one column per contract field, `is_return` for order lines,
        `namespace`, `payload_checksum`, and the arrays `reasons` (why the row is refused; empty if good) and `warnings`.
    """

    def parsed(bronze: DataFrame) -> DataFrame:
        typed = (
            bronze.select(*KEPT)
            .transform(with_texts(source, contract))
            .withColumn("payload_checksum", F.xxhash64("payload"))
            .select("*", *(_typed(source, field, time_zone).alias(field.name) for field in contract.fields))
            .transform(_made_good(contract))
        )
        return typed.transform(_identified(source, contract)).transform(_judged(source, contract))

    return parsed


def with_texts(source: Source, contract: Contract) -> Transformation:
    """Add `is_malformed`, and `text_<field>` for each field of the contract, read from `payload`."""
    # Generated, not projected: else the optimizer copies from_json into every expression and filter that reads a field.
    raw = F.inline(F.array(raw_columns(_columns_of(source))))
    texts = [_text(source, field).alias(f"text_{field.name}") for field in contract.fields]
    malformed = F.col(CORRUPT).isNotNull().alias("is_malformed")
    # Our columns step aside: a source may have columns of the same names.
    return lambda rows: (
        rows.select(F.struct(*rows.columns).alias(_OURS), "payload")
        .select(_OURS, raw)
        .select(f"{_OURS}.*", malformed, *texts)
    )


def telling_texts(source: Source, contract: Contract) -> list[str]:
    """The `text_<field>` columns that tell rows of a source without ids apart: those of the fields that it maps.

    When an event was sent is no part of it: sent again with a later `known_at`, it is the same event.
    """
    is_event = any(field.name == "occurred_at" for field in contract.fields)
    ignored = {"known_at"} if is_event else set()
    return [f"text_{field.name}" for field in contract.fields if field.name in source.columns and field.name not in ignored]


def raw_columns(names: Iterable[str]) -> Column:
    """The struct of a payload's columns as raw strings, and `_corrupt`, which is null if the payload is readable."""
    fields = [StructField(name, StringType()) for name in [*dict.fromkeys(names), CORRUPT]]
    return F.from_json("payload", StructType(fields), {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})


def _columns_of(source: Source) -> Iterator[str]:
    for mapped in source.columns.values():
        yield from [mapped.column] if mapped.column else []
        yield from columns_of(mapped.expression) if mapped.expression else []


def _text(source: Source, field: ContractField) -> Column:
    """The field as the source writes it, without blanks of any kind around it; empty text is no value."""
    mapped = source.columns.get(field.name)
    if mapped is None:
        if field.name == "currency" and source.currency:
            return F.lit(source.currency)
        return F.expr(field.default).cast("string")
    value = _mapped(mapped).cast("string")
    value = F.nullif(F.btrim(value, F.lit(BLANKS)), F.lit(""))
    return F.coalesce(value, F.expr(field.blank or field.default).cast("string"))


def named(column: str) -> Column:
    """The column of exactly this name, dots and backticks included."""
    return F.col("`" + column.replace("`", "``") + "`")


def _mapped(mapped: ColumnMap) -> Column:
    if mapped.constant is not None:
        return F.lit(mapped.constant)
    return F.expr(mapped.expression) if mapped.expression else named(mapped.column or "")


def _typed(source: Source, field: ContractField, time_zone: str) -> Column:
    text = F.col(f"text_{field.name}")
    if field.type == "string":
        written = F.expr(field.form.format(text=f"text_{field.name}"))
        return F.coalesce(_day(source, field), written) if _has_pattern(source, field) else written
    if field.type == "timestamp":
        return _instant(source, source.columns.get(field.name), text, time_zone)
    if source.decimal == ",":
        text = F.regexp_replace(F.regexp_replace(text, r"\.(?=\d{3})", ""), ",", ".")
    return text.try_cast(field.type)


def _has_pattern(source: Source, field: ContractField) -> bool:
    """Whether the source says how it writes a text that is a day."""
    return field.is_day and field.name in source.columns and source.columns[field.name].format is not None


def _day(source: Source, field: ContractField) -> Column:
    """A day by the source's own pattern, as ISO text; null where it is not written so."""
    pattern = source.columns[field.name].format or ""
    return F.date_format(F.try_to_timestamp(f"text_{field.name}", F.lit(pattern)), "yyyy-MM-dd")


def _instant(source: Source, mapped: ColumnMap | None, text: Column, session_zone: str) -> Column:
    """An instant; a text without a zone is local time of the source, whatever the session's zone."""
    if mapped is not None and mapped.format:
        pattern = mapped.format.replace("'Z'", "X")  # a quoted Z is a letter to Spark, and UTC to who writes it
        stamp = F.try_to_timestamp(text, F.lit(pattern))
        has_zone = F.lit(any(letter in pattern for letter in "XxzVO"))
        local = F.try_to_timestamp(F.concat(text, F.lit(f" {source.time_zone}")), F.lit(f"{pattern} VV"))
    else:
        stamp = text.try_cast("timestamp")
        has_zone = text.rlike(r"(Z|:\d{2}(\.\d+)? ?[+-]\d{1,2}(:?\d{2})?|[A-Za-z]+/[A-Za-z_/]+)$")
        clock = F.when(F.length(text) <= len("2017-12-01"), F.lit(" 00:00:00")).otherwise(F.lit(""))
        local = F.concat(text, clock, F.lit(f" {source.time_zone}")).try_cast("timestamp")
    if source.time_zone == session_zone:
        return stamp
    return F.when(has_zone, stamp).otherwise(local)


def _made_good(contract: Contract) -> Transformation:
    """Give rows that stand though a field is missing or unreadable its value, and mark them in `lacks_<field>`."""
    forgiving = [field for field in contract.fields if field.unless]
    if not forgiving:
        return lambda rows: rows
    lacking = {
        f"lacks_{field.name}": F.expr(field.unless)
        & F.col(field.name).isNull()
        & (F.lit(field.required) | F.col(f"text_{field.name}").isNotNull())
        for field in forgiving
    }
    values = {
        field.name: F.when(F.col(f"lacks_{field.name}"), F.expr(field.instead).cast(field.type)).otherwise(F.col(field.name))
        for field in forgiving
    }
    return lambda rows: rows.withColumns(lacking).withColumns(values)


def _stands(field: ContractField) -> Column:
    """Whether a row stands though the field is missing or cannot be read."""
    return F.col(f"lacks_{field.name}") if field.unless else F.lit(False)


def _identified(source: Source, contract: Contract) -> Transformation:
    """Give each row its id, its namespace, and the two clocks."""
    # Where the source has ids of its own, a row that lacks its id is told by all that it says.
    telling = ["payload"] if contract.row_id in source.columns else telling_texts(source, contract)
    parts = [F.coalesce(F.col(name), F.lit("")) for name in ["source", *telling]]
    content = F.sha2(F.concat_ws("\x1f", *parts, F.col("ordinal").cast("string")), 256)
    known = F.col("landed_at") if source.known_at == "landed_at" else F.lit(None).cast("timestamp")
    if any(field.name == "occurred_at" for field in contract.fields):
        known = F.greatest(known, F.col("occurred_at"))
    columns = {
        contract.row_id: F.coalesce(F.col(contract.row_id), F.substring(content, 1, 32)),
        "namespace": F.when(F.col("customer_id").isNotNull(), F.lit(source.namespace))
        if any(field.name == "customer_id" for field in contract.fields)
        else F.lit(None).cast("string"),
        "known_at": F.coalesce(F.col("known_at"), known),
    }
    if contract.name == "order_line":
        columns["is_return"] = F.col("quantity") < 0
    return lambda rows: rows.withColumns(columns)


def _judged(source: Source, contract: Contract) -> Transformation:
    malformed = F.when(F.col("is_malformed"), _malformed(source))
    missing = [
        F.when(
            F.col(field.name if field.type == "string" else f"text_{field.name}").isNull() & ~_stands(field),
            F.lit(f"{field.name}: missing"),
        )
        for field in contract.fields
        if field.required
    ]
    mistyped = [
        F.when(
            F.col(f"text_{field.name}").isNotNull() & F.col(field.name).isNull() & ~_stands(field), _mistyped(source, field)
        )
        for field in contract.fields
        if field.type != "string" and field.name != "known_at"
    ]
    rules = expectations_of(source, contract)
    refused = [rule.broken() for rule in rules if rule.severity == "refuse"]
    warned = [rule.broken() for rule in rules if rule.severity == "warn"]
    warned += [
        F.when(F.col(f"text_{field.name}").isNotNull() & _day(source, field).isNull(), _mistyped(source, field))
        for field in contract.fields
        if _has_pattern(source, field)
    ]
    lacking = [field for field in contract.fields if field.unless]
    warned += [
        F.when(_stands(field), F.lit(f"{field.name}: not readable, and the row counts all the same")) for field in lacking
    ]
    against = reasons([*missing, *mistyped, *refused])
    texts = [f"text_{field.name}" for field in contract.fields]
    return lambda rows: (
        rows.withColumn("reasons", F.when(F.col("is_malformed"), F.array(malformed)).otherwise(against))
        .withColumn("warnings", reasons(warned))
        .drop(*texts, *(f"lacks_{field.name}" for field in lacking), "is_malformed")
    )


def _malformed(source: Source) -> Column:
    """Why a payload cannot be read; a line of a CSV that opens a quote without closing it is most often half of a row."""
    if source.format != "csv" or source.multiline:
        return F.lit(MALFORMED)
    quotes = F.length("payload") - F.length(F.replace("payload", F.lit(source.quote), F.lit("")))
    is_line = F.col("payload").startswith(UNREAD)
    return F.when(is_line & (quotes % 2 == 1), F.lit(OPEN_QUOTE)).otherwise(F.lit(MALFORMED))


def _mistyped(source: Source, field: ContractField) -> Column:
    """That a text is not of its type; of a day or time, how it is written beside how it should be, never what it says."""
    told = f"{field.name}: not a {field.noun}"
    if field.type != "timestamp" and not field.is_day:
        return F.lit(told)
    mapped = source.columns.get(field.name) or ColumnMap(expression="NULL")
    where, wanted = mapped.column or "expression", mapped.format or "ISO 8601"
    digits = F.regexp_replace(f"text_{field.name}", "[0-9]", "9")
    shape = F.regexp_replace(digits, r"\p{L}+", "a")
    cut = F.when(F.length(shape) > _SHAPE, F.concat(F.left(shape, F.lit(_SHAPE)), F.lit("…"))).otherwise(shape)
    return F.concat(F.lit(f"{told} ({where}: "), cut, F.lit(f", not {wanted})"))


def expectations_of(source: Source, contract: Contract) -> list[Expectation]:
    """The contract's expectations with the source's own severities; returns are allowed where the source says so."""
    chosen = dict(source.severities)
    if source.returns == "negative_quantity":
        chosen = {"negative_quantity": "ignore", **chosen}
    return [
        Expectation(rule.name, rule.predicate, rule.reason, chosen.get(rule.name, rule.severity))
        for rule in contract.expectations
    ]
