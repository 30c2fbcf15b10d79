"""A failure nobody foresaw says where and what kind, and nothing of whoever was at hand."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from personalake.pipelines.failure_words import DiscreetFormatter, without_values

CANARIES = ("Annelorna", "annelorna@canary.example", "+1 (212) 555-0147", "4929 1234 5678 9012")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("could not convert string to float: 'Annelorna'", "could not convert string to float: […]"),
        ('For input string: "Annelorna"', "For input string: […]"),
        ("'customer_id' of silver.event, type 'STRING'", "'customer_id' of silver.event, type 'STRING'"),
        ("No such file: '/lake/bronze/event'", "No such file: '/lake/bronze/event'"),
        ("no mailbox for annelorna@canary.example; sorry", "no mailbox for […]; sorry"),
        ("call +1 (212) 555-0147 or 4929 1234 5678 9012", "call […] or […]"),
        ("batch 12 of 345, line 67, plan_0123456789ab", "batch 12 of 345, line 67, plan_0123456789ab"),
        ("the person's table isn't there", "the person's table isn't there"),
        ("can't read 'O'Annelorna' of the person's row", "can't read […] of the person's row"),
        ('no name "Anne "lorna Z" here, nor \'Anne\nlorna\' there', "no name […] here, nor […] there"),
        ("'Annelorna\nZwiebeltau' in 'order_line', the customers' table", "[…] in 'order_line', the customers' table"),
        ("for 'Annelorna and so on\nthen the next line", "for […]\nthen the next line"),
        (
            'duplicate key violates "customer_pkey"\n  Detail: Key (name, "b")=(Annelorna (Zwiebeltau), x) already exists.\n'
            "  Where: COPY customer, line 7: Annelorna",
            "duplicate key violates […]\n  Detail: […]",
        ),
        (
            "ERROR: null value; Failing row contains (7, Annelorna,\nQuittenstieg).",
            "ERROR: null value; Failing row contains […]",
        ),
        ("Key (email)=(Annelorna) is not present in table", "Key (email)= […]"),
    ],
)
def test_values_are_left_out_and_names_stay(message: str, expected: str) -> None:
    assert without_values(message) == expected


def test_a_trace_keeps_its_frames_and_every_cause_and_loses_their_values() -> None:
    def parse() -> None:
        try:
            float("Annelorna")
        except ValueError as error:
            raise RuntimeError(f"row of {CANARIES[1]} is broken") from error

    with pytest.raises(RuntimeError) as raised:
        parse()
    given = (type(raised.value), raised.value, raised.value.__traceback__)
    record = logging.LogRecord("job", logging.ERROR, __file__, 1, "%s failed for %s", ("refine", CANARIES[3]), given)

    text = DiscreetFormatter("%(levelname)s %(message)s").format(record)

    assert text.startswith("ERROR refine failed for […]\n")
    assert "ValueError: could not convert string to float: […]" in text
    assert "RuntimeError: row of […] is broken" in text
    assert text.count(", in parse") == 2
    assert not any(canary in line for line in text.splitlines() if ": " in line[:20] for canary in CANARIES)


SPARK = """
from personalake.pipelines.command import fail
from personalake.session import get_session
spark = get_session(log=__import__("pathlib").Path({log!r}))
spark.conf.set("spark.sql.ansi.enabled", "true")
try:
    value = "concat('anne', 'lorna@canary', id, '\\n', 'O\\\\'annelorna', ' went on')"
    spark.range(1).selectExpr(value + " AS v").selectExpr("CAST(v AS INT)").collect()
except Exception as error:
    fail("job", error)
"""


def test_a_task_that_dies_of_a_value_names_it_neither_on_the_terminal_nor_in_the_jvm_s_log(tmp_path: Path) -> None:
    log = tmp_path / "spark.log"

    done = subprocess.run([sys.executable, "-c", SPARK.format(log=str(log))], capture_output=True, text=True, check=True)

    told = log.read_text()
    assert "ERROR Executor" in told
    assert "CAST_INVALID_INPUT" in told
    assert "\tat org.apache.spark" in told
    assert "job: FAILED." in done.stderr
    assert "Traceback" in done.stderr
    assert [line for line in (told + done.stdout + done.stderr).splitlines() if "annelorna" in line] == []
