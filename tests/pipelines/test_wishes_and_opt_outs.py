"""What a person wishes and refuses arrives as rows, and acts within the same run."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from personalake.config import Settings
from personalake.ingestion.wishes import NOT_ALLOWED, UNDECLARED
from personalake.lake import Lake
from personalake.pipelines import build_profiles, refine_records, resolve_identities
from personalake.pipelines.job import JobContext
from personalake.tables.bronze import RECORD
from personalake.tables.gold import CUSTOMER_PROFILE, DATA_HEALTH
from personalake.tables.silver import CONSENT, QUARANTINE

CONSENTS = {"contract": "consent", "path": "x", "columns": {name: name for name in (
    "record_id", "customer_id", "purpose", "status", "occurred_at", "expires_at", "known_at")}}  # fmt: skip
WISHES = {"contract": "preference", "path": "x", "columns": {name: name for name in (
    "record_id", "customer_id", "preference", "value", "occurred_at", "known_at")}}  # fmt: skip


def arrived(source: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    known = {"customer_id": "c1", "known_at": "2017-05-02T00:00:00Z"}
    landed = {"source": source, "source_file": "f.json", "ordinal": 1, "landed_at": datetime(2017, 5, 2, tzinfo=UTC)}
    return [{**landed, "payload": json.dumps(known | row)} for row in rows]


def answer(purpose: str, status: str, day: str, **more: str) -> dict[str, str]:
    return {"record_id": f"{purpose}-{day}", "purpose": purpose, "status": status, "occurred_at": day, **more}


def wish(value: str | None, day: str, preference: str = "language") -> dict[str, Any]:
    return {"record_id": f"{preference}-{day}", "preference": preference, "value": value, "occurred_at": day}


def test_wishes_opt_outs_and_odd_answers_have_their_effect_in_one_run_and_are_counted(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    answers = arrived(
        "answers",
        answer("email", "granted", "2017-05-01"),
        answer("email", "denied", "2017-04-01"),  # older than what came before it
        answer("ads", "granted", "2017-05-01", expires_at="2017-06-01"),
        answer("global_privacy_control", "withdrawn", "2017-05-01"),
        answer("telepathy", "granted", "2017-05-01"),
        answer("push", "granted", "2999-01-01"),
    )
    wishes = arrived(
        "wishes",
        wish("de", "2017-05-02"),
        wish("fr", "2017-05-01"),
        wish("klingon", "2017-05-03"),
        wish("red", "2017-05-03", "favourite_colour"),
        wish("l'été", "2017-05-03", "season"),
        wish(None, "2017-05-01", "season"),
    )
    settings = Settings.model_validate(
        {
            "root": str(lake.locations.root),
            "sources": {"answers": CONSENTS, "wishes": WISHES},
            "profiles": {"preferences": {"language": {"values": ["de", "fr"]}, "season": {"values": ["l'été"]}}},
            "privacy": {
                "purposes": ["email", "ads", "push", "sale", "personalisation"],
                "signals": {"global_privacy_control": ["sale"]},
            },
        }
    )
    lake.ledger.append(RECORD, [*answers, *wishes])
    context = context_of(settings, as_of=date(2017, 12, 1))

    refine_records.run(context)
    resolved = resolve_identities.run(context)
    build_profiles.run(context)

    (profile,) = lake.ledger.read(CUSTOMER_PROFILE)
    assert profile["preferences"] == {"language": "de", "season": "l'été"}
    refused = {json.loads(row["payload"])["value"]: row["reasons"] for row in lake.ledger.read(QUARANTINE)}
    assert refused == {"klingon": [NOT_ALLOWED], "red": [UNDECLARED]}
    assert profile["consents"] == {"ads": "expired", "email": "granted", "sale": "withdrawn", "telepathy": "granted"}
    assert resolved.figures["unknown_purposes"] == {"telepathy": 1}
    assert "1 answers about purposes" in resolved.message
    warned = {row["source"]: dict(row["warnings"]) for row in lake.ledger.read(DATA_HEALTH)}
    assert warned["answers"] == {"occurred_at: in the future": 1}
    assert lake.ledger.rows(CONSENT) == 6
