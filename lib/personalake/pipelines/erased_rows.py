"""What comes in again of somebody who was erased, and requests to be forgotten that are done."""

from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config.sources import Source
from personalake.ingestion.contracts import Contract
from personalake.pipelines.erasure_requests import last_states
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.payloads import identifying
from personalake.privacy.suppression import ACCOUNT, ERASED, KEY, marked_done, marked_erased
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD

_ADDRESS = "address"


def without_erased_rows(context: JobContext, name: str, source: Source, contract: Contract, row: str) -> Transformation:
    """Rows of somebody who was erased are refused, and kept nowhere; who asks once more is heard, and no request twice.

    Args:
        context: The run.
        name: The source.
        source: Its settings.
        contract: What its rows become.
        row: Column that numbers the rows.
    """
    lake = context.lake
    if not lake.ledger.count(SUPPRESSION, [("reason", "=", ERASED)]):
        return lambda rows: rows
    key, code = erasure_key(context.settings, lake.locations), context.settings.identity.calling_code
    if contract.table is ERASURE_ASKED:
        return marked_done([one for one, row in last_states(lake).items() if row["state"] == "done"], key, name)
    named = identifying(source)
    if contract.table is not CONSENT:  # whoever refuses by an address may be any of those who share it
        named = [*named, *((name, f"{ACCOUNT}{kind}") for name, kind in named if name == KEY)]
    if _ADDRESS in source.columns:
        named = [*named, *((_ADDRESS, kind) for kind in ("email", "phone"))]
    accounts = None
    if KEY in source.columns and lake.ledger.rows(CUSTOMER_RECORD):
        accounts = lake.read(CUSTOMER_RECORD).where(F.col("namespace") == source.namespace).select(KEY)
    return marked_erased(lake.read(SUPPRESSION), key, code, row, named, accounts)
