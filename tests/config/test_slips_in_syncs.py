"""Slips of somebody who writes rules and audiences: each is told before anything starts, in words that say what to write."""

from pathlib import Path

import pytest

from tests.config.slips import BRAZE, FILES, PURPOSES, RFM, braze, in_segment, problems, rule, sync


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"audience": in_segment("Champoins")}, "audience.segment.name: no segment 'Champoins'; did you mean Champions?"),
        (
            {"audience": "{segment: {scheme: kmeans, name: recent frequent big spendres}}"},
            "audience.segment.name: no cluster 'recent frequent big spendres'; did you mean recent frequent big spenders?",
        ),
        ({"audience": "{where: \"kmeans_segment = 'Champions'\"}"}, "audience.where: no cluster 'Champions'; clusters are"),
        ({"event": "'Order Completed '"}, "event: a blank at an end would make another event of it"),
        ({"audience": "{segment: {scheme: rmf, name: Champions}}"}, "audience.segment.scheme: expected 'rfm' or 'kmeans'"),
        ({"audience": "{where: \"rfm_segment IN ('Champions', 'Lots')\"}"}, "audience.where: no segment 'Lots'"),
        ({"audience": "{where: 'nvll(orders, 0) > 3'}"}, "audience.where: no function nvll in Spark SQL"),
        ({"audience": "{decisions: {actions: [wim]}}"}, "audience.decisions.actions: no rule has 'wim' among its actions"),
        ({"audience": "{decisions: {channels: [emial]}}"}, "among its channels; did you mean email?"),
        ({"destination": "fils"}, "destination: no connection 'fils'; did you mean files?"),
        ({"schedule": "weekly on mondy"}, "schedule: expected daily, weekly on monday, monthly on 1 (to 28), or on demand"),
        (
            {"fields": "{a: 'uper(currency)'}"},
            "fields.a: no function uper in Spark SQL: 'uper(currency)'; did you mean upper?",
        ),
        ({"bounds": "{max_removed_share: 20%}"}, "bounds.max_removed_share: expected a number; a share of 20% is 0.2"),
        ({"event": "Ordered"}, "event: csv_drop does nothing with it; segment, braze_track, sfmc_journey, tealium do"),
        ({"campaign_id": "c1"}, "campaign_id: csv_drop does nothing with it; braze_send does"),
        ({"mode": "mirror", "membership": "id"}, "membership: csv_drop has id already: choose another name"),
        ({"fields": "{id: orders}", "key_field": None}, "fields: csv_drop has id already: choose another name"),
        ({"approve_above": "'100,000'"}, "approve_above: expected a whole number; write 100000, without separators"),
    ],
)
def test_a_sync_names_what_there_is(changes: dict[str, str | None], told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, {"connections": FILES, "segments": RFM, "rules": rule(), "audiences": sync(**changes)})

    assert any(problem.startswith("audiences.yml: audiences.s") and told in problem for problem in found), found


