"""Names in receipts: pseudonyms, those of older key versions included; and by which identifier a person is remembered."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.receipts.matching import PSEUDONYM
from personalake.common.merged_persons import as_persons_now
from personalake.config import Settings
from personalake.pipelines.job import JobContext
from personalake.privacy.addresses import ADDRESSES
from personalake.privacy.pseudonyms import key_ring
from personalake.tables.gold import ACTIVATION_OUTBOX

_DEVICES = ("device_id", "cookie_id")


def told_by_pseudonym(settings: Settings) -> list[str]:
    """Destinations that know people by their pseudonyms; none without a key."""
    if settings.privacy.pseudonyms.current is None:
        return []
    files = {name for name, one in settings.destinations.items() if one.identifier == "pseudonym"}
    syncs = {sync.destination for sync in settings.audiences.values() if PSEUDONYM in sync.reads}
    return sorted(files | syncs)


def with_pseudonyms(context: JobContext, links: DataFrame, receipts: DataFrame, became: dict[str, str]) -> DataFrame:
    """Links, and beside them the names of every key version that is understood of whom something was sent.

    Args:
        context: The lake, and the settings.
        links: Rows of `silver.person_link`.
        receipts: Rows of `silver.delivery_receipt`; where none comes under a pseudonym, the links are all there is.
        became: Whom merged persons have become, by their former ids.

    Returns:
        `namespace`, `value` and `person_id`: the person as of now, though the name is of the id that was sent.
    """
    known = links.select("namespace", "value", "person_id")
    destinations = told_by_pseudonym(context.settings)
    if not destinations or receipts.where(F.col("namespace") == PSEUDONYM).isEmpty():
        return known
    ring = key_ring(context.settings.privacy.pseudonyms)
    sent = context.lake.read(ACTIVATION_OUTBOX).select("destination", "person_id").distinct()
    names = [
        sent.where(F.col("destination") == name).transform(ring.known_as(name)).withColumnRenamed("pseudonym", "value")
        for name in destinations
    ]
    told = reduce(DataFrame.unionByName, names).withColumn("namespace", F.lit(PSEUDONYM))
    now = told.transform(as_persons_now(became))
    return known.unionByName(now.select(*known.columns))


def weak_kinds(settings: Settings) -> list[str]:
    """Kinds of identifiers by which a person is remembered only if there is no other, the strongest first.

    An address may be shared; a device, a browser, and what is known under the key of one, may become somebody else's.
    """
    linking = {name for name, kind in settings.identity.identifiers.items() if kind.links}
    records = [source for source in settings.sources.values() if source.contract == "customer_record"]
    of_devices = sorted({source.namespace for source in records if not source.columns.keys().isdisjoint(_DEVICES)})
    return [name for name in (*ADDRESSES, *of_devices, *_DEVICES) if name not in linking]
