"""Slips of somebody who edits conf/: each is told before anything starts, in words that say what to write."""

from pathlib import Path

import pytest

from personalake.config import load_settings
from personalake.errors import ConfigError
from tests.config.slips import (
    COLUMNS,
    FILES,
    HEAD,
    PURPOSES,
    RFM,
    conf_of,
    decided,
    in_segment,
    mapped,
    problems,
    rule,
    sync,
)

CSV = "d: {dialect: csv, purposes: [personalisation], channels: [mail], max_items: 1, max_bytes: 99999}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "report: {title: 5, planted: 1,000}\n",
            "report: line 1: what follows a comma inside { } is read as a key of its own",
        ),
        ("report: {title:Daily}\n", "report: line 1: a key and its value need a blank behind the colon"),
        ("regions: {NO: nordic}\n", "regions: line 1: a key that YAML reads as true or false (NO, OFF, YES, ON)"),
        ("1: a\n", "line 1: a key that YAML reads as a number: put it in quotes"),
        ("'root ': a\n", "line 1: the key 'root ' begins or ends with a blank; leave it out"),
        ("lease: {heartbeat_seconds: 1:30}\n", "lease.heartbeat_seconds: line 1: digits with a colon, as 12:30, are read"),
        ("models: {seed: 017}\n", "models.seed: line 1: a number that begins with 0 is read as octal"),
        ("root: “a”\n", "root: line 1: curled quotes are letters to YAML"),
        (
            "report: {title: %x}\n",
            "cannot be read as YAML: line 1: character '%' that cannot start any token; put the value",
        ),
        ("report: {title: a: b}\n", "cannot be read as YAML: line 1: a bracket or brace that is not closed, or text inside"),
        ("root: *lake\n", "cannot be read as YAML: line 1: a value that begins with * points to another place"),
        ("root: !lake a\n", "cannot be read as YAML: line 1: a value that begins with ! is a tag"),
        ("root: a\n---\nroot: b\n", "cannot be read as YAML: line 2: --- begins a second document"),
        ("root:a\nexports: b\n", "cannot be read as YAML: line 2: a colon where none can stand; write `key: value`"),
        ("root:a\n", "expected keys and values, found text; a blank follows the colon"),
        ("spark:\nmaster: local\n", "spark: nothing stands here: indent what belongs under it, or leave the key out"),
        ("spark:\nmaster: local\n", "master: unknown key; it belongs under spark, as spark.master: indent it there"),
        ("spark: {landing: x}\n", "spark.landing: unknown key; it belongs beside spark, not under it: indent it less"),
        ("business-timezone: UTC\n", "business-timezone: unknown key; did you mean business_timezone?"),
        ("segment: {}\n", "segment: unknown key; did you mean segments?"),
        ("spark: {driver_memory: 4 gb}\n", "spark.driver_memory: expected a number with its unit and no blank, e.g. 4g"),
        ("root: ''\n", "root: expected a folder; nothing stands here"),
        ("as_of: 01.12.2017\n", "as_of: expected a day, e.g. 2025-12-31 or 'latest' (found '01.12.2017')"),
        ("lease: {heartbeat_seconds: .nan}\n", "lease.heartbeat_seconds: expected a finite number"),
        ("frequency_cap: {deliveries: 3, days: 7 days}\n", "frequency_cap.days: expected a whole number; write 7 alone"),
        ("report: {path: $root/r}\n", "report.path: $root stands for nothing; write ${root}"),
    ],
)
def test_slips_of_yaml_are_told_by_file_and_line(text: str, told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, {"base": text})

    assert any(problem.startswith(f"base.yml: {told}") for problem in found), found


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, encoding: str) -> str:
        raise PermissionError

    conf_of(tmp_path, {})
    monkeypatch.setattr(Path, "read_text", refuse)

    with pytest.raises(ConfigError, match=r"base\.yml: cannot be read as YAML: no permission; give this user the right"):
        load_settings("local", tmp_path, environ={})


