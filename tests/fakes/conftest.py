from tests.fakes.fixtures import fakes, started_fakes

__all__ = ["fakes", "started_fakes"]
