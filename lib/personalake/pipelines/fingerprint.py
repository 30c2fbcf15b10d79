"""What a run depends on, as one hash: input versions, configuration, code, as-of, options, landing files."""

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import personalake
from personalake.config import Settings
from personalake.lake.landing import listing
from personalake.pipelines.collect_figures import handover_versions
from personalake.pipelines.job import JobContext, JobSpec
from personalake.tables import BY_NAME as TABLES
from personalake.tables.regions import REGION_FIGURE


def fingerprint(spec: JobSpec, context: JobContext) -> str:
    """The hash; equal for two runs that would do the same."""
    lake = context.lake
    parts: dict[str, Any] = {
        "job": spec.name,
        "code": code_version(),
        "inputs": {name: lake.ledger.version(TABLES[name]) for name in (*spec.reads, *spec.looks_back)},
        "settings": _sections(spec, context.settings),
        "business_timezone": context.settings.business_timezone,
        "options": {option.name: context.options.get(option.name) for option in spec.options if not option.is_private},
    }
    if spec.needs_as_of:
        parts["as_of"] = context.as_of.isoformat()
        parts["training_cut"] = context.training_cut.isoformat()
    if spec.watches_landing:
        now = datetime.now(UTC)
        parts["landing"] = {name: listing(source, now) for name, source in context.settings.active_sources().items()}
    if spec.watches_handover:
        parts["handover"] = {**handover_versions(context.settings, lake), "collected": lake.ledger.version(REGION_FIGURE)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _sections(spec: JobSpec, settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json", include=set(spec.sections))


@cache
def code_version() -> str:
    """The library's version and a hash of its sources, so that changed code is never taken for done work."""
    digest = hashlib.sha256()
    folder = Path(personalake.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{personalake.__version__}+{digest.hexdigest()[:12]}"
