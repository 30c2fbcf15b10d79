"""The one exception tree. Every error says what is wrong and what to do about it."""

from collections.abc import Sequence


class PersonalakeError(Exception):
    """Raised when a job cannot do what it was asked to; the base of the tree.

    Args:
        what: What is wrong, with the offending value and what was expected.
        remedy: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what} {remedy}".strip())


class ConfigError(PersonalakeError):
    """Raised when the configuration is unusable; carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        listing = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the configuration:{listing}")


class LeaseHeldError(PersonalakeError):
    """Raised when another run of the same job is at work on the same lake."""

    exit_code = 3


class SendingStoppedError(PersonalakeError):
    """Raised when sending to a destination stopped before its end: account, volume or removal bounds, failures in a row."""

    def __init__(self, what: str) -> None:
        cause = "Mend the cause"
        if "bounds." in what:
            cause += ", or, if that much is meant, raise the bound: of a connection in conf/connections.yml, of a plan in "
            cause += "conf/audiences.yml, which is then planned again"
        doubt = ""
        if " unknown" in what:
            doubt = (
                " What is unknown may be there: the next run sends it again where that does no harm; all else "
                "`personalake activation unknown` lists, and `personalake activation resolve` settles, once the destination "
                "was asked."
            )
        super().__init__(
            what,
            f"What was not sent stays pending. {cause}, and run send_activation again; `personalake activation status` "
            f"shows where each delivery stands.{doubt}",
        )


class InputError(PersonalakeError):
    """Raised when input data or an input table cannot be used as it is."""

    exit_code = 4


class EnvironmentProblem(PersonalakeError):
    """Raised when this machine cannot run the suite: Java, Python, Spark, Delta, disk, permissions."""

    exit_code = 5


class UnhealthyError(PersonalakeError):
    """Raised when a whole table failed a check that stops the line."""

    exit_code = 6


class TableMismatchError(PersonalakeError):
    """Raised when rows do not fit the declared table; lists every difference."""
