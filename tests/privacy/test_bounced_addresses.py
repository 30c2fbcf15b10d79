"""What bounced is an address: whoever is written to there is barred, and nobody who has another one by now."""

from datetime import UTC, datetime
from pathlib import Path

from personalake.common.hashing import keyed_hash_of
from personalake.lake import Lake, Locations
from personalake.pipelines.consents_now import suppressed_now
from personalake.pipelines.privacy_key import erasure_key
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import PERSON_LINK
from tests.privacy.test_sharing import linked, no_session, settings_of

SINCE = datetime(2026, 3, 1, tzinfo=UTC)


def test_who_has_another_address_by_now_may_be_reached_and_who_has_this_one_may_not(tmp_path: Path) -> None:
    lake, settings = Lake(Locations(tmp_path / "lake"), no_session), settings_of(tmp_path)
    hashed = keyed_hash_of(erasure_key(settings, lake.locations), "email|old@x.example")
    bounced = {"namespace": "email", "scope": "email", "reason": "hard_bounce", "since": SINCE}
    lake.ledger.append(
        SUPPRESSION,
        [
            {**bounced, "suppression_id": "1", "person_id": "p_moved", "identifier_hash": hashed},
            # Who is known alone is barred: there is no address to tell by.
            {**bounced, "suppression_id": "2", "person_id": "p_named", "namespace": None},
        ],
    )
    lake.ledger.append(
        PERSON_LINK, [linked("email", "new@x.example", "p_moved"), linked("email", "old@x.example", "p_other")]
    )
    # So many share it that it links nobody.
    lake.ledger.append(PERSON, [{"person_id": "p_hub", "email": "Old@x.example"}, {"person_id": "p_none"}])

    assert set(suppressed_now(lake.ledger, settings)["person_id"].to_pylist()) == {"p_named", "p_other", "p_hub"}
