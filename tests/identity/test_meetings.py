"""Whether card and browser meet, and why not: each way of it by one person, in literal rows."""

import pandas as pd

from personalake.identity.meetings import meetings

GUARDS = ["guard", "namespace", "value"]


def record(key: str, **held: str) -> dict[str, str | None]:
    return {"person": "ann", "record_key": key, "loyalty_id": None, "login": None, "cookie_id": None, **held}


def judged(
    records: list[dict[str, str | None]],
    guards: list[tuple[str, str, str]] = [],  # noqa: B006 - never changed
    seen_as: str = "p2",
    login: str | None = "u1",
) -> tuple[str, str]:
    """Ann bought by card c1, which was found to be p1; her browser k1 was found to be `seen_as`."""
    bought = pd.DataFrame({"person": ["ann"], "loyalty_id": ["c1"], "person_id": ["p1"]})
    seen = pd.DataFrame({"person": ["ann"], "login": [login], "cookie_id": ["k1"], "person_id": [seen_as]})
    columns = ["person", "record_key", "loyalty_id", "login", "cookie_id"]
    found = meetings(bought, seen, pd.DataFrame(records, columns=columns), pd.DataFrame(guards, columns=GUARDS))
    (row,) = found.itertuples(index=False)
    return str(row.bridge), str(row.outcome)


APP = record("app:1", loyalty_id="c1", login="u1")


def test_who_has_a_bridge_of_shared_identifiers_has_met_or_a_link_was_lost() -> None:
    web = record("web:1", login="u2", cookie_id="k1")
    both = record("app:1", loyalty_id="c1", login="u2")

    assert judged([APP], seen_as="p1") == ("shared identifiers", "met")
    assert judged([APP]) == ("shared identifiers", "lost")
    assert judged([both, web], login=None) == ("shared identifiers", "lost")


def test_a_guard_is_named_only_where_the_bridge_leads_over_what_it_refused() -> None:
    kiosk = [record("app:1", loyalty_id="c1", login="u2"), record("web:1", login="u2", cookie_id="k1")]
    hub, elsewhere = ("hub", "cookie_id", "k1"), ("hub", "cookie_id", "k9")
    refused = ("per_person_login", "pair", "app:1 web:7")

    assert judged(kiosk, [hub], login=None) == ("shared identifiers", "guard: hub")
    assert judged(kiosk, [elsewhere], login=None) == ("shared identifiers", "lost")
    assert judged([APP], [hub]) == ("shared identifiers", "lost")  # by the account, whoever shares the browser
    assert judged([APP], [refused]) == ("shared identifiers", "guard: per_person_login")
    assert judged([APP], [("per_person_login", "pair", "app:3 web:7")]) == ("shared identifiers", "lost")


def test_records_that_share_nothing_can_only_be_found_alike() -> None:
    apart = [record("crm:1", loyalty_id="c1"), record("web:1", login="u1")]
    own, other = "crm:1 web:1", "crm:1 web:7"

    assert judged(apart, seen_as="p1") == ("likeness", "met")
    assert judged(apart) == ("likeness", "records not found alike")
    assert judged(apart, [("contradiction_birth_date", "pair", own)]) == ("likeness", "guard: contradiction_birth_date")
    assert judged(apart, [("contradiction_birth_date", "pair", other)]) == ("likeness", "records not found alike")


def test_where_no_record_leads_from_card_to_browser_nobody_can_know_and_it_is_said_why() -> None:
    visit = record("web_events:seen-1", login="u1", cookie_id="k1")

    assert judged([record("crm:1", loyalty_id="c1")], login=None) == ("none", "never signed in")
    assert judged([record("crm:1", loyalty_id="c1"), visit]) == ("none", "account in no record")
    assert judged([record("web:1", login="u1"), visit]) == ("none", "card in no record")
