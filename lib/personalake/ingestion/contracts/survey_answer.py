"""One answer to one survey."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.touchpoints import SURVEY_ANSWER as TABLE

SURVEY_ANSWER = Contract(
    name="survey_answer",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id"),
        ContractField("survey_id", required=True),
        ContractField("score", "int", required=True, noun="whole number"),
        ContractField("text"),
        *TIMES,
    ),
    expectations=(*TIMELY, Expectation("score_range", "score BETWEEN 0 AND 10", "score: not 0 to 10")),
)