KINDS = """tags: {kind: tealium, account: a, profile: main, username: secret://braze/key, api_key: secret://braze/key}
own: {kind: tealium, account: a, profile: main, username: secret://braze/key, api_key: secret://braze/key,
  visitor_attribute: who}
journey: {kind: sfmc_journey, subdomain: abc, client_id: secret://braze/key, client_secret: secret://braze/key}
tickets: {kind: webhook, url: https://desk.example/t, secret: secret://braze/key, form: fields}
groups: {kind: braze_subscription, instance: rest.fra-01.braze.eu, api_key: secret://braze/key}
cdp: {kind: segment_suppression, api_token: secret://braze/key}
"""
BARE = {"mode": "insert", "membership": None}
LIST = {"destination": "groups", "mode": "mirror", "subscription_group_id": "g", "fields": None, "key_field": "email"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({**BARE, "destination": "tags", "event": "came", "key_field": "email"},
         "key_field: tealium knows visitors by tealium_visitor_id, the connection's visitor_attribute; others are fields"),
        ({**BARE, "destination": "tags", "event": "came", "key_field": "tealium_visitor_id"}, None),
        ({**BARE, "destination": "own", "event": "came", "key_field": "tealium_visitor_id"},
         "key_field: tealium knows visitors by who, the connection's visitor_attribute; others are fields"),
        ({**BARE, "destination": "own", "event": "came", "key_field": "who"}, None),
        ({**BARE, "destination": "journey", "event": "came", "key_field": "SubscriberKey"},
         "key_field: sfmc_journey knows people by ContactKey"),
        ({**BARE, "destination": "journey", "event": "came", "key_field": "ContactKey"}, None),
        ({**BARE, "destination": "journey", "event": "came", "key_field": None}, None),
        ({**BARE, "destination": "tickets", "key_field": "requester"},
         "key_field: a delivery is the fields alone (form: fields); name the person among them"),
        ({**BARE, "destination": "tickets", "key_field": None}, None),
        ({**LIST, "membership": "in"}, "membership: braze_subscription takes none"),
        ({**LIST, "membership": None, "nulls": "erase"},
         "nulls: braze_subscription takes no fields, of which one could be null"),
        ({**LIST, "membership": None}, None),
        ({"destination": "cdp", "fields": None, "key_field": "userId"}, "membership: segment_suppression takes none"),
        ({"destination": "cdp", "fields": None, "key_field": None, "membership": None, "nulls": "erase"},
         "nulls: segment_suppression takes no fields, of which one could be null"),
        ({"destination": "cdp", "fields": None, "key_field": "userId", "membership": None, "nulls": "skip"}, None),
    ],
)  # fmt: skip
def test_a_setting_that_would_do_nothing_there_is_told(
    changes: dict[str, str | None], told: str | None, tmp_path: Path
) -> None:
    found = problems(tmp_path, {"connections": KINDS, "audiences": sync(**changes)})

    assert found == ([] if told is None else [f"audiences.yml: audiences.s.{told}"])


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("html: '<p>Tea</p>', text: 'https://shop.example/out?m={{ customer_id|urlencode }}&x=1'", False),
        ("html: '<a href=\"https://shop.example/out?m={{customer_id | urlencode}}&amp;x=1\">out</a>'", True),
        ("html: '<a href=\"[unsubscribe_url]\">out</a>'", True),
        ("text: 'Tea'", False),
        ("text: 'Out: https://shop.example/out?m={{ customer_id|urlencode }}&x=1'", True),
    ],
)
def test_a_mail_by_onesignal_has_its_way_out_in_the_text_since_there_is_no_other_place(
    text: str, is_there: bool, tmp_path: Path
) -> None:
    out = "https://shop.example/out?m={{ customer_id|urlencode }}&x=1"
    template = f"kind: email\nunsubscribe_url: '{out}'\nlocales:\n  en: {{subject: Tea, {text}}}\n"
    push = "push: {kind: onesignal, app_id: a, api_key: secret://braze/key, subscribers: 9}\n"
    told = {"destination": "push", "channel": "email", "template": "tea", "fields": None, "key_field": None, **BARE}
    given = {"connections": push, "templates/tea": template, "audiences": sync(**told)}

    found = problems(tmp_path, given)

    assert found == ([] if is_there else [
        "audiences.yml: audiences.s.template: onesignal takes no unsubscribe_url beside the text: name the same address in "
        "the en text of tea, or [unsubscribe_url], which becomes an address at OneSignal"
    ])  # fmt: skip


@pytest.mark.parametrize("slip", [{"fields": "{audience: orders}"}, {"membership": "external_id"}])
def test_a_name_that_a_webhook_has_beside_the_fields_is_no_other_value(slip: dict[str, str], tmp_path: Path) -> None:
    hook = "hook: {kind: webhook, url: https://desk.example/in, secret: secret://braze/key}\n"
    given = {"connections": hook, "segments": RFM, "audiences": sync(destination="hook", key_field=None, **slip)}

    found = problems(tmp_path, given)

    assert len(found) == 1, found
    assert "webhook has" in found[0]


@pytest.mark.parametrize(
    ("key", "size"), [("whsec_c2hvcnQ=", 5), ("a text of its own", 17), ("x!" * 33, 66), ("whsec_" + "x" * 32, None)]
)
def test_the_key_of_a_webhook_is_as_long_as_its_specification_wants_and_one_that_is_replaced_as_it_is(
    key: str, size: int | None, tmp_path: Path
) -> None:
    keys = "secret: secret://desk/key, former_secret: secret://desk/former"
    hooks = f"hook: {{kind: webhook, url: https://desk.example/in, {keys}}}\n"
    environ = {"PERSONALAKE_SECRET_DESK_KEY": key, "PERSONALAKE_SECRET_DESK_FORMER": "x"}

    found = problems(tmp_path, {"connections": hooks}, **environ)

    place = "connections.yml: connections.hook.secret: secret://desk/key is no secret of a webhook"
    told = f"{place}: a key of {size} bytes, and Standard Webhooks wants 24 to 64; make one by `openssl rand -base64 32`, "
    assert found == (
        [] if size is None else [f"{told}and name the one that receivers know as former_secret until they have it"]
    )


def test_a_connection_may_be_turned_off_without_its_syncs_since_that_is_how_sending_there_is_stopped(tmp_path: Path) -> None:
    files = {"connections": FILES, "segments": RFM, "rules": rule()}

    assert problems(tmp_path, {**files, "audiences": sync(destination="idle")}) == []


