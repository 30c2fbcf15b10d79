"""What a run of sending raises says each thing once."""

from personalake.errors import LeaseHeldError
from personalake.pipelines.sending_failures import failure


def test_somebody_at_work_is_told_once_however_much_of_the_run_it_kept_from_being_done() -> None:
    busy = [LeaseHeldError("crm is being sent to", "Wait."), LeaseHeldError("crm is being sent to", "Wait.")]

    found = failure({}, {}, busy)

    assert (type(found), str(found)) == (LeaseHeldError, str(busy[0]))
    assert failure({}, {}, [*busy, LeaseHeldError("mail is being sent to", "Wait.")]).what == (  # type: ignore[union-attr]
        "crm is being sent to; mail is being sent to"
    )
