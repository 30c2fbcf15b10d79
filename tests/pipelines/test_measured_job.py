"""The measurement of the sending job, in small: that it runs, and that what it calls right is right."""

import pytest

from benchmarks.activation_job import job
from personalake.pipelines import send_activation
from tests.activation.matrix import CASES
from tests.fakes import Fakes
from tests.fakes.fixtures import fakes, started_fakes

__all__ = ["fakes", "started_fakes"]


def test_the_measured_job_sends_all_but_who_withdrew(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The measurement puts a timed journal in its place.
    monkeypatch.setattr(send_activation, "LakeJournal", send_activation.LakeJournal)

    assert job(CASES["segment"], fakes, 250)
    assert "job segment: 250 rows in " in capsys.readouterr().out
