from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings, load_settings
from personalake.errors import ConfigError
from personalake.lake import Lake, Locations
from personalake.pipelines.runner import resolve_as_of

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
    today, lake = datetime.now(UTC).date(), Lake(Locations(tmp_path), _no_session)

    assert resolve_as_of(Settings(as_of=today + timedelta(1)), lake) == today + timedelta(1)
    with pytest.raises(ConfigError, match="lies in the future; give a day up to tomorrow, or latest"):
        resolve_as_of(Settings(as_of=today + timedelta(2)), lake)


def _no_session() -> NoReturn:
    raise AssertionError("no session is needed")
