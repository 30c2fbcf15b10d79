"""What a run of sending raises says each thing once."""

from personalake.activation.sending import Report
from personalake.errors import LeaseHeldError, SendingStoppedError
from personalake.pipelines.sending_failures import failure


def test_somebody_at_work_is_told_once_however_much_of_the_run_it_kept_from_being_done() -> None:
    busy = [LeaseHeldError("crm is being sent to", "Wait."), LeaseHeldError("crm is being sent to", "Wait.")]

    found = failure({}, {}, busy)

    assert (type(found), str(found)) == (LeaseHeldError, str(busy[0]))
    assert failure({}, {}, [*busy, LeaseHeldError("mail is being sent to", "Wait.")]).what == (  # type: ignore[union-attr]
        "crm is being sent to; mail is being sent to"
    )


def test_a_stop_says_what_becomes_of_what_is_unknown_if_anything_is() -> None:
    in_doubt, sure = Report(stopped="status 200 with a page"), Report(stopped="status 401")
    in_doubt.states.update({"unknown": 3, "pending": 1})
    sure.states.update({"pending": 4})

    told = [failure({"desk": (report, 4)}, {}, []) for report in (in_doubt, sure)]

    assert [isinstance(error, SendingStoppedError) and "activation resolve" in error.remedy for error in told] == [
        True,
        False,
    ]
