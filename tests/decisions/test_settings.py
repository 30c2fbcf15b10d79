from pathlib import Path

import pytest
from pydantic import ValidationError

from personalake.config import load_settings
from personalake.config.decisions import DecisionSettings, Rule
from personalake.errors import ConfigError

FINE = {"name": "r", "when": "orders > 1", "action": "a", "channel": "email", "purpose": "p", "reason": "why"}


def test_a_rule_over_an_unknown_column_is_refused_with_file_and_rule_before_a_session(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "local.yml").write_text("")
    (tmp_path / "base.yml").write_text("")
    (tmp_path / "rules.yml").write_text(
        "rules:\n- {name: odd one, when: shoe_size > 3, action: a, channel: c, purpose: p, reason: 'for {nobody}'}\n"
    )

    with pytest.raises(ConfigError) as error:
        load_settings("local", tmp_path, environ={})

    (problem,) = error.value.problems
    assert str(tmp_path / "rules.yml") in problem
    assert "rule 'odd one': when: unknown column shoe_size" in problem
    assert "reason: unknown placeholder nobody" in problem


def test_a_condition_that_is_no_sql_is_refused() -> None:
    with pytest.raises(ValidationError, match="rule 'r': when: expression 'orders >' is not Spark SQL"):
        Rule(**{**FINE, "when": "orders >"})


def test_an_offer_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="offer"):
        Rule(**FINE, offer="free_car")


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than once: r"):
        DecisionSettings(rules=(Rule(**FINE), Rule(**FINE)))


def test_the_delivered_rules_are_valid() -> None:
    delivered = load_settings("local", Path("conf"), environ={})

    assert delivered.decisions.rules[0].name == "win back a regular"
    assert {"segment", "braze", "email_csv"} <= set(delivered.destinations)