def test_text_behind_a_comma_is_not_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, {"connections": "c: {kind: segment, write_key: ab,REAL}\n"})

    assert found
    assert "REAL" not in "".join(found)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("segmets", "segmets.yml: not read, for no settings have this name; did you mean segments?"),
        ("segments.yaml", "segments.yaml: not read; call it segments.yml"),
        ("sources/orders.YML", "sources/orders.YML: not read; call it orders.yml"),
        ("source/orders", "source: not read; call the folder sources"),
        ("regions/eu/base", "regions/eu/base.yml: not read, for no settings have this name"),
    ],
)
def test_a_file_that_nothing_reads_is_told(name: str, told: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, {name: ""})

    assert found.startswith(told)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("segments", "rfm: [{name: A, when: r > 7, meaning: x}]\n", "segment 'A': 7 is no score; they are 1 to 5"),
        ("segments", "rfm: [{name: A, when: 'avg(r) > 3', meaning: x}]\n", "needs more than one row"),
        (
            "segments",
            "rfm: [{name: A, when: r > 3, meaning: x}, {name: 'a ', when: r > 2, meaning: x}]\n",
            "more than once: a",
        ),
        (
            "segments",
            "clusters:\nmin_clusters: 3\n",
            "segments.min_clusters: unknown key; it belongs under clusters, as segments.clusters.min_clusters",
        ),
        ("privacy", "purposes: [sale, sharing, sale]\n", "purposes: 'sale' stands twice"),
        ("identity", "calling_code: '+49'\n", "calling_code: expected one to three digits without + or 00"),
        ("identity", "nicknames: {Bob: robert}\n", "nicknames: 'Bob' would meet nobody"),
        ("identity", "nicknames: {no: norbert}\n", "nicknames: line 1: a key that YAML reads as true or false"),
        (
            "identity",
            "matching: {blocking: ['uper(email)']}\n",
            "no function uper in Spark SQL: 'uper(email)'; did you mean",
        ),
        ("identity", "identifiers: {emial: {}}\n", "no kind of identifier: emial; did you mean email?"),
        ("identity", "survivorship: {default: most_recnt}\n", "'most_complete'; did you mean most_recent?"),
        (
            "identity",
            "survivorship: {trusted_sources: [order]}\n",
            "trusted_sources: no source 'order'; did you mean orders?",
        ),
        (
            "identity",
            "overrides: [{decision: never, between: ['logn:1', 'email:a'], reason: x}]\n",
            "no source has keys of 'logn'; did you mean login?",
        ),
        (
            "identity",
            "nicknames: {bob: rob, rob: robert}\n",
            "half-way only: 'bob' for 'rob' for 'robert'; write",
        ),
        ("identity", "nicknames: {bob: rob, rob: bob}\n", "names in a circle: 'bob' for 'rob' for 'bob'; choose one"),
        ("identity", "nicknames: {a: b, b: c, c: b}\n", "names in a circle: 'a' for 'b' for 'c' for 'b'"),
        (
            "identity",
            decided("always: crm:1 crm:2", "never: crm:2 crm:1"),
            "identity.overrides.1.between: never one person's, but identity.overrides.0 joins them",
        ),
        (
            "identity",
            decided(
                "never: email:a@x.de login:b", "always: login:b crm:2", "always: crm:9 crm:2", "always: crm:2 email:A@X.de"
            ),
            "identity.overrides.0.between: never one person's, but identity.overrides.1 and identity.overrides.3 join them",
        ),
        ("identity", decided("always: email:a@x.de email:A@x.de"), "both are one identifier in two spellings"),
        (
            "rules",
            rule(when="\"kmeans_segment = 'recent frequent big spender'\""),
            "no cluster 'recent frequent big spender'; did you mean recent frequent big spenders?",
        ),
        ("rules", rule(when="\"kmeans_segment IN ('rare big spenders 9')\""), "no cluster 'rare big spenders 9'"),
        ("rules", rule(when="\"kmeans_segment = 'VIPs'\""), "no cluster 'VIPs'; clusters are called by how lately"),
        ("profiles", "licences: {a: {until: 31.12.2025}}\n", "until: expected a day, e.g. 2025-12-31 (found '31.12.2025')"),
        (
            "quality",
            "datasets: {silver.order_lines: {}}\n",
            "silver.order_lines is not a table; did you mean silver.order_line?",
        ),
        (
            "quality",
            "datasets: {silver.order_line: {completeness: {orderid: 1}}}\n",
            "has no column orderid; did you mean order_id?",
        ),
        (
            "quality",
            "datasets: {silver.order_line: {completeness: {order_id: 99%}}}\n",
            "a share of 99% is 0.99 (found '99%')",
        ),
        (
            "quality",
            "datasets: {silver.order_line: {volume: {warn_z: 7, fail_z: 3}}}\n",
            "warn_z (7.0) is above fail_z (3.0)",
        ),
        (
            "quality",
            "datasets: {silver.catalog_item: {near_duplicates: {columns: [name], block: max(name)}}}\n",
            "'max(name)' needs more than one row",
        ),
        ("models", "churn: {candidates: {xgbost: {space: {}}}}\n", "no candidate 'xgbost'"),
        (
            "models",
            "churn: {candidates: {gbt: {space: {maxItr: [1]}}}}\n",
            "gbt has no parameter maxItr; did you mean maxIter?",
        ),
        ("destinations", CSV.replace("dialect: csv", "dialect: cvs"), "or 'csv'; did you mean csv? (found 'cvs')"),
        (
            "connections",
            "a: {kind: brase}\n",
            "'brase'; did you mean braze_track, braze_send or braze_subscription?",
        ),
        ("connections", "a: {kind: ftp_drop}\n", "no kind 'ftp_drop'; there are: segment, "),
        ("base", "as_of: latset\n", "expected a day, e.g. 2025-12-31 or 'latest'; did you mean latest?"),
        ("destinations", CSV, "no rule has 'mail' among its channels; did you mean email?"),
    ],
)
def test_slips_in_the_other_files_are_told_with_what_is_meant(file: str, text: str, told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, {"sources/orders": HEAD + COLUMNS, "rules": rule(), file: text})

    assert any(problem.startswith(f"{file}.yml: ") and told in problem for problem in found), found


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AS_OF", "", "as_of: expected a day, e.g. 2025-12-31 or 'latest'"),
        ("AS_OF", "{a: b}", "as_of: expected a day, e.g. 2025-12-31 or 'latest'"),
        ("AS_OF", "12:30", "not a value of YAML (line 1: digits with a colon, as 12:30, are read as one number"),
        ("ROOT", "*x", "not a value of YAML (line 1: a value that begins with * points to another place"),
        ("ROOT", "a\x00", "not a value of YAML (unacceptable character"),
        ("SPARK", "5", "spark: expected keys and values (found 5)"),
        ("SPARK__", "1", "spark.: unknown key; there are: master"),
        ("TYPO", "1", "typo: unknown key"),
        ("REGIONS__NAMES", "5", "regions.names: expected a list"),
        ("ENVIRONMENT", "prod", "environment: is what --env says"),
    ],
)
def test_an_odd_variable_is_told_by_its_name(name: str, value: str, told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, {}, **{f"PERSONALAKE_{name}": value})

    assert any(problem.startswith(f"environment variable PERSONALAKE_{name}: {told}") for problem in found), found


