"""A region's places follow from its name, and no file of its own leads out of them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config import Settings, load_settings
from personalake.config.regions import place
from personalake.config.trespasses import paths_of
from personalake.errors import ConfigError

BASE = """
regions: {mode: hybrid, names: [eu, us]}
root: lake
landing: in
catalog: main
tracking: {registry_prefix: main.gold.}
"""
ORDERS = "contract: order_line\npath: ${landing}/orders\ncolumns: {order_id: order}\n"


def conf(folder: Path, base: str = BASE, **files: str) -> Path:
    for name, text in {"base": base, "environments/local": "", "sources/orders": ORDERS, **files}.items():
        path = folder / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, region: str | None) -> Settings:
    return load_settings("local", folder, {"region": region} if region else {}, environ={})


def problems(folder: Path, region: str | None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(folder, region)
    return [problem.replace(f"{folder}/", "") for problem in raised.value.problems]


def test_each_region_and_the_centre_have_places_of_their_own(tmp_path: Path) -> None:
    folder = conf(tmp_path, **{"regions/us/sources/stores": ORDERS.replace("/orders", "/stores")})
    eu, us, centre = (load(folder, region) for region in ("eu", "us", None))

    assert [one.root for one in (eu, us, centre)] == [Path("lake/eu"), Path("lake/us"), Path("lake/central")]
    assert [one.catalog for one in (eu, us, centre)] == ["main_eu", "main_us", "main_central"]
    assert (eu.landing, eu.exports, eu.report.path) == (Path("in/eu"), Path("exports/eu"), Path("report/eu"))
    assert [one.erasure.access for one in (eu, us)] == [Path("access/eu"), Path("access/us")]
    assert (eu.tracking.registry_prefix, us.tracking.experiment) == ("main_eu.gold.", "personalake_us")
    assert eu.sources["orders"].path == Path("in/eu/orders")
    assert (set(eu.sources), set(us.sources), set(centre.sources)) == ({"orders"}, {"orders", "stores"}, set())
    assert centre.destinations == {}


def test_a_region_has_rules_of_its_own_and_another_keeps_the_common_ones(tmp_path: Path) -> None:
    folder = conf(tmp_path, **{"rules": "holdout: {share: 0.1}\n", "regions/eu/rules": "holdout: {share: 0.2}\n"})
    folder = conf(folder, **{"rules": "holdout: {share: 0.1}\n", "regions/eu/region": "business_timezone: Europe/Berlin\n"})

    eu, us = load(folder, "eu"), load(folder, "us")

    assert (eu.decisions.holdout.share, us.decisions.holdout.share) == (0.2, 0.1)
    assert (eu.business_timezone, us.business_timezone) == ("Europe/Berlin", "UTC")


@pytest.mark.parametrize(
    "key",
    [
        "root: lake/us",
        "landing: in/us",
        "catalog: main_us",
        "regions: {mode: central}",
        "report: {path: report/us}",
        "tracking: {uri: x}",
        "erasure: {access: access/us}",
    ],
)
def test_a_region_cannot_choose_its_places(tmp_path: Path, key: str) -> None:
    folder = conf(tmp_path, **{"regions/eu/region": f"{key}\n"})

    found = problems(folder, "eu")

    assert found[0].startswith(f"regions/eu/region.yml: {key.split(':')[0]}")
    assert "not a region's own to set" in found[0]


@pytest.mark.parametrize("path", ["in/us/orders", "in", "lake/us/bronze", "${landing}/../us", "lake/central/gold"])
def test_a_source_that_reaches_into_another_region_is_refused(tmp_path: Path, path: str) -> None:
    folder = conf(tmp_path, **{"sources/orders": ORDERS.replace("${landing}/orders", path)})

    (found,) = problems(folder, "eu")

    assert found.startswith("sources/orders.yml: sources.orders.path: ")
    assert "reaches into another region" in found


@pytest.mark.parametrize("path", ["exports/us/partner", "exports", "${landing}/../us", "lake/us"])
def test_files_that_would_be_dropped_into_another_region_are_refused(tmp_path: Path, path: str) -> None:
    drop = f"partner: {{kind: csv_drop, columns: [id], folder: '{path}'}}\n"

    (found,) = problems(conf(tmp_path, connections=drop), "eu")

    assert found.startswith("connections.yml: connections.partner.folder: ")
    assert "a region writes below ${exports} alone" in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("report.planted", "lake/us/silver"),
        ("regions.handover", "lake/us/gold"),
        ("erasure.access", "{tmp}/../lake/us"),
        ("tracking.uri", "sqlite:///lake/us/mlflow/mlflow.db"),
        ("tracking.uri", "file:lake/us/models"),
        ("tracking.registry_prefix", "main_us.gold."),
        ("root", "lake/us"),
        ("sources.orders.path", "in/us/orders"),
    ],
)
@pytest.mark.parametrize("is_said_by", ["environment", "command line"])
def test_no_setting_leads_into_another_region_by_whatever_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, is_said_by: str
) -> None:
    (tmp_path / "work" / "lake" / "us").mkdir(parents=True)
    (tmp_path / "aside").symlink_to(tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    value = value.replace("{tmp}/..", str(tmp_path / "aside"))
    value = value if key != "erasure.access" else f"{value}/x/.."
    folder, said = conf(tmp_path / "conf"), {}
    environ = {f"PERSONALAKE_{key.upper().replace('.', '__')}": value}
    if is_said_by == "command line":
        said, environ = {key: value}, {}

    with pytest.raises(ConfigError) as raised:
        load_settings("local", folder, {"region": "eu", **said}, environ)

    assert any(f": {key}: " in problem for problem in raised.value.problems)
    assert all("another region" in problem for problem in raised.value.problems)


def test_every_setting_of_a_path_is_found(tmp_path: Path) -> None:
    drop = {"regions/eu/connections": "partner: {kind: csv_drop, columns: [id], folder: out}\n"}
    settings = load(conf(tmp_path, BASE + "report: {planted: truth}\n", **drop), "eu")

    found = {".".join(key): str(path) for key, path in paths_of(settings)}

    assert found == {
        "root": "lake/eu",
        "landing": "in/eu",
        "exports": "exports/eu",
        "report.path": "report/eu",
        "report.planted": "truth",
        "erasure.access": "access/eu",
        "regions.handover": "lake/_handover",
        "sources.orders.path": "in/eu/orders",
        "connections.partner.folder": "out",
    }


def test_a_topic_or_database_that_is_the_same_for_all_regions_is_refused(tmp_path: Path) -> None:
    crm = """
