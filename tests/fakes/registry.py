"""Which vendors there are."""

from collections.abc import Callable

from tests.fakes.braze import Braze
from tests.fakes.salesforce import Salesforce
from tests.fakes.segment import Segment
from tests.fakes.tealium import Tealium
from tests.fakes.vendor import Vendor

VENDORS: dict[str, Callable[[Callable[[], float]], Vendor]] = {
    "segment": Segment,
    "braze": Braze,
    "tealium": Tealium,
    "salesforce": Salesforce,
}
