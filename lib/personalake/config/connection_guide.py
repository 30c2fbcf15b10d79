"""docs/destinations.md: what each kind of connection can be relied on for, and its numbers, from the settings models."""

import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personalake.common.markdown import markdown_table
from personalake.config.connections import AnyConnection, Connection
from personalake.config.connections.braze import BrazeTrackConnection

_INTRODUCTION = """# Destinations

Made by `make docs` from the models in `lib/personalake/config/connections/`; changes here are lost. All settings, with types
and bounds, are in [configuration.md](configuration.md).

## What becomes of a delivery

| state | meaning |
|---|---|
| `pending` | nobody has taken it; the next run may send it |
| `in_flight` | claimed: written down before its request left |
| `accepted` | taken by the destination, which may still be at work on it |
| `confirmed` | processed there, and said so |
| `rejected` | will never be taken as it is; the reason is the destination's |
| `unknown` | it left, and the reply was lost; nobody knows whether it was taken |
| `cancelled` | stopped here at the last moment: consent withdrawn, suppressed, held out, no longer current |

`send_activation` sends what standing plans owe. Consent is asked of the ledger as it is then, and whoever may be sent to
is claimed; it is asked again before a request leaves if the last look is
older than `recheck_seconds` (two by default; with 0, always), and the outcome is written down after. A run that is killed
leaves claims without an outcome; the next one treats them as unknown. `personalake activation status` counts the
deliveries of each plan by these states; each is planned once, so they add up.

## A lost reply

No destination can be asked whether it took a request. `unknown` says what is done, for each connection:

- `resend_same_key`: sent again. Only where a repetition is harmless: the destination honours a key, or the operation sets a
  state. Where the key is the request's (OneSignal, files), the same request is made again, whole; who was left out of it
  then stays unknown, also if they consent again.
- `hold`: not sent again, by a later plan of the sync neither; held as unknown and reported. Nobody gets anything twice, and
  somebody may get nothing. What sets a state (attributes at Braze, unless the sync
  has a field like `visits.inc`, or `visits: named_struct('inc', 1)`) or takes somebody away is said again all the same.
- `at_least_once`: sent again, and counted as a possible repetition. Somebody may get it twice.

Whoever asks the destination gets the list from `personalake activation unknown --destination crm_push` (`--sync`, `--to
FILE.csv`): a row for each delivery that is unknown or in flight, with its id, sync and plan, the change, since when and why
nobody knows, and what to ask for, where something was sent along by which it can be found: `webhook-id`, `Message-ID`,
`messageId` (Segment), `idempotency_key` (OneSignal), the name of the file. People are not named. It needs no Spark.

What is held can be settled once somebody has asked the destination:
`personalake activation resolve --destination crm_push --as taken`, of all, or of those that are named by `--delivery ID` or
by `--deliveries FILE.csv`, the list with the rows that are meant (or `send_again`: the next run sends it or, where its plan
was replaced, the next plan of its sync says it; or `given_up`: it is not there, and no plan says the same again, apart from
taking somebody away).

A device that a push service says is gone is a receipt of its own, and is sent nothing more; so is a mailbox that a relay
refuses as unknown (5.1.1, 5.1.3, 5.1.6, 5.1.10), unless it says so of nearly everybody: then sending stops, and they wait
(`bounds.open_after_no_mailbox`). OneSignal names a user once for each device that
is not subscribed: such a user counts as sent to, unless the message reached nobody at all.

Where results come later (Salesforce's data extensions, Segment's regulations), what is not known when a run ends stays
`accepted`, and later runs ask on for `results_seconds`.

Statuses 502 and 504, and those of proxies that gave up waiting (520, 522, 524, 598, 599), count as a lost reply
(`patience.lost_statuses`): a gateway cannot say what happened behind it. 429, 408, 500 and 503 are the destination's own
word that it took nothing; they are tried again. A page instead of JSON under a status of success is a lost reply too.

A relay that answers 4xx by SMTP is tried again, and what it still does not take waits for the next run; 5xx is rejected.
Only when it is silent, hangs up or cannot be understood after the whole message is that unknown; before, nothing has left.
What it says is kept as the reason, without the recipient: neither address nor name, however they are spelled, nor a domain
that is called like them (`jane@janedoe.example`). A domain that is not, such as a mailbox provider's, stays. Of what a
bounce says later only words that name nobody are kept, and status codes.

## When sending stops

It stops, and says why, at an account error (401, 403, a wrong place, Salesforce code 50200), beyond `bounds`, and after
`bounds.open_after_failures` requests in a row that failed. What was not sent stays pending, and the run fails.

Secrets are references; hosts are checked when the configuration is read, redirects are not followed, and a token is only
sent to the vendor's own hosts.

## What is said

A sync's fields are named as the vendor names them; what the vendor keeps for itself is a problem of the configuration.
A field that is taken out of a sync keeps its last value there, in every mode: send it once as `"CAST(NULL AS STRING)"` under
`nulls: erase` before.

- Times are UTC in ISO 8601, days `YYYY-MM-DD`. A field with dots is an object (`address.city`) at Segment, Braze,
  OneSignal and webhooks. Braze merges it with what is there; a part of an object is erased (`nulls: erase`) by replacing the
  object with those of its fields that the sync has, and who left loses the object whole: Braze takes no null within one.
- Orders are an audience: `orders: {each: order}` with the event `Order Completed` at Segment, `orders: {each: product}`
  with `purchase: true` at Braze, or `each: order` with the event `ecommerce.order_placed`, whose schema Braze wants kept:
  `order_id`, `total_value`, `currency`, `products` and `source`. Each is sent once, with the time at which it was placed.
- Segment: `anonymous_key` stands beside the key, or for it where there is none; `address` and `company` are objects.
  A field `context.locale`, `context.timezone`, `context.ip` or the like is part of the call's context; `context.active:
  "false"` says that traits are brought up to date, and that nobody was just seen. `integrations: {All: false, Mail: true}`
  says to which of Segment's own destinations a call goes on, as does what somebody consented to: a field
  `context.consent.categoryPreferences.Advertising` that is true, or false where there is no clear yes. Reserved traits
  and properties leave in the types of the specification; a revenue, value or currency that has none is refused.
- Braze: `key_field` is external_id, user_alias (with `alias_label`), braze_id, email or phone. `dob`, `gender`, `country`,
  `language`, `phone`, and times within objects (`$time`) are put into Braze's forms; what still does not fit, and a text of
  more than 255 characters, which Braze would cut, is refused with the name of the field. Of one campaign a person is named
  once in a request: of two messages Braze would send one. Events of shops (`ecommerce.order_placed`) have the properties of
  Braze's schemas, and no amounts below 0; with `action: "'add'"` a cart is added to, and its `total_value` need not be said.
  Fields `visits.inc`, `tags.add`, `pets.$add`, `pets.$update` and `pets.$remove` change what is there. In an object that SQL
  makes, a time is `named_struct('$time', at)`.
- Salesforce: the first column of a primary key is the key, the others are fields. A column holds one value: a list or an
  object in it is refused; `array_join(favourites, '|')` makes one text of a list.
- Webhooks: `form: fields` on the connection is for an API that reads no events, such as a help desk's: a delivery is the
  sync's fields and nothing else, named as the receiver names them. Zendesk's `POST /api/v2/tickets` wants `ticket.subject`,
  `ticket.comment.body` and `ticket.requester.email`, Freshdesk's `subject`, `description`, `email`, `status: "2"` and
  `priority: "1"`. `basic` is the user and password of such an API. An `Idempotency-Key` goes along, the same each time a
  delivery is sent: where the receiver honours it (Zendesk does), `unknown: at_least_once` opens no second ticket.
- E-mail: an address that is not ASCII before the @ leaves where the relay offers SMTPUTF8, and is refused elsewhere.
- FCM: `android.ttl`, `apns.headers.apns-priority` and the like are the objects of a platform, in FCM's types (a number is a
  text where FCM has texts, a time in `apns-expiration` seconds since 1970); a part that FCM does not know is a problem of
  the configuration. All else is data, as texts; a list or an object is one as JSON. Without
  `title`, `body` and `image` it is a message for the app, which shows what it likes.
- OneSignal: `contents`, `headings` and `subtitle` are texts in English; `content_available: "true"` wakes the app without
  them. What a message has of its own (`url`, `big_picture`, `ios_attachments.id1`, `ttl`, `sms_from`, an e-mail's fields)
  stands as it is; all else is `data` for the app, or `custom_data` for a template, an e-mail or a text message, which is
  named after its sync. Tags of a user are texts; times and days among them are seconds since 1970, by which OneSignal
  compares them (`date_format(...)` writes another form); a list is a text as JSON.
- Tealium: with `erasure_attribute_id` the key of a sync is sent as `__account_profile__number_key__`, as Tealium calls known
  visitors; `known_visitors: false` sends it as it is, for anonymous ids. The key is the connection's `visitor_attribute`,
  always; what else tells who somebody is (an e-mail, a number) are fields, of which Tealium makes visitor ids. Lists fit
  into a file by `to_json(...)`.

## Bringing a connection

```yaml
# conf/connections.yml
crm_push:
  kind: braze_track
  instance: rest.fra-01.braze.eu
  api_key: secret://braze/rest-key
```

## Bringing a kind

A destination of another kind is a page of code:

1. Settings: a model below `Connection` in a module of `config/connections/`, with `kind`, its secrets as `SecretReference`,
   the vendor's limits as defaults, and `promise`: what makes a repetition harmless there, and what follows. Add it to
   `AnyConnection`; configuration, messages and this page know it from then on.
2. A connector: a module of `activation/connectors/` with a class below `HttpConnector` that says `lacks` (what a payload
   must have), `request` (of a pack) and `answer` (what a reply means; 429, 5xx, 401, pages and lost replies are understood
   already), and a line in `_MAKERS`.
3. Proof: an entry in `tests/activation/connectors/settings.py` and, with a fake, one in `tests/activation/matrix.py`; the
   suites of contract and of faults ask everything of it. Run `make docs`.

By default each delivery is one JSON object of the key and the sync's fields. Where nothing makes a repetition harmless,
syncs insert, and what may have left is not said again; else they insert, update and upsert. Other modes, needed options and
messages that people read are told in `config/audience_kinds.py`, another form of payload in
`activation/syncs/dialects.py`, and whether `frequency_cap` counts it in `pipelines/caps_now.py`.
"""
_DEDUPLICATION = {
    "none": "nothing",
    "item_key": "a key in each item",
    "request_key": "a key of the request",
    "natural": "the operation itself: twice is once",
}


