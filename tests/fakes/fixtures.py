"""Fixtures: import them into a `conftest.py` that wants fakes."""

from collections.abc import Iterator

import pytest

from tests.fakes.handles import Fakes, running_fakes


@pytest.fixture(scope="session")
def started_fakes() -> Iterator[Fakes]:
    """All vendors, started once for the whole run."""
    with running_fakes() as fakes:
        yield fakes


@pytest.fixture
def fakes(started_fakes: Fakes) -> Iterator[Fakes]:
    """All vendors, holding nothing, with the settings that they publish; none may have crashed."""
    yield started_fakes
    crashes = [crash for vendor in started_fakes.vendors.values() for crash in vendor.counters()["crashes"]]
    started_fakes.reset()
    assert not crashes, crashes[0]
