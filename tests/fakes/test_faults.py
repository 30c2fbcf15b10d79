import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes import Fakes, Handle, Step, fakes_in_a_process, running_fakes
from tests.fakes.ask import ask
from tests.fakes.faults import Script

EVENT = {"events": [{"external_id": "p-1", "name": "decided", "time": "2017-12-01T00:00:00Z"}]}


def send(fakes: Fakes, timeout: float = 5) -> int:
    return ask(fakes.braze, "/users/track", EVENT, timeout=timeout, Authorization=f"Bearer {fakes.braze.api_key}").status


def taken(fakes: Fakes) -> int:
    return len(fakes.braze.state()["events"])


@pytest.mark.parametrize(("fault", "status"), [("throttle", 429), ("status", 503), ("html", 503)])
def test_a_refusal_takes_nothing_and_the_next_request_is_served(fakes: Fakes, fault: str, status: int) -> None:
    fakes.braze.script(Step(fault, at=[1], status=503))

    assert [send(fakes), send(fakes)] == [status, 201]
    assert taken(fakes) == 1


def test_a_page_may_come_with_200(fakes: Fakes) -> None:
    fakes.braze.script(Step("html", at=[1]))

    told = ask(fakes.braze, "/users/track", EVENT, Authorization=f"Bearer {fakes.braze.api_key}")

    assert (told.status, told.headers["content-type"]) == (200, "text/html")
    assert told.body.startswith(b"<!DOCTYPE html>")
    assert taken(fakes) == 0


@pytest.mark.parametrize(("fault", "held"), [("reset_before_body", 0), ("reset", 0), ("lost", 1)])
def test_a_connection_is_reset_with_or_without_the_request_being_taken(fakes: Fakes, fault: str, held: int) -> None:
    fakes.braze.script(Step(fault, at=[1]))

    with pytest.raises(ConnectionResetError):
        send(fakes)
    assert taken(fakes) == held
    assert fakes.braze.counters()["faults"] == {fault: 1}


@pytest.mark.parametrize(("step", "held"), [(Step("hang", at=[1]), 0), (Step("lost", at=[1], how="hang"), 1)])
def test_a_reply_never_comes_with_or_without_the_request_being_taken(fakes: Fakes, step: Step, held: int) -> None:
    fakes.braze.script(step)

    with pytest.raises(TimeoutError):
        send(fakes, timeout=0.2)
    assert taken(fakes) == held


def test_a_reply_breaks_off_after_the_request_was_taken(fakes: Fakes) -> None:
    fakes.braze.script(Step("truncated", at=[1]))

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        send(fakes)
    assert taken(fakes) == 1


def test_a_slow_reply_comes_in_the_end(fakes: Fakes) -> None:
    fakes.braze.script(Step("slow", at=[1], wait=0.3))

    started = time.monotonic()

    assert send(fakes) == 201
    assert time.monotonic() - started >= 0.3


def test_a_revoked_account_stays_revoked_until_it_is_restored(fakes: Fakes) -> None:
    fakes.braze.script(Step("revoke", at=[2]))

    assert [send(fakes) for _ in range(4)] == [201, 401, 401, 401]
    fakes.braze.restore()
    assert send(fakes) == 201
    assert taken(fakes) == 2


def test_an_unknown_fault_is_an_error_of_the_test(fakes: Fakes) -> None:
    with pytest.raises(ValueError, match="braze knows no fault 'earthquake'"):
        fakes.braze.script(Step("earthquake"))


def test_a_clock_that_is_handed_in_rules_rates_and_windows() -> None:
    now = [1_500_000_000.0]
    with running_fakes(clock=lambda: now[0]) as fakes:
        fakes.braze.configure(track_rate=(1, 3))

        first = [send(fakes), send(fakes)]
        now[0] += 3
        second = send(fakes)

        assert (first, second) == ([201, 429], 201)
        with pytest.raises(ValueError, match="this clock was handed in"):
            fakes.advance(1)


def test_requests_at_the_same_time_are_counted(fakes: Fakes) -> None:
    fakes.braze.script(Step("slow", wait=0.3))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: send(fakes), range(4))) == [201] * 4
    assert fakes.braze.counters()["peak_in_flight"] == 4


def test_a_script_may_be_posted(fakes: Fakes) -> None:
    root = Handle("control", fakes.braze.url.removesuffix("/braze") + "/_control", lambda *_: None)

    ask(root, "/braze/script", [{"fault": "throttle", "at": [1]}])
    mistaken = ask(root, "/braze/script", [{"fault": "throttle", "when": 1}])

    assert (mistaken.status, list(mistaken.body)) == (400, ["error"])
    assert [send(fakes), send(fakes)] == [429, 201]
    assert ask(root, "/braze/counters", method="GET").body["result"]["faults"] == {"throttle": 1}


def fired(*steps: Step, path: str = "/users/track", carries_data: bool = True) -> list[int]:
    script = Script(steps)
    return [number for number in range(1, 21) if script.next(path, carries_data) is not None]


def test_steps_fire_by_number_by_interval_and_at_most_so_often() -> None:
    assert fired(Step("hang", at=[2, 5])) == [2, 5]
    assert fired(Step("hang", every=8)) == [8, 16]
    assert fired(Step("hang", times=3)) == [1, 2, 3]
    assert fired(Step("hang", at=[3]), Step("lost", every=10)) == [3, 10, 20]


def test_chance_depends_on_the_seed_alone() -> None:
    one, same, other = (fired(Step("hang", probability=0.5, seed=seed)) for seed in (1, 1, 2))

    assert one == same != other
    assert 0 < len(one) < 20


def test_only_requests_that_carry_data_are_counted_unless_a_path_is_named() -> None:
    assert fired(Step("hang", at=[1]), carries_data=False) == []
    assert fired(Step("hang", at=[1], path="/users"), carries_data=False) == [1]
    assert fired(Step("hang", at=[1], path="/token")) == []


def test_the_same_in_a_process_of_its_own() -> None:
    with fakes_in_a_process() as fakes:
        fakes.braze.script(Step("lost", at=[2]))

        assert send(fakes) == 201
        with pytest.raises(ConnectionResetError):
            send(fakes)

        assert taken(fakes) == 2
        assert fakes.braze.counters()["faults"] == {"lost": 1}
        assert fakes.advance(3_600) > time.time() + 3_000
        with pytest.raises(ValueError, match="braze has no setting colour"):
            fakes.braze.configure(colour="red")
