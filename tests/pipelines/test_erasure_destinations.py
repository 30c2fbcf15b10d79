from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.delivery import Name, State
from personalake.activation.erasure import ErasureReceipt
from personalake.config import Settings
from personalake.config.audiences import Sync
from personalake.config.connections import BrazeTrackConnection, CsvDropConnection
from personalake.config.connections.push import OneSignalConnection
from personalake.lake import Lake
from personalake.pipelines import erasure_destinations
from personalake.pipelines.erasure_destinations import ask_destinations
from personalake.pipelines.erasure_names import aliases_in, names_at
from personalake.pipelines.person_search import find_subject, matching
from personalake.privacy.subject import Subject
from personalake.tables.gold import ACTIVATION_OUTBOX
from personalake.tables.silver import PERSON_LINK

OLD, NEW = f"k1_{'0' * 32}", f"k2_{'1' * 32}"


def test_a_destination_is_asked_by_every_key_of_its_own_syncs_and_by_no_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def delete_each(requests: list[list[Name]], *_: Any) -> list[list[ErasureReceipt]]:
        asked.extend([name.value for name in names] for names in requests)
        return [[ErasureReceipt("h", "x", State.ACCEPTED, None, None, datetime(2026, 1, 1, tzinfo=UTC))] for _ in requests]

    monkeypatch.setattr(erasure_destinations, "delete_each", delete_each)
    monkeypatch.setattr(erasure_destinations, "connect", lambda *_: None)
    connections = {name: CsvDropConnection(folder=tmp_path, columns=("id",)) for name in ("ads", "mail")}
    settings = Settings(root=lake.locations.root, connections=connections)  # type: ignore[arg-type]
    lake.ledger.append(PERSON_LINK, [{"namespace": "email", "value": "ann@x.example", "person_id": "p_1"}])
    sent = [("p_1", "ads", OLD, None), ("p_1", "ads", NEW, None), ("p_1", "mail", "ann@x.example/d9", "d9"),
            ("p_1", "files", None, "d9"), ("p_2", "ads", "k2_other", None)]  # fmt: skip
    lake.ledger.append(
        ACTIVATION_OUTBOX,
        [
            {"delivery_id": f"v{place}", "person_id": who, "destination": where, "sync_key": key, "decision_id": decision}
            for place, (who, where, key, decision) in enumerate(sent)
        ],
    )

    subject = find_subject(settings, lake, ("email", "ann@x.example"))
    ask_destinations(settings, {"r1": Subject.from_json(subject.as_json())})

    ads, mail = (set(ids) - subject.destination_ids for ids in asked)
    assert (ads, mail) == ({OLD, NEW}, {"ann@x.example"})
    assert "p_1" in subject.destination_ids


def test_each_request_has_the_answer_about_its_own_person_in_whichever_turn_they_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connected: list[str] = []

    def delete_each(requests: list[list[Name]], *_: Any) -> list[list[ErasureReceipt]]:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return [[ErasureReceipt("h", "ads", State.ACCEPTED, None, names[0].value, at)] for names in requests]

    monkeypatch.setattr(erasure_destinations, "delete_each", delete_each)
    monkeypatch.setattr(erasure_destinations, "connect", lambda name, *_: connected.append(name))
    connections = {"ads": CsvDropConnection(folder=tmp_path, columns=("id",))}
    settings = Settings().model_copy(update={"connections": connections})
    people = {f"r{n}": Subject(("crm", f"{n}"), destination_ids=frozenset({f"p_{n}"})) for n in range(8)}

    answers = ask_destinations(settings, people)

    assert {request: [one.reference for one in told] for request, told in answers.items()} == {
        f"r{n}": [f"p_{n}"] for n in range(8)
    }
    assert connected == ["ads"]


