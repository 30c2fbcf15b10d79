from typing import Any

import pytest

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask

EVENT = {"external_id": "p-1", "name": "decided", "time": "2017-12-01T00:00:00Z"}
PURCHASE = {"external_id": "p-1", "product_id": "mug", "currency": "EUR", "price": 3.5, "time": "2017-12-01T00:00:00Z"}


def post(fakes: Fakes, path: str, body: Any) -> Told:
    return ask(fakes.braze, path, body, Authorization=f"Bearer {fakes.braze.api_key}")


def track(fakes: Fakes, **lists: Any) -> Told:
    return post(fakes, "/users/track", lists)


def profile(fakes: Fakes, external_id: str = "p-1") -> dict[str, Any]:
    found = [held for held in fakes.braze.state()["profiles"].values() if held.get("external_id") == external_id]
    return {key: value for key, value in found[0].items() if key not in ("external_id", "braze_id")}


def test_attributes_are_merged_null_removes_and_lists_are_sets(fakes: Fakes) -> None:
    track(fakes, attributes=[{"external_id": "p-1", "tier": "gold", "visits": 2, "tags": ["a", "b"], "city": "Rome"}])

    told = track(
        fakes,
        attributes=[
            {"external_id": "p-1", "city": None, "visits": {"inc": 3}, "tags": {"add": ["a", "c"]}},
            {"external_id": "p-1", "tags": {"remove": ["b"]}},
        ],
    )

    assert told.status == 201
    assert (told.body["message"], told.body["attributes_processed"]) == ("success", 2)
    assert profile(fakes) == {"tier": "gold", "visits": 5, "tags": ["a", "c"]}


def test_an_object_with_a_null_is_dropped_without_a_word_and_an_object_is_taken_away_whole(fakes: Fakes) -> None:
    home = {"city": "Ulm", "since": {"$time": "2026-01-01"}}
    track(fakes, attributes=[{"external_id": "p-1", "home": home, "pets": [{"name": "Gus"}]}])

    told = track(
        fakes,
        attributes=[
            {"external_id": "p-1", "_merge_objects": True, "home": {"city": None}, "pets": [{"name": None}], "tier": "gold"}
        ],
    )

    assert (told.status, told.body["message"]) == (201, "success")
    assert profile(fakes) == {"home": home, "pets": [{"name": "Gus"}], "tier": "gold"}
    track(fakes, attributes=[{"external_id": "p-1", "home": None}])
    assert profile(fakes) == {"pets": [{"name": "Gus"}], "tier": "gold"}


def test_a_list_of_objects_is_added_to_then_taken_from_then_updated_and_an_update_that_does_not_merge_replaces(
    fakes: Fakes,
) -> None:
    gus, doug = {"id": 1, "name": "Gus", "age": 3}, {"id": 2, "name": "Doug"}
    track(fakes, attributes=[{"external_id": "p-1", "pets": [gus]}])

    def told(number: int, **what: Any) -> dict[str, Any]:
        return {"$identifier_key": "id", "$identifier_value": number, **what}

    older, renamed = [told(1, **{"$new_object": {"age": 4}})], [told(1, **{"$new_object": {"id": 1, "name": "Gustav"}})]
    change = {"$update": older, "$add": [doug, {"id": 3}], "$remove": [told(3)]}
    track(fakes, attributes=[{"external_id": "p-1", "_merge_objects": True, "pets": change}])

    assert profile(fakes) == {"pets": [{**gus, "age": 4}, doug]}
    track(fakes, attributes=[{"external_id": "p-1", "pets": {"$update": renamed}}])
    assert profile(fakes) == {"pets": [{"id": 1, "name": "Gustav"}, doug]}


@pytest.mark.parametrize("time", ["17.5.1980", "9999-12-31", 7])
def test_an_object_with_a_time_that_is_none_is_dropped_without_a_word(fakes: Fakes, time: object) -> None:
    told = track(
        fakes, attributes=[{"external_id": "p-1", "home": {"since": {"$time": time}, "city": "Ulm"}, "tier": "gold"}]
    )

    assert (told.status, told.body["message"]) == (201, "success")
    assert profile(fakes) == {"tier": "gold"}


