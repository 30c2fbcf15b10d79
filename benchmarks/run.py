"""`make bench`: the suite against the floor in one go, then again with nothing new, with four more days, and killed.

Landing files are written before anything is timed. Each measured command is a process of its own, session start included.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psutil

from personalake.demo import emit_shop
from personalake.lake import Ledger, Locations
from personalake.lake.checksum import checksums
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, MODEL_HEALTH, RUN
from personalake.tables.silver import CONSENT, PERSON_LINK

# Of the floor's seconds; memory in GiB; of the first run's seconds with nothing new, and with four days more.
MOST_OF_FLOOR, MOST_MEMORY, MOST_AGAIN, MOST_MORE = 1.5, 8, 0.25, 0.35
CUT, NEXT_CUT = date(2017, 12, 1), date(2017, 12, 5)
SUITE = [sys.executable, "-m", "personalake.cli", "run", "--env", "demo"]
BEYOND = {
    "bronze": ("ingest_records", "ingest_events"),
    "silver": ("refine_records", "refine_events", "resolve_identities"),
    "features": ("build_features",),
    "profiles": ("build_profiles",),
    "segments": ("segment_customers",),
    "churn": ("train_model", "score_customers"),
    "items": ("train_recommender", "recommend_items"),
    "export": ("decide_actions", "plan_activation"),
    "report": ("publish_report",),
}


@dataclass(frozen=True)
class Measured:
    """One measured command: seconds of the whole process, and the greatest memory of it and its children, GiB."""

    seconds: float
    memory: float
    out: str


def measure(command: list[str], environ: dict[str, str]) -> Measured:
    """Run a command to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Measured(time.perf_counter() - started, peak[0] / 2**30, out)


def _watch(pid: int, peak: list[int]) -> None:
    while psutil.pid_exists(pid):
        try:
            root = psutil.Process(pid)
            # Shared pages count once: a process that is just being forked is no second JVM.
            total = sum(each.memory_full_info().pss for each in (root, *root.children(recursive=True)))
            peak[0] = max(peak[0], total)
        except psutil.Error:
            return
        time.sleep(0.5)


def suite(root: Path, landing: Path, as_of: date = CUT) -> tuple[list[str], dict[str, str]]:
    """The suite's command and its environment."""
    places = {"ROOT": root / "lake", "LANDING": landing, "EXPORTS": root / "exports", "REPORT__PATH": root / "report"}
    command = [*SUITE, "--as-of", as_of.isoformat(), "--training-cut", CUT.isoformat()]
    return command, {f"PERSONALAKE_{name}": str(path) for name, path in places.items()}


def ledger_of(root: Path) -> Ledger:
    """The lake of one of the bench's folders, read without Spark."""
    return Ledger(Locations(root / "lake"), lambda: None)  # type: ignore[arg-type, return-value]


def against_floor(folder: Path, landing: Path) -> bool:
    """The suite and the floor, one after the other, on the same files; whether the suite keeps within its bounds."""
    whole = measure(*suite(folder / "suite", landing))
    script = [sys.executable, "-m", "benchmarks.floor", str(landing), str(folder / "floor")]
    floor = measure(script, {})
    steps = json.loads(floor.out.strip().splitlines()[-1])
    jobs = {row["job"]: row["seconds"] for row in ledger_of(folder / "suite").read(RUN)}
    print(f"suite {whole.seconds:.1f} s ({whole.memory:.1f} GiB), floor {floor.seconds:.1f} s ({floor.memory:.1f} GiB), "
          f"ratio {whole.seconds / floor.seconds:.2f} (at most {MOST_OF_FLOOR}; {MOST_MEMORY} GiB)")  # fmt: skip
    print("  what the suite does beyond the floor, seconds (two jobs run side by side, so sums exceed the whole):")
    for step, names in BEYOND.items():
        mine = sum(jobs.get(name, 0.0) for name in names)
        print(
            f"  {step:10s} suite {mine:6.1f}   floor {steps.get(step, 0.0):6.1f}   beyond {mine - steps.get(step, 0):+6.1f}"
        )
    for row in sorted(ledger_of(folder / "suite").read(MODEL_HEALTH), key=lambda row: (row["model"], row["candidate"])):
        if row["metric"] in ("roc_auc", "pr_auc", "calibration_error", "ndcg_at_10"):
            interval = "" if row["low"] is None else f" [{row['low']:.4f}, {row['high']:.4f}]"
            print(f"  {row['model']} {row['candidate']} ({row['role']}) {row['population']} {row['metric']} "
                  f"{row['value']:.4f}{interval}")  # fmt: skip
    return whole.seconds <= MOST_OF_FLOOR * floor.seconds and whole.memory <= MOST_MEMORY


