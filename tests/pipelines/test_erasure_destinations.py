from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.delivery import State
from personalake.activation.erasure import ErasureReceipt
from personalake.config import Settings
from personalake.config.connections import CsvDropConnection
from personalake.config.privacy import PrivacySettings, PseudonymSettings
from personalake.pipelines import erasure_destinations
from personalake.pipelines.erasure_destinations import ask_destinations
from personalake.privacy.pseudonyms import KeyRing
from personalake.privacy.subject import Subject

ANN = Subject(("email", "ann@x.example"), frozenset({"p_1"}), destination_ids=frozenset({"p_1", "c1"}))


def test_a_destination_is_asked_by_its_own_pseudonyms_of_every_version_and_by_no_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def delete(ids: list[str], *_: Any) -> list[ErasureReceipt]:
        asked.append(ids)
        return [ErasureReceipt("h", "x", State.ACCEPTED, None, None, datetime(2026, 1, 1, tzinfo=UTC))]

    monkeypatch.setattr(erasure_destinations, "delete", delete)
    monkeypatch.setattr(erasure_destinations, "connect", lambda *_: None)
    monkeypatch.setenv("PERSONALAKE_SECRET_PSEUDONYMS_ONE", "old secret")
    monkeypatch.setenv("PERSONALAKE_SECRET_PSEUDONYMS_TWO", "new secret")
    keys = {"k1": "secret://pseudonyms/one", "k2": "secret://pseudonyms/two"}
    sync = {"audience": {"where": "orders > 1"}, "purposes": ["ads"], "key_field": "id", "destination": "ads"}
    settings = Settings(
        connections={name: CsvDropConnection(folder=tmp_path, columns=("id",)) for name in ("ads", "mail")},
        audiences={"a": {**sync, "key": "pseudonym"}, "b": {**sync, "destination": "mail"}},  # type: ignore[dict-item]
        privacy=PrivacySettings(pseudonyms=PseudonymSettings(keys=keys, current="k2", previous=("k1",))),
    )

    ask_destinations(settings, {"r1": ANN})

    ring = KeyRing({"k1": "old secret", "k2": "new secret"}, "k2", ("k1",))
    assert asked == [sorted({"c1", "p_1", *(ring.pseudonym_of("ads", "p_1", one) for one in keys)}), ["c1", "p_1"]]
