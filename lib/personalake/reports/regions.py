"""What the regions of a hybrid set-up have told the centre."""

from personalake.reports.blocks import Section, Table
from personalake.reports.data import ReportData
from personalake.reports.words import day, name, number


def what_regions_tell(data: ReportData) -> Section | None:
    """Figures side by side, a column for each region; None where there are no regions."""
    if not data.region_figures:
        return None
    regions = sorted({row["region"] for row in data.region_figures})
    told = {(row["figure"], row["dimension"], row["member"], row["region"]): row["value"] for row in data.region_figures}
    rows = [
        [*(name(word) for word in key), *(number(told.get((*key, region))) for region in regions)]
        for key in sorted({key[:3] for key in told})
    ]
    known = {row["region"]: day(row["as_of"]) for row in data.region_figures}
    as_of = ", ".join(f"{known[region]} ({region})" for region in regions)
    note = f"As of {as_of}. A dash is a group too small to be told."
    lead = "Each region keeps its people to itself, and shares figures about groups that are large enough."
    table = Table("Figures of the regions", ("Figure", "By", "Group", *regions), rows, tuple(regions), note)
    return Section("regions", "What the regions tell", lead, [table])