def test_the_same_event_sent_twice_is_two_events(fakes: Fakes) -> None:
    track(fakes, events=[EVENT])
    track(fakes, events=[EVENT], purchases=[PURCHASE])

    assert fakes.braze.state()["events"] == [EVENT, EVENT]
    assert fakes.braze.state()["purchases"] == [PURCHASE]


def test_good_objects_are_taken_and_bad_ones_are_named_by_list_and_place(fakes: Fakes) -> None:
    told = track(
        fakes,
        attributes=[{"external_id": "p-1", "email": "no address"}, {"tier": "gold"}, {"external_id": "p-2", "tier": "gold"}],
        events=[{"external_id": "p-1", "name": "x"}],
        purchases=[{**PURCHASE, "quantity": 101}],
    )

    assert told.status == 201
    assert told.body == {
        "attributes_processed": 1,
        "message": "success",
        "errors": [
            {
                "type": "The value provided for the 'email' field is not a valid email.",
                "input_array": "attributes",
                "index": 0,
            },
            {
                "type": "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required",
                "input_array": "attributes",
                "index": 1,
            },
            {"type": "'time' is required", "input_array": "events", "index": 0},
            {"type": "'quantity' is not valid", "input_array": "purchases", "index": 0},
        ],
    }
    assert len(fakes.braze.state()["profiles"]) == 1


def test_nothing_good_is_a_400(fakes: Fakes) -> None:
    told = track(fakes, events=[{"name": "x"}])

    assert told.status == 400
    assert told.body["message"].startswith("Valid data must be provided")
    assert fakes.braze.state()["events"] == []


@pytest.mark.parametrize(
    "broken",
    [
        {"user_alias": {"alias_name": "n", "alias_label": "l"}},
        {"external_id": "x" * 988},
        {"time": "01.12.2017"},
        {"name": ""},
        {"properties": {"$secret": 1}},
        {"properties": {"text": "x" * 256}},
        {"properties": {"list": ["x" * 1_000] * 101}},
        {"properties": {"time": "noon"}},
        {"external_id": 17},
    ],
)
def test_an_event_that_is_not_as_documented_is_refused(fakes: Fakes, broken: dict[str, Any]) -> None:
    told = track(fakes, events=[{**EVENT, **broken}])

    assert told.status == 400
    assert fakes.braze.state()["events"] == []


def test_properties_of_a_purchase_may_hold_half_as_much_as_those_of_an_event(fakes: Fakes) -> None:
    large = {"properties": {"list": ["x" * 1_000] * 51}}

    assert track(fakes, events=[{**EVENT, **large}]).status == 201
    assert track(fakes, purchases=[{**PURCHASE, **large}]).status == 400


@pytest.mark.parametrize(
    "broken",
    [
        {"email_subscribe": "yes"},
        {"gender": "female"},
        {"dob": "1.2.1990"},
        {"current_location": {"longitude": 1}},
        {"push_tokens": [{"token": "t"}]},
        {"subscription_groups": {"id": "subscribed"}},
        {"email_subscription_info": {}},
    ],
)
def test_reserved_attributes_have_their_types(fakes: Fakes, broken: dict[str, Any]) -> None:
    assert track(fakes, attributes=[{"external_id": "p-1", **broken}]).status == 400


@pytest.mark.parametrize(("rule", "each", "status"), [
    ("combined75", (25, 25, 25), 201),
    ("combined75", (26, 25, 25), 400),
    ("each75", (75, 75, 75), 201),
    ("each75", (76, 1, 1), 400),
    ("combined50", (50, 0, 0), 201),
    ("combined50", (50, 1, 0), 400),
])  # fmt: skip
def test_the_contract_says_how_many_objects_fit(fakes: Fakes, rule: str, each: tuple[int, int, int], status: int) -> None:
    fakes.braze.configure(batch_rule=rule)

    told = track(
        fakes,
        attributes=[{"external_id": "p-1", "tier": "gold"}] * each[0],
        events=[EVENT] * each[1],
        purchases=[PURCHASE] * each[2],
    )

    assert told.status == status


