"""The mappings of conf/sources/ on receipts as each vendor documents them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from personalake.config.sources import Source
from personalake.ingestion.adapters import read_spec, to_bronze, with_ordinal
from personalake.ingestion.choice import only_where
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.mapping import mapping_problems
from personalake.ingestion.parsing import parse

Row = Mapping[str, Any]
SHOWN = ("receipt_type", "channel", "reference", "delivery_id", "customer_id", "address", "reason", "occurred_at")

BRAZE_USER = {"user_id": "0123456789abcdef01234567", "external_user_id": "user_1", "timezone": "America/Chicago"}
BRAZE_MAIL = {
    "campaign_id": "11234567", "campaign_name": "Test Campaign", "dispatch_id": "12345qwert", "email_address": "t@test.com",
    "send_id": "f123456789abcdef01234567",
}  # fmt: skip
BRAZE_SMS = {"dispatch_id": "12345qwert", "to_phone_number": "+16462345678", "from_phone_number": "+12123470922"}


AT_MS = 1583849944000


def braze(event_type: str, properties: Row) -> Row:
    return {"event_type": event_type, "id": event_type, "time": 1477502783, "user": BRAZE_USER, "properties": properties}


def salesforce(event: str, info: Row, **more: Any) -> Row:
    return {
        "eventCategoryType": event, "timestampUTC": AT_MS, "compositeId": "9bcfe8e8.1888699.69238.29.207500672",
        "definitionKey": "makana-appt", "mid": 1476456, "eid": 1476266, "info": info, **more,
        "composite": {"jobId": "2001070", "batchId": "4153", "listId": "44609", "subscriberId": "1251508322"},
    }  # fmt: skip


SALESFORCE_TO = {"to": "m@exacttarget.com", "subscriberKey": "5bed12d54c74", "messageKey": "hJlMt8-fckKT4silLiVusA"}


def onesignal(kind: str, **more: str) -> Row:
    return {
        "event.kind": kind, "event.id": kind, "event.timestamp": 1708559115, "event.datetime": "2024-02-21T23:45:15.228Z",
        "event.app_id": "app", "event.subscription_device_type": "iOS", "event.subscription_id": "b2c3",
        "event.onesignal_id": "c3d4", "event.external_id": "user_1", "event.data.failure_reason": "", "message.id": "m-1",
        **more,
    }  # fmt: skip


def segment(event: str, **properties: str) -> Row:
    return {
        "type": "track", "event": event, "messageId": event, "userId": "020ba8yf4r", "properties": {**properties},
        "context": {"traits": {"email": "cool.person@example.com"}}, "timestamp": "2024-02-23T22:28:55.111Z",
        "receivedAt": "2024-02-23T22:28:55.387Z",
    }  # fmt: skip


def sendgrid(event: str, **more: str) -> Row:
    return {
        "email": "t@test.com", "timestamp": 1513299569, "event": event, "sg_event_id": f"{event}-{len(more)}",
        "smtp-id": "<d41d8cd98f00b204e980@shop.example>", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001", **more,
    }  # fmt: skip


def bounce(action: str, status: str) -> Row:
    return {
        "Message-ID": "<d41d8cd98f00b204e980@shop.example>", "Final-Recipient": "rfc822;Louisl@Larry.slip.umd.edu",
        "Action": action, "Status": status, "Diagnostic-Code": "smtp; 426 connection timed out",
        "Last-Attempt-Date": "Thu, 7 Jul 1994 17:15:49 -0400",
    }  # fmt: skip


AT_BRAZE, AT_SALESFORCE = datetime(2016, 10, 26, 17, 26, 23), datetime(2020, 3, 10, 14, 19, 4)
AT_ONESIGNAL, AT_SEGMENT = datetime(2024, 2, 21, 23, 45, 15, 228000), datetime(2024, 2, 23, 22, 28, 55, 111000)
AT_BOUNCE, AT_SENDGRID = datetime(1994, 7, 7, 21, 15, 49), datetime(2017, 12, 15, 0, 59, 29)
OF_BRAZE = ("12345qwert", None, "user_1", "t@test.com")
OF_SALESFORCE = ("hJlMt8-fckKT4silLiVusA", None, "5bed12d54c74", "m@exacttarget.com")
OF_SEGMENT = (None, "020ba8yf4r", "cool.person@example.com", None, AT_SEGMENT)
OF_SENDGRID = ("14c5d75ce93", "d41d8cd98f00b204e980", "t@test.com", "t@test.com")
OF_NOBODYS_MAIL = (None, None, "t@test.com", "t@test.com")
OF_BOUNCE = ("email", None, "d41d8cd98f00b204e980", "louisl@larry.slip.umd.edu", "louisl@larry.slip.umd.edu")

OF_ALL_MAIL = "users.behaviors.subscription.GlobalStateChange"
OF_A_GROUP = "users.behaviors.subscriptiongroup.StateChange"

SAMPLES: dict[str, list[tuple[Row, tuple[Any, ...]]]] = {
    "braze_receipts": [
        (braze("users.messages.email.Delivery", BRAZE_MAIL), ("delivered", "email", *OF_BRAZE, None, AT_BRAZE)),
        (braze("users.messages.email.Open", BRAZE_MAIL), ("opened", "email", *OF_BRAZE, None, AT_BRAZE)),
        (braze("users.messages.email.Click", BRAZE_MAIL), ("clicked", "email", *OF_BRAZE, None, AT_BRAZE)),
        (braze("users.messages.email.Unsubscribe", BRAZE_MAIL), ("unsubscribed", "email", *OF_BRAZE, None, AT_BRAZE)),
        (braze("users.messages.email.MarkAsSpam", BRAZE_MAIL), ("complained", "email", *OF_BRAZE, None, AT_BRAZE)),
        (braze("users.messages.email.SoftBounce", BRAZE_MAIL), ("soft_bounce", "email", *OF_BRAZE, None, AT_BRAZE)),
        (
            braze("users.messages.email.Bounce", BRAZE_MAIL | {"bounce_reason": "550 no such user"}),
            ("hard_bounce", "email", *OF_BRAZE, "550 no such user", AT_BRAZE),
        ),
        (
            braze("users.messages.sms.Abort", BRAZE_SMS | {"abort_type": "rate_limit"}),
            ("capped", "sms", "12345qwert", None, "user_1", "+16462345678", "rate_limit", AT_BRAZE),
        ),
        (
            braze("users.messages.whatsapp.Failure", BRAZE_SMS),
            ("failed", "whatsapp", "12345qwert", None, "user_1", "+16462345678", None, AT_BRAZE),
        ),
        (
            braze("users.messages.whatsapp.Read", BRAZE_SMS),
            ("opened", "whatsapp", "12345qwert", None, "user_1", "+16462345678", None, AT_BRAZE),
        ),
        (
            braze("users.messages.pushnotification.Abort", {"dispatch_id": "x", "abort_type": "liquid_abort_message"}),
            ("failed", "push", "x", None, "user_1", None, "liquid_abort_message", AT_BRAZE),
        ),
        (
            braze("users.messages.sms.InboundReceive", {"user_phone_number": "+16462345678", "action": "unsubscribed"}),
            ("unsubscribed", "sms", None, None, "user_1", "+16462345678", None, AT_BRAZE),
        ),
        (
            braze(OF_ALL_MAIL, {"email_address": "t@test.com", "subscription_status": "Unsubscribed", "channel": "email"}),
            ("unsubscribed", "email", None, None, "user_1", "t@test.com", None, AT_BRAZE),
        ),
        (
            {
                **braze(
                    OF_A_GROUP,
                    {
                        "phone_number": "+16462345678",
                        "email_address": "t@test.com",
                        "channel": "whatsapp",
                        "subscription_status": "Unsubscribed",
                    },
                ),
                "id": "whatsapp",
            },
            ("unsubscribed", "whatsapp", None, None, "user_1", "+16462345678", None, AT_BRAZE),
        ),
        (
            braze(OF_A_GROUP, {"phone_number": "+16462345678", "subscription_status": "Unsubscribed"}),
            ("unsubscribed", "sms", None, None, "user_1", "+16462345678", None, AT_BRAZE),
        ),
    ],
    "salesforce_receipts": [
        (
            salesforce(
                "TransactionalSendEvents.EmailBounced",
                SALESFORCE_TO | {"bounceCode": "HARD", "bounceMessage": "5.1.1 User Unknown", "smtpReason": "5.1.1"},
            ),
            ("hard_bounce", "email", *OF_SALESFORCE, "5.1.1 User Unknown", AT_SALESFORCE),
        ),
        (
            salesforce(
                "TransactionalSendEvents.EmailBounced", SALESFORCE_TO | {"bounceCode": "Block"}, timestampUTC=AT_MS + 1
            ),
            ("soft_bounce", "email", *OF_SALESFORCE, None, AT_SALESFORCE.replace(microsecond=1_000)),
        ),
        (
            salesforce("TransactionalSendEvents.EmailNotSent", SALESFORCE_TO | {"reason": "held", "statusMessage": "Held"}),
            ("failed", "email", *OF_SALESFORCE, "held", AT_SALESFORCE),
        ),
        (
            salesforce(
                "TransactionalSendEvents.EmailNotSent",
                SALESFORCE_TO | {"statusMessage": "Unsubscribed"},
                timestampUTC=AT_MS + 1,
            ),
            ("unsubscribed", "email", None, *OF_SALESFORCE[1:], "Unsubscribed", AT_SALESFORCE.replace(microsecond=1_000)),
        ),
        (
            salesforce("TransactionalSendEvents.EmailSent", SALESFORCE_TO | {"status": "Sent"}),
            ("sent", "email", *OF_SALESFORCE, None, AT_SALESFORCE),
        ),
        (
            salesforce("EngagementEvents.EmailOpen", {"ipAddress": "52.5.174.125"}, compositeId="2001071.44609.4119.1"),
            ("opened", "email", "2001071.44609.4119.1", None, None, None, None, AT_SALESFORCE),
        ),
        (
            salesforce("EngagementEvents.EmailUnsubscribe", {"to": "p@gmail.com", "unsubscribeMethod": "Click"}),
            ("unsubscribed", "email", "9bcfe8e8.1888699.69238.29.207500672", None, None, "p@gmail.com", None, AT_SALESFORCE),
        ),
    ],
    "onesignal_receipts": [
        (onesignal("message.push.clicked"), ("clicked", "push", "m-1", None, "user_1", "b2c3", None, AT_ONESIGNAL)),
        (
            onesignal("message.push.unsubscribed", **{"event.external_id": ""}),
            ("unsubscribed", "push", "m-1", None, None, "b2c3", None, AT_ONESIGNAL),
        ),
        (
            onesignal("message.email.unsubscribed", **{"user.subscription.subscription_token": "t@test.com"}),
            ("unsubscribed", "email", "m-1", None, "user_1", "t@test.com", None, AT_ONESIGNAL),
        ),
        (onesignal("message.email.received"), ("delivered", "email", "m-1", None, "user_1", None, None, AT_ONESIGNAL)),
        (onesignal("message.email.hardbounced"), ("hard_bounce", "email", "m-1", None, "user_1", None, None, AT_ONESIGNAL)),
        (onesignal("message.email.supressed"), ("failed", "email", "m-1", None, "user_1", None, None, AT_ONESIGNAL)),
        (onesignal("message.email.bounced"), ("hard_bounce", "email", "m-1", None, "user_1", None, None, AT_ONESIGNAL)),
        (
            onesignal("message.email.reported_as_spam"),
            ("complained", "email", "m-1", None, "user_1", None, None, AT_ONESIGNAL),
        ),
        (
            onesignal("message.push.failed", **{"event.data.failure_reason": "InvalidToken"}),
            ("failed", "push", "m-1", None, "user_1", "b2c3", "InvalidToken", AT_ONESIGNAL),
        ),
        (onesignal("message.sms.delivered"), ("delivered", "sms", "m-1", None, "user_1", None, None, AT_ONESIGNAL)),
    ],
    "segment_receipts": [
        (segment("Email Delivered", email_id="18vz"), ("delivered", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Link Clicked", email_id="18vz"), ("clicked", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Bounced", email_id="18vz"), ("hard_bounce", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Marked as Spam", email_id="18vz"), ("complained", "email", "18vz", *OF_SEGMENT)),
        (segment("Unsubscribed", email_id="18vz"), ("unsubscribed", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Unsubscribed", email_id="18vz"), ("unsubscribed", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Marked As Spam", email_id="18vz"), ("complained", "email", "18vz", *OF_SEGMENT)),
        (segment("Email Soft Bounced", email_id="18vz"), ("soft_bounce", "email", "18vz", *OF_SEGMENT)),
    ],
    "sendgrid_receipts": [
        (sendgrid("delivered"), ("delivered", "email", *OF_SENDGRID, None, AT_SENDGRID)),
        (sendgrid("unsubscribe"), ("unsubscribed", "email", *OF_SENDGRID, None, AT_SENDGRID)),
        (sendgrid("group_unsubscribe"), ("unsubscribed", "email", *OF_SENDGRID, None, AT_SENDGRID)),
        (sendgrid("spamreport"), ("complained", "email", *OF_SENDGRID, None, AT_SENDGRID)),
        (
            sendgrid("bounce", type="bounce", reason="500 unknown recipient"),
            ("hard_bounce", "email", *OF_SENDGRID, "500 unknown recipient", AT_SENDGRID),
        ),
        (sendgrid("bounce", type="blocked"), ("soft_bounce", "email", *OF_SENDGRID, None, AT_SENDGRID)),
        (
            sendgrid("dropped", reason="Unsubscribed Address"),
            ("unsubscribed", "email", *OF_NOBODYS_MAIL, "Unsubscribed Address", AT_SENDGRID),
        ),
        (
            sendgrid("dropped", reason="Spam Reporting Address", sg_event_id="s"),
            ("complained", "email", *OF_NOBODYS_MAIL, "Spam Reporting Address", AT_SENDGRID),
        ),
        (
            sendgrid("dropped", reason="Bounced Address", sg_event_id="b"),
            ("hard_bounce", "email", *OF_SENDGRID, "Bounced Address", AT_SENDGRID),
        ),
        (
            sendgrid("dropped", reason="Invalid", sg_event_id="i"),
            ("failed", "email", *OF_SENDGRID, "Invalid", AT_SENDGRID),
        ),
    ],
    "delivery_receipts": [
        (
            {
                "receipt_id": "u-1",
                "receipt_type": "unsubscribed",
                "channel": "email",
                "delivery_id": "d41d8cd98f00b204e980",
                "customer_id": "c1",
                "occurred_at": "2026-01-01T00:00:00Z",
            },
            ("unsubscribed", "email", None, "d41d8cd98f00b204e980", "c1", None, None, datetime(2026, 1, 1)),
        ),
    ],
    "smtp_bounces": [
        (bounce("failed", "5.1.1"), ("hard_bounce", *OF_BOUNCE, "5.1.1 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "5.2.1"), ("hard_bounce", *OF_BOUNCE, "5.2.1 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "5.2.2"), ("failed", *OF_BOUNCE, "5.2.2 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "5.7.1"), ("failed", *OF_BOUNCE, "5.7.1 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "5.1.8"), ("failed", *OF_BOUNCE, "5.1.8 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "5.4.7"), ("failed", *OF_BOUNCE, "5.4.7 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("failed", "4.0.0"), ("soft_bounce", *OF_BOUNCE, "4.0.0 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("delayed", "4.4.7"), ("soft_bounce", *OF_BOUNCE, "4.4.7 smtp; 426 connection timed out", AT_BOUNCE)),
        (bounce("delivered", "2.0.0"), ("delivered", *OF_BOUNCE, "2.0.0 smtp; 426 connection timed out", AT_BOUNCE)),
    ],
}


def source_of(name: str) -> Source:
    raw = yaml.safe_load(Path("conf/sources", f"{name}.yml").read_text(encoding="utf-8"))
    assert list(mapping_problems({**raw, "enabled": True})) == []
    return Source.model_validate(raw)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_vendors_receipts_become_the_suites_own(spark: SparkSession, name: str) -> None:
    given = SAMPLES[name]
    landed = datetime(2026, 1, 1, tzinfo=UTC)
    bronze = spark.createDataFrame(
        [(name, json.dumps(row), "f", 1, landed) for row, _ in given],
        "source string, payload string, source_file string, ordinal int, landed_at timestamp",
    )

    rows = bronze.transform(parse(name, source_of(name), CONTRACTS["delivery_receipt"])).collect()

    assert [row["reasons"] for row in rows] == [[]] * len(given)
    assert [tuple(row[field] for field in SHOWN) for row in rows] == [expected for _, expected in given]
    assert len({row["record_id"] for row in rows}) == len(given)


def test_reports_of_other_kinds_are_left_out_and_an_odd_one_is_quarantined(spark: SparkSession, tmp_path: Path) -> None:
    source = source_of("braze_receipts").model_copy(update={"path": tmp_path})
    kinds = ("users.messages.inappmessage.Impression", "users.behaviors.Purchase", "users.messages.sms.CarrierSend",
             "users.messages.email.Wink")  # fmt: skip
    file = tmp_path / "_inbox" / "braze_receipts" / "a.json" / "1767225600_1.json"
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(braze(kind, BRAZE_MAIL)) + "\n" for kind in kinds))
    spec = read_spec(source, tmp_path / "_inbox" / "braze_receipts", None)
    lines = spark.read.format(spec.format).option("recursiveFileLookup", "true").load(spec.path)

    bronze = lines.transform(to_bronze("braze_receipts", source)).transform(with_ordinal(source))
    (row,) = bronze.transform(parse("braze_receipts", source, CONTRACTS["delivery_receipt"])).collect()

    assert row["reasons"] == ["receipt_type: missing"]


IS_THEIRS: dict[str, list[tuple[Row, bool]]] = {
    "braze_receipts": [
        (braze("users.messages.sms.InboundReceive", {"action": "Unsubscribed"}), True),
        (braze("users.messages.sms.InboundReceive", {"action": "None", "message_body": "thanks"}), False),
        (braze("users.messages.sms.CarrierSend", BRAZE_SMS), False),
        (braze(OF_ALL_MAIL, {"subscription_status": "Unsubscribed", "state_change_source": "Preference Center"}), True),
        (braze(OF_ALL_MAIL, {"subscription_status": "Unsubscribed", "state_change_source": "REST API"}), False),
        (braze(OF_ALL_MAIL, {"subscription_status": "Opted In", "state_change_source": "SDK"}), False),
        (braze(OF_A_GROUP, {"subscription_status": "Unsubscribed"}), True),
    ],
    "salesforce_receipts": [
        (salesforce("EngagementEvents.EmailUnsubscribe", SALESFORCE_TO), True),
        (salesforce("TransactionalSendEvents.SmsBounced", SALESFORCE_TO), True),
        (salesforce("EngagementEvents.PushOpen", SALESFORCE_TO), False),
        (salesforce("TransactionalSendEvents.OttNotSent", SALESFORCE_TO), False),
    ],
    "sendgrid_receipts": [
        (sendgrid("unsubscribe"), True),
        (sendgrid("processed"), False),
        (sendgrid("deferred"), False),
        (sendgrid("group_resubscribe"), False),
    ],
}


@pytest.mark.parametrize("name", sorted(IS_THEIRS))
def test_who_says_no_is_heard_however_it_is_said_and_our_own_word_is_not_taken_for_theirs(
    spark: SparkSession, name: str
) -> None:
    given = IS_THEIRS[name]
    rows = spark.createDataFrame(
        [(json.dumps(row), place, None) for place, (row, _) in enumerate(given)],
        "payload string, place int, _corrupt string",
    )

    kept = {row["place"] for row in rows.transform(only_where(source_of(name))).collect()}

    assert [place in kept for place in range(len(given))] == [is_theirs for _, is_theirs in given]
