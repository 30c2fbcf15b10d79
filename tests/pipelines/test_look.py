import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from personalake.cli import app
from personalake.config import Settings
from personalake.config.identity import IdentitySettings
from personalake.errors import InputError
from personalake.identity.match_model import MatchModel
from personalake.lake import Ledger, Locations
from personalake.pipelines.access import log_pair
from personalake.pipelines.look import Explanation, explain, table_facts
from personalake.pipelines.look_pair import explain_records
from personalake.pipelines.look_view import explanation_view, pair_view, tables_view
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.receipts import pseudonym
from personalake.tables import ALL
from personalake.tables.erasure import ACCESS_LOG
from personalake.tables.gold import PREDICTION
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, MATCH_MODEL, MATCH_RECORD
from personalake.tables.silver import PERSON_LINK
from tests.identity.test_explanation import hand_made_model
from tests.reports.gold_rows import AS_OF, fill, person


def no_session() -> NoReturn:
    raise AssertionError("looking inside needs no Spark session")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Locations(tmp_path), no_session)
    fill(ledger)
    return ledger


def printed(view: RenderableType) -> str:
    console = Console(file=StringIO(), width=150)
    console.print(view)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_person_is_found_by_person_id_and_by_customer_id(ledger: Ledger) -> None:
    assert explain(ledger, "5") == explain(ledger, person(5))


def test_an_explanation_has_every_part_of_this_person_and_of_nobody_else(ledger: Ledger) -> None:
    found = explain(ledger, person(1))

    assert found.profile["person_id"] == person(1)
    assert found.features["as_of"] == AS_OF
    assert [row["scheme"] for row in found.segments] == ["kmeans", "rfm"]
    assert found.predictions[0]["reasons"][0]["feature"] == "recency_days"
    assert [(row["slot"], row["rank"]) for row in found.recommendations][:2] == [("all_items", 1), ("all_items", 2)]
    assert all(row["category"] for row in found.recommendations)
    assert [row["action"] for row in found.decisions] == ["win_back_coupon"]
    assert [(row["destination"], row["state"]) for row in found.deliveries] == [("cdp", "accepted")]
    assert {row["person_id"] for row in found.consents} == {person(1)}
    assert json.loads(json.dumps(found.as_json(), default=str))["person_id"] == person(1)


def test_an_older_as_of_shows_what_was_believed_then(ledger: Ledger) -> None:
    earlier = {"person_id": person(1), "model": "churn", "as_of": date(2017, 10, 1), "probability": 0.01}
    ledger.append(PREDICTION, [earlier])

    assert explain(ledger, person(1), date(2017, 11, 1)).predictions[0]["probability"] == 0.01
    assert explain(ledger, person(1)).predictions[0]["as_of"] == AS_OF


def test_an_unknown_person_is_refused_with_some_that_are_known(ledger: Ledger) -> None:
    with pytest.raises(InputError, match=f"No person goes by 'nobody'.*{person(1)}, {person(2)}, {person(3)}"):
        explain(ledger, "nobody")


def test_an_empty_lake_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No person is known yet"):
        explain(Ledger(Locations(tmp_path), no_session), "1")


def test_an_identifier_of_several_persons_is_refused_with_their_names(ledger: Ledger) -> None:
    ledger.append(PERSON_LINK, [{"namespace": "loyalty_card", "value": "1", "person_id": person(2)}])

    with pytest.raises(InputError, match=f"2 persons.*{person(1)}, {person(2)}"):
        explain(ledger, "1")


def test_the_view_shows_the_reasons_the_decision_and_the_payload(ledger: Ledger) -> None:
    text = printed(explanation_view(explain(ledger, person(1))))

    for expected in (
        "▲ raises +1.20",
        "▼ lowers -0.40",
        "likely to leave and formerly frequent",
        '"coupon": "CHEESE"',
        " USD",
    ):
        assert expected in text


def test_a_person_of_whom_little_is_known_is_shown_without_an_error(ledger: Ledger) -> None:
    ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "new", "person_id": "p_new"}])

    assert printed(explanation_view(explain(ledger, "new"))).count("nothing known") == 8


