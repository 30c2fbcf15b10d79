"""Slips of somebody who maps a source: each is told before anything starts, in words that say what to write."""

from pathlib import Path

import pytest

from tests.config.slips import COLUMNS, HEAD, mapped, problems


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (mapped("occurred_at", "{column: at, format: DD.MM.YYYY}"), "a calendar year is yyyy; D counts the days of a year"),
        (mapped("occurred_at", "{column: at, format: '%d.%m.%Y %H:%M'}"), "write dd.MM.yyyy HH:mm"),
        (mapped("occurred_at", "{column: at, format: yyyy-mm-dd}"), "m is minutes; a month is MM"),
        (mapped("occurred_at", "{column: at, format: 'yyyy-MM-dd hh:mm'}"), "h is an hour of twelve"),
        (mapped("occurred_at", "{column: at, format: 'yyyy-MM-ddTHH:mm'}"), "T is read as no part of a date"),
        (mapped("occurred_at", "{column: at, format: 'dd.MM.'}"), "there is no year; it is yyyy"),
        (mapped("amount", "{column: amount, format: '0.00'}"), "there is no year"),
        (mapped("amount", "{column: amount, format: yyyy}"), "columns.amount.format: is for days and times alone"),
        (mapped("quantity", "{constant: one}"), "columns.quantity.constant: 'one' is not a number: every row"),
        (mapped("quantity", "{constant: '1,5'}"), "'1,5' is not a number"),
        (mapped("occurred_at", "{constant: 01.02.2026}"), "'01.02.2026' is not a date and time"),
        (
            mapped("amount", "{expression: too_number(a)}"),
            "no function too_number in Spark SQL: 'too_number(a)'; did you mean to_number?",
        ),
        (mapped("amount", "{expression: sum(a)}"), "'sum(a)' needs more than one row"),
        (mapped("amount", "{expression: a as b}"), "gives its value a name; leave out AS b"),
        (mapped("amount", "{expression: a; b}"), "holds a semicolon; leave it out"),
        (mapped("amount", "{expression: amount *}"), "is not Spark SQL: something is missing or too much near character 8"),
        (mapped("occurred_at", "{expression: current_timestamp()}"), "clocks and dice are not allowed"),
        (mapped("order_id", "'order '"), "column 'order ' begins or ends with a blank"),
        (mapped("order_id", "''"), "column is empty"),
        (mapped("order_id", "_element"), "_element is there only where `each` names an array"),
        (HEAD + "where: amount\n" + COLUMNS, "where: 'amount' is no condition: it gives string"),
        (HEAD + "where: amount > (select max(a) from t)\n" + COLUMNS, "is a query, or holds one"),
        (HEAD + "each: get_json_object(\n" + COLUMNS, "each: expression 'get_json_object(' is not Spark SQL"),
        (HEAD + "glob: /data/*.json\n" + COLUMNS, "a glob names files below the folder in path"),
        (HEAD.replace("EUR", "ERU") + COLUMNS, "currency: expected three capitals of ISO 4217, e.g. EUR; did you mean EUR?"),
        (HEAD.replace("EUR", "QQQ") + COLUMNS, "currency: expected three capitals of ISO 4217, e.g. EUR (found 'QQQ')"),
        (HEAD + "event_type: order line\n" + COLUMNS, "event_type: a kind of event is one word, e.g. order_line"),
        (HEAD + "namespace: Login\n" + COLUMNS, "a namespace has small letters, digits and _"),
        (HEAD + "namespace: logins\n" + COLUMNS, "so nobody is known by them; did you mean login?"),
        (HEAD + "separator: ;\n" + COLUMNS, "separator: is for CSV files only, and these are json"),
        (HEAD + "format: csv\nseparator: '\"'\n" + COLUMNS, "is the quote character, too"),
        (
            HEAD + "format: csv\nheader: [order, product, qty, amount, a]\n" + COLUMNS,
            "columns.occurred_at: the header has no column at",
        ),
        (HEAD + "format: csv\nheader: [order, product, qty, amount, at, at]\n" + COLUMNS, "header: at stands in it twice"),
        (HEAD + COLUMNS + "  separator: ;\n", "it is a setting of the source: indent separator less"),
        (HEAD.replace("landing", "landings") + COLUMNS, "path: ${landings} stands for nothing; did you mean ${landing}?"),
        (
            HEAD.replace("${", "'{").replace("/orders", "/orders'") + COLUMNS,
            "path: {landing} stands for nothing; write ${landing}",
        ),
    ],
)
def test_slips_in_a_source_are_told_before_they_refuse_every_row(source: str, told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, {"sources/o": source})

    assert any(problem.startswith("sources/o.yml: sources.o") and told in problem for problem in found), found


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("", "", True),
        ("glob: '*.json'\n", "glob: 'a*'\n", True),
        ("glob: '*.json'\n", "glob: '*.csv'\n", False),
        ("glob: 'web_*'\n", "glob: 'shop_*'\n", False),
        ("glob: '*.csv'\n", "glob: 'returns/*.csv'\n", False),
        ("glob: '**/*.csv'\n", "glob: 'returns/*.csv'\n", True),
        ("glob: '**/*.csv'\n", "glob: '*.csv'\n", True),
        ("where: type = 'a'\n", "where: type = 'b'\n", False),
        ("where: type = 'a'\n", "", True),
        ("each: items\n", "each: taxes\n", False),
        ("enabled: false\n", "", False),
    ],
)
def test_two_sources_of_one_contract_do_not_read_the_same_files(one: str, other: str, meet: bool, tmp_path: Path) -> None:
    found = problems(tmp_path, {"sources/o": HEAD + one + COLUMNS, "sources/p": HEAD + other + COLUMNS})

    told = "sources/p.yml: sources.p: reads files that o reads, too, onto the same contract: each row would come twice"
    assert found == ([told] if meet else [])


def test_a_source_is_called_by_one_word(tmp_path: Path) -> None:
    (found,) = problems(
        tmp_path, {"sources/web orders": HEAD + COLUMNS, "sources/web-orders.v2": HEAD.replace("s", "t") + COLUMNS}
    )

    assert found.endswith("; call it web_orders")
    assert "web orders.yml: sources.web orders: a source is called by letters" in found
