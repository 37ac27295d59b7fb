"""What goes wrong with servers that change places. Each fault leaves all servers up, if not where they were."""

import signal
import time


def fail_over(arena, dice) -> None:
    """The primary is killed, the replica that has most takes its place, and the former primary comes back as one."""
    cluster = arena.cluster
    cluster.primary.kill()
    new = cluster.newest_replica()
    time.sleep(dice.uniform(0, 0.5))
    _come_back(arena, dice, cluster.promote(new))


def switch_over(arena, dice) -> None:
    """The same by hand and in order: clients wait, and see no error."""
    cluster = arena.cluster
    _come_back(arena, dice, cluster.switch_over(arena.forebay, dice.choice(cluster.replicas)))


def freeze_replica(arena, dice) -> None:
    replica = dice.choice(arena.cluster.replicas)
    replica.signal_all(signal.SIGSTOP)
    try:
        time.sleep(arena.bound * dice.uniform(0.5, 1.8))
    finally:
        replica.signal_all(signal.SIGCONT)
    arena.cluster.wait_until_up(arena.forebay)


def cut_replica(arena, dice) -> None:
    """It receives nothing, and goes on answering."""
    replica = dice.choice(arena.cluster.replicas)
    replica.reload({"primary_conninfo": ""})
    time.sleep(arena.bound * dice.uniform(0.5, 1.8))
    replica.follow(arena.cluster.primary)
    arena.cluster.wait_until_up(arena.forebay)


def delay_replica(arena, dice) -> None:
    """It receives everything, and shows it later."""
    replica = dice.choice(arena.cluster.replicas)
    replica.reload({"recovery_min_apply_delay": f"{arena.bound * dice.uniform(0.1, 1.5) * 1000:.0f}ms"})
    time.sleep(arena.bound * dice.uniform(1, 3))
    replica.reload({"recovery_min_apply_delay": "0"})
    arena.cluster.wait_until_up(arena.forebay)


def pause_replay(arena, dice) -> None:
    replica = dice.choice(arena.cluster.replicas)
    replica.execute("SELECT pg_wal_replay_pause()")
    time.sleep(arena.bound * dice.uniform(0.2, 1.8))
    replica.execute("SELECT pg_wal_replay_resume()")
    arena.cluster.wait_until_up(arena.forebay)


def kill_replica(arena, dice) -> None:
    replica = dice.choice(arena.cluster.replicas)
    replica.kill()
    time.sleep(dice.uniform(0, arena.bound))
    replica.start()
    arena.cluster.wait_until_up(arena.forebay)


CLUSTER_FAULTS = {
    fault.__name__: fault
    for fault in (fail_over, switch_over, freeze_replica, cut_replica, delay_replica, pause_replay, kill_replica)
}


def _come_back(arena, dice, former) -> None:
    time.sleep(dice.uniform(0, arena.bound))
    arena.cluster.take_back(former)
    arena.cluster.wait_until_up(arena.forebay)