def test_whoever_looks_at_a_person_or_asks_tables_is_written_down_and_the_person_is_not_named(
    ledger: Ledger, tmp_path: Path
) -> None:
    console = CliRunner()
    root = ["--root", str(tmp_path)]

    looked = console.invoke(app, ["explain", "--person", person(1), *root])
    asked = console.invoke(app, ["query", "SELECT customer_id FROM gold.customer_profile", "--rows", "3", *root])
    nobody = console.invoke(app, ["explain", "--person", "unheard-of", *root])

    rows = sorted(ledger.read(ACCESS_LOG), key=lambda row: row["accessed_at"])
    assert (looked.exit_code, asked.exit_code) == (0, 0)
    assert isinstance(nobody.exception, InputError)
    assert [(row["job"], row["action"]) for row in rows] == [("explain", "look"), ("query", "query")]
    look, query = rows
    assert {"gold.customer_profile", "silver.consent_current", "gold.activation_outbox"} <= set(look["tables"])
    assert (query["tables"], query["rows"], query["subject"]) == (["gold.customer_profile"], 3, None)
    key = erasure_key(Settings(root=tmp_path), ledger.locations)
    assert look["subject"] == pseudonym(key, "person_id", person(1))
    assert person(1) not in str(rows)


def test_whoever_looks_at_a_pair_of_records_is_written_down_once_for_each_person(ledger: Ledger, tmp_path: Path) -> None:
    records = [("crm:1", "crm", "77"), ("web:2", "login", "ann"), ("till:3", "till", "nobody's")]
    ledger.append(MATCH_RECORD, [{"record_key": key, "namespace": kind, "customer_id": who} for key, kind, who in records])
    ledger.append(PERSON_LINK, [{"namespace": kind, "value": who, "person_id": "p_ann"} for _, kind, who in records[:2]])
    settings = Settings(root=tmp_path)

    log_pair(settings, ledger, ("crm:1", "web:2"))
    log_pair(settings, ledger, ("crm:1", "till:3"))

    rows = [(row["job"], row["action"], row["subject"]) for row in ledger.read(ACCESS_LOG)]
    key = erasure_key(settings, ledger.locations)
    ann, nobody = pseudonym(key, "person_id", "p_ann"), pseudonym(key, "person_id", "till:3")
    assert sorted(rows) == sorted([("explain", "look", ann)] * 2 + [("explain", "look", nobody)])


@pytest.mark.parametrize(("share", "weights"), [(0.01, [12.0]), (0.2, [])])
def test_what_holds_a_person_together_is_told_by_the_guards_that_fit_its_records(
    share: float, weights: list[float], tmp_path: Path
) -> None:
    ledger = Ledger(Locations(tmp_path), no_session)
    names = {"crm:1": "ann", "crm:2": "xqv"}
    known = {"source": "crm", "namespace": "crm", "known_at": datetime(2025, 1, 1, tzinfo=UTC)}
    ledger.append(
        MATCH_RECORD,
        [{**known, "record_key": key, "customer_id": key[4:], "first_name": name} for key, name in names.items()],
    )
    ledger.append(PERSON_LINK, [{"namespace": "crm", "value": key[4:], "person_id": "p_ann"} for key in names])
    ledger.append(MATCH_EDGE, [{"left_key": "crm:1", "right_key": "crm:2", "match_weight": 12.0}])
    model = {"model": MatchModel({}, {}, share).to_json(), "model_version": "m", "trained_at": known["known_at"]}
    ledger.append(MATCH_MODEL, [model])

    found = explain(ledger, "p_ann", identity=IdentitySettings())

    assert [bridge["match_weight"] for bridge in found.bridges] == weights


