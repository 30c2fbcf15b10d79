"""Audiences: everything that is wrong is said at once, with file and key."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from personalake.config.audience_columns import read_query
from personalake.config.audiences import Sync
from personalake.config.loader import load_settings
from personalake.errors import ConfigError

CONNECTIONS = """
files: {kind: csv_drop, folder: out, columns: [external_id, tier, is_member]}
desk: {kind: webhook, url: "https://desk.example/", secret: "secret://desk/key"}
crm: {kind: sfmc_rows, subdomain: abc, client_id: "secret://s/i", client_secret: "secret://s/s",
  data_extension: d, keys: [id, at]}
shop: {kind: braze_track, instance: rest.fra-01.braze.eu, api_key: "secret://desk/key"}
app: {kind: onesignal_user, app_id: a, api_key: "secret://desk/key"}
cdp: {kind: segment, write_key: "secret://desk/key"}
journey: {kind: sfmc_journey, subdomain: abc, client_id: "secret://s/i", client_secret: "secret://s/s"}
tags: {kind: tealium, account: a, profile: main, username: "secret://desk/key", api_key: "secret://desk/key"}
push: {kind: onesignal, app_id: a, api_key: "secret://desk/key", subscribers: 9}
tickets: {kind: webhook, url: "https://desk.example/t", secret: "secret://desk/key", form: fields}
phone: {kind: fcm, project: p, service_account: "secret://desk/key"}
mail: {kind: email, host: 127.0.0.1, security: none, sender: a@shop.example}
"""
SECRETS = {"PERSONALAKE_SECRET_DESK_KEY": "x" * 32, "PERSONALAKE_SECRET_S_I": "x", "PERSONALAKE_SECRET_S_S": "x"}
SYNC: dict[str, Any] = {"audience": {"where": "currency = 'EUR'"}, "destination": "files", "purposes": ["news"]}


def problems(folder: Path, audiences: str) -> list[str]:
    (folder / "environments").mkdir()
    for name, text in {"base": "", "environments/local": "", "connections": CONNECTIONS, "audiences": audiences}.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_settings("local", folder, environ=SECRETS)
    return [problem.replace(f"{folder}/", "") for problem in raised.value.problems]


def test_what_does_not_fit_the_connection_is_said_with_file_and_key(tmp_path: Path) -> None:
    who = "audience: {where: customer_id IS NOT NULL}, purposes: [news]"

    found = problems(tmp_path, f"""
a: {{{who}, destination: nowhere}}
b: {{{who}, destination: files, mode: archive, fields: {{level: currency}}}}
c: {{{who}, destination: desk, mode: archive}}
d: {{{who}, destination: crm, fields: {{n: currency}}}}
e: {{{who}, destination: mail, mode: insert, fields: {{subject: "'x'"}}}}
f: {{{who}, destination: desk, purchase: true, group: team, fields: {{team: "'x'"}}}}
g: {{{who}, destination: shop, mode: insert, purchase: true, key_field: user_alias, fields: {{price: "2.5"}}}}
h: {{{who}, destination: shop, key_field: login, fields: {{a: "1", a.b: "1", c..d: "1", braze_id: "1"}}}}
i: {{audience: {{orders: {{}}}}, purposes: [news], destination: shop, mode: insert, purchase: true, fields: {{
  product_id: store_id, currency: currency, price: order_total, time: occurred_at}}}}
