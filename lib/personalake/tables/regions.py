"""What regions tell the centre."""

from personalake.tables.schema import Field, Table

REGION_FIGURE = Table(
    layer="gold",
    name="region_figure",
    grain="One figure about a group of people of one region, as it was shared; of an as-of, what was shared last counts",
    key=("region", "as_of", "shared_at", "figure", "dimension", "member"),
    fields=(
        Field("region", "string", "Name of the region"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
        Field("figure", "string", "What is counted: people, orders, or spend"),
        Field("dimension", "string", "By what: all_people, currency, rfm, action, or grants"),
        Field("member", "string", "The group, e.g. a segment or a purpose"),
        Field("people", "bigint", "People behind the figure, at least regions.smallest_cell"),
        Field("value", "double", "The figure; money in the currency that `member` names"),
        Field("shared_at", "timestamp", "When the region shared it"),
    ),
    run_columns=("shared_at",),
)

REGIONS = (REGION_FIGURE,)
