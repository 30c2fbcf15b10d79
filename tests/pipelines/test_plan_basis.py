"""Plans of those of whom something changed, held against plans of everybody."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from personalake.lake import Lake
from personalake.pipelines import plan_basis
from personalake.pipelines.job import JobContext
from personalake.pipelines.plan_activation import run
from personalake.pipelines.plan_basis import Basis, Narrow
from personalake.pipelines.plan_changes import asked_of
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK
from tests.pipelines.test_plan_audiences import DAY, START, Row, Shop, write

PEOPLE, MOVING = 90, 12
# Jobs of Spark; there were a dozen while each step of a plan asked for itself.
FEW_QUESTIONS = 9
TOLD = ("plan_id", "added", "changed", "removed", "unchanged", "refused", "holdout", "bytes")
LOOSE: Row = {"bounds": {"max_removed_share": 1}, "approve_above": None}
OUTCOMES = (*["accepted"] * 12, "confirmed", "unknown", "in_flight", "rejected", "cancelled", "")


class Crowd:
    """People whose data, consents and deliveries change at random, a few each day."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.dice = shop, random.Random(seed)
        self.profiles = {f"p{number:02}": self._profile(f"c{number:02}") for number in range(PEOPLE)}
        self.granted = {person: self.dice.random() < 0.85 for person in self.profiles}
        self.answers: list[Row] = []
        self.moments = 0

    def _profile(self, key: str) -> Row:
        category = self.dice.choice(("tea", "soup", "bread", None))
        return {"customer_id": key, "orders": self.dice.choice((1, 2, 2, 2, 2)), "favourite_category": category}

    def live(self) -> None:
        """A few people change: other data, another's key, no key, gone, come, other answers."""
        for person in self.dice.sample(sorted(self.profiles), MOVING):
            kind = self.dice.choice(("data", "key", "keyless", "gone", "answer", "refusal"))
            if kind == "data":
                self.profiles[person] = self._profile(self.profiles[person]["customer_id"])
            elif kind == "key":
                self.profiles[person]["customer_id"] = f"c{self.dice.randrange(PEOPLE):02}"
            elif kind == "keyless":
                self.profiles[person]["customer_id"] = ""
            elif kind == "gone":
                del self.profiles[person]
            elif kind == "answer":
                self.granted[person] = not self.granted[person]
            else:
                self.answers.append({"namespace": "customer_id", "customer_id": f"id_{person}", "record_id": f"{person}"})
        for person in sorted(self.granted.keys() - self.profiles.keys()):
            if self.dice.random() < 0.3:
                self.profiles[person] = self._profile(f"c{person[1:]}")

    def lay_out(self, day: Any) -> None:
        lake = self.shop.lake
        write(lake, CUSTOMER_PROFILE, [{"person_id": p, "as_of": day, **row} for p, row in self.profiles.items()])
        status = {True: "granted", False: "withdrawn"}
        consents = [{"person_id": p, "purpose": "personalisation", "status": status[it]} for p, it in self.granted.items()]
        write(lake, CONSENT_CURRENT, consents)
        refusal = {"purpose": "personalisation", "status": "withdrawn", "occurred_at": START, "known_at": START}
        write(lake, CONSENT, [{**answer, **refusal} for answer in self.answers])
        links = [{"namespace": "customer_id", "value": f"id_{p}", "person_id": p} for p in self.granted]
        write(lake, PERSON_LINK, links)

    def send(self) -> None:
        """Deliveries come to all kinds of ends; some that were in doubt are settled late, some are rejected after all."""
        said = {row["delivery_id"]: row["state"] for row in self._log()}
        for state in OUTCOMES:
            if state:
                known = sorted(self._sent() - said.keys())
                share = 1 / (len(OUTCOMES) - OUTCOMES.index(state))
                self._tell([one for one in known if self.dice.random() < share], state)
                said |= {row["delivery_id"]: row["state"] for row in self._log()}
        doubtful = [delivery for delivery, state in sorted(said.items()) if state in ("unknown", "in_flight", "accepted")]
        for delivery in self.dice.sample(doubtful, len(doubtful) // 8):
            self._tell([delivery], self.dice.choice(("accepted", "confirmed", "rejected")))

    def _sent(self) -> set[str]:
        return {row["delivery_id"] for row in self.shop.lake.ledger.read(ACTIVATION_OUTBOX)}

    def _log(self) -> list[Row]:
        return sorted(self.shop.lake.ledger.read(ACTIVATION_LOG), key=lambda row: row["logged_at"])

    def _tell(self, deliveries: list[str], state: str) -> None:
        self.moments += 1
        at = START + timedelta(seconds=self.moments)
        rows = [{"delivery_id": one, "destination": "files", "state": state, "logged_at": at} for one in deliveries]
        self.shop.lake.add(rows, ACTIVATION_LOG)


@pytest.fixture
def crowd(lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]) -> Crowd:
    return Crowd(Shop(lake, tmp_path / "out", context_of), seed=6)


def told(context: JobContext) -> Row:
    found: Row = run(context).figures["audiences"]["regulars"]
    return {name: found[name] for name in TOLD}


def remembered(context: JobContext) -> bool:
    """Whether what is remembered holds under these settings."""
    sync, connection = context.settings.audiences["regulars"], context.settings.connections["files"]
    with Basis(context, "regulars", asked_of(context, "regulars", sync, connection), connection, None) as basis:
        return basis.narrow() is not None


def questions(lake: Lake) -> int:
    """Jobs that Spark has done so far."""
    return len(lake.spark.sparkContext.statusTracker().getJobIdsForGroup(None))


def whole(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> Row:
    """The plan that looks at everybody; nothing is written."""
    dry = replace(context, lake=Lake(context.lake.locations, lambda: context.lake.spark, dry_run=True))
    with monkeypatch.context() as forgetful:
        forgetful.setattr(plan_basis, "remembers", lambda *_: False)
        return told(dry)


def test_who_is_as_they_were_is_not_looked_at_and_the_plan_is_that_of_everybody(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int | None] = []
    asked: list[int] = []
    narrow, remember = Basis.narrow, Basis.remember

    def seen(basis: Basis) -> Narrow | None:
        found = narrow(basis)
        looked_at.append(None if found is None else found.people.count())
        return found

    monkeypatch.setattr(Basis, "narrow", seen)
    monkeypatch.setattr(plan_basis, "_MOST_CHANGED", 1)
    for number in range(3):
        context = crowd.shop.context(DAY + timedelta(number), **LOOSE)
        crowd.lay_out(context.as_of)

        expected = whole(context, monkeypatch)
        with monkeypatch.context() as dying:
            # The second run dies before it has remembered anything: the third goes by what the first one left.
            dying.setattr(Basis, "remember", (lambda *_: None) if number == 1 else remember)
            before = questions(context.lake)
            assert told(context) == expected
            asked.append(questions(context.lake) - before)

        crowd.send()
        crowd.live()

    first, *later = looked_at[1::2]
    assert first is None
    assert [count for count in later if count is None or not 0 < count < PEOPLE] == []
    # Of few people, where none has the key of somebody who was not looked at.
    assert min(asked[1:]) <= FEW_QUESTIONS
    crowd.lay_out(context.as_of)
    assert remembered(context)
    assert not remembered(crowd.shop.context(context.as_of, **LOOSE, key={"source": "customer_id", "hashing": "sha256"}))