j: {{{who}, destination: cdp, mode: mirror, anonymous_key: customer_id, fields: {{address: "'x'"}}}}
k: {{audience: {{orders: {{}}}}, purposes: [news], destination: cdp, mode: upsert}}
m: {{{who}, destination: shop, key_field: user_alias, alias_label: crm, fields: {{z: customer_id}}}}
l: {{{who}, destination: crm, mode: archive, membership: m, fields: {{at: "'x'"}}}}
o: {{{who}, destination: app, key_field: crm, fields: {{a: customer_id}}}}
p: {{{who}, destination: shop, mode: archive, membership: crm.in, fields: {{home.post code: "'x'"}}}}
q: {{{who}, destination: cdp, group: team, fields: {{team: "'x'", company: "'x'", address: "'x'"}}}}
r: {{{who}, destination: journey, mode: insert, event: Came.Back, fields: {{eventInstanceId: "'x'"}}}}
s: {{{who}, destination: phone, mode: insert, fields: {{title: "'x'", body: "'x'", android: "'high'", from: "'x'"}}}}
sa: {{{who}, destination: phone, mode: insert, fields: {{title: "'x'", body: "'x'", android.sound: "'x'",
  android.data.x: "1", webpush.fcm_options.url: "'x'"}}}}
sb: {{{who}, destination: shop, nulls: erase, fields: {{pets.$update: "'x'", home.city: "'x'"}}}}
t: {{{who}, destination: cdp, mode: insert, event: Came, fields: {{revenue: "1", context: "1", context.os: "'x'",
  context.ip.v4: "'x'", context.shoe: "'x'"}}}}
v: {{{who}, destination: shop, mode: insert, event: ecommerce.order_placed, fields: {{order_id: "'x'", total_value: "1"}}}}
w: {{{who}, destination: shop, mode: insert, event: ecommerce.bought, fields: {{order_id: "'x'"}}}}
wa: {{{who}, destination: shop, mode: insert, event: ecommerce.cart_updated, fields: {{cart_id: "'x'", currency: "'EUR'",
  action: "'add'"}}}}
