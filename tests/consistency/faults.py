"""What goes wrong while the checker runs. Each fault is bounded in time and leaves everything as it was."""

import itertools
import os
import random
import signal
import time

import psycopg

from cluster_faults import CLUSTER_FAULTS

CANCEL_WAITS = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
DECODERS = "SELECT pid FROM pg_stat_replication"


def run_all(seed: int, names=None, rounds: int | None = None):
    """faults(arena, seconds) for Arena.check(): one after the other in an order that the seed gives, until it is time
    to end. Every one comes once before one comes again. names: None means all that need no replicas.
    rounds: how often each comes; None: until the end.
    """
    names = list(names or FAULTS)
    chosen = [(FAULTS | CLUSTER_FAULTS)[name] for name in names]

    def run(arena, seconds: float) -> None:
        dice = random.Random(seed)
        start = time.monotonic()
        end = start + seconds
        for _ in itertools.repeat(None) if rounds is None else range(rounds):
            for fault in dice.sample(chosen, len(chosen)):
                if time.monotonic() + 4 * arena.bound > end:
                    return
                time.sleep(dice.uniform(0.5, 1.2))
                begun = time.monotonic() - start
                fault(arena, dice)
                run.times.append(f"{fault.__name__} {begun:.3f} s to {time.monotonic() - start:.3f} s")

    run.names = names  # for the command that runs it again
    run.times = []  # of what was done, in words
    return run


def cut_stream(arena, dice) -> None:
    arena.server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")


def drop_slots(arena, dice) -> None:
    """A slot that is in use goes with its session."""
    arena.server.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    for (name,) in arena.server.query("SELECT slot_name FROM pg_replication_slots WHERE NOT active"):
        try:
            arena.server.execute("SELECT pg_drop_replication_slot(%s)", (name,))
        except psycopg.Error:
            pass  # was temporary, and has gone meanwhile


def delay_stream(arena, dice) -> None:
    """The sessions that decode stand still for longer than the bound."""
    pids = [pid for (pid,) in arena.server.query(DECODERS)]
    _stop_for(pids, arena.bound * dice.uniform(0.5, 1.8))


def pause_forebay(arena, dice) -> None:
    _stop_for([arena.forebay.pid], arena.bound * dice.uniform(1.1, 1.8))


def hold_commits(arena, dice) -> None:
    """A standby that is absent is waited for: commits are in the stream, but not visible.

    Then the waits are cancelled one by one, as a person would do it. A reload, which ends the waits at last, also ends
    whatever has been kept wrongly meanwhile, so it comes late.
    """
    arena.server.reload({"synchronous_standby_names": "absent"})
    try:
        time.sleep(arena.bound * dice.uniform(0.6, 1.5))
        end = time.monotonic() + 2 * arena.bound
        while time.monotonic() < end:
            arena.server.query(CANCEL_WAITS)
            time.sleep(0.02)
    finally:
        arena.server.reload({"synchronous_standby_names": arena.standbys})


def restart_server(arena, dice) -> None:
    arena.server.restart()


def kill_server(arena, dice) -> None:
    arena.server.kill()
    arena.server.start()


def long_transaction(arena, dice) -> None:
    """Has a number, so that no snapshot knows that all before it have ended."""
    with psycopg.connect(arena.server.socket_dsn(dbname="arena")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.long_transaction (x int)")
        connection.execute("INSERT INTO public.long_transaction VALUES (1)")
        time.sleep(arena.bound * dice.uniform(0.5, 2))


def bulk_transaction(arena, dice) -> None:
    """The stream is busy with it for a while."""
    rows = "INSERT INTO public.heap SELECT generate_series(1, 100000); DELETE FROM public.heap"
    arena.server.psql(f"BEGIN; CREATE TABLE IF NOT EXISTS public.heap (x int); {rows}; COMMIT", "arena")


def rewrite_tables(arena, dice) -> None:
    arena.server.psql("VACUUM FULL by_number; REINDEX TABLE by_text; CLUSTER by_uuid USING by_uuid_pkey", "arena")


FAULTS = {
    fault.__name__: fault
    for fault in (cut_stream, drop_slots, delay_stream, pause_forebay, hold_commits, restart_server, kill_server,
                  long_transaction, bulk_transaction, rewrite_tables)
}


def _stop_for(pids: list[int], seconds: float) -> None:
    stopped = []
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        time.sleep(seconds)
    finally:
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