def test_a_pair_is_told_with_whose_the_records_are_and_what_kept_them_apart(tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path), no_session)
    at = datetime(2025, 1, 1, tzinfo=UTC)
    told = {"crm:1": "ann", "crm:2": "eve", "web:3": "ann", "web:4": "ann"}
    rows = [
        {"record_key": key, "source": key[:3], "namespace": key[:3], "customer_id": key[4:], "known_at": at,
         "first_name": name, "birth_date": "1990-04-05", "last_name": "lee", "phone": "1"}
        for key, name in told.items()
    ]  # fmt: skip
    rows.append({**rows[-1], "record_key": "web:5", "customer_id": "5", "first_name": None, "email": "ann.lee@x.example"})
    ledger.append(MATCH_RECORD, rows)
    people = {"crm:1": "p_ann", "web:3": "p_ann", "crm:2": "p_eve"}
    links = [{"namespace": key[:3], "value": key[4:], "person_id": person} for key, person in people.items()]
    ledger.append(PERSON_LINK, links)
    ledger.append(MATCH_MODEL, [{"model": hand_made_model().to_json(), "model_version": "m", "trained_at": at}])
    guard = {"guard": "contradiction_first_name", "namespace": "pair", "links": 1, "persons": 2, "match_weight": 1.5}
    ledger.append(IDENTITY_GUARD, [{**guard, "value": "crm:1 crm:2"}, {**guard, "value": "crm:2 web:4"}])

    def shown(left: str, right: str) -> str:
        return " ".join(printed(pair_view(explain_records(ledger, left, right, IdentitySettings()))).split())

    assert "One person: p_ann." in shown("crm:1", "web:3")
    apart = shown("web:3", "crm:2")
    assert "By likeness no link: -4.0 bits, a probability of 5.9 %; links begin at" in apart
    assert "Two persons: p_ann and p_eve. Refused between them: crm:1 and crm:2 of +1.5 bits, since first names" in apart
    assert "web:4" not in apart
    assert shown("crm:1", "web:4").endswith("No run has grouped both records yet: run resolve_identities.")
    assert shown("crm:1", "web:5") == shown("crm:1", "web:4").replace("web:4", "web:5"), "as compared: the address tells Ann"
    with pytest.raises(InputError, match="crm:1 is named twice"):
        explain_records(ledger, "crm:1", "crm:1", IdentitySettings())


def test_keys_of_records_are_shown_whole_and_nothing_is_cut_off(tmp_path: Path) -> None:
    row = {"record_key": "crm:r0123456789abcdef", "birth_date": "1990-04-05", "known_at": None} | dict.fromkeys(
        ("first_name", "last_name", "email", "phone", "street"), "abcdefghijklmnopq"
    )
    console = Console(file=StringIO(), width=80)

    console.print(explanation_view(Explanation("p", records=[row])))

    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "crm:r0123456789abcdef" in text
    assert "…" not in text


def test_every_declared_table_is_listed_and_those_not_made_yet_say_so(ledger: Ledger) -> None:
    facts = {fact.name: fact for fact in table_facts(ledger)}

    profile, event = facts["gold.customer_profile"], facts["silver.event"]
    assert list(facts) == [table.full_name for table in ALL]
    assert (profile.rows, profile.version) == (12, 1)
    assert profile.bytes > 0
    assert profile.modified_at is not None
    assert (event.version, event.modified_at) == (None, None)


def listed(ledger: Ledger, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(tables_view(table_facts(ledger), datetime.now(UTC) + timedelta(hours=3, minutes=5), width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 140])
def test_the_list_of_tables_shows_age_and_what_is_missing(ledger: Ledger, width: int) -> None:
    rows = listed(ledger, width)

    assert "3 hours" in next(row for row in rows if "gold.customer_profile " in row)
    assert "not yet" in next(row for row in rows if "silver.event " in row)


def test_a_narrow_list_of_tables_has_one_whole_line_for_each_and_says_where_the_rest_stands(ledger: Ledger) -> None:
    rows = listed(ledger, 80)

    by_layer = [table.full_name for layer in ("bronze", "silver", "gold") for table in ALL if table.layer == layer]
    assert [row.split()[0] for row in rows if row.startswith((" bronze.", " silver.", " gold."))] == by_layer
    assert len(rows) <= len(ALL) + 8
    assert "…" not in "".join(rows)
    assert "docs/tables.md" in rows[-1]


def test_a_wide_list_of_tables_says_what_a_row_is(ledger: Ledger) -> None:
    rows = listed(ledger, 140)

    assert "One line of one order" in next(row for row in rows if "silver.order_line " in row)
