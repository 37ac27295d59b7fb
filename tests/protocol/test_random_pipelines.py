"""Random pipelines of valid messages: through Forebay every answer is byte for byte PostgreSQL's.

Names are taken, unknown, closed and taken again; errors stand anywhere; Syncs are many or missing. A failure names the
seed with which it happens again: -k "seed-17".
"""

import random

import pytest

from forebay_testing import frontend_messages as fe

from conversation import brief, ended, in_pieces, to_the_end

SEEDS = range(40)
BURSTS = 6

STATEMENTS = ["", "a", "b", "Long name with \"quotes\"", "n" * 70]
PORTALS = ["", "p", "q"]
#: Text → number of parameters.
TEXTS = {
    "SELECT 1": 0, "SELECT $1::int": 1, "SELECT $1::text, $2::int + 1": 2, "SELECT 1/0": 0, "SELECT 1/$1::int": 1,
    "SELECT generate_series(1, 5)": 0, "SELEC broken": 0, "": 0, "SELECT 1; SELECT 2": 0, "SHOW TimeZone": 0,
    "BEGIN": 0, "COMMIT": 0, "ROLLBACK": 0, "SAVEPOINT s": 0, "ROLLBACK TO s": 0, "VALUES ($1, NULL)": 1,
    "SELECT nothing": 0, "SELECT pg_notify('x', 'y')": 0, "SELECT 'abc' WHERE false": 0, "SELECT set_config('a.b', $1, true)": 1,
}
QUERIES = [
    "SELECT 1", "", "SELECT 1; SELECT 2", "SELECT 1/0", "BEGIN", "COMMIT", "ROLLBACK", "BEGIN; SELECT 1/0; COMMIT",
    "COPY (VALUES (1), (2)) TO STDOUT", "SELECT 'x' FROM generate_series(1, 3)", "DO $$ BEGIN RAISE NOTICE 'n'; END $$",
    "SET LOCAL TimeZone = 'Asia/Tokyo'", "SHOW TimeZone", "LISTEN x", "UNLISTEN *",
]


class Composer:
    """Draws messages; parameters mostly fit, so that much succeeds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.arity: dict[str, int] = {}

    def burst(self) -> list[bytes]:
        return [self.message() for _ in range(self.random.randint(1, 25))]

    def message(self) -> bytes:
        draw = self.random.choices(
            [self.parse, self.bind, self.describe, self.execute, self.close, fe.flush, fe.sync, self.query, self.lookup],
            [5, 6, 3, 6, 2, 1, 4, 2, 1])[0]
        return draw()

    def parse(self) -> bytes:
        name, text = self.random.choice(STATEMENTS), self.random.choice(list(TEXTS))
        self.arity[name] = TEXTS[text]
        return fe.parse(text, name)

    def bind(self) -> bytes:
        name = self.random.choice(STATEMENTS)
        count = self.arity.get(name, 0) if self.random.random() < 0.9 else self.random.randint(0, 3)
        values = [self.random.choice([None, 0, 7, "text"]) for _ in range(count)]
        formats = self.random.choice([(), (0,), (1,)]) if self.random.random() < 0.2 else ()
        return fe.bind(values, name, self.random.choice(PORTALS), result_formats=formats)

    def describe(self) -> bytes:
        return fe.describe(*self.thing())

    def close(self) -> bytes:
        return fe.close(*self.thing())

    def thing(self) -> tuple[str, str]:
        kind = self.random.choice("SP")
        return kind, self.random.choice(STATEMENTS if kind == "S" else PORTALS)

    def execute(self) -> bytes:
        return fe.execute(self.random.choice(PORTALS), self.random.choice([0, 0, 0, 1, 2, 100]))

    def query(self) -> bytes:
        return fe.query(self.random.choice(QUERIES))

    def lookup(self) -> bytes:
        return fe.function_call(177, [self.random.choice([40, None, "x"]), 2])


def transcript(place, seed: int):
    composer = Composer(seed)
    answers = []
    with place.raw() as raw:
        for _ in range(BURSTS):
            stream = ended(composer.burst())
            cuts = sorted(composer.random.sample(range(1, len(stream)), composer.random.choice([0, 0, 1, 3])))
            in_pieces(raw, stream, cuts)
            answers.append(to_the_end(raw))
    return answers


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}-")
def test_same_answers(endpoint, reference, seed):
    ours, theirs = transcript(endpoint, seed), transcript(reference, seed)
    for number, (mine, direct) in enumerate(zip(ours, theirs)):
        assert mine == direct, f"seed {seed}, burst {number}:\n  ours {brief(mine)}\ndirect {brief(direct)}"
