"""Writes `conf/spark-defaults.conf`, so that `spark-submit --properties-file` runs with the settings of `session.py`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from personalake.config import load_settings
from personalake.errors import PersonalakeError
from personalake.session import spark_conf

_HEADER = "# Made by `make setup` from lib/personalake/session.py and conf/; changes here are lost.\n"


def properties(conf: Mapping[str, str]) -> str:
    r"""Spark settings as a properties file; empty ones are left to Spark.

    >>> properties({"spark.master": "local[2]", "spark.jars": ""})
    'spark.master local[2]\n'
    """
    return "".join(f"{key} {_escaped(value)}\n" for key, value in sorted(conf.items()) if value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m personalake.setup_spark FILE`; the settings are those of the environment `local`."""
    (target,) = map(Path, sys.argv[1:] if arguments is None else arguments)
    try:
        settings = load_settings("local")
    except PersonalakeError as error:
        sys.stderr.write(f"✗ {error}\n")
        return error.exit_code
    fresh = target.with_suffix(".tmp")
    fresh.write_text(_HEADER + properties(spark_conf(settings.spark, settings.business_timezone)), encoding="utf-8")
    fresh.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