@pytest.mark.parametrize(
    ("one", "other", "is_fought"),
    [
        ({}, {}, True),
        ({}, {"fields": "{b: orders}"}, False),
        ({"audience": in_segment("Champions")}, {"audience": in_segment("Other")}, False),
        (
            {"audience": in_segment("Champions")},
            {"audience": in_segment("Other"), "mode": "mirror", "membership": "in"},
            True,
        ),
        ({"fields": "{b: orders}", "membership": "in"}, {"membership": "in"}, True),
        ({}, {"event": "Ordered", "mode": "insert"}, False),
        ({}, {"enabled": "false"}, False),
        # Whose audience is nobody sets nothing, see what is advised for whom a sync left behind.
        ({"mode": "mirror"}, {"mode": "mirror", "audience": "{where: 'false'}"}, False),
        ({"mode": "mirror", "audience": "{where: 'FALSE '}", "membership": "in"}, {"membership": "in"}, False),
        ({"mode": "mirror"}, {"mode": "mirror", "audience": "{where: 'false OR orders > 3'}"}, True),
    ],
)
def test_two_syncs_do_not_set_one_field_of_one_person(
    one: dict[str, str], other: dict[str, str], is_fought: bool, tmp_path: Path
) -> None:
    audiences = braze("s", **one) + braze("t", **other)

    found = problems(tmp_path, {"connections": BRAZE, "segments": RFM, "audiences": audiences})

    assert [problem.partition(" sets it")[0].rpartition(".")[0] for problem in found] == (
        ["audiences.yml: audiences.t.fields"] if is_fought else []
    )


@pytest.mark.parametrize(("mode", "is_fought"), [("mirror", True), ("upsert", False)])
def test_two_syncs_do_not_take_people_out_of_one_file_whom_the_other_puts_in(
    mode: str, is_fought: bool, tmp_path: Path
) -> None:
    audiences = "".join(sync(name, mode=mode, membership="in") for name in ("s", "t"))

    found = problems(tmp_path, {"connections": FILES, "segments": RFM, "rules": rule(), "audiences": audiences})

    assert any("audiences.t.fields.in: s sets it, too, at files" in problem for problem in found) is is_fought, found


LISTS = """cdp: {kind: segment_suppression, api_token: secret://braze/key}
groups: {kind: braze_subscription, instance: rest.fra-01.braze.eu, api_key: secret://braze/key}
"""


@pytest.mark.parametrize(
    ("one", "other", "is_fought"),
    [
        ({"destination": "cdp"}, {"destination": "cdp"}, True),
        ({"destination": "cdp"}, {"destination": "cdp", "mode": "insert"}, True),
        ({"destination": "cdp", "mode": "insert"}, {"destination": "cdp", "mode": "insert"}, False),
        ({"destination": "cdp"}, {"destination": "cdp", "enabled": "false"}, False),
        ({"destination": "cdp"}, {"destination": "cdp", "audience": "{where: 'false'}"}, False),
        ({"subscription_group_id": "g"}, {"subscription_group_id": "g"}, True),
        ({"subscription_group_id": "g"}, {"subscription_group_id": "h"}, False),
    ],
)
def test_two_syncs_do_not_take_people_off_one_list_whom_the_other_puts_on_it(
    one: dict[str, str], other: dict[str, str], is_fought: bool, tmp_path: Path
) -> None:
    bare = {"destination": "groups", "mode": "mirror", "key_field": "external_id", "fields": "", "membership": ""}
    audiences = sync("s", **(bare | one)) + sync("t", **(bare | other))

    found = problems(tmp_path, {"connections": LISTS, "audiences": audiences})

    told = "audiences.yml: audiences.t.mode: s keeps the same list at "
    assert [problem.startswith(told) for problem in found] == [True] * is_fought, found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"when": "orders"}, "when: 'orders' is no condition: it gives bigint, not true or false"),
        ({"when": "\"orders > 'many'\""}, "compares orders, a bigint, with the text 'many'"),
        ({"when": "orders > 3 && spend > 2"}, "something is missing or too much near character 13"),
        ({"when": "sum(orders) > 3"}, "needs more than one row"),
        ({"when": "last_order_date < current_date()"}, "clocks and dice are not allowed"),
        ({"when": "\"rfm_segment = 'Champoins'\""}, "when: no segment 'Champoins'; did you mean Champions?"),
        ({"purpose": "salle"}, "'salle' is a purpose that privacy.purposes does not name; did you mean sale?"),
        ({"template": "win_bak"}, "template: rule 'r' names the template 'win_bak'; there are: none"),
        (
            {"offer": "next_best"},
            "offer: expected 'none', 'favourite_category', 'next_best_item' or 'next_new_item'; did you",
        ),
        (
            {"reason": "'likes {favorite_category}'"},
            "unknown placeholder favorite_category; did you mean favourite_category?",
        ),
        ({"reason": "'likes {favourite_category'"}, "reason: a brace { } has no partner"),
    ],
)
def test_a_rule_is_a_condition_over_what_is_known(changes: dict[str, str], told: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, {"segments": RFM, "privacy": PURPOSES, "rules": rule(**changes)})

    assert found.startswith("rules.yml: decisions.rules.0")
    assert told in found
