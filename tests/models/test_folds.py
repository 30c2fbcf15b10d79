from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from personalake.config.modelling import ChurnSettings
from personalake.models.folds import training_plan


def test_the_cut_of_december_tests_in_november_and_learns_from_may_to_september() -> None:
    plan = training_plan(date(2017, 12, 1), ChurnSettings())

    assert plan.test == date(2017, 11, 1)
    assert [day.strftime("%m-%d") for day in plan.training] == [
        "05-01", "05-15", "06-01", "06-15", "07-01", "07-15", "08-01", "08-15", "09-01",
    ]  # fmt: skip
    assert plan.validation == date(2017, 9, 1)
    assert plan.earlier[-1] == date(2017, 8, 1)


def test_a_cut_one_day_before_the_label_window_ends_tests_a_month_earlier() -> None:
    assert training_plan(date(2017, 11, 28), ChurnSettings()).test == date(2017, 10, 1)
    assert training_plan(date(2017, 11, 29), ChurnSettings()).test == date(2017, 11, 1)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_no_label_window_reaches_beyond_what_comes_after_it(cut: date, horizon_days: int) -> None:
    plan = training_plan(cut, ChurnSettings(horizon_days=horizon_days))
    window = timedelta(days=horizon_days)

    assert plan.test + window <= cut
    assert all(day + window <= plan.test for day in plan.training)
    assert all(day + window <= plan.validation for day in plan.earlier)
