"""The house keeps its rules, and each rule would notice if it did not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_library_keeps_the_rule(rule: Callable[[Path], Iterator[str]]) -> None:
    breaches = list(rule(ROOT))

    assert not breaches, "\n" + "\n".join(breaches)


PLANTED = [
    (rules.layering, "segments/bad.py", "from personalake.lake import Lake", "segments must not import lake"),
    (rules.layering, "segments/bad.py", "import personalake.models.churn", "segments must not import models"),
    (rules.layering, "models/bad.py", "def f():\n    from personalake.session import x", "must not import session"),
    (rules.layering, "common/bad.py", "from personalake.quality import Verdict", "common must not import quality"),
    (rules.layering, "lake/bad.py", "from personalake.pipelines.job import JobSpec", "lake must not import pipelines"),
    (rules.layering, "pipelines/bad.py", "from personalake.demo import shop", "pipelines must not import demo"),
    (rules.layering, "pipelines/bad.py", "from personalake import world", "pipelines must not import world"),
    (rules.layering, "reports/bad.py", "from personalake import cli", "reports must not import cli"),
    (rules.layering, "lake/bad.py", "import_module('personalake.segments')", "must not import segments"),
    (rules.layering, "segments/bad.py", "from .rfm import rfm", "relative import"),
    (rules.layering, "novelty/bad.py", "", "novelty has no place in the layers"),
    (rules.libraries, "models/bad.py", "import mlflow.pyfunc", "only tracking may"),
    (rules.libraries, "models/bad.py", "from hyperopt import fmin", "only tracking may"),
    (rules.libraries, "pipelines/bad.py", "from delta.tables import DeltaTable", "only lake and session may"),
    (rules.libraries, "pipelines/bad.py", "import deltalake", "only lake and session may"),
    (rules.libraries, "pipelines/bad.py", "from tests.conftest import spark", "nothing imports tests"),
    (rules.libraries, "cli.py", "import jobs.build_profiles", "nothing imports jobs"),
    (rules.rooms, "profiles/bad.py", "x = spark.read.format('delta').load('here')", 'format("delta")'),
    (rules.rooms, "profiles/bad.py", "x = spark.readStream", "readStream in a room"),
    (rules.rooms, "profiles/bad.py", "x = df.writeStream.start()", "writeStream in a room"),
    (rules.rooms, "profiles/bad.py", "df.write.saveAsTable('t')", "saveAsTable in a room"),
    (rules.rooms, "profiles/bad.py", "x = F.current_timestamp()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = current_date()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = F.now()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = F.expr('datediff(current_date(), day)')", "a clock in a room's SQL"),
    (rules.rooms, "profiles/bad.py", "x = F.expr('now() - day')", "a clock in a room's SQL"),
    (rules.rooms, "profiles/bad.py", "x = datetime.now(UTC)", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = datetime.datetime.now()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = date.today()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = time.time()", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "from time import time", "a clock in a room"),
    (rules.rooms, "profiles/bad.py", "x = SparkSession.builder", "take their session from a DataFrame"),
    (rules.rooms, "profiles/bad.py", "x = builder.getOrCreate()", "take their session from a DataFrame"),
    (rules.sessions, "pipelines/bad.py", "x = SparkSession.builder.getOrCreate()", "only session.py"),
    (rules.prints, "pipelines/bad.py", "print('here')", "print"),
    (rules.truth, "pipelines/bad.py", "x = root / 'truth' / 'person'", "the truth about the known world"),
    (rules.truth, "reports/bad.py", "x = read('lakehouse/truth/order')", "the truth about the known world"),
    (rules.truth, "cli.py", "x = spark.table('truth.person')", "the truth about the known world"),
    (rules.layering, "identity/bad.py", "from personalake.world.truth import truths", "identity must not import world"),
    (rules.sizes, "pipelines/bad.py", "x = 1\n" * 301, "301 lines"),
    (rules.sizes, "pipelines/bad.py", "def f():\n" + "    x = 1\n" * 60, "f has 61 lines"),
    (rules.undeclared, "common/bad.py", "import networkx", "networkx is not among the requirements"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "place", "code", "expected"), PLANTED, ids=lambda value: str(getattr(value, "__name__", value))[:40]
)
def test_a_planted_breach_is_found(
    rule: Callable[[Path], Iterator[str]], place: str, code: str, expected: str, tmp_path: Path
) -> None:
    plant(tmp_path, place, code)

    breaches = list(rule(tmp_path))

    assert len(breaches) == 1
    assert expected in breaches[0]
    assert breaches[0].startswith(place)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("jobs/peep.py", "x = open('lakehouse/truth/person')"),
        ("conf/sources/peep.yml", "contract: order_line\npath: ${root}/truth/order\n"),
        ("conf/segments.yml", 'when: "person_id IN (SELECT person_id FROM truth.person)"\n'),
    ],
)
def test_a_way_into_the_truth_is_found_in_jobs_and_configuration(place: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (tmp_path / "conf").mkdir(exist_ok=True)
    (tmp_path / "conf" / "good.yml").write_text("# truth/person is not for us\nwhy: the truth is told once\n")

    (breach,) = rules.truth_beside(tmp_path)

    assert breach.startswith(f"{place}:")


INNOCENT = [
    (
        "profiles/good.py",
        '"""Never current_timestamp."""\nimport pyspark\nx = F.to_date("known_at")',
    ),
    ("profiles/good.py", "from personalake.quality import expectations\nfrom personalake.profiles import journey"),
    ("profiles/good.py", "from time import strptime\nx = row.time\ny = '{}'.format('delta rule')"),
    ("lake/good.py", "from delta import DeltaTable\nx = spark.readStream.format('delta')"),
    ("cli.py", "from personalake.demo import shop\nprint('a person reads this')"),
    ("pipelines/command.py", "print('{}')"),
    (
        "pipelines/good.py",
        "from personalake.lake import Lake\nimport personalake.models\nx = F.current_timestamp()",
    ),
    ("session.py", "x = SparkSession.builder.getOrCreate()"),
    ("world/good.py", "x = root / 'truth'"),
    ("models/good.py", "x = 'the truth is told once'\ny = 'truths'"),
]


@pytest.mark.parametrize(("place", "code"), INNOCENT)
def test_nothing_is_said_about_good_code(place: str, code: str, tmp_path: Path) -> None:
    plant(tmp_path, place, code)

    assert [breach for rule in rules.RULES for breach in rule(tmp_path)] == []


def plant(root: Path, place: str, code: str) -> None:
    path = root / "lib" / "personalake" / place
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    (root / "setup.py").write_text("R = ['pyspark==4.2.0', 'delta-spark==4.4.0', 'mlflow>=3']\n", encoding="utf-8")
