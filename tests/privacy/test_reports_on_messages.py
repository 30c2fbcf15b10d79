"""A report on a message names who got it by an address, in the reason or by the delivery alone; without a session."""

from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines.person_search import matching
from personalake.privacy.subject import Subject
from personalake.tables.receipts import DELIVERY_RECEIPT
from tests.pipelines.outbox_rows import a_lake

ANN = Subject(
    ("crm", "1"),
    identifiers=frozenset({("email", "ann@x.example"), ("email", "us@x.example"), ("phone", "12125550101"), ("crm", "1")}),
    shared=frozenset({("email", "us@x.example")}),
    told=frozenset({("push", "token-1"), ("mail", "us@x.example")}),
    row_ids=frozenset({"delivery-1"}),
)


@pytest.mark.parametrize(
    ("told", "is_hers"),
    [
        ({"address": " Ann@X.example"}, True),
        ({"address": "+1 (212) 555-0101"}, True),
        ({"address": "0012125550101"}, True),
        ({"address": "token-1"}, True),
        ({"delivery_id": "delivery-1"}, True),
        ({"namespace": "crm", "customer_id": "1", "address": "us@x.example"}, True),
        ({"address": "us@x.example"}, False),
        ({"address": "jo.ann@x.example", "delivery_id": "delivery-11"}, False),
        ({"address": None}, False),
    ],
)
def test_a_report_is_hers_if_it_names_her_alone(tmp_path: Path, told: dict[str, Any], is_hers: bool) -> None:
    lake: Lake = a_lake(tmp_path / "lake")
    lake.ledger.append(DELIVERY_RECEIPT, [{"record_id": "r", **told}])

    found = list(matching(Settings.model_validate({"root": tmp_path / "lake"}), lake, DELIVERY_RECEIPT, ANN))

    assert bool(found) is is_hers
