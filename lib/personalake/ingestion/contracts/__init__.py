"""What a valid row of each kind is; sources map onto these."""

from personalake.ingestion.contracts.campaign_response import CAMPAIGN_RESPONSE
from personalake.ingestion.contracts.catalog_item import CATALOG_ITEM
from personalake.ingestion.contracts.consent import CONSENT
from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
from personalake.ingestion.contracts.customer_record import CUSTOMER_RECORD
from personalake.ingestion.contracts.order_line import ORDER_LINE

CONTRACTS: dict[str, Contract] = {
    contract.name: contract for contract in (ORDER_LINE, CUSTOMER_RECORD, CATALOG_ITEM, CONSENT, CAMPAIGN_RESPONSE)
}

__all__ = ["CONTRACTS", "Contract", "ContractField", "Reference"]
