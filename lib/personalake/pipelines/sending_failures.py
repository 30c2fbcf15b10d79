"""What a run of sending raises: all that went wrong, the gravest first, beside what was sent all the same."""

from collections.abc import Mapping, Sequence

from personalake.activation.sending import Report
from personalake.errors import LeaseHeldError, PersonalakeError, SendingStoppedError
from personalake.pipelines.activation_results import sentence
from personalake.pipelines.failure_words import said_of

_UNFORESEEN, _KNOWN, _STOPPED, _BUSY, _GOOD = range(5)
_IN_THE_LOG = "The log shows where it broke; what was claimed and has no outcome is unknown, and settled by the next run."


def failure(
    results: Mapping[str, tuple[Report, int]], broken: Mapping[str, BaseException], others: Sequence[PersonalakeError]
) -> BaseException | None:
    """What to raise; null if all went well.

    Args:
        results: By destination, what was done of how much.
        broken: Destinations that came to no proper end.
        others: What went wrong before anything could be sent.

    Returns:
        The only error as it is; several in one of the gravest kind, which says all, and what went well besides.
    """
    errors = [*broken.values(), *others]
    told = [(_grade(broken.get(name), report), _of(name, report, owed, broken.get(name)))
            for name, (report, owed) in results.items()]  # fmt: skip
    # A destination at which somebody is at work stands in the way of its plan, and of taking back another.
    told += dict.fromkeys((_grade(error), error.what) for error in others)
    gravest = min((grade for grade, _ in told), default=_GOOD)
    if gravest == _GOOD:
        return None
    first = min(errors, key=_grade, default=None)
    if first is not None and (len(told) == 1 or not isinstance(first, Exception)):
        return first
    text = "; ".join(text for _, text in sorted(told, key=lambda one: one[0]))
    if gravest == _STOPPED:
        return SendingStoppedError(text)
    remedy = " ".join(dict.fromkeys(_remedy(error) for error in sorted(errors, key=_grade)))
    found = (LeaseHeldError if gravest == _BUSY else PersonalakeError)(text, remedy.strip())
    if isinstance(first, PersonalakeError):
        found.exit_code = first.exit_code
    found.__cause__ = first
    return found


def _grade(error: BaseException | None, report: Report | None = None) -> int:
    if error is None:
        return _STOPPED if report is not None and report.stopped is not None else _GOOD
    if isinstance(error, LeaseHeldError):
        return _BUSY
    if isinstance(error, SendingStoppedError):
        return _STOPPED
    return _KNOWN if isinstance(error, PersonalakeError) else _UNFORESEEN


def _of(name: str, report: Report, owed: int, error: BaseException | None) -> str:
    said = sentence(name, report, owed)
    if error is None:
        return said
    return f"{said}; FAILED: {error.what if isinstance(error, PersonalakeError) else said_of(error)}"


def _remedy(error: BaseException) -> str:
    return error.remedy if isinstance(error, PersonalakeError) else _IN_THE_LOG