contract: customer_record
kind: jdbc
database: {url: "jdbc:postgresql://crm.example/crm", table: customer, watermark: changed}
columns: {customer_id: customer_no}
"""
    theirs = 'database: {url: "jdbc:postgresql://crm.us.example/crm"}\n'
    folder = conf(
        tmp_path, **{"sources/crm": crm, "regions/us/sources/crm": theirs, "regions/eu/sources/crm": "enabled: true\n"}
    )

    (found,) = problems(folder, "eu")
    us = load(folder, "us").sources["crm"].database
    conf(folder, **{"sources/crm": crm.replace("table: customer", 'table: "${region}.customer"')})
    eu = load(folder, "eu").sources["crm"].database

    assert found.startswith("sources.crm.database: the same for every region")
    assert us is not None
    assert us.url == "jdbc:postgresql://crm.us.example/crm"
    assert eu is not None
    assert eu.table == "eu.customer"


def test_a_folder_outside_of_all_regions_that_is_the_same_for_each_is_refused(tmp_path: Path) -> None:
    far = "kind: sftp, host: h, folder: /srv/out, username: u, host_key: ssh-ed25519 AAAA, columns: [id]"
    common = {
        "sources/orders": ORDERS.replace("${landing}/orders", "/srv/orders"),
        "sources/mine": ORDERS.replace("${landing}/orders", "/srv/${region}/mine"),
        "sources/beside": ORDERS.replace("${landing}/orders", "${landing}/../beside"),
        "sources/below": ORDERS.replace("${landing}/orders", "${root}/drop"),
        "sources/off": ORDERS.replace("${landing}/orders", "/srv/off") + "enabled: false\n",
        "connections": f"partner: {{kind: csv_drop, columns: [id], folder: /srv/out}}\nfar: {{{far}}}\n",
    }
    own = {
        "regions/us/sources/orders": "path: /srv/us/orders\n",
        "regions/us/sources/beside": "enabled: false\n",
        "regions/us/connections": "partner: {folder: /srv/us}\n",
    }
    folder = conf(tmp_path, **common, **own)

    found = problems(folder, "eu")

    assert [problem.split(" is the same for every region; ")[0] for problem in found] == [
        "sources/beside.yml: sources.beside.path: '${landing}/../beside'",
        "sources/orders.yml: sources.orders.path: '/srv/orders'",
        "connections.yml: connections.partner.folder: '/srv/out'",
    ]
    assert load(folder, "us").sources["orders"].path == Path("/srv/us/orders")


@pytest.mark.parametrize(
    ("base", "region", "told"),
    [
        (BASE, "mars", "'mars' is none of eu, us"),
        (BASE, "../us", "'../us' is none of eu, us"),
        (BASE.replace("hybrid", "regional"), None, "name one with --region: eu, us"),
        ("root: lake\n", "eu", "regions.mode is central"),
        (BASE.replace("us]", "gold]"), "eu", "'gold' cannot be a region"),
    ],
)
def test_a_region_that_is_not_there_is_refused(tmp_path: Path, base: str, region: str | None, told: str) -> None:
    assert any(told in problem for problem in problems(conf(tmp_path, base), region))


@settings(max_examples=30)
@given(names=st.lists(st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True), min_size=2, max_size=4, unique=True))
def test_no_place_of_a_region_lies_in_another_s(names: list[str]) -> None:
    found: list[dict[str, Any]] = []
    for region in names:
        merged: dict[str, Any] = {"regions": {"mode": "hybrid", "names": names}, "catalog": "c"}
        assert list(place(merged, region)) == []
        found.append(merged)

    for key in ("root", "landing", "exports"):
        places = [Path(one[key]) for one in found]
        assert not any(one.is_relative_to(other) for one in places for other in places if one is not other)
    assert len({one["catalog"] for one in found}) == len(names)


@pytest.mark.parametrize("region", [None, "eu"])
def test_the_shipped_settings_fit_regions_and_a_centre(region: str | None) -> None:
    chosen = {"regions.mode": "hybrid", "regions.names": ["eu", "us"], "region": region}

    loaded = load_settings("local", Path("conf"), {key: value for key, value in chosen.items() if value}, environ={})

    assert loaded.root == Path("lakehouse") / (region or "central")
    assert bool(loaded.audiences) is bool(region), "the centre addresses nobody"