x: {{{who}, destination: shop, fields: {{push_token_import: "true"}}}}
u: {{{who}, destination: shop, integrations: {{All: false}}}}
n: {{audience: {{orders: {{}}}}, purposes: [news], destination: crm, mode: insert, fields: {{at: "concat(order_id, 'x')"}}}}
y: {{{who}, destination: app, membership: app, fields: {{user: "'x'"}}}}
yb: {{{who}, destination: tags, event: came, fields: {{home.city: "'Ulm'"}}}}
yc: {{{who}, destination: push, mode: insert, channel: push, fields: {{url: "'x'"}}}}
yd: {{{who}, destination: push, mode: insert, channel: push, fields: {{content_available: "true"}}}}
ye: {{{who}, destination: push, mode: insert, channel: sms, fields: {{content_available: "true"}}}}
ya: {{{who}, destination: push, mode: insert, channel: push, fields: {{contents: "'x'", data.a: "'x'", filters: "'x'"}}}}
za: {{{who}, destination: tickets}}
zb: {{{who}, destination: tickets, mode: insert}}
zd: {{{who}, destination: phone, mode: insert, membership: m}}
zc: {{{who}, destination: tickets, mode: insert, fields: {{external_id: "'x'", audience: "'x'", t.a: "'x'"}}}}
""")  # fmt: skip

    assert found == [
        "audiences.yml: audiences.a.destination: no connection 'nowhere'; there are: app, cdp, crm, desk, files, journey, "
        "mail, phone, push, shop, tags, tickets",
        "audiences.yml: audiences.b.mode: csv_drop cannot keep archive; it can: insert, update, upsert, mirror",
        "audiences.yml: audiences.b.membership: archive needs it: who left is told by that field",
        "audiences.yml: audiences.b.fields: the file of files has no column level; it has: external_id, tier, is_member",
        "audiences.yml: audiences.c.membership: archive needs it: who left is told by that field",
        "audiences.yml: audiences.d.fields: at is part of the data extension's primary key, too",
        "audiences.yml: audiences.e.fields: email needs text or html",
        "audiences.yml: audiences.e.fields: email needs unsubscribe_url",
        "audiences.yml: audiences.e.key: email goes to addresses, and 'customer_id' is none; write key: {source: email}",
        "audiences.yml: audiences.f.group: webhook has no group calls; segment has",
        "audiences.yml: audiences.f.purchase: webhook has no purchases of its own; braze_track has",
        "audiences.yml: audiences.g.fields: a purchase needs product_id, currency",
        "audiences.yml: audiences.g.alias_label: user_alias needs it",
        "audiences.yml: audiences.g.purchase: is of one product of an order: the audience must be orders, each: product",
        "audiences.yml: audiences.h.key_field: braze_track knows people by external_id, user_alias, braze_id, email, phone",
        "audiences.yml: audiences.h.fields: braze_track keeps braze_id for itself",
        "audiences.yml: audiences.h.fields: a.b is a part of a, which is a field of its own",
        "audiences.yml: audiences.h.fields: 'c..d' has an empty part",
        "audiences.yml: audiences.i.fields: braze_track keeps time for itself",
        "audiences.yml: audiences.i.purchase: is of one product of an order: the audience must be orders, each: product",
        "audiences.yml: audiences.j.fields: segment keeps address for an object; name its parts, e.g. address.city",
        "audiences.yml: audiences.j.anonymous_key: mirror takes people away by one key",
        "audiences.yml: audiences.k.mode: segment cannot keep upsert; it can: insert",
        "audiences.yml: audiences.k.event: an order needs one, e.g. Order Completed",
        "audiences.yml: audiences.l.mode: archive takes away by one key; the data extension's has 2 columns",
        "audiences.yml: audiences.m.alias_label: crm is not among the connection's alias_labels, by which deletions ask",
        "audiences.yml: audiences.n.fields: no column of the primary key has currency: one order would take another's place",
        "audiences.yml: audiences.o.key_field: crm is not among the connection's alias_labels, by which deletions ask",
        "audiences.yml: audiences.p.membership: 'crm.in' has a dot; it stands beside the fields, not within one",
        "audiences.yml: audiences.p.fields: home.post code: 'post code' has a blank or a dollar sign, for which braze_track "
        "drops the object",
        "audiences.yml: audiences.q.fields: segment keeps address for an object; name its parts, e.g. address.city",
        "audiences.yml: audiences.r.fields: sfmc_journey keeps eventInstanceId for itself",
        "audiences.yml: audiences.r.event: 'Came.Back' has a dot, which no key of an event definition at Salesforce has",
        "audiences.yml: audiences.s.fields: fcm keeps android for an object; name its parts, e.g. android.ttl",
        "audiences.yml: audiences.s.fields: fcm keeps from for itself",
        "audiences.yml: audiences.sa.fields: fcm: android has no sound, but: bandwidth_constrained_ok, collapse_key, data, "
        "direct_boot_ok, fcm_options, notification, priority, restricted_package_name, restricted_satellite_ok, ttl",
        "audiences.yml: audiences.sa.fields: fcm: webpush.fcm_options has no url, but: analytics_label, link",
        "audiences.yml: audiences.sb.nulls: erase replaces objects (home.city), pets.$update merges them: what is updated "
        "needs a sync of its own",
        "audiences.yml: audiences.t.fields: context.os is a part of context, which is a field of its own",
        "audiences.yml: audiences.t.fields: context.ip.v4 is a part of context, which is a field of its own",
        "audiences.yml: audiences.t.fields: context.shoe is a part of context, which is a field of its own",
        "audiences.yml: audiences.t.fields: segment keeps context for an object; name its parts, e.g. context.locale",
        "audiences.yml: audiences.t.fields: segment keeps context.os for an object; name its parts",
        "audiences.yml: audiences.t.fields: segment keeps context.ip for a value, without parts",
        "audiences.yml: audiences.t.fields: segment takes no notice of context.shoe; a context has: active, app, campaign, "
        "consent, device, groupId, ip, library, locale, location, network, os, page, referrer, screen, timezone, traits, "
        "userAgent",
        "audiences.yml: audiences.t.fields: segment takes revenue without a currency for US dollars; name currency, too",
        "audiences.yml: audiences.u.integrations: braze_track sends nothing on to others; segment does",
        "audiences.yml: audiences.v.fields: ecommerce.order_placed needs currency, products, source",
        "audiences.yml: audiences.w.event: braze_track has no ecommerce.bought among its events of shops, which are: "
        "ecommerce.product_viewed, ecommerce.cart_updated, ecommerce.checkout_started, ecommerce.order_placed, "
        "ecommerce.order_refunded, ecommerce.order_cancelled",
        "audiences.yml: audiences.wa.fields: ecommerce.cart_updated needs products, source",
        "audiences.yml: audiences.x.fields: push_token_import is for people whom Braze knows by neither external_id nor "
        "braze_id",
        "audiences.yml: audiences.y.fields: onesignal_user keeps user for itself; call the tag otherwise",
        "audiences.yml: audiences.y.membership: onesignal_user keeps app for itself; call the tag otherwise",
        "audiences.yml: audiences.ya.fields: onesignal keeps data for itself; what it has no name for is that already",
        "audiences.yml: audiences.ya.fields: onesignal keeps filters for itself",
        "audiences.yml: audiences.yb.fields: 'home.city' has a period, for which tealium refuses the whole call",
        "audiences.yml: audiences.yc.fields: onesignal needs contents or content_available, or a template_id",
        "audiences.yml: audiences.ye.fields: onesignal needs contents, or a template_id",
        "audiences.yml: audiences.za.mode: webhook cannot keep upsert; it can: insert",
        "audiences.yml: audiences.za.fields: webhook needs at least one",
        "audiences.yml: audiences.zb.fields: webhook needs at least one",
        "audiences.yml: audiences.zd.fields: fcm needs at least one",
    ]


def test_a_phone_is_put_into_no_form_of_addresses_and_a_list_of_purposes_is_not_empty(tmp_path: Path) -> None:
    found = problems(tmp_path, """
