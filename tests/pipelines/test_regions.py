"""Two regions and a centre on one disk: nobody reads another's people, and the centre holds none."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings, load_settings
from personalake.lake import Lake, Locations
from personalake.pipelines.command import parser_of, settings_of
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import run_job
from personalake.reports.regions import what_regions_tell
from personalake.tables import ALL
from personalake.tables.gold import CUSTOMER_PROFILE, SEGMENT_MEMBERSHIP
from personalake.tables.regions import REGION_FIGURE
from personalake.tables.silver import CONSENT_CURRENT, CUSTOMER_RECORD
from tests.pipelines.overheard import listening

AS_OF = date(2024, 5, 1)
PEOPLE = {"eu": 120, "us": 80}
SEGMENTS = {"Champions": 60, "Loyal": 55, "At risk": 5}


def no_session() -> SparkSession:
    raise AssertionError("figures need no session")


class Company:
    """A hybrid set-up with people in two regions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "conf"
        (self.conf / "environments").mkdir(parents=True)
        (self.conf / "environments" / "local.yml").write_text("")
        (self.conf / "base.yml").write_text(
            f"root: {folder}/lake\nlanding: {folder}/in\nas_of: {AS_OF}\nregions: {{mode: hybrid, names: [eu, us]}}\n"
            "erasure: {retention_hours: 0}\n"
        )

    def settings(self, region: str | None) -> Settings:
        return load_settings("local", self.conf, {"region": region} if region else {}, environ={})

    def lake(self, region: str | None) -> Lake:
        return Lake(Locations.of(self.settings(region)), no_session)

    def run(self, job: str, region: str | None) -> str:
        return run_job(BY_NAME[job], self.settings(region), self.lake(region)).result.message


def canary(region: str, number: int) -> str:
    return f"canary-{region}-{number:04d}"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = Company(tmp_path)
    for region, count in PEOPLE.items():
        ledger = company.lake(region).ledger
        ids = [canary(region, number) for number in range(count)]
        segments = [name for name, size in SEGMENTS.items() for _ in range(size)]
        ledger.append(CUSTOMER_RECORD, [{"customer_id": one, "email": f"{one}@x.example"} for one in ids])
        ledger.append(
            CUSTOMER_PROFILE,
            [{"person_id": one, "customer_id": one, "orders": 2, "spend": 3, "currency": "EUR"} for one in ids],
        )
        ledger.append(
            SEGMENT_MEMBERSHIP,
            [
                {"person_id": one, "as_of": AS_OF, "scheme": "rfm", "segment": segment}
                for one, segment in zip(ids, segments, strict=False)
            ],
        )
        ledger.append(CONSENT_CURRENT, [{"person_id": one, "purpose": "push", "status": "granted"} for one in ids[:7]])
    return company


def decoded(folder: Path) -> Iterator[str]:
    """Everything that lies below a folder, Parquet unpacked, names of files included."""
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder))
        if path.suffix == ".parquet":
            yield json.dumps(pq.read_table(path).to_pylist(), default=str)
        elif path.is_file():
            yield path.read_text(errors="replace")


def test_a_region_s_lake_holds_its_own_people_and_no_other_s(company: Company) -> None:
    found = {
        region: {row["customer_id"][:9] for row in company.lake(region).ledger.read(CUSTOMER_RECORD)} for region in PEOPLE
    }

    assert found == {"eu": {"canary-eu"}, "us": {"canary-us"}}
    assert company.lake(None).ledger.read(CUSTOMER_RECORD) == []
    places = [Path(company.lake(region).locations.table(CUSTOMER_RECORD)) for region in ("eu", "us", None)]
    assert not any(one.is_relative_to(other.parents[1]) for one in places for other in places if one is not other)


def test_the_centre_gets_figures_and_nobody_s_identifier(company: Company) -> None:
    with listening() as spoken:
        shared = [company.run("share_figures", region) for region in PEOPLE]
        collected = company.run("collect_figures", None)

    assert [message.split(",")[0] for message in shared] == ["4 figures", "3 figures"]
    assert collected == "7 figures of 2 regions"
    rows = company.lake(None).ledger.read(REGION_FIGURE)
    told = {(row["region"], row["dimension"], row["member"]): row["people"] for row in rows if row["figure"] == "people"}
    assert told == {("eu", "all_people", "all_people"): 120, ("eu", "rfm", "Champions"): 60,
                    ("us", "all_people", "all_people"): 80}  # fmt: skip
    lake = company.folder / "lake"
    assert "canary" not in "".join(
        [*spoken.texts, *shared, collected, *decoded(lake / "central"), *decoded(lake / "_handover")]
    )
    for region, other in (("eu", "us"), ("us", "eu")):
        everything = "".join(decoded(lake / region))
        assert canary(region, 3) in everything, "the search finds what is there"
        assert f"canary-{other}" not in everything


