from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings, load_settings
from personalake.errors import ConfigError

ORDERS = "contract: order_line\npath: ${landing}/orders\ncolumns:\n  order_id: order\n"


def conf(folder: Path, **files: str) -> Path:
    """A configuration folder; `environments__local` is environments/local.yml."""
    for name, text in {"base": "", "environments__local": "", **files}.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, overrides: dict[str, Any] | None = None, **environ: str) -> Settings:
    return load_settings("local", folder, overrides, environ)


def problems(folder: Path, overrides: dict[str, Any] | None = None, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(folder, overrides, **environ)
    assert raised.value.exit_code == 2
    return [problem.replace(f"{folder}/", "") for problem in raised.value.problems]


def test_later_layers_win_base_environment_variable_command_line(tmp_path: Path) -> None:
    folder = conf(
        tmp_path,
        base="spark: {master: base, driver_memory: 1g, shuffle_partitions: 1}\nlease: {heartbeat_seconds: 1}\n",
        environments__local="spark: {driver_memory: 2g, shuffle_partitions: 2}\nlease: {heartbeat_seconds: 2}\n",
    )

    settings = load(
        folder,
        {"lease.heartbeat_seconds": 4},
        PERSONALAKE_SPARK__SHUFFLE_PARTITIONS="3",
        PERSONALAKE_LEASE__HEARTBEAT_SECONDS="3",
    )

    spark = settings.spark
    assert (spark.master, spark.driver_memory, spark.shuffle_partitions) == ("base", "2g", 3)
    assert settings.lease.heartbeat_seconds == 4


def test_every_problem_is_reported_at_once_with_file_and_key(tmp_path: Path) -> None:
    folder = conf(
        tmp_path,
        base="rot: lakehouse\nspark:\n  shuffle_partitions: many\n",
        environments__local="business_timezone: Atlantis/Capital\n",
        sources__orders=ORDERS + "separatr: ;\n",
    )

    asked = {"report.missing": 1, "lease.heartbeat_seconds": "often"}
    found = problems(folder, asked, PERSONALAKE_LEASE__STALE_AFTER_SECONDS="-1")

    starts = (
        "base.yml: rot: unknown key",
        "base.yml: spark.shuffle_partitions: ",
        "environments/local.yml: business_timezone: 'Atlantis/Capital' is not a time zone",
        "sources/orders.yml: sources.orders.separatr: unknown key",
        "environment variable PERSONALAKE_LEASE__STALE_AFTER_SECONDS: lease.stale_after_seconds: ",
        "command line: report.missing: unknown key",
        "command line: lease.heartbeat_seconds: ",
    )
    assert len(found) == len(starts)
    for start in starts:
        assert [problem for problem in found if problem.startswith(start)], start


def test_a_wrong_value_is_shown(tmp_path: Path) -> None:
    (found,) = problems(conf(tmp_path, base="spark: {shuffle_partitions: many}\n"))

    assert found.endswith("(found 'many')")


@pytest.mark.parametrize("written", ["5f3c9a1e-REAL", "54321"])
@pytest.mark.parametrize(
    "place",
    [
        "connections: {{braze: {{kind: braze_track, instance: iad-01, api_key: {}}}}}",
        "privacy: {{pseudonyms: {{current: k1, keys: {{k1: {}}}}}}}",
        "erasure: {{key: {}}}",
    ],
)
def test_a_secret_that_stands_in_a_file_is_refused_and_not_passed_on(place: str, written: str, tmp_path: Path) -> None:
    told = problems(conf(tmp_path, base=place.format(written) + "\n"))

    assert any("base.yml: " in problem for problem in told)
    assert written not in " ".join(told)


def test_an_unset_secret_is_named_with_the_variable_that_would_set_it(tmp_path: Path) -> None:
    source = (
        "contract: order_line\nkind: kafka\nkafka:\n  bootstrap_servers: broker:9092\n  topic: orders\n"
        "  options: {kafka.sasl.jaas.config: secret://kafka/login}\ncolumns: {order_id: order}\n"
    )
    folder = conf(tmp_path, sources__orders=source)

    (found,) = problems(folder)

    assert found.startswith("sources/orders.yml: sources.orders.kafka.options.")
    assert found.endswith("secret secret://kafka/login is not set; export PERSONALAKE_SECRET_KAFKA_LOGIN")
    assert load(folder, PERSONALAKE_SECRET_KAFKA_LOGIN="x").sources["orders"].kafka is not None


def test_a_disabled_source_needs_no_secret(tmp_path: Path) -> None:
    source = "enabled: false\n" + ORDERS + "severities: {}\nevent_type: secret://nobody/knows\n"

    assert load(conf(tmp_path, sources__orders=source)).sources["orders"].enabled is False


def test_an_unknown_environment_lists_those_that_exist(tmp_path: Path) -> None:
    folder = conf(tmp_path, environments__prod="")

    with pytest.raises(ConfigError, match=r"staging\.yml: no such environment; there are: local, prod"):
        load_settings("staging", folder, environ={})


def test_a_misspelt_environment_names_the_one_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prdo\.yml: no such environment; did you mean prod\?"):
        load_settings("prdo", conf(tmp_path, environments__prod=""), environ={})


def test_a_missing_folder_says_what_to_pass(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder; pass --conf-dir"):
        load_settings("local", tmp_path / "nowhere", environ={})


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [1\n", "cannot be read as YAML"), ("- 1\n- 2\n", "expected keys and values, found list")],
)
def test_a_file_that_is_no_mapping_is_named(text: str, words: str, tmp_path: Path) -> None:
    (found,) = problems(conf(tmp_path, base=text))

    assert found.startswith("base.yml: ")
    assert words in found


def test_places_stand_for_settings_wherever_they_come_from(tmp_path: Path) -> None:
    folder = conf(tmp_path, base="landing: here\n", sources__orders=ORDERS)

    assert str(load(folder).sources["orders"].path) == "here/orders"
    assert str(load(folder, PERSONALAKE_LANDING="there").sources["orders"].path) == "there/orders"


def test_settings_cannot_change_after_loading(tmp_path: Path) -> None:
    settings = load(conf(tmp_path))

    with pytest.raises(ValueError, match="frozen"):
        settings.root = Path("elsewhere")  # type: ignore[misc]


def test_slips_in_a_source_are_told_together_with_their_values(tmp_path: Path) -> None:
    slips = "time_zone: Europe/Berlinn\nencoding: latin-eins\nseparator: ';;'\nquote: ''\ncurrency: euro\n"

    found = problems(conf(tmp_path, sources__orders=ORDERS + slips))

    assert sorted(found) == [
        "sources/orders.yml: sources.orders.currency: expected three capitals of ISO 4217, e.g. EUR; "
        "did you mean EUR? (found 'euro')",
        "sources/orders.yml: sources.orders.encoding: not a character set; use a name such as utf-8, iso-8859-1 or "
        "windows-1252 (found 'latin-eins')",
        "sources/orders.yml: sources.orders.quote: expected exactly one character (found '')",
        "sources/orders.yml: sources.orders.separator: expected exactly one character (found ';;')",
        "sources/orders.yml: sources.orders.time_zone: not a time zone; use an IANA name such as Europe/Berlin "
        "(found 'Europe/Berlinn')",
    ]


def test_a_further_check_of_sources_is_told_with_the_other_problems(tmp_path: Path) -> None:
    folder = conf(tmp_path, base="rot: lakehouse\n", sources__orders=ORDERS, sources__off=ORDERS + "enabled: false\n")

    with pytest.raises(ConfigError) as raised:
        load_settings("local", folder, environ={}, check_source=lambda raw: iter([("columns.order_id", raw["contract"])]))

    first, second = (problem.replace(f"{folder}/", "") for problem in raised.value.problems)
    assert first.startswith("base.yml: rot: unknown key")
    assert second == "sources/orders.yml: sources.orders.columns.order_id: order_line"


@pytest.mark.parametrize(
    "connection",
    [
        "{kind: braze_track, instance: rest.fra-01.braze.eu, api_key: 5f3c9a1e-REAL}",
        "{kind: email, host: 127.0.0.1, security: none, sender: a@shop.example, username: login-REAL}",
        "{kind: segment, write_key: 590590599999}",
    ],
)
def test_what_stands_in_the_place_of_a_secret_is_not_repeated(connection: str, tmp_path: Path) -> None:
    found = problems(conf(tmp_path, connections=f"c: {connection}\n"))

    assert any(told.startswith("connections.yml: connections.c.") for told in found)
    assert not [told for told in found if "REAL" in told or "590590599999" in told]


def test_a_line_that_cannot_be_read_is_named_and_not_repeated(tmp_path: Path) -> None:
    text = "c:\n  kind: segment\n\twrite_key: REAL\n"

    found = problems(conf(tmp_path, connections=text), PERSONALAKE_CONNECTIONS="[REAL")

    assert found[0] == "connections.yml: cannot be read as YAML: line 3: a tab; indent with spaces"
    assert found[1].startswith("environment variable PERSONALAKE_CONNECTIONS: not a value of YAML (line 1: ")
    assert "REAL" not in "".join(found)


def test_a_key_that_stands_twice_in_a_file_is_named_with_both_lines(tmp_path: Path) -> None:
    twice = "amount: a\n  quantity: b\n  amount: c\n"

    found = problems(conf(tmp_path, base="root: a\nroot: b\n", sources__orders=ORDERS + "  " + twice))

    assert found == [
        "base.yml: root: stands twice, in lines 1 and 2; keep one",
        "sources/orders.yml: columns.amount: stands twice, in lines 5 and 7; keep one",
    ]


def test_keys_that_are_merged_in_do_not_stand_twice(tmp_path: Path) -> None:
    other = (
        "c: {<<: &d {kind: csv_drop, folder: out, columns: [a]}, folder: in}\nd: {kind: csv_drop, folder: x, columns: [b]}\n"
    )

    settings = load(conf(tmp_path, connections=other))

    assert settings.connections["c"].folder == Path("in")  # type: ignore[union-attr]


@pytest.mark.parametrize("value", ["[", "'2017", "2017-13-45", "@x"])
def test_a_variable_that_is_not_yaml_is_named_with_what_to_write(value: str, tmp_path: Path) -> None:
    (found,) = problems(conf(tmp_path), PERSONALAKE_AS_OF=value)

    assert found.startswith("environment variable PERSONALAKE_AS_OF: not a value of YAML (")
    assert "write it plainly, e.g. 2017-12-01 for a day" in found


def test_a_day_that_is_none_is_told_of_its_file(tmp_path: Path) -> None:
    (found,) = problems(conf(tmp_path, base="training_cut: 2017-13-45\n"))

    assert found == "base.yml: cannot be read as YAML: month must be in 1..12"


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (
            "currency: NO\n",
            "currency: YAML reads NO, OFF, YES and ON as true or false: put the value in quotes (found False)",
        ),
        ("  quantity: 3\n", "columns.quantity: expected the name of a column, or one of {column: …}, {expression: …}"),
        ("header: 5\n", "header: expected a list, e.g. [a, b] (found 5)"),
        ("max_files_per_trigger: many\n", "max_files_per_trigger: expected a whole number (found 'many')"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_the_words_of_who_wrote_it(slip: str, words: str, tmp_path: Path) -> None:
    (found,) = problems(conf(tmp_path, sources__orders=ORDERS + slip))

    assert found.startswith(f"sources/orders.yml: sources.orders.{words}")


def test_a_key_is_told_as_it_stands_in_the_file_and_a_kind_by_the_nearest(tmp_path: Path) -> None:
    slips = "a: {kind: braze_track, api_key: secret://a/b}\nb: {kind: braze_trak}\nc: {host: x}\n"

    found = problems(conf(tmp_path, connections=slips), PERSONALAKE_SECRET_A_B="x")

    assert found == [
        "connections.yml: connections.a.instance: missing",
        "connections.yml: connections.b: no kind 'braze_trak'; did you mean braze_track?",
        "connections.yml: connections.c: kind is missing; docs/configuration.md lists the kinds",
    ]


def test_nothing_is_missing_in_a_file_that_could_not_be_read(tmp_path: Path) -> None:
    folder = conf(tmp_path, sources__orders=ORDERS)
    (folder / "sources" / "orders.yml").write_bytes(f"# größe\n{ORDERS}".encode("latin-1"))

    assert problems(folder) == ["sources/orders.yml: cannot be read as YAML: not UTF-8, at byte 4; save the file as UTF-8"]