def test_large_bodies_and_large_objects_are_refused(fakes: Fakes) -> None:
    fakes.braze.configure(max_bytes=2_000, max_item_bytes=500)

    large = track(fakes, attributes=[{"external_id": "p-1", "a": "x"}, {"external_id": "p-2", "a": "x" * 500}])
    huge = track(fakes, attributes=[{"external_id": "p-1", "a": "x" * 2_000}])

    assert (large.status, large.body["errors"][0]["index"]) == (201, 1)
    assert (huge.status, huge.body["message"]) == (400, "Max Input Length Exceeded")


def test_a_primary_identifier_finds_the_profile_and_an_email_does_only_without_one(fakes: Fakes) -> None:
    track(fakes, attributes=[{"external_id": "p-1", "email": "Ann@x.io"}])

    track(
        fakes, attributes=[{"email": "ann@x.io", "tier": "gold"}, {"external_id": "p-2", "email": "ann@x.io", "tier": "new"}]
    )

    assert profile(fakes, "p-1")["tier"] == "gold"
    assert profile(fakes, "p-2") == {"email": "ann@x.io", "tier": "new"}


def test_an_alias_makes_a_profile_only_if_it_is_told_to(fakes: Fakes) -> None:
    alias = {"user_alias": {"alias_name": "n", "alias_label": "l"}}

    track(fakes, attributes=[{**alias, "tier": "gold"}])
    assert fakes.braze.state()["profiles"] == {}

    track(fakes, attributes=[{**alias, "tier": "gold", "_update_existing_only": False}])
    assert len(fakes.braze.state()["profiles"]) == 1


def test_a_wrong_key_is_shown_in_the_reply_and_a_key_without_permission_is_forbidden(fakes: Fakes) -> None:
    told = ask(fakes.braze, "/users/track", {"events": [EVENT]}, Authorization="Bearer stolen")
    fakes.braze.configure(permissions=["users.delete"])

    assert (told.status, told.body) == (401, {"message": "Invalid API key: stolen"})
    assert track(fakes, events=[EVENT]).status == 403


def test_a_body_must_say_that_it_is_json_and_be_it(fakes: Fakes) -> None:
    key = f"Bearer {fakes.braze.api_key}"

    assert ask(fakes.braze, "/users/track", b"{}", Authorization=key, Content_Type="text/plain").status == 415
    told = ask(fakes.braze, "/users/track", b'{"events":[}', Authorization=key)
    assert (told.status, list(told.body)) == (400, ["error"])


def test_too_many_requests_are_told_the_time_at_which_to_come_back(fakes: Fakes) -> None:
    fakes.braze.configure(track_rate=(1, 3))
    track(fakes, events=[EVENT])

    told = track(fakes, events=[EVENT])

    assert told.status == 429
    assert "retry-after" not in told.headers
    assert 0 < int(told.headers["x-ratelimit-reset"]) - fakes.advance(0) <= 4
    fakes.advance(3.1)
    assert track(fakes, events=[EVENT]).status == 201


def test_newer_contracts_are_told_how_long_to_wait(fakes: Fakes) -> None:
    fakes.braze.configure(track_rate=(1, 3), dialect="seconds")
    track(fakes, events=[EVENT])

    told = track(fakes, events=[EVENT])

    assert told.headers["x-ratelimit-retry-after"] == "3"
    assert "x-ratelimit-reset" not in told.headers


