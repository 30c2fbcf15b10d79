"""Every job, declared once; the local runner, the Databricks task graph and the README's table follow this list."""

from personalake.pipelines.job import JobSpec
from personalake.pipelines.jobs_to_gold import TO_GOLD
from personalake.pipelines.jobs_to_silver import TO_SILVER
from personalake.pipelines.on_demand import ON_DEMAND

JOBS: tuple[JobSpec, ...] = (*TO_SILVER, *TO_GOLD, *ON_DEMAND)
BY_NAME: dict[str, JobSpec] = {job.name: job for job in JOBS}
GRAPH: tuple[JobSpec, ...] = tuple(job for job in JOBS if job.kind == "graph")
