"""What a valid row of each kind is; sources map onto these."""

from personalake.ingestion.contracts.campaign_response import CAMPAIGN_RESPONSE
from personalake.ingestion.contracts.campaign_spend import CAMPAIGN_SPEND
from personalake.ingestion.contracts.catalog_item import CATALOG_ITEM
from personalake.ingestion.contracts.consent import CONSENT
from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
from personalake.ingestion.contracts.customer_record import CUSTOMER_RECORD
from personalake.ingestion.contracts.delivery_receipt import DELIVERY_RECEIPT
from personalake.ingestion.contracts.email_engagement import EMAIL_ENGAGEMENT
from personalake.ingestion.contracts.erasure_request import ERASURE_REQUEST
from personalake.ingestion.contracts.experiment_exposure import EXPERIMENT_EXPOSURE
from personalake.ingestion.contracts.interaction import INTERACTION
from personalake.ingestion.contracts.order_line import ORDER_LINE
from personalake.ingestion.contracts.preference import PREFERENCE
from personalake.ingestion.contracts.product_offer import PRODUCT_OFFER
from personalake.ingestion.contracts.social_mention import SOCIAL_MENTION
from personalake.ingestion.contracts.support_ticket import SUPPORT_TICKET
from personalake.ingestion.contracts.survey_answer import SURVEY_ANSWER
from personalake.ingestion.contracts.third_party_attribute import THIRD_PARTY_ATTRIBUTE
from personalake.ingestion.contracts.weather import WEATHER

CONTRACTS: dict[str, Contract] = {
    contract.name: contract
    for contract in (
        ORDER_LINE,
        CUSTOMER_RECORD,
        CATALOG_ITEM,
        CONSENT,
        CAMPAIGN_RESPONSE,
        INTERACTION,
        EMAIL_ENGAGEMENT,
        EXPERIMENT_EXPOSURE,
        SUPPORT_TICKET,
        SURVEY_ANSWER,
        SOCIAL_MENTION,
        THIRD_PARTY_ATTRIBUTE,
        CAMPAIGN_SPEND,
        DELIVERY_RECEIPT,
        ERASURE_REQUEST,
        PREFERENCE,
        PRODUCT_OFFER,
        WEATHER,
    )
}

__all__ = ["CONTRACTS", "Contract", "ContractField", "Reference"]
