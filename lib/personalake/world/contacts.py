"""How people can be reached and recognised: e-mails, phones, loyalty cards, logins, devices and their cookies.

Every address ends in the reserved `.example`, every phone begins with the unassigned country code 999.
"""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.world.chance import Chance, Number, at, serial
from personalake.world.settings import WorldSettings

DOMAINS = ("postbox.example", "inbox.example", "letters.example", "mail.example", "webmail.example")
EMAIL_COUNTS = {"1": 0.55, "2": 0.35, "3": 0.1}
SECOND_PHONE_RATE, LANDLINE_RATE, FAMILY_MAILBOX_RATE = 0.25, 0.35, 0.06
CARD_RATE, NEW_CARD_RATE, LOGIN_RATE = 0.7, 0.1, 0.65
COOKIE_DAYS = 120
PEOPLE_PER_HUB = 400


@dataclass(frozen=True)
class Contacts:
    """Contact points of rows of `people`, as Columns.

    Args:
        settings: The world.
    """

    settings: WorldSettings

    @property
    def _own(self) -> Chance:
        return Chance(self.settings.seed, ("person",))

    @property
    def _shared(self) -> Chance:
        return Chance(self.settings.seed, ("household",))

    def emails(self) -> Column:
        """How many e-mail addresses the person has, 1 to 3."""
        return self._own.weighted("emails", EMAIL_COUNTS).cast("int")

    def email(self, number: Column, last_name: Column) -> Column:
        """The person's e-mail address of a number, from 0; the second is the household's in some of them."""
        chance = self._each(number)
        first, last = F.lower("first_name"), F.lower(last_name)
        styles = (F.concat_ws(".", first, last), F.concat(first.substr(1, 1), last), F.lower("nickname"))
        name = F.element_at(F.array(*styles), chance.below("email-style", len(styles)).cast("int") + 1)
        own = self._address(name, chance)
        family = self._address(F.concat(F.lit("family"), self._shared.below("mailbox-number", 100)), self._shared)
        has_mailbox = (F.col("size") > 1) & self._shared.happens("family-mailbox", FAMILY_MAILBOX_RATE)
        return F.when((number == 1) & has_mailbox, family).otherwise(own)

    def phone(self, number: Column) -> Column:
        """Ten digits: 0 the first mobile, 1 the second, 2 the household's landline; the first where there is none."""
        person, household = F.col("person"), F.col("household")
        first, second = (F.concat(F.lit(area), serial("mobile", person)) for area in ("6", "7"))
        has_second = self._own.happens("second-phone", SECOND_PHONE_RATE)
        landline = F.concat(F.lit("2"), serial("landline", household))
        has_landline = self._shared.happens("landline", LANDLINE_RATE)
        return F.when((number == 1) & has_second, second).when((number == 2) & has_landline, landline).otherwise(first)

    def loyalty_id(self, day: Column) -> Column:
        """The loyalty card in use on a day; null for those without one."""
        replaced = self._own.between("new-card-day", -self.settings.history_days, self.settings.days)
        is_new = self._own.happens("new-card", NEW_CARD_RATE) & (replaced <= day)
        card = F.concat(F.lit("L"), serial("card", F.col("person") * 2 + is_new.cast("bigint")))
        return F.when(self.has_card(), card)

    def has_card(self) -> Column:
        """Whether the person is a member of the loyalty programme."""
        return self._own.happens("card", CARD_RATE)

    def login(self) -> Column:
        """The account in the shop and the app; null for those without one."""
        return F.when(self._own.happens("login", LOGIN_RATE), F.concat(F.lit("u"), serial("login", F.col("person"))))

    def has_shared_device(self) -> Column:
        """Whether the household has a device that all of it use."""
        return (F.col("size") > 1) & self._shared.happens("shared-device", self.settings.shared_device_rate)

    def device(self, number: Column) -> Column:
        """The device of a number: 0 the own phone, 1 the computer, which is the household's where it shares one."""
        own = self._each(number).identifier("device")
        shared = self._shared.identifier("device")
        return F.when((number == 1) & self.has_shared_device(), shared).otherwise(own)

    def hub(self) -> Column:
        """The public terminal that the person would use, as hundreds of others do."""
        return Chance(self.settings.seed, (F.floor(F.col("person") / PEOPLE_PER_HUB),)).identifier("hub")

    def cookie(self, device: Column, day: Number) -> Column:
        """The browser cookie of a device on a day; browsers begin a new one every few months."""
        of_device = Chance(self.settings.seed, (device,))
        age = F.floor((F.lit(day) + of_device.below("cookie-start", COOKIE_DAYS)) / COOKIE_DAYS)
        return Chance(self.settings.seed, (device, age)).identifier("cookie")

    def _each(self, number: Column) -> Chance:
        # An int and a bigint of the same value have different hashes.
        return Chance(self.settings.seed, ("person", number.cast("bigint")))

    def _address(self, name: Column, chance: Chance) -> Column:
        domain = at(DOMAINS, chance.below("email-domain", len(DOMAINS)))
        return F.concat(name, F.lit("."), chance.identifier("email", 5), F.lit("@"), domain)
