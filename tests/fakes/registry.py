"""Which vendors there are."""

from collections.abc import Callable

from tests.fakes.braze import Braze
from tests.fakes.fcm import Fcm
from tests.fakes.onesignal import OneSignal
from tests.fakes.salesforce import Salesforce
from tests.fakes.segment import Segment
from tests.fakes.sftp import Sftp
from tests.fakes.smtp import Smtp
from tests.fakes.tealium import Tealium
from tests.fakes.vendor import Vendor
from tests.fakes.webhook import Webhook

VENDORS: dict[str, Callable[[Callable[[], float]], Vendor]] = {
    made.name: made for made in (Segment, Braze, Tealium, Salesforce, Fcm, OneSignal, Webhook, Smtp, Sftp)
}
