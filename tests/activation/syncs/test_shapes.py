"""Deliveries in each destination's words; every connector takes what is planned for it."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from personalake.activation.connectors.base import HttpConnector
from personalake.activation.contract import Connector
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.syncs.braze_profile import keys_set, keys_taken_away, names_billed
from personalake.activation.syncs.shapes import Shape, shape_of
from personalake.activation.syncs.values import mapped
from personalake.activation.syncs.wanted import Asked, wanted
from personalake.common.hashing import key_blocks
from personalake.config.audience_kinds import Ability, ability
from personalake.config.audiences import Mapped, Sync
from personalake.config.connections import Connection
from personalake.config.decisions import Holdout
from tests.activation.connectors.settings import connection_of, connector_of
from tests.fakes.schemas import problem

DAY = date(2026, 11, 25)
TEXTS = {"subject": "'Hello'", "text": "'Read this'", "unsubscribe_url": "'https://shop.example/out'"}
TIER: Mapping[str, Any] = {"fields": {"tier": "favourite_category"}}
FLAG: Mapping[str, Any] = {**TIER, "membership": "is_member"}
# One sync of each kind, with the payload of one person who came and of one who left.
CASES: Mapping[str, tuple[str, Mapping[str, Any], str, Any, Any]] = {
    "identify": (
        "segment", {**FLAG, "mode": "mirror"}, "identify",
        {"type": "identify", "messageId": "m1", "userId": "k1", "traits": {"tier": "tea", "is_member": True},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        {"type": "identify", "messageId": "m1", "userId": "k1", "traits": {"tier": None, "is_member": False},
         "timestamp": "2026-11-25T00:00:00.000Z"},
    ),
    "track": (
        "segment", {**TIER, "mode": "insert", "event": "Came"}, "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Came", "properties": {"tier": "tea"},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        None,
    ),
    "group": (
        "segment", {"fields": {"tier": "favourite_category", "orders": "orders", "employees": "orders"}, "group": "tier"},
        "group",
        {"type": "group", "messageId": "m1", "userId": "k1", "groupId": "tea", "traits": {"orders": 3, "employees": "3"},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        None,
    ),
    "suppression": (
        "segment_suppression", {"mode": "mirror"}, "regulate",
        {"regulationType": "UNSUPPRESS", "subjectType": "USER_ID", "subjectId": "k1"},
        {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectId": "k1"},
    ),
    "attributes": (
        "braze_track", {**FLAG, "mode": "archive"}, "attributes",
        {"external_id": "k1", "tier": "tea", "is_member": True},
        {"external_id": "k1", "_update_existing_only": True, "is_member": False},
    ),
    "purchase": (
        "braze_track",
        {"fields": {"product_id": "77", "currency": "'EUR'", "price": "'2.5'", "quantity": "CAST(orders AS DOUBLE)",
                    "shelf": "'left'"}, "mode": "insert", "purchase": True},
        "purchase",
        {"external_id": "k1", "product_id": "77", "currency": "EUR", "price": 2.5, "quantity": 3,
         "properties": {"shelf": "left"}, "time": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "profile": (
        "braze_track",
        {"fields": {"dob": "timestamp'1980-05-17 10:00:00'", "gender": "'Female'", "country": "'de '",
                    "date_of_first_session": "date'2026-11-25'", "email_subscribe": "'opted_in'", "first_name": "'Ann'",
                    "home.city": "'Ulm'", "home.floor": "CAST(NULL AS INT)", "work.city": "CAST(NULL AS STRING)",
                    "home.since": "timestamp'2026-11-25 08:00:00'", "home.signed": "date'2026-11-24'", "home.rooms": "3",
                    "language": "'de_AT'", "phone": "' +49 (170) 12-3'",
                    "tags": "array('a', 'b')"}, "mode": "mirror", "max_personal_fields": 9},
        "attributes",
        {"external_id": "k1", "_merge_objects": True, "dob": "1980-05-17", "gender": "F", "country": "DE",
         "date_of_first_session": "2026-11-25T00:00:00.000Z", "email_subscribe": "opted_in", "first_name": "Ann",
         "home": {"city": "Ulm", "since": {"$time": "2026-11-25T08:00:00.000Z"}, "signed": {"$time": "2026-11-24"},
                  "rooms": 3},
         "language": "de", "phone": "+49170123", "tags": ["a", "b"]},
        {"external_id": "k1", "_update_existing_only": True, "dob": None, "gender": None,
         "country": None, "date_of_first_session": None, "first_name": None, "language": None, "phone": None,
         "home": None, "work": None, "tags": None},
    ),
    "a country by its name": (
        "braze_track", {"fields": {"country": "' Côte d''Ivoire '"}}, "attributes",
        {"external_id": "k1", "country": "Côte d'Ivoire"}, None,
    ),
    # Braze drops an object that holds a null: what is erased in one is left out of it, and the object replaces the old one.
    "what is erased in an object": (
        "braze_track",
        {"fields": {"home.city": "'Ulm'", "home.floor": "CAST(NULL AS INT)", "work.city": "CAST(NULL AS STRING)",
                    "work.at.floor": "CAST(NULL AS INT)", "tier": "CAST(NULL AS INT)",
                    "past": "array(named_struct('city', 'Bonn', 'floor', CAST(NULL AS INT)))"},
         "mode": "upsert", "nulls": "erase", "max_personal_fields": 9},
        "attributes",
        {"external_id": "k1", "home": {"city": "Ulm"}, "work": None, "tier": None, "past": [{"city": "Bonn"}]}, None,
    ),
    "what is done with a list of objects": (
        "braze_track",
        {"fields": {"pets.$add": "array(named_struct('id', 3, 'name', 'Doug'))", "visits.inc": "1", "facebook.id": "77"},
         "mode": "upsert"},
        "attributes",
        {"external_id": "k1", "_merge_objects": True, "pets": {"$add": [{"id": 3, "name": "Doug"}]}, "visits": {"inc": 1},
         "facebook": {"id": "77"}}, None,
    ),
    # Without `_merge_objects` Braze would leave nothing of the pet but its age.
    "an object of a list": (
        "braze_track",
        {"fields": {"pets": "named_struct('$update', array(named_struct('$identifier_key', 'id', '$identifier_value', 4,"
                            " '$new_object', named_struct('age', 2))))"}, "mode": "upsert", "nulls": "erase"},
        "attributes",
        {"external_id": "k1", "_merge_objects": True,
         "pets": {"$update": [{"$identifier_key": "id", "$identifier_value": 4, "$new_object": {"age": 2}}]}}, None,
    ),
    # What Braze would not read is refused by its field's name later on; written as a null it would take away what is there.
    "what has no form at braze": (
        "braze_track",
        {"fields": {"dob": "'17.5.1980'", "gender": "'divers'", "date_of_last_session": "'lately'",
                    "tier": "CAST(NULL AS INT)", "email_subscribe": "CAST(NULL AS STRING)"},
         "mode": "mirror", "nulls": "erase", "max_personal_fields": 9},
        "attributes",
        {"external_id": "k1", "dob": "17.5.1980", "gender": "divers", "date_of_last_session": "lately", "tier": None},
        {"external_id": "k1", "_update_existing_only": True, "dob": None, "gender": None, "date_of_last_session": None,
         "tier": None},
    ),
    "alias": (
        "braze_track", {**TIER, "key_field": "user_alias", "alias_label": "crm"}, "attributes",
        {"user_alias": {"alias_name": "k1", "alias_label": "crm"}, "_update_existing_only": False, "tier": "tea"}, None,
    ),
    "braze's own id": (
        "braze_track", {**TIER, "key_field": "braze_id", "mode": "insert", "event": "came"}, "event",
        {"braze_id": "k1", "name": "came", "time": "2026-11-25T00:00:00.000Z", "properties": {"tier": "tea"}}, None,
    ),
    "bought": (
        "braze_track",
        {"audience": {"orders": {"each": "product"}}, "mode": "insert", "purchase": True,
         "fields": {"product_id": "product_id", "currency": "lower(currency)", "price": "price", "quantity": "quantity",
                    "order_id": "order_id", "name": "product_name"}},
        "purchase",
        {"external_id": "k1", "app_id": "app-1", "product_id": "p1", "currency": "EUR", "price": 2.25, "quantity": 2,
         "properties": {"order_id": "o1", "name": "Tea"}, "time": "2026-03-28T23:30:15.123Z"}, None,
    ),
    "order": (
        "segment",
        {"audience": {"orders": {}}, "mode": "insert", "event": "Order Completed",
         "fields": {"order_id": "order_id", "total": "order_total", "currency": "currency", "products": "products"}},
        "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Order Completed",
         "timestamp": "2026-03-28T23:30:15.123Z",
         "properties": {"order_id": "o1", "total": 4.5, "currency": "EUR",
                        "products": [{"product_id": "p1", "name": "Tea", "quantity": 2, "price": 2.25}]}}, None,
    ),
    "order at braze": (
        "braze_track",
        {"audience": {"orders": {}}, "mode": "insert", "event": "ecommerce.order_placed",
         "fields": {"order_id": "order_id", "total_value": "order_total", "currency": "lower(currency)",
                    "products": "products", "source": "'web'", "total_discounts": "'0.5'", "tax": "'0.72'"}},
        "event",
        {"external_id": "k1", "name": "ecommerce.order_placed", "time": "2026-03-28T23:30:15.123Z",
         "properties": {"order_id": "o1", "total_value": 4.5, "currency": "EUR", "source": "web", "total_discounts": 0.5,
                        "tax": 0.72,
                        "products": [{"product_id": "p1", "product_name": "Tea", "variant_id": "p1", "quantity": 2,
                                      "price": 2.25}]}}, None,
    ),
    "order at the desk": (
        "webhook", {"audience": {"orders": {}}, "mode": "insert", "fields": {"order_id": "order_id"}}, "message",
        {"type": "order.placed", "timestamp": "2026-03-28T23:30:15.123Z",
         "data": {"audience": "s", "external_id": "k1", "order_id": "o1"}}, None,
    ),
    # In the words of two help desks: Zendesk's `POST /api/v2/tickets`, Freshdesk's of the same name.
    "a ticket at one desk": (
        "webhook",
        {"mode": "insert", "max_personal_fields": 9,
         "fields": {"ticket.subject": "concat('Ask about ', favourite_category)", "ticket.comment.body": "'3 orders'",
                    "ticket.comment.public": "false", "ticket.requester.email": "'ann@home.example'",
                    "ticket.external_id": "CAST(orders AS STRING)", "ticket.tags": "array('win_back')"}},
        "message",
        {"ticket": {"subject": "Ask about tea", "comment": {"body": "3 orders", "public": False},
                    "requester": {"email": "ann@home.example"}, "external_id": "3", "tags": ["win_back"]}}, None,
    ),
    "a ticket at another": (
        "webhook",
        {"mode": "insert", "max_personal_fields": 9,
         "fields": {"subject": "'Hello'", "description": "'3 orders'", "email": "'ann@home.example'", "status": "2",
                    "priority": "1", "custom_fields.cf_orders": "orders"}},
        "message",
        {"subject": "Hello", "description": "3 orders", "email": "ann@home.example", "status": 2, "priority": 1,
         "custom_fields": {"cf_orders": 3}}, None,
    ),
    "reserved traits": (
        "segment",
        {"fields": {"firstName": "'Ann'", "birthday": "date'1980-05-17'", "createdAt": "timestamp'2026-11-25 08:00:00'",
                    "phone": "4915112345678", "id": "77",
                    "age": "46", "address.city": "'Ulm'", "address.postalCode": "'89073'", "company.name": "'Tea & Co'"},
         "nulls": "erase", "max_personal_fields": 9},
        "identify",
        {"type": "identify", "messageId": "m1", "userId": "k1", "timestamp": "2026-11-25T00:00:00.000Z",
         "traits": {"firstName": "Ann", "birthday": "1980-05-17", "createdAt": "2026-11-25T08:00:00.000Z",
                    "phone": "4915112345678", "id": "77", "age": 46,
                    "address": {"city": "Ulm", "postalCode": "89073"}, "company": {"name": "Tea & Co"}}}, None,
    ),
    "parts of reserved traits": (
        "segment",
        {"fields": {"age": "'46'", "address.postalCode": "89073", "company.id": "7", "company.name": "7",
                    "company.employee_count": "'420'",
                    "context.locale": "'de-DE'", "context.active": "false", "context.traits.phone": "4915112345678",
                    "context.location.latitude": "48.4D", "context.timezone": "CAST(NULL AS STRING)"},
         "integrations": {"All": False, "Mail Tool": True}, "mode": "mirror", "membership": "is_member",
         "max_personal_fields": 9},
        "identify",
        {"type": "identify", "messageId": "m1", "userId": "k1", "timestamp": "2026-11-25T00:00:00.000Z",
         "traits": {"age": 46, "address": {"postalCode": "89073"}, "company": {"id": 7, "name": "7", "employee_count": 420},
                    "is_member": True},
         "context": {"locale": "de-DE", "active": False, "traits": {"phone": "4915112345678"},
                     "location": {"latitude": 48.4}},
         "integrations": {"All": False, "Mail Tool": True}},
        {"type": "identify", "messageId": "m1", "userId": "k1", "timestamp": "2026-11-25T00:00:00.000Z",
         "traits": {"age": None, "address": {"postalCode": None}, "is_member": False,
                    "company": {"id": None, "name": None, "employee_count": None}},
         "integrations": {"All": False, "Mail Tool": True}},
    ),
    "reserved properties": (
        "segment",
        {"fields": {"revenue": "'19.90'", "value": "3", "currency": "' eur'", "order_id": "77", "tax": "1.50BD",
                    "context.ip": "'192.0.2.1'", "context.consent.categoryPreferences.Advertising": "orders > 2",
                    "context.consent.categoryPreferences.Analytics": "CAST(NULL AS BOOLEAN)",
                    "context.consent.categoryPreferences.Sharing": "'perhaps'"},
         "mode": "insert", "event": "Order Completed"},
        "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Order Completed",
         "properties": {"revenue": 19.9, "value": 3, "currency": "EUR", "order_id": "77", "tax": 1.5},
         "context": {"ip": "192.0.2.1", "consent": {"categoryPreferences": {"Advertising": True, "Analytics": False,
                                                                            "Sharing": False}}},
         "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "a step of a checkout": (
        "segment",
        {"fields": {"step": "'2'", "payment_method": "7", "checkout_id": "8", "shipping_method": "array('a', 'b')"},
         "mode": "insert", "event": "Checkout Step Viewed"},
        "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Checkout Step Viewed",
         "properties": {"step": 2, "payment_method": "7", "checkout_id": "8", "shipping_method": '["a","b"]'},
         "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "the place of a product": (
        "segment", {"fields": {"position": "'3'", "rating": "5"}, "mode": "insert", "event": "Product Reviewed"}, "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Product Reviewed",
         "properties": {"position": 3, "rating": "5"}, "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "the place of a promotion": (
        "segment", {"fields": {"position": "3", "creative": "4"}, "mode": "insert", "event": "Promotion Viewed"}, "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Promotion Viewed",
         "properties": {"position": "3", "creative": "4"}, "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "properties of an event of one's own": (
        "segment",
        {"fields": {"revenue": "'much'", "total": "'1'", "order_id": "77"}, "mode": "insert", "event": "Came"}, "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Came",
         "properties": {"revenue": "much", "total": "1", "order_id": 77}, "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "group in a context": (
        "segment", {"fields": {"tier": "favourite_category", "address.postalCode": "89073", "context.active": "false"},
                    "group": "tier"},
        "group",
        {"type": "group", "messageId": "m1", "userId": "k1", "groupId": "tea", "context": {"active": False},
         "traits": {"address": {"postalCode": "89073"}}, "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "both ids": (
        "segment", {**TIER, "anonymous_key": "favourite_category"}, "identify",
        {"type": "identify", "messageId": "m1", "userId": "k1", "anonymousId": "tea", "traits": {"tier": "tea"},
         "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "anonymous": (
        "segment", {**TIER, "key_field": "anonymousId"}, "identify",
        {"type": "identify", "messageId": "m1", "anonymousId": "k1", "traits": {"tier": "tea"},
         "timestamp": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "update": (
        "braze_track", {**TIER, "mode": "update"}, "attributes",
        {"external_id": "k1", "_update_existing_only": True, "tier": "tea"}, None,
    ),
    "event": (
        "braze_track", {**TIER, "mode": "insert", "event": "came"}, "event",
        {"external_id": "k1", "name": "came", "time": "2026-11-25T00:00:00.000Z", "properties": {"tier": "tea"}}, None,
    ),
    "subscription": (
        "braze_subscription", {"mode": "mirror", "subscription_group_id": "g"}, "set",
        {"subscription_group_id": "g", "subscription_state": "subscribed", "external_id": "k1"},
        {"subscription_group_id": "g", "subscription_state": "unsubscribed", "external_id": "k1"},
    ),
    "campaign": (
        "braze_send", {**TIER, "mode": "insert", "campaign_id": "c"}, "send",
        {"campaign_id": "c", "recipients": [{"external_user_id": "k1", "trigger_properties": {"tier": "tea"}}]}, None,
    ),
    "campaign by address": (
        "braze_send", {**TIER, "mode": "insert", "campaign_id": "c", "key_field": "email"}, "send",
        {"campaign_id": "c", "recipients": [{
            "email": "k1", "prioritization": ["identified", "most_recently_updated"], "trigger_properties": {"tier": "tea"},
        }]}, None,
    ),
    "rows": ("sfmc_rows", {**FLAG, "mode": "archive"}, "row", {"id": "k1", "tier": "tea", "is_member": True},
             {"id": "k1", "is_member": False}),
    "rowset": ("sfmc_rowset", TIER, "row", {"keys": {"id": "k1"}, "values": {"tier": "tea"}}, None),
    "rowset of two keys": (
        "sfmc_rowset", {"fields": {"at": "'shop'", "tier": "favourite_category"}}, "row",
        {"keys": {"id": "k1", "at": "shop"}, "values": {"tier": "tea"}}, None,
    ),
    "campaign by alias": (
        "braze_send", {**TIER, "mode": "insert", "campaign_id": "c", "key_field": "user_alias", "alias_label": "crm"},
        "send",
        {"campaign_id": "c", "recipients": [
            {"user_alias": {"alias_name": "k1", "alias_label": "crm"}, "trigger_properties": {"tier": "tea"}},
        ]}, None,
    ),
    "journey": (
        "sfmc_journey", {**TIER, "mode": "insert", "event": "J1"}, "entry",
        {"ContactKey": "k1", "EventDefinitionKey": "J1", "Data": {"tier": "tea"}}, None,
    ),
    "tealium": (
        "tealium", {**TIER, "event": "audience"}, "event",
        {"tealium_event": "audience", "tealium_visitor_id": "__acme_main__86_k1__", "message_id": "m1",
         "event_timestamp": "2026-11-25T00:00:00.000Z", "tier": "tea"},
        None,
    ),
    "an anonymous visitor": (
        "tealium", {**TIER, "event": "audience"}, "event",
        {"tealium_event": "audience", "tealium_visitor_id": "k1", "message_id": "m1",
         "event_timestamp": "2026-11-25T00:00:00.000Z", "tier": "tea"},
        None,
    ),
    "fcm": (
        "fcm",
        {"fields": {"title": "'Hi'", "body": "favourite_category", "orders": "orders", "at": "timestamp_seconds(0)"},
         "mode": "insert"},
        "message",
        {"token": "k1", "notification": {"title": "Hi", "body": "tea"},
         "data": {"orders": "3", "at": "1970-01-01T00:00:00.000Z"}}, None,
    ),
    "onesignal": (
        "onesignal", {"fields": {"contents": "favourite_category"}, "mode": "insert", "channel": "push"}, "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "push", "contents": {"en": "tea"}}, None,
    ),
    "onesignal by its own id": (
        "onesignal",
        {"fields": {"contents": "favourite_category"}, "mode": "insert", "channel": "push", "key_field": "onesignal_id"},
        "message",
        {"include_aliases": {"onesignal_id": ["k1"]}, "target_channel": "push", "contents": {"en": "tea"}}, None,
    ),
    "onesignal by subscription": (
        "onesignal",
        {"fields": {"contents": "favourite_category", "subtitle": "'New'", "url": "'https://shop.example/'",
                    "orders": "orders"}, "mode": "insert", "channel": "push", "key_field": "subscription_id"},
        "message",
        {"include_subscription_ids": ["k1"], "contents": {"en": "tea"}, "subtitle": {"en": "New"},
         "url": "https://shop.example/", "data": {"orders": 3}}, None,
    ),
    "onesignal mail": (
        "onesignal",
        {"fields": {"email_subject": "'Hi'", "email_body": "favourite_category", "orders": "orders"}, "mode": "insert",
         "channel": "email"},
        "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "email", "email_subject": "Hi", "email_body": "tea",
         "custom_data": {"orders": 3}}, None,
    ),
    "onesignal text message": (
        "onesignal",
        {"fields": {"contents": "favourite_category", "sms_from": "'+15551112222'"}, "mode": "insert", "channel": "sms"},
        "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "sms", "name": "s", "contents": {"en": "tea"},
         "sms_from": "+15551112222"}, None,
    ),
    "onesignal picture": (
        "onesignal",
        {"fields": {"contents": "'Hi'", "ios_attachments.id1": "'https://shop.example/a.jpg'", "ttl": "60",
                    "big_picture": "'https://shop.example/a.jpg'", "shelf": "'left'"}, "mode": "insert", "channel": "push"},
        "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "push", "contents": {"en": "Hi"}, "ttl": 60,
         "ios_attachments": {"id1": "https://shop.example/a.jpg"}, "big_picture": "https://shop.example/a.jpg",
         "data": {"shelf": "left"}}, None,
    ),
    "fcm for the app alone": (
        "fcm", {"fields": {"orders": "orders", "apns.payload.aps.content-available": "1"}, "mode": "insert"}, "message",
        {"token": "k1", "data": {"orders": "3"}, "apns": {"payload": {"aps": {"content-available": 1}}}}, None,
    ),
    "fcm by platform": (
        "fcm",
        {"fields": {"title": "'Hi'", "body": "'There'", "android.ttl": "86400", "android.collapse_key": "order_id",
                    "apns.headers.apns-priority": "5", "webpush.fcm_options.link": "'https://shop.example/'"},
         "audience": {"orders": {}}, "mode": "insert"},
        "message",
        {"token": "k1", "notification": {"title": "Hi", "body": "There"},
         "android": {"ttl": "86400s", "collapse_key": "o1"}, "apns": {"headers": {"apns-priority": "5"}},
         "webpush": {"fcm_options": {"link": "https://shop.example/"}}}, None,
    ),
    "fcm in the forms of each platform": (
        "fcm",
        {"fields": {"title": "'Hi'", "body": "'There'", "android.collapse_key": "7", "android.notification.channel_id": "12",
                    "android.notification.event_time": "date'2026-11-25'", "android.notification.notification_count": "3",
                    "apns.headers.apns-expiration": "timestamp'2026-11-25 00:00:00Z'", "apns.payload.aps.badge": "1",
                    "webpush.headers.TTL": "60", "fcm_options.analytics_label": "7", "likes": "array('a', 'b')",
                    "home": "named_struct('city', 'Ulm')"},
         "mode": "insert", "max_personal_fields": 12},
        "message",
        {"token": "k1", "notification": {"title": "Hi", "body": "There"},
         "data": {"likes": '["a","b"]', "home": '{"city":"Ulm"}'},
         "android": {"collapse_key": "7", "notification": {"channel_id": "12", "event_time": "2026-11-25T00:00:00.000Z",
                                                           "notification_count": 3}},
         "apns": {"headers": {"apns-expiration": "1795564800"}, "payload": {"aps": {"badge": 1}}},
         "webpush": {"headers": {"TTL": "60"}}, "fcm_options": {"analytics_label": "7"}}, None,
    ),
    "when a user came": (
        "onesignal_user",
        {"fields": {"first_active": "timestamp'2026-11-25 00:00:00Z'", "last_active": "1700000000", "lat": "48.4D"}},
        "user",
        {"alias_label": "external_id", "alias_id": "k1",
         "properties": {"first_active": 1795564800, "last_active": 1700000000, "lat": 48.4, "tags": {}}}, None,
    ),
    "a user in the forms of onesignal": (
        "onesignal_user",
        {"fields": {"language": "'DE_at'", "country": "'de '", "ip": "'192.0.2.1'", "lat": "'48.4'", "long": "10",
                    "timezone_id": "'Asia/Tokyo'",
                    "last_order": "date'2026-11-25'", "seen": "timestamp'2026-11-25 08:00:00.5'", "vip": "true",
                    "likes": "array('a')", "nothing": "CAST(NULL AS STRING)"}, "nulls": "erase", "max_personal_fields": 9},
        "user",
        {"alias_label": "external_id", "alias_id": "k1",
         "properties": {"language": "de", "country": "DE", "ip": "192.0.2.1", "lat": 48.4, "long": 10.0,
                        "timezone_id": "Asia/Tokyo",
                        "tags": {"last_order": "1795564800", "seen": "1795593600", "vip": "true", "likes": '["a"]',
                                 "nothing": ""}}}, None,
    ),
    "a user in chinese": (
        "onesignal_user", {"fields": {"language": "'zh_hant'", "lat": "'north'"}}, "user",
        {"alias_label": "external_id", "alias_id": "k1",
         "properties": {"language": "zh-Hant", "lat": "north", "tags": {}}}, None,
    ),
    "what a push has of its own": (
        "onesignal",
        {"fields": {"contents": "orders", "headings": "CAST(NULL AS STRING)", "ios_sound": "'ding.wav'", "isIos": "true",
                    "android_visibility": "0", "android_group_message": "'more'",
                    "buttons": "array(named_struct('id', '1', 'text', 'Go'))", "offer": "CAST(NULL AS STRING)"},
         "mode": "insert", "channel": "push"},
        "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "push", "contents": {"en": "3"},
         "android_group_message": {"en": "more"}, "android_visibility": 0,
         "ios_sound": "ding.wav", "isIos": True, "buttons": [{"id": "1", "text": "Go"}]}, None,
    ),
    "tags": (
        "onesignal_user",
        {"fields": {"tier": "favourite_category", "orders": "orders", "language": "'de'"}, "mode": "mirror",
         "membership": "is_member"},
        "user",
        {"alias_label": "external_id", "alias_id": "k1",
         "properties": {"language": "de", "tags": {"tier": "tea", "orders": "3", "is_member": "true"}}},
        {"alias_label": "external_id", "alias_id": "k1",
         "properties": {"tags": {"tier": "", "orders": "", "is_member": "false"}}},
    ),
    "webhook": (
        "webhook", {**TIER, "mode": "mirror"}, "message",
        {"type": "audience.entered", "timestamp": "2026-11-25T00:00:00.000Z",
         "data": {"audience": "s", "external_id": "k1", "tier": "tea"}},
        {"type": "audience.left", "timestamp": "2026-11-25T00:00:00.000Z", "data": {"audience": "s", "external_id": "k1"}},
    ),
    "email": (
        "email", {"fields": TEXTS, "mode": "insert", "key": "email"}, "mail",
        {"to": "k1", "subject": "Hello", "text": "Read this", "unsubscribe_url": "https://shop.example/out"}, None,
    ),
    "files": (
        "csv_drop", {**FLAG, "mode": "mirror"}, "row", {"external_id": "k1", "tier": "tea", "is_member": True},
        {"external_id": "k1", "is_member": False},
    ),
}  # fmt: skip


FORMS = {
    "segment": ("segment", "batch"), "segment_suppression": ("segment", "regulation"),
    "braze_track": ("braze", "track"), "braze_send": ("braze", "trigger"),
    "braze_subscription": ("braze", "subscription"), "sfmc_rows": ("salesforce", "async"),
    "sfmc_rowset": ("salesforce", "rowset"), "sfmc_journey": ("salesforce", "event"), "tealium": ("tealium", "bulk"),
    "fcm": ("fcm", "send"), "onesignal": ("onesignal", "message"), "onesignal_user": ("onesignal", "user"),
}  # fmt: skip
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "files": {"folder": "/f", "columns": ["external_id", "tier", "is_member"]},
    "bought": {"app_id": "app-1"},
    "an anonymous visitor": {"known_visitors": False},
    "rowset of two keys": {"keys": ["id", "at"]},
    "a ticket at one desk": {"form": "fields"},
    "a ticket at another": {"form": "fields"},
}


AT_ONCE = 8


def sync_of(**more: Any) -> Sync:
    return Sync.model_validate({
        "audience": {"where": "orders > 0"}, "destination": "crm", "purposes": ["personalisation"], **more,
    })  # fmt: skip


def shape(name: str, **more: Any) -> Shape:
    kind, options, *_ = CASES[name]
    return shape_of("s", sync_of(**{**options, **more}), connection_of(kind, **OPTIONS.get(name, {})), DAY)


@pytest.fixture(scope="module")
def payloads(spark: SparkSession) -> dict[str, Any]:
    """The payloads of all kinds, of one person, in a few questions to Spark: a plan of all would be weighed for long."""
    person = spark.createDataFrame(
        [("k1", "m1", "added", "tea", 3)],
        "key string, message_id string, change string, favourite_category string, orders int",
    ).selectExpr(
        "*", "'o1' AS order_id", "'EUR' AS currency", "4.50BD AS order_total", "'p1' AS product_id", "'Tea' AS product_name",
        "2.25D AS price", "2 AS quantity", "timestamp'2026-03-29 01:30:15.123456+02:00' AS occurred_at",
        "array(named_struct('product_id', 'p1', 'name', 'Tea', 'quantity', 2, 'price', 2.25D)) AS products",
    )  # fmt: skip
    names = list(CASES)
    return {
        column: value
        for first in range(0, len(names), AT_ONCE)
        for column, value in shaped(person, names[first : first + AT_ONCE]).asDict(recursive=False).items()
    }


def shaped(person: DataFrame, names: list[str]) -> Row:
    columns = []
    for name in names:
        _, options, *_ = CASES[name]
        made = shape(name)
        values = {field: mapped(one) for field, one in sync_of(**options).fields.items()}
        given = {"key": F.col("key"), **{f"fields.{field}": value for field, value in values.items()}}
        given["anonymous_key"] = F.col("favourite_category")
        # The body is a column of its own in a plan, and so is what stands beside it; here each kind has one.
        person = person.withColumns({"body": made.body(values), "beside": made.beside(given)})
        removal = F.lit(None) if made.removal is None else made.removal
        person = person.withColumns({name: made.payload, f"{name}_left": removal})
        columns += [name, f"{name}_left"]
    row = person.select(*columns).first()
    assert row is not None
    return row


REFUSED = {
    "what has no form at braze": "dob is not a day as YYYY-MM-DD",
    "properties of an event of one's own": "revenue is not a number",
    "a user in chinese": "lat is not a number of -90 to 90",
}


class PagerConnection(Connection):
    kind: Literal["pager"] = "pager"


def test_a_kind_that_is_in_no_table_is_planned_by_its_promise(spark: SparkSession) -> None:
    connection = PagerConnection()
    made = shape_of("s", sync_of(mode="insert", fields={"text": "favourite_category"}), connection, DAY)
    row = (
        spark.createDataFrame([("k1", '{"text":"tea"}')], "key string, body string").select(made.payload.alias("p")).first()
    )

    assert ability(connection, None) == Ability(("insert",), is_message=True)
    assert row is not None
    assert json.loads(row["p"]) == {"external_id": "k1", "text": "tea"}
    assert (made.operation, made.removal) == ("item", None)


def test_braze_bills_each_key_of_an_object_and_no_state_of_subscription(spark: SparkSession) -> None:
    names = [
        "tier",
        "home.city",
        "home.since",
        "home.deep.x",
        "home.deep.y",
        "visits.inc",
        "email_subscribe",
        "sizes.*",
        "note.*",
    ]
    home = {"city": "Ulm", "since": {"$time": "2026-11-25"}, "deep": {"x": 1, "y": 2}}
    bodies = [
        {"tier": "tea", "home": home, "visits": {"inc": 1}, "email_subscribe": "opted_in",
         "sizes": {"shoe": 43, "shirt": {"size": "L", "fit": {"of": "x", "by": 1}}}, "note": "none"},
        {"tier": None, "home": None, "sizes": "none", "note": [{"a": 1, "b": 2}]}, {},
    ]  # fmt: skip
    rows = spark.createDataFrame([(json.dumps(body),) for body in bodies], "body string").coalesce(1)

    billed = rows.select(keys_set(F.col("body"), names).alias("keys")).collect()

    assert [row["keys"] for row in billed] == [11, 4, 0]
    assert keys_taken_away(names) == 5


def test_an_object_that_sql_makes_is_billed_by_its_keys() -> None:
    made = {
        "home": "named_struct('city', city, 'code', postcode)", "kept": "Preferences", "visits": "map('inc', 1)",
        "split": "str_to_map(city)", "read": "from_json(city, 'x int, y int')",
        "named": "map(lower(city), 1, upper(city), 2)",
        "first": "element_at(items, 1)", "perhaps": "if(orders > 1, struct(city), null)",
    }  # fmt: skip
    plain = {"tier": "city", "low": "lower(city)", "many": "orders + 1", "said": "to_json(struct(city))"}

    assert names_billed(sync_of(fields={**plain, **made}, max_personal_fields=20)) == [
        *plain,
        *(f"{name}.*" for name in made),
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_delivery_is_in_the_words_of_its_destination_and_its_connector_takes_it(
    name: str, payloads: dict[str, Any]
) -> None:
    kind, _, operation, came, left = CASES[name]

    assert shape(name).operation == operation
    assert json.loads(payloads[name]) == came
    if left is not None:
        assert json.loads(payloads[f"{name}_left"]) == left
    connector = connector_of(kind, **OPTIONS.get(name, {}))
    for place, text in enumerate((payloads[name], payloads[f"{name}_left"] if left else None)):
        if text is not None:
            text = text.replace('"to":"k1"', '"to":"k1@shop.example"')
            delivery = Delivery("d", "p", operation, text)
            refused = None if place else REFUSED.get(name)
            assert connector.problem_of(delivery) == refused
            assert bool(list(undocumented(connector, delivery))) == (refused is not None)


def undocumented(connector: Connector, delivery: Delivery) -> Iterator[str]:
    """What is wrong with the request of a delivery, by the schemas after the vendors' documents."""
    kind = connector.declaration.kind
    if kind not in FORMS or not isinstance(connector, HttpConnector):
        return
    body = json.loads(connector.request(Pack("p", connector.group_of(delivery), (delivery,), 1)).body)
    vendor, name = FORMS[kind]
    if kind == "segment":
        forms = [(item["type"], item) for item in body["batch"]]
    elif kind == "braze_track":
        named = {"attributes": "attributes", "events": "event", "purchases": "purchase"}
        forms = [(named[key], item) for key, items in body.items() for item in items]
    else:
        forms = [(name, body)]
    yield from filter(None, (problem(vendor, form, item) for form, item in forms))


