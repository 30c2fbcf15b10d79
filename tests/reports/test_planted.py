from typing import Any

from personalake.reports.planted import Caught, compare, own_refusals


def line(kind: str, expected: str, sha: str | None, key: str | None = None, source: str = "orders") -> dict[str, Any]:
    return {"source": source, "kind": kind, "expected": expected, "line_sha256": sha, "event_key": key}


def refused(payload_hash: str, *reasons: str, source: str = "orders") -> dict[str, Any]:
    return {"source": source, "payload_hash": payload_hash, "reasons": list(reasons)}


def dropped(payload_hash: str, is_exact: bool, source: str = "orders") -> dict[str, Any]:
    return {"source": source, "payload_hash": payload_hash, "is_exact": is_exact}


def test_each_kind_is_found_by_its_own_id_and_a_missing_one_shows() -> None:
    planted = [
        line("malformed_json", "quarantined", "h1"),
        line("malformed_json", "quarantined", "h2"),
        line("exact_duplicate", "duplicate", "h3"),
        line("near_duplicate", "duplicate", "h4"),
        line("late", "late", "h5", "o1-p1"),
        line("unknown_product", "warned", "h6", "o2-p2"),
        line("unknown_product", "warned", "h7", "o3-p3"),
    ]
    caught = Caught(
        [refused("h1", "payload: not readable")], [dropped("h3", True), dropped("h4", False)], {"o1-p1"}, {"o2-p2": ["w"]}
    )

    found = {row["kind"]: (row["planted"], row["found"]) for row in compare(planted, caught)}

    assert found == {
        "malformed_json": (2, 1),
        "exact_duplicate": (1, 1),
        "near_duplicate": (1, 1),
        "late": (1, 1),
        "unknown_product": (2, 1),
    }


def test_an_exact_duplicate_that_was_only_dropped_as_a_near_one_is_not_found() -> None:
    caught = Caught([], [dropped("h1", False)], set(), {})

    found = compare([line("exact_duplicate", "duplicate", "h1")], caught)

    assert [row["found"] for row in found] == [0]


def test_rows_without_a_hash_are_found_by_count_within_their_source() -> None:
    planted = [line("missing_id", "quarantined", None, source="customers") for _ in range(2)]
    caught = Caught([refused("x", "r", source="customers"), refused("y", "r", source="orders")], [], set(), {})

    assert compare(planted, caught) == [
        {"source": "customers", "kind": "missing_id", "expected": "quarantined", "planted": 2, "found": 1}
    ]


def test_what_the_data_itself_holds_leaves_planted_lines_out() -> None:
    planted = [line("negative", "quarantined", "h1")]
    quarantine = [refused("h1", "quantity: negative"), refused("h2", "quantity: zero"), refused("h3", "quantity: zero")]

    assert own_refusals(planted, quarantine) == [{"source": "orders", "what": "refused, quantity: zero", "rows": 2}]