def test_a_region_tells_and_forgets_nothing_of_another_s_people(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"identifier": f"email={canary('us', 3)}@x.example"}
    before = "".join(decoded(company.folder / "lake" / "us" / "silver"))
    outside = {
        region: run_job(BY_NAME["export_customer"], company.settings(region), company.lake(region), asked).result
        for region in ("eu", "us")
    }
    erased = run_job(BY_NAME["erase_customers"], company.settings("eu"), company.lake("eu"), asked).result

    assert [result.rows_read for result in outside.values()] == [0, 1]
    assert ["nothing is held about 1 of them" in result.message for result in outside.values()] == [True, False]
    assert canary("us", 3) in "".join(decoded(tmp_path / "access" / "us"))
    assert canary("us", 3) not in "".join(decoded(tmp_path / "access" / "eu"))
    assert erased.message == "requests: 1 done"
    assert canary("us", 3) in "".join(decoded(tmp_path / "access" / "us")), "what another region told stays"
    assert "".join(decoded(company.folder / "lake" / "us" / "silver")) == before


def test_places_of_regions_are_apart_whatever_keeps_them(company: Company) -> None:
    def places(region: str) -> list[Path]:
        settings, at = company.settings(region), company.lake(region).locations
        tables = [Path(at.table(table)) for table in ALL]
        beside = [at.checkpoint("j", "s"), at.inbox("s"), at.log("l"), at.lease("j")]
        return [path.resolve() for path in (*tables, *beside, settings.landing, settings.exports, settings.report.path,
                                            settings.erasure.access)]  # fmt: skip

    eu, us = places("eu"), places("us")

    assert len(set(eu + us)) == 2 * len(set(eu))
    assert not any(one.is_relative_to(other) or other.is_relative_to(one) for one in eu for other in us)


def test_what_is_shared_or_collected_twice_is_there_once(company: Company) -> None:
    for _ in range(2):
        company.run("share_figures", "eu")
        company.run("collect_figures", None)
    run_job(BY_NAME["share_figures"], company.settings("eu"), company.lake("eu"), {"force": True})
    message = run_job(BY_NAME["collect_figures"], company.settings(None), company.lake(None), {"force": True}).result.message

    assert message == "0 figures of 2 regions"
    assert company.lake(None).ledger.rows(REGION_FIGURE) == 4


def test_what_is_no_figure_is_not_collected(company: Company) -> None:
    place = Locations.of_handover(company.settings("eu"), "eu")
    assert place is not None
    good = {"region": "eu", "as_of": AS_OF, "figure": "people", "dimension": "all_people", "member": "all_people",
            "people": 70, "value": 70.0, "shared_at": datetime(2024, 5, 2, tzinfo=UTC)}  # fmt: skip
    few, foreign, long = {**good, "people": 49}, {**good, "region": "us"}, {**good, "member": "m" * 61}
    Lake(place, no_session).ledger.append(REGION_FIGURE, [good, few, foreign, long])

    message = company.run("collect_figures", None)

    assert message.startswith("1 figures of 2 regions; 3 refused")
    assert [row["people"] for row in company.lake(None).ledger.read(REGION_FIGURE)] == [70]


def test_a_region_is_named_on_the_command_line(company: Company) -> None:
    common = {"env": "local", "conf_dir": str(company.conf), "set": []}

    assert settings_of({**common, "region": "us"}).root == company.folder / "lake" / "us"
    assert settings_of({**common, "region": None}).root == company.folder / "lake" / "central"
    assert parser_of(BY_NAME["share_figures"]).parse_args(["--region", "eu"]).region == "eu"


def test_only_the_right_side_shares_and_collects(company: Company) -> None:
    assert "only a region" in company.run("share_figures", None)
    assert "only the centre" in company.run("collect_figures", "us")
    regional = (company.conf / "base.yml").read_text().replace("hybrid", "regional")
    (company.conf / "base.yml").write_text(regional)
    assert "only a region of a hybrid set-up" in company.run("share_figures", "eu")


def test_the_report_puts_regions_side_by_side() -> None:
    one = {"as_of": AS_OF, "figure": "people", "dimension": "action", "member": "Champions", "value": 60.0}
    rows = [{**one, "region": region} for region in PEOPLE]

    told = SimpleNamespace(region_figures=[*rows, {**rows[0], "member": "Loyal", "value": 55.0}])
    section = what_regions_tell(told)  # type: ignore[arg-type]

    assert section is not None
    assert section.blocks[0].rows == [
        ["people", "action", "Champions", "60", "60"],
        ["people", "action", "Loyal", "55", "–"],
    ]
