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
        (
            "a: &a {kind: object_store, uri: 's3://b/in', columns: [id]}\nb: {<<: *a, uri: 's3://b/in/'}\n"
            "c: {<<: *a, kind: tealium_file, visitor_column: id}\nd: {<<: *a, uri: 's3://b/other'}",
            [
                "b.prefix: a drops files there, too",
                "c.prefix: a drops files there, too",
                "c.prefix: b drops files there, too",
            ],
        ),
        ("a: {kind: csv_drop, folder: '', columns: [id]}", ["a.folder: expected a folder; nothing, or a dot, is wherever"]),
    ],
)
def test_a_place_that_is_taken_is_refused(connections: str, told: list[str], tmp_path: Path) -> None:
    found = [problem for problem in problems(tmp_path, {"connections": connections}) if "connections." in problem]

    assert len(found) == len(told), found
    assert all(text in problem for text, problem in zip(told, found, strict=True)), found


def test_no_file_is_dropped_where_a_source_reads_it_back(tmp_path: Path) -> None:
    shared = "path: shared/inbox"
    source = f"contract: customer_record\nformat: csv\n{shared}\ncolumns: {{customer_id: id}}"
    files = {
        "connections": "a: {kind: csv_drop, folder: shared/inbox/out, columns: [id]}\n"
        "b: {kind: csv_drop, folder: shared, columns: [id]}",
        "sources/partners": source,
    }

    found = [problem for problem in problems(tmp_path, files) if "connections." in problem]

    assert len(found) == 1, found
    assert "a.folder: 'shared/inbox/out' lies in the folder that the source partners reads" in found[0]