a: {audience: {where: customer_id IS NOT NULL}, purposes: [news], destination: desk,
  key: {source: phone, hashing: sha256_email},
  fields: {mail: {source: lower(email), hashing: sha256_phone},
    both: {source: "coalesce(email, phone)", hashing: sha256_email}}}
b: {audience: {where: customer_id IS NOT NULL}, purposes: [], destination: desk}
""")  # fmt: skip

    assert found == ["audiences.yml: audiences.b.purposes: expected at least one entry; the list is empty"]
    text = (tmp_path / "audiences.yml").read_text(encoding="utf-8").replace("purposes: []", "purposes: [news]")
    (tmp_path / "audiences.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_settings("local", tmp_path, environ=SECRETS)
    assert [problem.partition("audiences.yml: ")[2] for problem in raised.value.problems] == [
        "audiences.a.key.hashing: sha256_email puts 'phone' into a form that it does not have",
        "audiences.a.fields.mail.hashing: sha256_phone puts 'lower(email)' into a form that it does not have",
    ]


def test_a_template_that_does_not_fit_the_sync_is_said_with_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    text = "{kind: push, locales: {en: {title: '{{ category }}', body: 'x {{ favourite_category }}'}}}"
    (tmp_path / "templates" / "hello.yml").write_text(text, encoding="utf-8")
    text = "{kind: push, locales: {en: {title: 'Until {{ as_of }}', body: 'x'}}}"
    (tmp_path / "templates" / "until.yml").write_text(text, encoding="utf-8")
    who = "audience: {where: customer_id IS NOT NULL}, purposes: [news]"

    found = problems(tmp_path, f"""
