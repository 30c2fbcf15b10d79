"""Small configurations with a slip in them, and what is told of it."""

from pathlib import Path
from typing import Any

from personalake.config import load_settings
from personalake.errors import ConfigError
from personalake.pipelines.source_check import source_problems

HEAD = "contract: order_line\npath: ${landing}/orders\ncurrency: EUR\n"
COLUMNS = "columns:\n  order_id: order\n  product_id: product\n  quantity: qty\n  amount: amount\n  occurred_at: at\n"
PURPOSES = "purposes: [personalisation, analytics, fairness, sale, sharing]\n"
RFM = "rfm: [{name: Champions, when: r >= 4, meaning: best}]\n"
FILES = """files: {kind: csv_drop, folder: out, columns: [id, a, in]}
idle: {enabled: false, kind: csv_drop, folder: x, columns: [id, a, in]}
"""
BRAZE = "braze: {kind: braze_track, instance: rest.fra-01.braze.eu, api_key: secret://braze/key}\n"


def conf_of(folder: Path, files: dict[str, str]) -> Path:
    """A configuration folder with some files, each named as in conf/, without its ending unless that is the slip."""
    for name, text in {"base": "", "environments/local": "", **files}.items():
        path = folder / (name if name.endswith((".yaml", ".YML")) else f"{name}.yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path, files: dict[str, str], **environ: str) -> list[str]:
    """What is told of a configuration folder with these files."""
    variables = {"PERSONALAKE_SECRET_BRAZE_KEY": "x" * 32, "PERSONALAKE_SECRET_BRAZE_REST_KEY": "x", **environ}
    try:
        load_settings("local", conf_of(folder, files), environ=variables, check_source=source_problems)
    except ConfigError as error:
        return [problem.replace(f"{folder}/", "") for problem in error.problems]
    return []


def mapped(field: str, value: str) -> str:
    """A source in which one field is filled otherwise."""
    lines = [f"  {field}: {value}" if line.startswith(f"  {field}:") else line for line in COLUMNS.splitlines()]
    return HEAD + "\n".join(lines) + "\n"


def rule(**changes: str) -> str:
    given = {"name": "r", "when": "orders > 3", "action": "win", "channel": "email", "purpose": "sale", "reason": "why"}
    return "rules: [{" + ", ".join(f"{key}: {value}" for key, value in (given | changes).items()) + "}]\n"


def sync(name: str = "s", **changes: str | None) -> str:
    given: dict[str, Any] = {
        "audience": "{where: orders > 3}",
        "destination": "files",
        "mode": "mirror",
        "purposes": "[personalisation]",
        "key_field": "id",
        "fields": "{a: orders}",
        "membership": "in",
    }
    return f"{name}: {{" + ", ".join(f"{key}: {value}" for key, value in (given | changes).items() if value) + "}\n"


def decided(*decisions: str) -> str:
    """Decisions about identifiers, each as `never: crm:1 login:b`."""
    told = [each.partition(": ") for each in decisions]
    rows = [f"{{decision: {it}, between: {pair.split(' ')}}}" for it, _, pair in told]
    return f"overrides: [{', '.join(rows)}]\n"


def braze(name: str, **changes: str) -> str:
    given = {"destination": "braze", "mode": "upsert", "key_field": "external_id", "membership": ""}
    return sync(name, **(given | changes))


def in_segment(name: str) -> str:
    return f"{{segment: {{scheme: rfm, name: {name}}}}}"
