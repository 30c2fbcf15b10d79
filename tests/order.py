"""Which tests stand together and which begin first when several processes share the work (`pytest -n`)."""

from xdist.scheduler import LoadFileScheduling

# What takes longest, longest first: begun at the end, it would leave the other processes without work.
LONGEST = (
    "tests/world/",
    "tests/pipelines/test_whole_company.py",
    "tests/pipelines/test_kill.py",
    "tests/pipelines/test_erase_customers.py",
    "tests/pipelines/test_plan_audiences.py",
    "tests/pipelines/test_apply_receipts.py",
    "tests/pipelines/",
    "tests/identity/",
    "tests/profiles/",
    "tests/ingestion/",
)
# They draw from one world, which costs more than what each of them asks of it.
TOGETHER = ("tests/world/",)


def place(nodeid: str) -> int:
    """Where a test stands: 0 comes first."""
    return next((number for number, name in enumerate(LONGEST) if nodeid.startswith(name)), len(LONGEST))


def share(nodeid: str) -> str:
    """What is given to one process as a whole: a file, or a folder of those that stand together."""
    return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


class LongestFirst(LoadFileScheduling):
    """Gives out what takes longest first, and not the files of the most tests."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