a: {{{who}, destination: desk, template: helo}}
b: {{{who}, destination: crm, key_field: id, template: hello}}
c: {{{who}, destination: mail, mode: insert, template: hello, key: {{source: email}}}}
d: {{{who}, destination: desk, template: hello}}
e: {{{who}, destination: desk, template: hello, fields: {{category: "'Tea'"}}}}
f: {{{who}, destination: desk, template: hello, fields: {{category: "'Tea'", other: "'x'"}}}}
g: {{{who}, destination: desk, template: until}}
h: {{audience: {{decisions: {{}}}}, purposes: [news], destination: desk, mode: insert, template: until}}
i: {{audience: {{decisions: {{}}}}, purposes: [news], destination: tickets, mode: insert, template: until}}
""")  # fmt: skip

    assert [problem.removeprefix("audiences.yml: audiences.") for problem in found] == [
        "a.template: no template 'helo'; did you mean hello?",
        "b.fields: at is part of the data extension's primary key, too",
        "b.template: sfmc_rows takes no templates; those that do: email, fcm, onesignal, webhook, braze_send, sfmc_journey, "
        "csv_drop, sftp, object_store",
        "c.template: email takes templates of kind email; hello is of kind push",
        "d.template: hello reads category, which is known of decisions only: let the audience be decisions, give it under "
        "fields, or a fallback in the template",
        "e.template: fields.favourite_category: favourite_category needs the purpose personalisation, which this sync lacks "
        "(it has news)",
        "f.fields: the template hello does not read other",
        "g.template: until reads as_of, which is known of decisions only: let the audience be decisions, give it under "
        "fields, or a fallback in the template",
        "i.template: the connection takes fields by the receiver's names (form: fields), and no template",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"fields": {"t": "favourite_category"}}, "fields.t: favourite_category needs the purpose personalisation"),
        ({"key": "next_best_item"}, "key: next_best_item needs the purpose personalisation"),
        ({"audience": {"where": "churn_percentile > 0.8"}}, "audience.where: churn_percentile needs the purpose"),
        ({"audience": {"query": "SELECT person_id FROM gold.prediction WHERE probability > 0.5"}},
         "audience.query: probability needs the purpose personalisation"),
        ({"fields": {"t": "email", "u": "postcode"}, "max_personal_fields": 1}, "2 say something about the person (t, u)"),
        ({"fields": {"t": "emial", "u": "pots"}}, "fields.t: unknown column emial in 'emial'"),
        ({"fields": {"t": "action"}}, "fields.t: unknown column action"),
        ({"fields": {"t": "rand()"}}, "clocks and dice are not allowed"),
        ({"fields": {"t": "now()"}}, "clocks and dice are not allowed"),
        ({"fields": {"t": "element_at(`shuffle`(array(1, 2)), 1)"}}, "clocks and dice are not allowed"),
        ({"fields": {"t": "java_method('java.lang.System', 'getenv', 'KEY')"}}, "java_method is not allowed"),
        ({"fields": {"t": "Reflect /* */ ('java.util.UUID', 'randomUUID')"}}, "reflect is not allowed"),
        ({"audience": {"where": "last_order_date < date'today'"}}, "clocks and dice are not allowed"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision WHERE as_of < timestamp 'now'"}}, "clocks and dice"),
        ({"fields": {"t": "last_order_date > 'yesterday'"}}, "clocks and dice are not allowed"),
        ({"audience": {"orders": {}}, "fields": {"t": "occurred_at > 'yesterday'"}}, "clocks and dice are not allowed"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision GROUP BY 1 HAVING max(as_of) + 1 > 'today'"}},
         "clocks and dice"),
        ({"fields": {"t": "if(last_order_date in (('Today')), 1, 2)"}}, "clocks and dice are not allowed"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision WHERE as_of BETWEEN 'yesterday' AND '2026-01-01'"}},
         "clocks and dice"),
        ({"audience": {"where": "last_order_date < now()"}}, "clocks and dice are not allowed"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision WHERE as_of < now()"}}, "clocks and dice"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision LIMIT 5"}}, "is others each time"),
        ({"audience": {"query": "SELECT person_id FROM gold.decision TABLESAMPLE (5 PERCENT)"}}, "is others each time"),
        ({"fields": {"t": "sum(orders)"}}, "looks beyond one person"),
        ({"fields": {"t": {"source": "email", "hashing": "hmac"}}}, "hashing hmac and secret belong together"),
        ({"audience": {"where": "orders > current_date()"}}, "clocks and dice are not allowed"),
        ({"audience": {"where": "orders >"}}, "is not Spark SQL"),
        ({"audience": {"where": "orders >= 'three'"}}, "compares orders, a bigint, with the text 'three'"),
        ({"audience": {"where": "last_order_date > 'soon'"}}, "compares last_order_date, a date, with the text 'soon'"),
        ({"audience": {"where": "last_order_date BETWEEN '2026-01-01' AND 'soon'"}}, "a date, with the text 'soon'"),
        ({"audience": {"where": "'soon' BETWEEN first_order_date AND last_order_date"}}, "a date, with the text 'soon'"),
        ({"audience": {"where": "orders IN ('1', 'three')"}}, "compares orders, a bigint, with the text 'three'"),
        ({"audience": {"where": "'three' IN (orders, 3)"}}, "compares orders, a bigint, with the text 'three'"),
        ({"audience": {"where": "nullif(orders, 'three') > 1"}}, "compares orders, a bigint, with the text 'three'"),
        ({"audience": {"where": "CASE orders WHEN 'three' THEN true END"}}, "orders, a bigint, with the text 'three'"),
        ({"audience": {"where": "favourite_category"}}, "is no condition: it gives string, not true or false"),
        ({"audience": {"where": "orders >> 3"}}, "is no condition: it gives bigint"),
        ({"audience": {}}, "name exactly one of where, query, segment, decisions, orders; found none"),
        ({"fields": {"t": "order_total"}}, "fields.t: unknown column order_total"),
        ({"audience": {"orders": {"each": "product"}}, "fields": {"t": "products"}}, "fields.t: unknown column products"),
        ({"audience": {"query": "SELECT person_id FROM silver.person"}}, "unknown table silver.person"),
        ({"audience": {"query": "SELECT person_id, spend FROM gold.customer_profile"}}, "exactly one column, person_id"),
        ({"audience": {"query": "SELECT person_id FROM gold.customer_profile WHERE spnd > 1"}}, "'spnd' could not be"),
        ({"audience": {"query": "DELETE FROM gold.decision"}}, "expected a query"),
        ({"schedule": "weekly on someday"}, "schedule"),
        ({"fields": {"m": "orders"}, "membership": "m"}, "membership: m is a field, too"),
    ],
)  # fmt: skip
def test_what_may_not_leave_or_cannot_be_read_is_a_problem_of_the_configuration(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Sync.model_validate({**SYNC, **more})

    assert message in str(raised.value)


def test_purposes_are_asked_of_what_is_read_and_of_nothing_else() -> None:
    sync = Sync.model_validate(
        {**SYNC, "purposes": ["personalisation"], "fields": {"t": "favourite_category", "m": "email"}}
    )

    assert sync.reads == ("customer_id", "favourite_category", "email", "currency")
    assert Sync.model_validate({**SYNC, "audience": {"decisions": {}}, "fields": {"t": "action"}}).reads[1] == "action"


@pytest.mark.parametrize(
    "where",
    [
        "orders >= '3' AND ORDERS < 9", "last_order_date > '2026-01-01'", "preferences['language'] = 'de'", "true",
        "NOT coalesce(orders > 1, false)", "luhn_check(email)", "size(items) > 0", "currency = 'EUR'",
        "CASE WHEN orders > 1 THEN true ELSE false END", "email RLIKE 'x' OR churn_percentile IS NULL",
    ],
)  # fmt: skip
def test_whatever_is_true_or_false_is_a_condition(where: str) -> None:
    purposes = ["news", "personalisation"]

    assert Sync.model_validate({**SYNC, "audience": {"where": where}, "purposes": purposes}).audience.where == where


def test_a_table_whose_columns_are_listed_is_not_taken_for_a_function() -> None:
    spent = "SELECT person_id, spend FROM gold.customer_profile"

    read = read_query(f"WITH some (person, spent) AS ({spent}) SELECT person AS person_id FROM some WHERE spent > 1")

    assert read.named_selects == ["person_id"]
    with pytest.raises(ValueError, match="no function sum_of in Spark SQL"):
        read_query(f"WITH some (person, spent) AS ({spent}) SELECT person AS person_id FROM some WHERE sum_of(spent) > 1")
