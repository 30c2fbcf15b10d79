from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest

from personalake.config import Settings, load_settings
from personalake.errors import ConfigError
from personalake.lake import Lake, Locations
from personalake.pipelines.latest_day import resolve_as_of
from personalake.tables.silver import CONSENT, ORDER_LINE
from personalake.tables.touchpoints import SUPPORT_TICKET

# Where a day begins first: for ten hours of each it is tomorrow there by UTC.
EARLIEST = "Pacific/Kiritimati"
CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.mark.parametrize("environment", sorted(path.stem for path in (CONF / "environments").glob("*.yml")))
def test_every_environment_is_valid_with_an_explicit_day(environment: str) -> None:
    settings = load_settings(environment, CONF, {"as_of": "2017-12-01"}, environ={})

    assert settings.as_of == date(2017, 12, 1)
    assert settings.environment == environment


def test_an_environment_that_wants_a_day_refuses_latest_and_names_file_and_key() -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings("local", CONF, {"require_as_of": True}, environ={})

    (problem,) = raised.value.problems
    assert problem.startswith(f"{CONF / 'base.yml'}: as_of: this environment wants an explicit day; pass --as-of")


def test_a_missing_day_is_no_explicit_day() -> None:
    with pytest.raises(ValueError, match="explicit day"):
        Settings(require_as_of=True)


def test_latest_will_do_elsewhere() -> None:
    assert load_settings("local", CONF, environ={}).as_of == "latest"


def test_a_day_in_the_future_is_refused_since_nothing_that_comes_until_then_would_count(tmp_path: Path) -> None:
    now, ledger = datetime.now(UTC), Lake(Locations(tmp_path), _no_session).ledger
    today = now.date()

    assert resolve_as_of(Settings(as_of=today + timedelta(1)), ledger, now) == today + timedelta(1)
    far_east = Settings(as_of=datetime.now(ZoneInfo(EARLIEST)).date() + timedelta(1), business_timezone=EARLIEST)
    assert resolve_as_of(far_east, ledger, now) == far_east.as_of
    with pytest.raises(ConfigError, match="lies in the future; give a day up to tomorrow, or latest"):
        resolve_as_of(Settings(as_of=today + timedelta(2)), ledger, now)


def test_the_latest_day_is_that_of_orders_without_any_that_of_what_else_was_seen_and_only_then_today(tmp_path: Path) -> None:
    now, ledger = datetime(2026, 5, 25, 8, tzinfo=UTC), Lake(Locations(tmp_path), _no_session).ledger
    latest = Settings()

    assert resolve_as_of(latest, ledger, now) == date(2026, 5, 25)
    ledger.append(CONSENT, [{"record_id": "c", "known_at": datetime(2026, 5, 20, tzinfo=UTC)}])
    ledger.append(SUPPORT_TICKET, [{"record_id": "t", "known_at": datetime(2026, 5, 22, 23, tzinfo=UTC)}])
    assert resolve_as_of(latest, ledger, now) == date(2026, 5, 23)
    assert resolve_as_of(Settings(business_timezone="Asia/Tokyo"), ledger, now) == date(2026, 5, 24)
    ledger.append(ORDER_LINE, [{"event_id": "o", "known_at": datetime(2026, 4, 1, tzinfo=UTC)}])
    assert resolve_as_of(latest, ledger, now) == date(2026, 4, 2)
    ledger.append(ORDER_LINE, [{"event_id": "p", "known_at": datetime(2031, 1, 1, tzinfo=UTC)}])
    assert resolve_as_of(latest, ledger, now) == date(2026, 5, 26)


def _no_session() -> NoReturn:
    raise AssertionError("no session is needed")
