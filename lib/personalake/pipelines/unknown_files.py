"""Deliveries that nobody knows about: on the console, and as files that go to who asks the destination, and come back."""

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from personalake.activation.formulas import harmless
from personalake.errors import EnvironmentProblem, InputError
from personalake.pipelines.plan_view import block
from personalake.pipelines.unknown_deliveries import Unknown
from personalake.reports.words import plural

_ID = "delivery_id"
# What spreadsheets put between cells, by language.
_BETWEEN = ",;\t"
_NOT_NAMED = "nothing that was sent tells it from others there"
_SETTLE = "personalake activation resolve --destination {} --as taken | send_again | given_up settles them, by --delivery or"


def unknown_view(destination: str, shown: Sequence[Unknown], count: int) -> RenderableType:
    """A block for each, and what to do.

    Args:
        destination: Where they went, or did not.
        shown: Those that are shown.
        count: How many there are.
    """
    if not count:
        return Text(f"Nothing that was to go to {destination} is unknown.", style="dim italic")
    told = f"{plural(count, 'delivery', 'deliveries')} to {destination} may have been taken or not"
    told += f"; the first {len(shown):,}:" if len(shown) < count else ":"
    last = f"{_SETTLE.format(destination)} --deliveries FILE, as --to FILE writes it."
    return Group(Text(told), *(block(one.delivery_id, _lines(one)) for one in shown), Text(last))


def _lines(one: Unknown) -> list[str]:
    of = f"{one.sync}, " if one.sync else ""
    return [f"{of}{one.change}, since {one.since:%Y-%m-%d %H:%M:%S} UTC", one.reason, one.known_as or _NOT_NAMED]


def write_unknown(path: Path, deliveries: Iterable[Unknown]) -> int:
    """A row for each in a new CSV file that its owner alone reads.

    Returns:
        How many.

    Raises:
        InputError: If the file is there already.
        EnvironmentProblem: If it cannot be written.
    """
    count = 0
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Unknown)])
            writer.writeheader()
            for one in deliveries:
                writer.writerow({name: _cell(value) for name, value in asdict(one).items()})
                count += 1
    except FileExistsError:
        raise InputError(f"{path} is there already.", "Name another file, or remove it.") from None
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {path}: {error.strerror or error}.", "Name a file in a folder that is there and may be written."
        ) from error
    return count


def _cell(value: Any) -> str:
    return harmless(value) if isinstance(value, str) else value.isoformat(timespec="seconds")


def ids_in(path: Path) -> list[str]:
    """Ids of deliveries in a file: its column `delivery_id`, also after a spreadsheet has saved it; or one a line.

    Raises:
        InputError: If it cannot be read, or holds none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read.", "It is a CSV file with a column delivery_id, or has one id a line."
        ) from error
    lines = [line for line in lines if line.strip()]
    if lines and _ID in lines[0]:
        between = max(_BETWEEN, key=lines[0].count)
        found = [(row.get(_ID) or "").strip() for row in csv.DictReader(lines, delimiter=between)]
    else:
        found = [line.strip() for line in lines]
    if not all(found) or not found:
        raise InputError(
            f"{path} names no delivery" + (f" in {found.count(''):,} of {len(found):,} rows." if found else "."),
            "It is a CSV file with a column delivery_id, or has one id a line.",
        )
    return found
