"""What is computed from a table in one step, as the list of jobs tells it."""

from collections.abc import Sequence

from personalake.ingestion.contracts import Contract
from personalake.pipelines.job import JobSpec
from personalake.tables.features import FEATURE_NAMES
from personalake.tables.silver import EVENT

_FEATURES = "gold.customer_feature"
# What tells of rows and runs, and carries none of their content.
_ABOUT = frozenset(
    {"gold.source_audit", "gold.model_health", "gold.feature_snapshot", "silver.quarantine", "silver.duplicate"}
)

# What tells who may be looked at, and nothing about them.
_WHO_MAY = frozenset({"silver.consent", "silver.erasure_request"})


def tables_fed(contract: Contract, jobs: Sequence[JobSpec]) -> list[str]:
    """Tables that hold the rows of a contract, and those that jobs compute from them in one step."""
    own = {contract.table.full_name, *([EVENT.full_name] if contract.kind == "event" else [])}
    read = [job for job in jobs if own & set(job.reads)]
    return sorted(own | {table for job in read for table in job.writes if table not in _ABOUT})


def features_fed(contract: Contract, jobs: Sequence[JobSpec]) -> list[str]:
    """Features that are computed from the rows of a contract."""
    if contract.table.full_name in _WHO_MAY:
        return []
    builders = [job for job in jobs if _FEATURES in job.writes and contract.table.full_name in job.reads]
    return list(FEATURE_NAMES) if builders else []
