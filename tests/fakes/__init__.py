"""Fake vendors: endpoints, hard limits, faults, and the state that each vendor would now hold.

    from tests.fakes import Step, running_fakes, fakes_in_a_process       # or the fixture `fakes`, from tests.fakes.fixtures

    with running_fakes() as fakes:            # all vendors in a thread; fakes_in_a_process() for throughput
        fakes.braze.url                       # http://127.0.0.1:PORT/braze: base URL for `endpoint`; paths as documented
        fakes.braze.api_key                   # credentials are attributes (see each vendor's class)
        fakes.braze.configure(batch_rule="each75", track_rate=None)       # limits and contracts; null: no limit
        fakes.braze.do("seed", ["p1", "p2"])  # profiles, without which Braze delivers no message
        fakes.braze.script(Step("throttle", at=[1, 2], wait=3), Step("lost", every=9), Step("hang", probability=0.1))
        fakes.advance(86_400)                 # the vendors' clock: rates, tokens, windows of de-duplication
        fakes.braze.state()                   # profiles merged, events with multiplicity, messages, subscriptions, deleted
        fakes.braze.counters()                # requests, bytes, statuses, items, rejects by reason, faults, duplicates
        fakes.braze.journal()                 # the latest requests, one line each;  fakes.reset() forgets all

Faults of every vendor: throttle status html hang reset_before_body reset lost(how=hang) truncated slow partial expire_tokens
revoke. A step counts requests that carry data (no tokens, no polls) unless it names a `path`. The same by HTTP:
`POST /_control/braze/script [{"fault": "lost", "at": [3]}]`, `/_control/braze/state`, `/_control/clock 60`.
"""

from tests.fakes.faults import Step
from tests.fakes.handles import Fakes, Handle, connect, fakes_in_a_process, running_fakes

__all__ = ["Fakes", "Handle", "Step", "connect", "fakes_in_a_process", "running_fakes"]