def test_a_visitor_who_is_called_otherwise_is_told_everything_again() -> None:
    assert shape("tealium").mark != shape("an anonymous visitor").mark


def test_a_null_is_left_out_unless_it_is_to_erase_and_a_row_that_cannot_leave_it_out_is_refused(spark: SparkSession) -> None:
    columns = "person_id string, customer_id string, favourite_category string"
    people = spark.createDataFrame([("p1", "k1", None), ("p2", "k2", "tea")], columns)
    granted = people.selectExpr("person_id", "array('personalisation') AS purposes")

    def bodies(kind: str, **more: Any) -> list[tuple[str, str | None]]:
        connection = connection_of(kind, **({"folder": "/f"} if kind == "csv_drop" else {}))
        sync = sync_of(**TIER, holdout=False, **more)
        asked = Asked(sync, shape_of("s", sync, connection, DAY), ability(connection, None), Holdout(), 1_000, {})
        rows = wanted(people, granted, asked).orderBy("person_id").collect()
        return [(row["body"], row["refusal"]) for row in rows]

    assert bodies("segment") == [("{}", None), ('{"tier":"tea"}', None)]
    assert bodies("segment", nulls="erase") == [('{"tier":null}', None), ('{"tier":"tea"}', None)]
    assert [refusal for _, refusal in bodies("csv_drop")] == ["a null in a row that cannot leave a value out", None]
    assert [refusal for _, refusal in bodies("csv_drop", nulls="erase")] == [None, None]