def guide() -> str:
    """The page as Markdown: one section for each kind of connection."""
    return "\n".join([_INTRODUCTION, *_overview(), *(section for model in kinds().values() for section in _of(model))])


def kinds() -> dict[str, type[Connection]]:
    """Every kind of connection and its model."""
    models = typing.get_args(typing.get_args(AnyConnection)[0])
    return {model.model_fields["kind"].default: model for model in models}


def _overview() -> Iterator[str]:
    rows = [
        (f"[`{kind}`](#{kind})", _DEDUPLICATION[model.promise.deduplication], f"`{_default(model, 'unknown')}`")
        for kind, model in kinds().items()
    ]
    yield (
        "## Kinds\n\n"
        + markdown_table(("kind", "what makes a repetition harmless", "a lost reply, by default"), rows)
        + "\n"
    )


def _of(model: type[Connection]) -> Iterator[str]:
    kind = model.model_fields["kind"].default
    promise = model.promise.guarantee
    yield f"### {kind}\n\n{(model.__doc__ or '').strip().splitlines()[0]}\n"
    yield f"Guarantee: {promise}.\n"
    needed = [f"`{name}`" for name, field in model.model_fields.items() if field.is_required()]
    yield f"Needs: {', '.join(needed)}.\n"
    rows = [(f"`{name}`", shown) for name, shown in _numbers(model) if shown]
    yield markdown_table(("limit", "default"), rows) + "\n"


def _numbers(model: type[Connection]) -> Iterator[tuple[str, str]]:
    """The vendor's numbers."""
    if model is BrazeTrackConnection:
        yield "batch_rule", f"`{_default(model, 'batch_rule')}`"
    for name in model.model_fields:
        if name.startswith(("max_", "erasure_items", "window_", "subscribers_", "token_")):
            value = _default(model, name)
            yield name, "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}"
    yield "rates", ", ".join(map(str, _default(model, "rates"))) or "none"


def _default(model: type[Connection], name: str) -> Any:
    return model.model_fields[name].default


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(guide(), encoding="utf-8")
