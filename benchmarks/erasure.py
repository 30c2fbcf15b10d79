"""Erasure measured on the known world: is anything left of whoever asked, and was anything of anybody said on the way?

    python -m benchmarks.erasure --people 1000 --erase 5

The whole graph runs over a world, models included. Some people then ask to be forgotten, each by one address. Every file of
lake, model store, checkpoints, landing folder, exports and report is decoded and searched for what the truth says is theirs
alone: before, after, and once more after the same people's records came in again and the next day was planned and exported.
All the while log lines, messages of jobs, Spark plans and file names are listened to for the identifiers of everybody in the
world. It ends with 1 if anything is left of anybody, or was said of anybody, or a receipt does not verify.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from personalake.config import Settings, load_settings
from personalake.lake import Lake, Locations
from personalake.lake.search import Search, files_below
from personalake.pipelines.graph import run_graph, select_jobs
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import run_job
from personalake.pipelines.verify_receipts import told as receipts_told
from personalake.pipelines.verify_receipts import verify_receipts
from personalake.session import get_session
from personalake.tables import ALL
from personalake.tables.erasure import ERASURE_REQUEST
from personalake.tables.gold import RUN
from personalake.world import WorldSettings, emit_world
from tests.pipelines.overheard import overheard

Identifier = tuple[str, str]
# Shorter ones are a price or a day as well.
_SHORTEST = 6
_DAYS = 60
# Besides the graph; `tests/pipelines/test_whole_company.py` listens to the others, and knows that none is left out.
HEARD_ON_DEMAND = ("erase_customers", "maintain_tables")
# What the truth calls otherwise than sources do.
_KINDS: Mapping[str, str] = {"device": "device_id", "cookie": "cookie_id"}


@dataclass(frozen=True)
class Company:
    """A lake of a world, and where else something of its people may lie."""

    settings: Settings
    lake: Lake
    truth: Path

    def files_below(self, below: Sequence[Path] = ()) -> list[Path]:
        """Every file that erasure answers for; the truth, which no company has, is not among them."""
        settings, root = self.settings, self.lake.locations.root
        folders = below or (root, settings.landing, settings.exports, settings.report.path, settings.erasure.access)
        hidden = (self.truth, settings.landing / "_planted")
        return [path for path in files_below(folders) if not any(path.is_relative_to(each) for each in hidden)]

    def forget(self, **options: object) -> bool:
        """Whether the request was done; not if it was refused, since others hold what was named."""
        run_job(BY_NAME["erase_customers"], self.settings, self.lake, options, Progress())
        newest = max(self.lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])
        return bool(newest["state"] == "done")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--erase", type=int, default=5, help="how many of them ask to be forgotten")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return measured(Path(folder), chosen.people, chosen.erase)


def measured(folder: Path, people: int, erase: int) -> int:
    """The whole story; 0 if nothing is left of anybody and nothing was said."""
    company = company_in(folder)
    spark = company.lake.spark
    emit_world(spark, WorldSettings(people=people, days=_DAYS), company.settings.landing, company.lake.locations.root)
    owned = owned_by(company)
    asking = sorted(person for person in owned if any(kind == "email" for kind, _ in owned[person]))[:erase]
    shutil.copytree(company.settings.landing / "crm_customers", folder / "again")
    said = folder / "said"
    said.mkdir()
    with overheard(spark, said) as spoken:
        run_graph(select_jobs(), company.settings, company.lake)
        erased, is_left = left_of(company, owned, asking)
        shutil.copytree(folder / "again", company.settings.landing / "crm_customers" / "again")
        tomorrow = company.settings.model_copy(update={"as_of": known_until(company.settings) + timedelta(1)})
        run_graph(select_jobs(), tomorrow, company.lake)
        run_job(BY_NAME["maintain_tables"], tomorrow, company.lake, {}, Progress())
    everybody = {value for held in owned.values() for _, value in held}
    names = "\n".join(str(path.relative_to(folder)) for path in files_below([folder])).encode()
    heard = [names, *(path.read_bytes() for path in said.iterdir()), "\n".join(spoken.texts).encode()]
    heard.append("\n".join(str(row["message"]) for row in company.lake.ledger.read(RUN)).encode())
    told = {each for content in heard for each in standing_in(content, everybody)}
    print(
        f"identifiers of all {len(owned):,} people, {len(everybody):,} of them: {len(told)} in log lines, plans, file names"
    )
    again = in_tables(company, erased)
    again |= set(found_in(company, erased, [company.settings.exports, company.settings.report.path]))
    print(f"after the same records came in again, and another day: {len(again)} in tables, exports or report {again or ''}")
    return int(is_left or bool(told) or bool(again))


def in_tables(company: Company, values: Iterable[str]) -> set[str]:
    """Which values stand in rows of today.

    What came in again is refused: its raw rows are in older versions for as long as `maintenance.version_hours`, and in
    landed files until the next erasure.
    """
    search = Search(values)
    rows = (company.lake.ledger.arrow(table) for table in ALL if company.lake.exists(table))
    columns = (column for table in rows for column in table.columns)
    return {each for column in columns for each in search.content("\n".join(map(str, column.to_pylist())).encode())}


def known_until(settings: Settings) -> date:
    """The as-of of conf/environments/world.yml."""
    if isinstance(settings.as_of, date):
        return settings.as_of
    raise SystemExit("conf/environments/world.yml has no as_of")


def company_in(folder: Path) -> Company:
    places = {name: str(folder / name) for name in ("landing", "exports")}
    settings = load_settings(
        "world",
        overrides={
            "root": str(folder / "lake"), **places, "report.path": str(folder / "report"),
            "erasure.access": str(folder / "access"),
        },
    )  # fmt: skip
    locations = Locations.of(settings)
    return Company(settings, Lake(locations, lambda: get_session(settings.spark)), locations.root / "truth")


def owned_by(company: Company) -> dict[str, list[Identifier]]:
    """By person: the identifiers that nobody else has, and that some source told."""
    rows = company.lake.spark.read.parquet(str(company.truth / "identifier")).collect()
    holders: dict[Identifier, set[str]] = {}
    for row in rows:
        holders.setdefault((row["namespace"], row["value"]), set()).add(row["person"])
    alone = {each: people for each, people in holders.items() if len(people) == 1 and len(each[1]) >= _SHORTEST}
    files = (path for path in files_below([company.settings.landing]) if "_planted" not in path.parts)
    landed = standing_in(b"\n".join(path.read_bytes() for path in files), {value for _, value in alone})
    owned: dict[str, list[Identifier]] = {}
    for each, (person,) in sorted(alone.items()):
        if each[1] in landed:
            owned.setdefault(person, []).append(each)
    return owned


def standing_in(content: bytes, values: Iterable[str]) -> set[str]:
    """Which values stand in some bytes as a word: quick for very many values, where `Search` knows more spellings."""
    words = set(re.split(rb"[^a-z0-9._%+@-]+", content.lower()))
    return {value for value in values if value.lower().encode() in words}


def found_in(company: Company, values: Iterable[str], below: Sequence[Path] = ()) -> dict[str, list[Path]]:
    """Identifier to the files that hold it; of all that erasure answers for, or of some folders."""
    search, found = Search(values), dict[str, list[Path]]()
    for path in company.files_below(below):
        for value in search.file(path):
            found.setdefault(value, []).append(path)
    return found


def left_of(company: Company, owned: Mapping[str, Sequence[Identifier]], asking: Sequence[str]) -> tuple[set[str], bool]:
    """Each asks by one address, and again with all that is theirs where the lake did not know so.

    Returns:
        The identifiers of those whose requests were done, and whether any is left, or a receipt does not verify.
    """
    theirs = {value for person in asking for _, value in owned[person]}
    before = found_in(company, theirs, [company.lake.locations.root])
    print(f"{len(asking)} people, {len(theirs)} identifiers of theirs alone: before, {len(before)} found, "
          f"in {sum(map(len, before.values()))} places of the lake")  # fmt: skip
    started = time.perf_counter()
    done = [person for person in asking if company.forget(identifier=f"email={_address(owned[person])}")]
    left = found_in(company, theirs)
    short = [person for person in done if any(value in left for _, value in owned[person])]
    print(f"asked by one address each: {len(done)} done, of {len(done) - len(short)} nothing is left")
    for person in short:
        kinds = sorted({kind for kind, value in owned[person] if value in left})
        also = "; ".join(f"{_KINDS.get(kind, kind)}={value}" for kind, value in owned[person])
        is_done = company.forget(identifier=f"email={_address(owned[person])}", also=also)
        print(f"  asked again with {', '.join(kinds)}, which no record links: {'done' if is_done else 'refused'}")
        done = done if is_done else [each for each in done if each != person]
    erased = {value for person in done for _, value in owned[person]}
    after = found_in(company, erased)
    print(f"{len(after)} of {len(erased)} identifiers of {len(done)} people left ({time.perf_counter() - started:.0f} s)")
    for value, places in after.items():
        print(f"  {value}: {[str(path.relative_to(company.lake.locations.root.parent)) for path in places[:5]]}")
    checked = verify_receipts(company.settings, company.lake.ledger)
    print("\n".join(receipts_told(checked)))
    is_sound = checked.is_sound and any(checked.found.rows.values())
    return erased, len(before) < len(theirs) or bool(after) or not is_sound or not done


def _address(held: Sequence[Identifier]) -> str:
    return next(value for kind, value in held if kind == "email")


if __name__ == "__main__":
    sys.exit(main())
