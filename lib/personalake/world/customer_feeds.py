"""The customer records as each of the six systems exports them, in its own columns."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.world.chance import Chance
from personalake.world.records import SOURCES, drawn_records, told
from personalake.world.settings import WorldSettings

# Our field: what each system calls it.
NAMES = {
    "crm": {
        "record_id": "customer_no",
        "first_name": "firstname",
        "last_name": "lastname",
        "email": "mail",
        "phone": "telephone",
        "birth_date": "birthday",
        "postcode": "zip",
        "street": "street",
        "city": "town",
        "loyalty_id": "card",
        "gender": "sex",
        "account_status": "status",
        "recorded_at": "created",
    },
    "loyalty": {
        "record_id": "member_no",
        "loyalty_id": "card_no",
        "first_name": "given_name",
        "last_name": "family_name",
        "email": "email",
        "phone": "phone",
        "birth_date": "date_of_birth",
        "postcode": "postal_code",
        "street": "address_line",
        "city": "city",
        "recorded_at": "enrolled_at",
    },
    "web": {
        "record_id": "accountId",
        "login": "userId",
        "cookie_id": "clientId",
        "device_id": "deviceId",
        "first_name": "firstName",
        "last_name": "lastName",
        "email": "email",
        "postcode": "postcode",
        "street": "street",
        "city": "city",
        "recorded_at": "registeredAt",
    },
    "app": {
        "record_id": "installId",
        "login": "userId",
        "device_id": "deviceId",
        "loyalty_id": "cardNumber",
        "first_name": "firstName",
        "email": "email",
        "birth_date": "birthDate",
        "recorded_at": "installedAt",
    },
    "support": {
        "record_id": "contact",
        "first_name": "first",
        "last_name": "last",
        "email": "email",
        "phone": "phone",
        "postcode": "zip",
        "recorded_at": "created",
    },
    "pos": {
        "record_id": "till_customer",
        "first_name": "name_1",
        "last_name": "name_2",
        "email": "receipt_email",
        "phone": "phone",
        "loyalty_id": "card_no",
        "recorded_at": "captured_at",
    },
}


def customer_records(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """All records with the person's state as the CRM has it.

    Returns:
        The columns of `records`, with `gender` and `account_status` (active or left at the end; some are wrong), and for the
        truth `person`, `household` and `true_status`.
    """
    each = Chance(settings.seed, ("person", "number"))
    status = F.when(F.col("left_day") < settings.days, "left").otherwise("active")
    flipped = F.when(F.col("true_status") == "left", "active").otherwise("left")
    is_flipped = each.happens("label-flip", settings.label_flip_rate)
    return (
        drawn_records(everyone, settings)
        .transform(told(settings))
        .withColumn("true_status", status)
        .withColumn("account_status", F.when(is_flipped, flipped).otherwise(F.col("true_status")))
    )


def feed_of(records: DataFrame, source: str) -> DataFrame:
    """The records of one source under its own names.

    Args:
        records: Rows of `customer_records`.
        source: A key of `NAMES`.
    """
    renamed = (F.col(ours).alias(theirs) for ours, theirs in NAMES[source].items())
    return records.where(F.col("source") == source).select(*renamed)


assert set(NAMES) == set(SOURCES), "every source of records has its export"