def again_and_four_days_more(folder: Path, landing: Path, share: float) -> bool:
    """Nothing new, then four days more; whether both are quick, and the end is that of one run over everything."""
    early = folder / "early"
    emit_shop(early, until=CUT, households_share=share)
    first = measure(*suite(folder / "grown", early))
    again = measure(*suite(folder / "grown", early))
    share_again = again.seconds / first.seconds
    print(f"nothing new: {again.seconds:.1f} s of {first.seconds:.1f} s, {share_again:.0%} (at most {MOST_AGAIN:.0%})")
    emit_shop(early, since=CUT, until=NEXT_CUT, households_share=share)
    more = measure(*suite(folder / "grown", early, NEXT_CUT))
    share_more = more.seconds / first.seconds
    print(f"four days more: {more.seconds:.1f} s, {share_more:.0%} of the first run (at most {MOST_MORE:.0%})")
    for as_of in (CUT, NEXT_CUT):
        measure(*suite(folder / "at_once", early, as_of))
    is_equal = compare(folder / "grown", folder / "at_once", "four days more equals one run over everything", since=CUT)
    return is_equal and share_again <= MOST_AGAIN and share_more <= MOST_MORE


def killed(folder: Path, landing: Path, times: int, seed: int) -> bool:
    """Killed at random moments and started again: whether the tables are those of a run that nobody disturbed."""
    command, environ = suite(folder / "killed", landing)
    moments, chance = [], random.Random(seed)
    undisturbed = measure(*suite(folder / "undisturbed", landing)).seconds
    for _ in range(times):
        moments.append(round(chance.uniform(4, undisturbed * 0.6), 1))
        process = subprocess.Popen(command, env={**os.environ, **environ}, start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            process.wait(moments[-1])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    measure(command, environ)
    return compare(folder / "undisturbed", folder / "killed", f"killed after {moments} s and started again")


def compare(left: Path, right: Path, title: str, since: date | None = None) -> bool:
    """Whether every table but the ledgers of runs has the same rows on both sides.

    Args:
        left: One folder.
        right: The other one.
        title: What the comparison shows.
        since: What was planned for people who refuse something since this day is left out: whoever plans later knows more.
    """
    ours, theirs = checksums(ledger_of(left)), checksums(ledger_of(right))
    differing = [name for name in ours if ours[name] != theirs[name]]
    if since is not None:
        planned, plans = planned_for_others(ledger_of(left), since), planned_for_others(ledger_of(right), since)
        differing = [name for name in differing if not name.startswith("gold.activation_") or planned != plans]
    told = [f"{name} ({ours[name]} and {theirs[name]})" for name in differing]
    print(f"{title}: {'equal tables' if not told else 'DIFFERENT: ' + '; '.join(told)}")
    return not told


def planned_for_others(ledger: Ledger, since: date) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The outbox and the log's last states, without people who have refused a purpose since a day."""
    midnight = datetime(since.year, since.month, since.day, tzinfo=UTC)
    answers = [row for row in ledger.read(CONSENT) if row["known_at"] >= midnight and row["status"] != "granted"]
    people = {(row["namespace"], row["value"]): row["person_id"] for row in ledger.read(PERSON_LINK)}
    refusing = {people[row["namespace"], row["customer_id"]] for row in answers}
    outbox = {
        (row["delivery_id"], row["payload"]) for row in ledger.read(ACTIVATION_OUTBOX) if row["person_id"] not in refusing
    }
    kept = {delivery for delivery, _ in outbox}
    logged = sorted(ledger.read(ACTIVATION_LOG), key=lambda row: row["logged_at"])
    states = {row["delivery_id"]: row["state"] for row in logged if row["delivery_id"] in kept}
    return outbox, set(states.items())


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="floor, again, killed; all by default")
    parser.add_argument("--share", type=float, default=1.0, help="share of the households")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2017)
    chosen = parser.parse_args()
    parts = chosen.parts or ["floor", "again", "killed"]
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="personalake-bench-"))
    landing = folder / "landing"
    print(f"writing landing files to {landing}", file=sys.stderr)
    emit_shop(landing, households_share=chosen.share)
    good = True
    if "floor" in parts:
        good &= against_floor(folder, landing)
    if "again" in parts:
        good &= again_and_four_days_more(folder, landing, chosen.share)
    if "killed" in parts:
        good &= killed(folder, landing, chosen.kills, chosen.seed)
    if chosen.folder is None:
        shutil.rmtree(folder)
    if not good:
        raise SystemExit("a bound is not kept, or tables that should be equal are not, see above")


if __name__ == "__main__":
    main()