def test_a_region_that_is_a_number_is_no_region(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"region: '5' was asked for, but regions.mode is central"):
        load_settings("local", conf_of(tmp_path, {}), {"region": 5}, {})


def test_what_is_right_is_let_in(tmp_path: Path) -> None:
    where = "where: lower(type) LIKE 'order%' AND try_cast(amount AS DECIMAL(12,2)) > 0\n"
    dated = mapped("occurred_at", "{column: at, format: \"yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX\"}")

    idle = sync("t", enabled="false", audience=in_segment("Gone"))
    names = [
        f"{{segment: {{scheme: kmeans, name: {name}}}}}" for name in ("rare big spenders", "lapsed rare small spenders 8")
    ]
    kept = {"mode": "upsert", "membership": None}
    syncs = sync(**kept) + idle + "".join(sync(f"c{number}", audience=name, **kept) for number, name in enumerate(names))
    identity = decided("always: crm:1 crm:2", "always: crm:2 login:a", "never: crm:1 login:b", "never: crm:2 login:c")
    files = {
        "sources/o": dated + where.replace("'order%'", "'o%'"), "rules": rule(), "segments": RFM, "connections": FILES,
        "audiences": syncs, "identity": identity + "nicknames: {bob: robert, rob: robert}\n",
    }  # fmt: skip

    assert problems(tmp_path, files) == []


def test_a_misspelt_purpose_is_told_of_rules_and_destinations_alike_and_with_what_the_destination_then_lacks(
    tmp_path: Path,
) -> None:
    rule = "rules: [{name: r, when: 'true', action: a, channel: mail, purpose: analytcs, reason: x}]\n"

    told = problems(
        tmp_path, {"privacy": PURPOSES, "rules": rule, "destinations": CSV.replace("onalisation", "onalization")}
    )

    assert told == [
        "destinations.yml: destinations.d: product_id, category: the purpose personalisation is needed, which this "
        "destination lacks (it has personalization)",
        "rules.yml: decisions.rules.0.purpose: 'analytcs' is a purpose that privacy.purposes does not name; did you mean "
        "analytics?",
        "destinations.yml: destinations.d.purposes: 'personalization' is a purpose that privacy.purposes does not name; did "
        "you mean personalisation?",
    ]