def test_people_are_refused_with_a_reason_and_one_key_is_one_person(spark: SparkSession) -> None:
    columns = "person_id string, customer_id string, favourite_category string"
    people = spark.createDataFrame(
        [
            ("p1", "k1", "tea"),
            ("p1", "k1", "tea"),
            ("p2", "k1", "tea"),
            ("p3", "", "tea"),
            ("p4", "k4", "tea"),
            ("p5", "k5", "x" * 99),
        ],
        columns,
    )
    granted = people.where("person_id <> 'p4'").distinct().selectExpr("person_id", "array('personalisation') AS purposes")
    sync, connection = sync_of(**TIER), connection_of("segment")
    asked = Asked(sync, shape_of("s", sync, connection, DAY), ability(connection, None), Holdout(share=0), 80, {})

    rows = wanted(people, granted, asked).orderBy("person_id", F.col("refusal").asc_nulls_first()).collect()

    assert [row["refusal"] for row in rows] == [
        None, "another decision about the same person is said under the same key", "another person has the same key",
        "no identifier", "no consent at this moment", "oversize",
    ]  # fmt: skip
    assert rows[0]["purpose"] == "personalisation"
    everyone = Asked(sync, asked.shape, asked.ability, Holdout(share=1), 80, {})
    assert {row["refusal"] for row in wanted(people.where("person_id = 'p1'"), granted, everyone).collect()} == {"holdout"}


def test_identifiers_are_put_into_their_usual_form_before_they_are_hashed(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(" Ann@Shop.Example ", "49 170-123", "")], "email string, phone string, login string")

    inner, outer = key_blocks("key")

    row = rows.select(
        mapped(Mapped(source="email", hashing="sha256_email")),
        mapped(Mapped(source="phone", hashing="sha256_phone")),
        mapped(Mapped(source="login", hashing="sha256")),
        mapped(Mapped(source="trim(email)", hashing="hmac", secret="secret://a/b"), (F.lit(inner), F.lit(outer))),
    ).first()

    assert row is not None
    # printf %s ann@shop.example | sha256sum; printf %s +49170123 | sha256sum; openssl dgst -sha256 -hmac key
    assert list(row) == [
        "6a0bf011a1fc1e9a8add1728704b8ddb5d9d2701ae295a65452d9f1f1cf91be5",
        "140666e100f5b229e397acea30edf2b32572677ba2a67df2a2d4d29688adbb97",
        None,
        "1b965a812737c1e21fbcebb78bb5869dd62867c60823ffbd73993d01a6725274",
    ]