def test_an_app_is_asked_for_each_name_under_its_own_label_only() -> None:
    app = {"kind": "onesignal", "app_id": "a", "api_key": "secret://o/k", "subscribers": 9, "alias_labels": ["card", "crm"]}
    vip = {"audience": {"where": "TRUE"}, "destination": "app", "purposes": ["x"], "key_field": "crm", "channel": "push"}
    connection = OneSignalConnection.model_validate(app)
    settings = Settings().model_copy(
        update={"connections": {"app": connection}, "audiences": {"vip": Sync.model_validate(vip)}}
    )
    payloads = {"77": '{"include_aliases": {"card": ["77"]}}', "d-1": '{"include_subscription_ids": ["d-1"]}', "old": "{}"}
    subject = Subject(
        ("email", "ann@x.example"),
        person_ids=frozenset({"p_1"}),
        destination_ids=frozenset({"p_1", "4711"}),
        told=frozenset(("app", key) for key in payloads),
        aliases=frozenset(alias for payload in payloads.values() for alias in aliases_in("app", payload, connection)),
    )

    names = names_at(settings, "app", Subject.from_json(subject.as_json()))

    assert names == [
        ("4711", "crm"), ("77", "card"), ("d-1", "subscription_id"), ("old", None), ("p_1", "card"), ("p_1", "crm"),
    ]  # fmt: skip
    unsynced = settings.model_copy(update={"audiences": {}})
    assert "4711" not in {name.value for name in names_at(unsynced, "app", subject)}


def test_braze_is_asked_for_an_alias_under_the_label_that_it_was_told_with() -> None:
    braze = {
        "kind": "braze_track",
        "instance": "rest.fra-01.braze.eu",
        "api_key": "secret://b/k",
        "alias_labels": ["card", "crm"],
    }
    connection = BrazeTrackConnection.model_validate(braze)
    by_alias = {
        "audience": {"where": "TRUE"},
        "destination": "crm",
        "purposes": ["x"],
        "key_field": "user_alias",
        "alias_label": "crm",
    }
    settings = Settings().model_copy(
        update={"connections": {"crm": connection}, "audiences": {"vip": Sync.model_validate(by_alias)}}
    )
    payloads = {
        "77": '{"user_alias": {"alias_name": "77", "alias_label": "card"}, "email": "ann@x.example"}',
        "u1": '{"campaign_id": "c", "recipients": [{"external_user_id": "u1"}]}',
        "ann@x.example": '{"subscription_group_id": "g", "subscription_state": "subscribed", "email": "ann@x.example"}',
        "old": None,
    }
    subject = Subject(
        ("email", "ann@x.example"),
        person_ids=frozenset({"p_1"}),
        destination_ids=frozenset({"p_1", "4711"}),
        told=frozenset(("crm", key) for key in payloads),
        aliases=frozenset(alias for payload in payloads.values() for alias in aliases_in("crm", payload, connection)),
    )

    names = names_at(settings, "crm", Subject.from_json(subject.as_json()))

    assert names == [
        ("4711", "external_id"), ("4711", "user_alias/crm"), ("77", "user_alias/card"), ("ann@x.example", "email"),
        ("old", None), ("p_1", "external_id"), ("p_1", "user_alias/card"), ("p_1", "user_alias/crm"), ("u1", "external_id"),
    ]  # fmt: skip


def test_what_was_told_of_two_people_who_were_one_goes_with_the_one_whom_it_names(lake: Lake) -> None:
    """The row bears the id that the other one kept when they were split."""
    links = [{"namespace": "email", "value": f"{name}@x.example", "person_id": f"p_{name}"} for name in ("ann", "bob")]
    lake.ledger.append(PERSON_LINK, links)
    rows = [
        {"delivery_id": f"v-{name}", "person_id": "p_bob", "destination": "ads", "sync_key": f"{name}@x.example",
         "payload": f'{{"email": "{name}@x.example"}}', "as_of": date(2026, 1, 1)}
        for name in ("ann", "jo.ann", "bob")
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    settings = Settings(root=lake.locations.root)

    subject = find_subject(settings, lake, ("email", "ann@x.example"))

    assert subject.told == {("ads", "ann@x.example")}
    assert "v-ann" in subject.row_ids
    assert [
        row["delivery_id"] for batch in matching(settings, lake, ACTIVATION_OUTBOX, subject) for row in batch.to_pylist()
    ] == ["v-ann"]
    assert list(matching(settings, lake, ACTIVATION_OUTBOX, subject, is_strict=True)) == []
