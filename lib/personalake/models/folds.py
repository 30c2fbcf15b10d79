"""The as-ofs of a training cut: where to test, where to learn, where to choose. No label needs a day beyond the cut."""

from dataclasses import dataclass
from datetime import date, timedelta

from personalake.config.modelling import ChurnSettings

MID_MONTH = 15


@dataclass(frozen=True)
class TrainingPlan:
    """As-ofs that follow from one training cut.

    Args:
        cut: The training cut; labels are known before it.
        test: Where the champion is tested; nothing is chosen there.
        training: Where models learn; no label window reaches beyond `test`.
        horizon: Length of the label window.
    """

    cut: date
    test: date
    training: tuple[date, ...]
    horizon: timedelta

    @property
    def validation(self) -> date:
        """The last training as-of: candidates are chosen and calibrated there."""
        return self.training[-1]

    @property
    def earlier(self) -> tuple[date, ...]:
        """Training as-ofs whose label windows end before the validation as-of."""
        return tuple(as_of for as_of in self.training if as_of + self.horizon <= self.validation)

    @property
    def as_ofs(self) -> tuple[date, ...]:
        """All of them, in order."""
        return (*self.training, self.test)


def training_plan(cut: date, settings: ChurnSettings) -> TrainingPlan:
    """The plan of a training cut.

    The test as-of is the latest month start whose label window ends at or before the cut; models learn at each month
    start and 15th from `first_months_back` to the month start `last_months_back` before it.

    >>> plan = training_plan(date(2017, 12, 1), ChurnSettings())
    >>> plan.test, plan.training[0], plan.training[-1], len(plan.training)
    (datetime.date(2017, 11, 1), datetime.date(2017, 5, 1), datetime.date(2017, 9, 1), 9)
    """
    horizon = timedelta(days=settings.horizon_days)
    test = (cut - horizon).replace(day=1)
    first, last = months_before(test, settings.first_months_back), months_before(test, settings.last_months_back)
    starts = [months_before(test, back) for back in range(settings.first_months_back, settings.last_months_back - 1, -1)]
    candidates = [day for start in starts for day in (start, start.replace(day=MID_MONTH))]
    training = tuple(day for day in candidates if first <= day <= last and day + horizon <= test)
    return TrainingPlan(cut, test, training, horizon)


def months_before(start: date, months: int) -> date:
    """The month start that lies so many months before a month start.

    >>> months_before(date(2017, 2, 1), 3)
    datetime.date(2016, 11, 1)
    """
    index = start.year * 12 + start.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