def test_a_campaign_reaches_fifty_known_people_with_their_own_words(fakes: Fakes) -> None:
    fakes.braze.do("seed", ["p-1"])
    recipients = [{"external_user_id": "p-1", "trigger_properties": {"offer": "B"}}, {"external_user_id": "nobody"}]
    recipients.append({"external_user_id": "p-1", "trigger_properties": {"offer": "C"}})  # left out: named twice
    body = {"campaign_id": "c", "trigger_properties": {"offer": "A", "year": 2017}, "recipients": recipients}

    told = post(fakes, "/campaigns/trigger/send", body)
    crowd = post(fakes, "/campaigns/trigger/send", {**body, "recipients": [{"external_user_id": "p-1"}] * 51})

    assert (told.status, told.body["message"]) == (201, "success")
    assert fakes.braze.state()["messages"] == [
        {
            "campaign_id": "c",
            "external_id": "p-1",
            "trigger_properties": {"offer": "B", "year": 2017},
            "dispatch_id": told.body["dispatch_id"],
        }
    ]
    assert (crowd.status, crowd.body["message"]) == (
        400,
        "The max number of external_ids and aliases per request was exceeded",
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"campaign_id": None},
        {"recipients": []},
        {"recipients": [{"external_user_id": "p", "email": "a@x.io", "prioritization": ["identified"]}]},
        {"recipients": [{"email": "a@x.io"}]},
        {"broadcast": True},
        {"priority": 1},
        {"trigger_properties": {"a": "x" * 50_000}},
        {"recipients": [{"external_user_id": "p", "trigger_properties": {"a": "x" * 50_000}}]},
    ],
)
def test_a_send_that_is_not_as_documented_reaches_nobody(fakes: Fakes, broken: dict[str, Any]) -> None:
    fakes.braze.configure(existing_only=False)
    body = {"campaign_id": "c", "recipients": [{"external_user_id": "p-1"}], **broken}

    assert post(fakes, "/campaigns/trigger/send", body).status == 400
    assert fakes.braze.state()["messages"] == []


def test_a_subscription_state_is_set_for_fifty_people_of_one_kind_of_address(fakes: Fakes) -> None:
    def body(**who: Any) -> dict[str, Any]:
        return {"subscription_groups": [{"subscription_group_id": "g", "subscription_state": "unsubscribed", **who}]}

    path = "/v2/subscription/status/set"

    assert post(fakes, path, body(external_ids=["p-1"])).status == 201
    assert post(fakes, path, body(external_ids=["p-1"])).status == 201
    assert fakes.braze.state()["subscriptions"] == {"g": {"p-1": "unsubscribed"}}
    assert post(fakes, path, body(external_ids=["p"] * 51)).status == 400
    assert post(fakes, path, body(emails=["a@x.io"], phones=["+4912345"])).status == 400
    assert post(fakes, path, body(phones=["0123"])).status == 400
    assert post(fakes, path, body()).status == 400


def test_deleting_takes_fifty_ids_of_one_kind(fakes: Fakes) -> None:
    fakes.braze.do("seed", ["p-1", "p-2"])

    told = post(fakes, "/users/delete", {"external_ids": ["p-1", "unknown"]})

    assert (told.status, told.body["deleted"]) == (200, 2)
    assert [held["external_id"] for held in fakes.braze.state()["profiles"].values()] == ["p-2"]
    assert fakes.braze.state()["deleted"] == ["p-1", "unknown"]
    assert post(fakes, "/users/delete", {"external_ids": ["p"] * 51}).status == 400
    assert post(fakes, "/users/delete", {"external_ids": ["p"], "braze_ids": ["b"]}).status == 400


def test_a_partial_success_names_what_the_script_wanted_refused(fakes: Fakes) -> None:
    fakes.braze.script(Step("partial", at=[1], items=[1]))

    told = track(fakes, attributes=[{"external_id": "p-1", "tier": "gold"}], events=[EVENT, {**EVENT, "name": "other"}])

    assert told.body["errors"][0]["index"] == 0
    assert [event["name"] for event in fakes.braze.state()["events"]] == ["other"]


def test_a_queued_request_is_taken(fakes: Fakes) -> None:
    fakes.braze.script(Step("queued", at=[1]))

    told = track(fakes, events=[EVENT])

    assert (told.status, told.body) == (202, {"message": "queued"})
    assert fakes.braze.state()["events"] == [EVENT]
