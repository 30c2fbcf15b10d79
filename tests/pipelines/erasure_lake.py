"""A small lake that came about by the real pipelines, with something of two people planted wherever a table has room."""

import gzip
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.activation import Destination
from personalake.lake import Lake, Locations
from personalake.lake.search import Search, files_below
from personalake.pipelines import ingest_events, ingest_records, plan_activation, refine_events, refine_records
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.privacy.subject import NAMESPACES
from personalake.privacy.ways import way_of
from personalake.tables import ALL, Table
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION
from personalake.tables.silver import CONSENT_CURRENT, CUSTOMER_RECORD, EVENT, PERSON_LINK

AS_OF = date(2017, 12, 1)
MAY = datetime(2017, 5, 1, tzinfo=UTC)
MAIL = Destination(
    dialect="csv", identifier="person_id", purposes=("personalisation",), max_items=9, max_bytes=9_000, max_item_bytes=4_000
)
RAW = {"bronze.event", "bronze.record", "bronze.landing_file", "silver.quarantine", "silver.erasure_request"}
MADE = {
    "gold.erasure_request",
    "gold.erasure_receipt",
    "gold.access_log",
    "silver.suppression",
    "gold.run",
    "gold.data_health",
}


@dataclass(frozen=True)
class Human:
    """Somebody with a name of their own; every word of it is a canary."""

    number: str
    first: str
    email: str
    phone: str
    person: str
    former: str

    @property
    def canaries(self) -> set[str]:
        """What must be found before, and not afterwards."""
        told = {self.first, self.email, self.phone, self.person, self.former, f"note-of-{self.first}"}
        return told | {f"{self.first}-{table.name}-{name}" for table in ALL for name in _free(table)}


ANN = Human("1", "Annunziata", "ann@x.example", "12125550101", f"p_{'a' * 24}", f"p_{'f' * 24}")
BOB = Human("2", "Bohumil", "jo.ann@x.example", "12125550102", f"p_{'b' * 24}", f"p_{'e' * 24}")


def settings_of(folder: Path) -> Settings:
    landing = folder / "landing"
    sources = {
        "crm": {
            "contract": "customer_record", "format": "csv", "namespace": "crm",
            "columns": {"customer_id": "no", "first_name": "name", "email": "mail", "phone": "tel"},
        },
        "orders": {
            "contract": "order_line", "currency": "EUR", "namespace": "crm",
            "columns": {"event_id": "id", "order_id": "id", "customer_id": "no", "product_id": "item", "quantity": "n",
                        "amount": "paid", "occurred_at": "at"},
        },
        "receipts": {
            "contract": "delivery_receipt",
            "columns": {"record_id": "id", "receipt_type": "what", "channel": "by", "address": "to", "reason": "why",
                        "occurred_at": "at"},
        },
        "asked": {
            "contract": "erasure_request", "namespace": "email",
            "columns": {"record_id": "id", "customer_id": "mail", "regulation": "law", "occurred_at": "at"},
        },
    }  # fmt: skip
    return Settings.model_validate(
        {
            "root": folder / "lake",
            "landing": landing,
            "exports": folder / "exports",
            "report": {"path": folder / "report"},
            "erasure": {"retention_hours": 0, "access": folder / "access"},
            "destinations": {"mail": MAIL},
            "sources": {name: {**source, "path": landing / name} for name, source in sources.items()},
        }
    )  # fmt: skip


def context_in(folder: Path, spark: SparkSession, **options: Any) -> JobContext:
    settings = settings_of(folder)
    lake = Lake(Locations(folder / "lake"), lambda: spark)
    return JobContext(settings, lake, AS_OF, AS_OF, "test-run", options, Progress())


def order(who: Human, name: str, **changes: Any) -> str:
    told = {"id": name, "no": int(who.number), "item": "i1", "n": 1, "paid": 2, "at": "2017-03-01T10:00:00Z"}
    return json.dumps(told | changes) + "\n"


def report(who: Human, to: str) -> str:
    """What a destination says of a message that it knows by the address alone."""
    told = {"id": f"{who.number}-{to[:1]}", "what": "hard_bounce", "by": "email", "to": to, "at": "2017-03-02T10:00:00Z"}
    return json.dumps(told | {"why": f"550 <{who.email}>: nobody"}) + "\n"


def land(landing: Path) -> None:
    """Files of several kinds: CSV with a row over two lines, gzip, lines that are refused, a rejected file."""
    for name in ("crm", "orders/_rejected", "receipts"):
        (landing / name).mkdir(parents=True)
    rows = "".join(f'{who.number},{who.first},{who.email.upper()},"+1 212\n {who.phone[4:]}"\n' for who in (ANN, BOB))
    (landing / "crm" / "a.csv").write_text(f"no,name,mail,tel\n{rows}")
    with gzip.open(landing / "orders" / "a.json.gz", "wt") as packed:
        packed.write(order(ANN, "o1") + order(BOB, "o2", note=f"note-of-{BOB.first}") + order(ANN, "o1"))
        packed.write(order(ANN, "o3", paid="much", note=f"note-of-{ANN.first}"))
        packed.write(f'{{"id": "o4", "mail": "{ANN.email}"\n{{"id": "o5", "mail": "{BOB.email}"\n')
    reports = "".join(report(who, to) for who in (ANN, BOB) for to in (who.email.title(), f"+{who.phone}"))
    (landing / "receipts" / "a.json").write_text(reports)
    (landing / "orders" / "_rejected" / "old.json").write_text(f"{ANN.email}\n{BOB.email}\n")


