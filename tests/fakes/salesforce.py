"""Salesforce Marketing Cloud: tokens, asynchronous and synchronous rows, journey entry, contact deletion."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.salesforce_errors import error, oauth, slower
from tests.fakes.salesforce_rows import DataExtension
from tests.fakes.tokens import IssuedTokens
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor, digested

_PAGE = 50


class Salesforce(Vendor):
    """One business unit. Upserts are what they are; journey events are not de-duplicated."""

    name = "salesforce"
    client_id: ClassVar[str] = "salesforce-client-id"
    client_secret: ClassVar[str] = "salesforce-client-secret"
    settings: ClassVar[dict[str, Any]] = {
        "max_rows": 32_000,
        "max_bytes": 5_000_000,
        "max_rowset": 50,
        # Null: what is advised (50) is no limit, since whoever kept to it would leave rows out.
        "max_columns": None,
        "max_contacts": 1_000_000,
        "token_seconds": 1_079,
        # Salesforce publishes no rate.
        "rate": None,
        # External key of each data extension: primary key columns (`keys`), and `columns` with lengths, null for any.
        "data_extensions": {"people": {"keys": ["SubscriberKey"], "columns": None}},
        # Keys of entry events that exist; null for any.
        "events": None,
        # How often a request is said to be pending before it is complete, and how long results are kept.
        "pending_polls": 1,
        "results_seconds": 86_400,
        # What is said of deletions: Suppressed (the first phase is done), Processing, Completed, Aborted, Invalid.
        "deletion": "Completed",
        "keep": True,
    }
    # blocked: 429 with 50200, the account; transient: 400 with 10006 and nothing else; aborted: the queue ends in Error.
    specials = ("blocked", "transient", "aborted")
    quiet = ("/v2/token", "/status", "/results")

    def clear(self) -> None:
        self.tokens = IssuedTokens("eyJhbGciOiJIUzI1NiIsImtpZCI6IjQi.")
        self.extensions = {
            key: DataExtension(key, found["keys"], found.get("columns"))
            for key, found in self.config["data_extensions"].items()
        }
        self.events: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self._requests: dict[str, dict[str, Any]] = {}
        self._deletions: list[int] = []
        self._serial = 0

    def configure(self, changes: Any) -> None:
        super().configure(changes)
        if "data_extensions" in changes:
            self.clear()

    def state(self) -> dict[str, Any]:
        return {
            "rows": {key: extension.rows for key, extension in self.extensions.items()},
            "events": self.events,
            "deleted": self.deleted,
            "tokens": self.tokens.count,
        }

    def digest(self) -> dict[str, dict[str, Any]]:
        rows = {f"{key}/{name}": row for key, held in self.extensions.items() for name, row in held.rows.items()}
        return {**super().digest(), "rows": digested(rows)}

    def expire_tokens(self) -> None:
        self.tokens.expire()

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        parts = tuple(call.path.strip("/").split("/"))
        match (call.method, *parts):
            case ("POST", "v2", "token"):
                return self._login, ()
            case ("PUT" | "POST", "data", "v1", "async", "dataextensions", key, "rows"):
                return self._queue, (key,)
            case ("GET", "data", "v1", "async", request, "status"):
                return self._status, (request,)
            case ("GET", "data", "v1", "async", request, "results"):
                return self._results, (request,)
            case ("POST", "hub", "v1", "dataevents", key, "rowset"):
                return self._rowset, (key,)
            case ("POST", "interaction", "v1", "events"):
                return self._enter, ()
            case ("POST", "contacts", "v1", "contacts", "actions", "delete"):
                return self._delete, ()
            case ("GET", "contacts", "v1", "contacts", "actions", "delete", "status"):
                return self._deletion, ()
        return None

    def counted(self, path: str) -> str:
        parts = path.split("/")
        if path.endswith(("/status", "/results")) and len(parts) > 2:
            parts[-2] = "{id}"
        return "/".join(parts)

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        """50100: slower, and for how many seconds."""
        return slower(max(round(wait), 1))

    def failed(self, status: int) -> Reply:
        return error(status, "Internal Server Error", 0)

    def revoked(self, status: int) -> Reply:
        return error(status, "Not Authorized" if status == 401 else "Insufficient privileges", 0 if status == 401 else 20002)

    def special(self, call: Call, step: Step) -> Reply | None:
        if step.fault == "blocked":
            return error(429, "Your requests are temporarily blocked.", 50200)
        if step.fault == "transient":
            return error(400, "Unable to save rows for data extension ID", 10006)
        return None

    def _login(self, call: Call) -> Reply:
        body, _ = self.parsed(call, error(400, "malformed JSON", 10004))
        self.valid("token", body, lambda problem: oauth(400, "invalid_request", problem))
        if (body["client_id"], body["client_secret"]) != (self.client_id, self.client_secret):
            raise Reject("credentials", oauth(401, "invalid_client", "Client authentication failed"))
        token = self.tokens.issue(self.clock(), self.config["token_seconds"])
        return Reply(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.config["token_seconds"],
                "scope": "data_extensions_read data_extensions_write journeys_execute",
                "soap_instance_url": f"{self.url}/",
                "rest_instance_url": f"{self.url}/",
            },
        )

    def _admitted(self, call: Call) -> Any:
        self._authorised(call)
        self.pace("rate")
        if not self.is_json(call):
            raise Reject("content_type", error(415, "Unsupported Media Type", 0))
        if self.config["max_bytes"] is not None and len(call.body) > self.config["max_bytes"]:
            raise Reject("max_bytes", error(413, "Request Entity Too Large", 0))
        return self.parsed(call, error(400, "Invalid message format", 10004))[0]

    def _authorised(self, call: Call) -> None:
        if not self.tokens.lives(call.headers.get("Authorization", ""), self.clock()):
            raise Reject("token", error(401, "Not Authorized", 0))

    def _extension(self, part: str) -> DataExtension | None:
        return self.extensions.get(part.removeprefix("key:")) if part.startswith("key:") else None

    def _queue(self, call: Call, part: str) -> Reply:
        body = self._admitted(call)
        extension = self._extension(part)
        if extension is None:
            raise Reject("data_extension", self._messages(400, "DataExtensionNotFound", f"Unable to find {part}"))
        self.valid("async", body, lambda problem: self._messages(400, "InvalidRequest", problem))
        rows = body["items"]
        if self.config["max_rows"] is not None and len(rows) > self.config["max_rows"]:
            raise Reject("max_rows", self._messages(400, "TooManyItems", f"at most {self.config['max_rows']} items"))
        is_aborted = call.step is not None and call.step.fault == "aborted"
        refused = call.refused_places(len(rows))
        results = [] if is_aborted else extension.process(rows, call.method == "PUT", refused)
        self.counters.items["rows"] += len(rows)
        for result in results:
            if result["status"] != "OK":
                self.counters.rejects[f"row: {result['message'].split('[')[0].split('(')[0].strip()}"] += 1
        request = self._number()
        self._requests[request] = {"at": self.clock(), "results": results, "aborted": is_aborted, "polls": 0}
        return Reply(202, {"requestId": request, "resultMessages": []})

    def _number(self) -> str:
        self._serial += 1
        return f"00000000-0000-4000-8000-{self._serial:012d}"

    def _messages(self, status: int, code: str, message: str) -> Reply:
        found = {"resultType": "Error", "resultClass": "Error", "resultCode": code, "message": message}
        return Reply(status, {"requestId": self._number(), "resultMessages": [found]})

    def _found(self, call: Call, request: str) -> dict[str, Any]:
        self._authorised(call)
        found = self._requests.get(request)
        if found is None or self.clock() - found["at"] > self.config["results_seconds"]:
            # A reply of success that says that there is nothing.
            raise Reject("request", self._messages(200, "AsyncRequestNotFound", "The request was not found"))
        return found

    def _status(self, call: Call, request: str) -> Reply:
        found = self._found(call, request)
        found["polls"] += 1
        is_pending = found["polls"] <= self.config["pending_polls"]
        has_errors = found["aborted"] or any(result["status"] != "OK" for result in found["results"])
        called = datetime.fromtimestamp(found["at"], UTC).isoformat()[:22]
        status: dict[str, Any] = {"callDateTime": called, "requestId": request, "hasErrors": False}
        if is_pending:
            return Reply(200, {"status": {**status, "requestStatus": "Pending"}, "requestId": self._number()})
        status |= {"pickupDateTime": called, "completionDateTime": called, "hasErrors": has_errors}
        status["requestStatus"] = "Error" if found["aborted"] else "Complete"
        status["resultStatus"] = "Error" if found["aborted"] else "HasErrors" if has_errors else "OK"
        return Reply(200, {"status": status, "requestId": self._number()})

    def _results(self, call: Call, request: str) -> Reply:
        found = self._found(call, request)
        if found["polls"] < self.config["pending_polls"]:
            return self._messages(200, "AsyncRequestPending", "The request is not complete")
        page = max(int(call.query.get("page", "1")), 1)
        items = found["results"][(page - 1) * _PAGE : page * _PAGE]
        count = len(found["results"])
        return Reply(200, {"page": page, "pageSize": _PAGE, "count": count, "items": items, "requestId": self._number()})

    def _rowset(self, call: Call, part: str) -> Reply:
        rows = self._admitted(call)
        extension = self._extension(part)
        if extension is None:
            raise Reject("data_extension", error(400, f"Parameter {part} is invalid.", 10001))
        self.valid("rowset", rows, lambda problem: error(400, problem, 10005))
        if len(rows) > self.config["max_rowset"]:
            raise Reject("max_rowset", error(400, f"at most {self.config['max_rowset']} rows", 10005))
        most = self.config["max_columns"]
        if most is not None and any(len(row["keys"]) + len(row["values"]) > most for row in rows):
            raise Reject("max_columns", error(400, f"at most {most} columns", 10005))
        refused = call.refused_places(len(rows))
        for place, row in enumerate(rows):
            missing = [column for column in extension.primary if column not in row["keys"]]
            if missing:
                raise Reject("keys", error(400, f"Primary key '{missing[0].lower()}' does not exist.", 10000))
            whole = {**row["keys"], **row["values"]}
            problem = "The value is not valid." if place in refused else extension.problem(whole)
            if problem is not None:
                # Rows before this one stay written.
                raise Reject("row", error(400, f"Unable to save rows for data extension ID {part}", 10006, problem))
            extension.upsert(whole)
            self.counters.items["rows"] += 1
        return Reply(200, call.body)

    def _enter(self, call: Call) -> Reply:
        body = self._admitted(call)
        if not call.body.isascii() and "charset=utf-8" not in call.headers.get("Content-Type", "").lower():
            raise Reject("charset", error(400, "Invalid message format", 10004))
        self.valid("event", body, lambda problem: error(400, problem, 10005))
        if self.config["events"] is not None and body["EventDefinitionKey"] not in self.config["events"]:
            raise Reject("event", error(400, "Unable to find the event definition", 30003))
        if body["ContactKey"] in self.deleted:
            raise Reject("contact", error(400, "The contact is not active", 30000))
        self.counters.items["journey"] += 1
        number = self._number()
        if "eventInstanceId" in body.get("Data", {}):
            body["Data"]["eventInstanceId"] = number
        if self.config["keep"]:
            self.events.append(body)
        return Reply(201, {"eventInstanceId": number})

    def _deletion(self, call: Call) -> Reply:
        self._authorised(call)
        number = call.query.get("operationID", "")
        if not number.isdecimal() or int(number) not in self._deletions:
            raise Reject("operation", error(404, "Unable to find the operation", 10000))
        state = self.config["deletion"]
        background = [] if state == "Suppressed" else [{"backgroundOperationStatusID": state}]
        operation = {"operationID": int(number), "deleteType": "ContactAndAttributes", "status": "Completed"}
        return Reply(200, {"operation": operation, "backgroundOperationsSummary": background, "resultMessages": []})

    def _delete(self, call: Call) -> Reply:
        body = self._admitted(call)
        if call.query.get("type") != "keys":
            raise Reject("type", error(400, "type must be keys", 10005))
        self.valid("delete", body, lambda problem: error(400, problem, 10005))
        if len(body["values"]) > self.config["max_contacts"]:
            raise Reject("max_contacts", error(400, "too many contacts", 10005))
        self.deleted.extend(body["values"])
        gone = set(body["values"])
        for extension in self.extensions.values():
            first = extension.primary[0]
            extension.rows = {name: row for name, row in extension.rows.items() if str(row.get(first)) not in gone}
        self._serial += 1
        self._deletions.append(self._serial)
        return Reply(
            200,
            {
                "operationInitiated": True,
                "operationID": self._serial,
                "requestServiceMessageID": self._number(),
                "resultMessages": [],
                "serviceMessageID": self._number(),
            },
        )
