"""Files are dropped where nobody else reads or keeps them."""

from pathlib import Path

import pytest

from tests.config.slips import problems


@pytest.mark.parametrize(
    ("connections", "told"),
    [
        ("a: {kind: csv_drop, folder: lakehouse/gold, columns: [id]}", ["a.folder: 'lakehouse/gold' lies in the lake;"]),
        ("a: {kind: csv_drop, folder: landing, columns: [id]}", ["a.folder: 'landing' lies in the landing folder"]),
        (
            "a: {kind: csv_drop, folder: out, columns: [id]}\nb: {kind: csv_drop, folder: ./out/../out, columns: [id]}",
            ["b.prefix: a drops files there, too, and their names begin alike"],
        ),
        (
            "a: {kind: csv_drop, folder: out, columns: [id]}\nb: {kind: csv_drop, folder: out, prefix: b, columns: [id]}",
            [],
        ),
        (
            "a: {kind: tealium_file, folder: out, prefix: shop, columns: [v], visitor_column: v}\n"
            "b: {kind: tealium_file, folder: out, prefix: shop-returns, columns: [v], visitor_column: v}",
            ["b.prefix: a drops files there, too, and one prefix begins with the other"],
        ),
        (
            "a: {kind: tealium_file, folder: out, prefix: shop, columns: [v], visitor_column: v}\n"
            "b: {kind: tealium_file, folder: in, prefix: shop-returns, columns: [v], visitor_column: v}",
            [],
        ),
        (
            "a: {kind: csv_drop, folder: landing, columns: [id], enabled: false}",
            [],
        ),
        (
            "a: &a {kind: sftp, host: h, host_key: ssh-ed25519 AAAA, username: u, password: secret://braze/key, "
            "folder: in, columns: [id]}\nb: *a",
            ["b.prefix: a drops files there, too"],
        ),
    ],
)
def test_a_place_that_is_taken_is_refused(connections: str, told: list[str], tmp_path: Path) -> None:
    found = [problem for problem in problems(tmp_path, {"connections": connections}) if "connections." in problem]

    assert len(found) == len(told), found
    assert all(text in problem for text, problem in zip(told, found, strict=True)), found
