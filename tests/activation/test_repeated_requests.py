"""Runs that die, and people who withdraw and come back, where a destination remembers requests by their key."""

import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.answers import Again, Answer, Lost, Taken
from personalake.activation.delivery import Claimed, Delivery, Pack, State
from personalake.activation.kept_back import beside_others, kept_back
from personalake.activation.packing import held_back
from personalake.config.connections import Patience
from tests.activation.doubles import START, MemoryJournal, Scripted, TickingClock, deliveries, sent

NAMES = [f"d{n}" for n in range(7)]
PEOPLE = deliveries(*NAMES)
NOW = START + timedelta(minutes=1)


class Killed(BaseException):
    pass


class Calm(random.Random):
    """Nothing unlikely happens."""

    def random(self) -> float:
        return 0.99


class World:
    """A destination, who consents, and a run that dies at a step.

    Args:
        chance: Of replies, and of who changes their mind when.
        is_overwritten: Whether what comes under a known key takes the place of the first, as a file does; else it has no
            effect, as with OneSignal.
    """

    def __init__(self, chance: random.Random, is_overwritten: bool) -> None:
        self.chance, self.is_overwritten = chance, is_overwritten
        self.there: dict[str, list[str]] = {}
        self.gone = set[str]()
        self.ever_gone = set[str]()
        self.leaked: list[str] = []
        self.dies_at = 0
        self.journal = Steps(self)
        self.connector: Scripted

    def changes(self, how_likely: float) -> None:
        """Some may withdraw, and others come back."""
        if self.chance.random() < how_likely:
            self.gone ^= set(self.chance.sample(NAMES, self.chance.randint(1, 4)))
            self.ever_gone |= self.gone

    def step(self) -> None:
        """Something was claimed or has arrived: somebody may change their mind now, and the run dies at one."""
        self.changes(0.25)
        self.dies_at -= 1
        if self.dies_at == 0:
            raise Killed

    def check(self, asked: Sequence[Delivery]) -> dict[str, str]:
        return {one.delivery_id: "no consent" for one in asked if one.delivery_id in self.gone}

    def takes(self, pack: Pack) -> Answer:
        names = [one.delivery_id for one in pack.deliveries]
        self.leaked += [name for name in names if name in self.gone]
        reply = self.chance.random()
        if reply < 0.15:
            return Again("status 503")
        if pack.pack_id not in self.there or self.is_overwritten:
            self.there[pack.pack_id] = names
        self.step()
        return Lost("no reply") if reply < 0.4 else Taken()

    def run(self) -> None:
        """The next run over what is left, as the job does it."""
        promised = {"unknown": "resend_same_key", "deduplication": "request_key", "recheck_seconds": 0}
        patience = Patience(max_tries=self.chance.choice((1, 3)))
        self.connector = Scripted(
            [self.takes] * 200, max_items=2, max_in_flight=1, chunk_items=7, patience=patience, **promised
        )
        left = self.journal.left(PEOPLE)
        doubtful = [one for one in left if one.claim is not None]
        kept = kept_back(doubtful, self.check)

        def is_held(one: Delivery) -> bool:
            return one.delivery_id in kept or held_back(one, self.connector, NOW) is not None

        kept -= beside_others(doubtful, kept, is_held, self.connector)
        is_unknown = {name for name, one in self.journal.outcomes.items() if one.state is State.UNKNOWN}
        given = [one for one in left if one.delivery_id not in is_unknown or not is_held(one)]
        sent(given, self.connector, self.journal, check=self.check, clock=TickingClock())


class Steps(MemoryJournal):
    """To claim is a step, too."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def claim(self, claims: Sequence[Claimed]) -> None:
        super().claim(claims)
        self.world.step()


@pytest.mark.parametrize("is_overwritten", [False, True], ids=["remembers", "overwrites"])
@settings(max_examples=150)
@given(seed=st.integers(0, 10**6))
def test_what_is_said_to_be_there_is_and_once_and_what_is_said_to_be_cancelled_is_not(
    is_overwritten: bool, seed: int
) -> None:
    chance = random.Random(seed)
    world = World(chance, is_overwritten)
    for _ in range(chance.randint(1, 5)):
        world.dies_at = chance.randint(1, 9)
        with contextlib.suppress(Killed):
            world.run()
        world.changes(0.7)
    world.gone = set()
    for _ in range(3):
        world.chance, world.dies_at = Calm(), -1
        world.run()

    reached = Counter(name for names in world.there.values() for name in names)
    states = world.journal.states
    assert world.leaked == []
    assert max(reached.values(), default=0) == 1
    assert {name for name in NAMES if states[name] == "accepted"} <= set(reached)
    assert not {name for name in NAMES if states[name] == "cancelled"} & set(reached)
    assert {name for name in NAMES if name not in world.ever_gone and states[name] != "accepted"} == set()