def ask(landing: Path, name: str, email: str = ANN.email) -> None:
    folder = landing / "asked"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(asking(name, email))


def asking(name: str, email: str = ANN.email) -> str:
    return json.dumps({"id": name, "mail": email.upper(), "law": "GDPR", "at": "2017-11-01T08:00:00Z"}) + "\n"


def take_in(context: JobContext) -> None:
    for job in (ingest_records, ingest_events, refine_records, refine_events):
        job.run(context)


def fill(context: JobContext) -> None:
    """Two people in every table, log, export, report and model store."""
    lake = context.lake
    records = {row["customer_id"]: row["record_id"] for row in lake.ledger.read(CUSTOMER_RECORD)}
    events = {row["customer_id"]: row["event_id"] for row in lake.ledger.read(EVENT)}
    for table in ALL:
        if way_of(table).is_empty or table.full_name in RAW | MADE:
            continue
        for who in (ANN, BOB):
            lake.ledger.append(table, [_row(table, who, records[who.number], events[who.number])])
    people = (ANN, BOB)
    links = [
        (kind, value, who)
        for who in people
        for kind, value in (("crm", who.number), ("email", who.email), ("phone", who.phone))
    ]
    lake.ledger.append(
        PERSON_LINK, [{"namespace": kind, "value": value, "person_id": who.person} for kind, value, who in links]
    )
    lake.ledger.append(
        CONSENT_CURRENT, [{"person_id": who.person, "purpose": "personalisation", "status": "granted"} for who in people]
    )
    lake.ledger.append(
        CUSTOMER_PROFILE, [{"person_id": f"p_{who.first}", "customer_id": "x", "as_of": AS_OF} for who in people]
    )
    told = {"as_of": AS_OF, "action": "show", "rule": "r", "channel": "email", "purpose": "personalisation", "status": "act"}
    lake.ledger.append(DECISION, [{**told, "decision_id": f"d_{who.first}", "person_id": who.person} for who in people])
    # Planned before the person asked to be forgotten.
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(plan_activation, "_wanted", lambda _: lambda rows: rows)
        plan_activation.run(context)
    _beside(context)


def _beside(context: JobContext) -> None:
    root, report = context.lake.locations.root, context.settings.report.path
    text = "".join(f"WARN no answer for {who.email}\n" for who in (ANN, BOB))
    context.lake.locations.log("spark").parent.mkdir(exist_ok=True)
    context.lake.locations.log("spark").write_text(text)
    report.mkdir()
    (report / "index.html").write_text(f"<p>{ANN.email}</p>")
    (root / "mlflow").mkdir()
    (root / "mlflow" / "input_example.json").write_text(json.dumps({"data": [[ANN.person, 1.0]]}))
    with closing(sqlite3.connect(root / "mlflow" / "mlflow.db")) as store, store:
        store.execute("PRAGMA secure_delete = OFF")
        store.execute("CREATE TABLE tags (key TEXT, value TEXT)")
        filler = [("note", f"{who.email} {'x' * 3_000}") for who in (ANN, BOB) for _ in range(3)]
        store.executemany("INSERT INTO tags VALUES (?, ?)", filler)
        store.execute("DELETE FROM tags WHERE value LIKE ?", (f"{ANN.email}%",))
        store.execute("INSERT INTO tags VALUES ('best', ?)", (f"like {ANN.person}",))


def found_of(context: JobContext, who: Human) -> dict[str, set[str]]:
    """Canary to the files, decoded, that hold it."""
    folder, search = context.lake.locations.root.parent, Search(who.canaries)
    places: dict[str, set[str]] = {}
    for path in files_below([folder]):
        for canary in search.file(path):
            places.setdefault(canary, set()).add(path.relative_to(folder).as_posix())
    return places


def _free(table: Table) -> list[str]:
    """Columns of personal data that tell nobody by themselves."""
    if way_of(table).is_empty or table.full_name in RAW:
        return []
    return [field.name for field in table.fields if field.pii and field.type == "string" and not _is_known(field.name)]


def _is_known(name: str) -> bool:
    return name in (*NAMESPACES, "customer_id", "value", "payload_hash")


def _row(table: Table, who: Human, record: str, event: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "namespace": "crm", "customer_id": who.number, "person_id": who.person, "old_person_id": who.former,
        "new_person_id": who.person, "kind": "merged", "email": who.email, "phone": who.phone, "row_id": event,
        "record_key": f"crm:{record}", "left_key": f"crm:{record}", "right_key": f"crm:{record}x", "source": "planted",
        "delivery_id": f"delivery-{who.number}", "destination": "elsewhere", "status": "planted", "as_of": date(2017, 1, 1),
    }  # fmt: skip
    if table.full_name == "silver.identity_guard":
        known |= {"namespace": "email", "value": who.email}
    elif table.full_name == "silver.person_link":
        known |= {"namespace": "old_card", "value": who.number}
    return {field.name: known.get(field.name, _value(table, field.name, field.type, who)) for field in table.fields}


def _value(table: Table, name: str, kind: str, who: Human) -> Any:
    if name in _free(table):
        return f"{who.first}-{table.name}-{name}"
    values = {"string": f"{table.name}-{name}-{who.number}", "timestamp": MAY, "date": AS_OF, "int": 1, "bigint": 1}
    return values.get(kind)
