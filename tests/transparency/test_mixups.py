"""No row, error or notice of one client ever reaches another (pitfalls: pooling 1, 2, 4).

Many clients share two backends and do everything at random: each asks for its own mark and must get nothing else.
Some leave in the middle of an answer. A failure names the seed with which it happens again.
"""

import concurrent.futures
import random

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

CLIENTS, STEPS = 24, 60


class Worker:
    """One client; every answer it gets must carry its mark."""

    def __init__(self, place, seed: int) -> None:
        self.place = place
        self.seed = seed
        self.random = random.Random(seed)
        self.raw: RawConnection = place.raw()
        self.prepared: set[str] = set()
        self.count = 0

    def work(self) -> int:
        steps = [self.simple, self.extended, self.named, self.burst, self.error, self.transaction, self.copy,
                 self.leave]
        for _ in range(STEPS):
            self.count += 1
            self.random.choice(steps)(f"{self.seed}:{self.count}")
        self.raw.close()
        return self.count

    def expect(self, messages, *marks: str) -> None:
        """Every value of every row is one of the marks, in this order."""
        found = [value.decode() for message in messages if message.kind == "D" for value in message.value]
        assert found == list(marks), f"seed {self.seed}: expected {marks}, found {found}"

    def simple(self, mark):
        rows = self.random.randint(1, 50)
        self.expect(self.raw.query(f"SELECT '{mark}' FROM generate_series(1, {rows})"), *[mark] * rows)

    def extended(self, mark):
        self.raw.send(fe.parse("SELECT $1::text"), fe.bind([mark]), fe.describe("P"), fe.execute(), fe.sync())
        self.expect(self.raw.until_ready(), mark)

    def named(self, mark):
        name = f"s{self.random.randint(0, 3)}"
        own = f"{self.seed}/{name}/"
        burst = [] if name in self.prepared else [fe.parse(f"SELECT '{own}' || $1::text", name)]
        self.prepared.add(name)
        self.raw.send(*burst, fe.bind([mark], name), fe.execute(), fe.sync())
        self.expect(self.raw.until_ready(), own + mark)
        if self.random.random() < 0.2:
            self.raw.send(fe.close("S", name), fe.sync())
            self.raw.until_ready()
            self.prepared.discard(name)

    def burst(self, mark):
        """Several Syncs in one write; every third part fails."""
        parts = self.random.randint(2, 8)
        for part in range(parts):
            divisor = 0 if part % 3 == 2 else 1
            first = f"SELECT '{mark}.{part}' || left((1 / {divisor})::text, 0)"
            self.raw.send(fe.parse(first), fe.bind(), fe.execute(), fe.parse("SELECT 'second'"), fe.bind(),
                          fe.execute(), fe.sync())
        for part in range(parts):
            messages = self.raw.until_ready()
            if part % 3 == 2:
                assert [m.sqlstate for m in messages if m.kind == "E"] == ["22012"]
            else:
                self.expect(messages, f"{mark}.{part}", "second")

    def error(self, mark):
        messages = self.raw.query(f"DO $$ BEGIN RAISE NOTICE '{mark}'; RAISE EXCEPTION '{mark}'; END $$")
        assert [m.value["M"] for m in messages if m.kind in "EN"] == [mark, mark], f"seed {self.seed}"

    def transaction(self, mark):
        self.raw.query("BEGIN")
        self.raw.query(f"SET LOCAL app.mark = '{mark}'")
        for _ in range(self.random.randint(1, 4)):
            self.expect(self.raw.query("SELECT current_setting('app.mark')"), mark)
        self.raw.query(self.random.choice(["COMMIT", "ROLLBACK"]))

    def copy(self, mark):
        messages = self.raw.query(f"COPY (SELECT '{mark}' FROM generate_series(1, 20)) TO STDOUT")
        assert {m.value.decode() for m in messages if m.kind == "d"} == {mark + "\n"}, f"seed {self.seed}"

    def leave(self, mark):
        """Goes away with answers under way, and comes back as a new client."""
        if self.random.random() < 0.5:
            self.raw.send(*[fe.query(f"SELECT '{mark} of one that left' FROM generate_series(1, 2000)")] * 3)
        elif self.random.random() < 0.5:
            self.raw.query("BEGIN")
            self.raw.send(fe.parse("SELECT 'never bound'", "s0"))
        self.raw.close()
        self.raw = self.place.raw()
        self.prepared.clear()


@pytest.mark.time_limit(120)
@pytest.mark.pool(2)
def test_everybody_gets_only_his_own(endpoint):
    def client(seed):
        return Worker(endpoint, seed).work()

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(client, range(CLIENTS))) == [STEPS] * CLIENTS
