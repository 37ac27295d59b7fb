"""Many clients at once: what an idle one costs, and whether ten thousand lose anything."""

import contextlib
import resource
import time

import interruption
from contestants import DATABASE, USER, dsn, start_forebay, start_pgbouncer
from forebay_testing import Daemon, PostgresServer
from idle_clients import ClientLost, IdleClients
from pgbench import Pgbench
from processes import memory_bytes

IDLE = 4_000
CROWD, ACTIVE = 10_000, 100
SPARE_FILES = 500  # for everything else a process of ours has open
WISHED_FILES = CROWD + ACTIVE + SPARE_FILES


def raise_file_limit() -> int:
    """Lets this process and its children open as many files as it may; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wished in (max(hard, WISHED_FILES), hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wished, wished))
            return wished
    return soft


def proxies(server: PostgresServer, threads: int | None):
    """Each fresh, one after the other."""
    for name, start in (("PgBouncer", start_pgbouncer), ("Forebay", lambda s, x: start_forebay(s, x, threads))):
        with contextlib.ExitStack() as stack:
            with interruption.whole():
                proxy = start(stack, server)
            yield name, proxy


def measure_idle(server: PostgresServer, threads: int | None) -> dict:
    """Bytes that each of many logged-in idle clients adds to the proxy."""
    if short_of_files(IDLE + SPARE_FILES):
        return {"skipped": short_of_files(IDLE + SPARE_FILES)}
    result = {"clients": IDLE, "failed": []}
    for name, proxy in proxies(server, threads):
        print(f"== Memory: {IDLE:,} idle clients of {name}", flush=True)
        try:
            with clients(proxy, 1) as first:
                first.ask_all()  # the pool's first backend and the first buffers are there before we look
            before = settled_memory(proxy)
            with clients(proxy, IDLE) as crowd:
                after = settled_memory(proxy)
                alive = crowd.check_alive()
        except ClientLost as lost:
            result["failed"].append(f"{name}: {lost}")
            continue
        result[name] = {
            "rss_bytes_per_client": (after["Rss"] - before["Rss"]) / IDLE,
            "pss_bytes_per_client": (after["Pss"] - before["Pss"]) / IDLE,
        }
        if alive != IDLE:
            result["failed"].append(f"{name}: {IDLE - alive} of {IDLE} idle clients were cut off")
    return result


def measure_crowd(server: PostgresServer, threads: int | None, seconds: int) -> dict:
    """Most clients idle, some active; afterwards every idle one asks its own question."""
    if short_of_files(WISHED_FILES):
        return {"skipped": short_of_files(WISHED_FILES)}
    result = {"clients": CROWD, "active": ACTIVE, "failed": []}
    for name, proxy in proxies(server, threads):
        print(f"== {CROWD:,} clients of {name}, {ACTIVE} of them active for {seconds} s", flush=True)
        try:
            with clients(proxy, CROWD - ACTIVE) as crowd:
                with interruption.whole():
                    load = Pgbench(dsn(proxy), ["--select-only"], seconds, ACTIVE, threads=2, sampling=0.2)
                with load:
                    load.follow()
                    figures = load.figures()
                alive = crowd.check_alive()
                crowd.ask_all()
        except ClientLost as lost:
            result["failed"].append(f"{name}: {lost}")
            continue
        lost = CROWD - ACTIVE - alive
        result[name] = {
            "per_second": figures.per_second, "queries": figures.transactions,
            "failed_queries": figures.failures, "lost_clients": lost,
        }
        if lost or figures.failures:
            text = f"{name}: {lost} clients lost, {figures.failures} queries failed {figures.errors[:3]}"
            result["failed"].append(text)
    return result


def clients(proxy: Daemon, count: int) -> IdleClients:
    return IdleClients(proxy.host, proxy.port, USER, DATABASE, count)


def settled_memory(proxy: Daemon) -> dict[str, int]:
    """Once three readings in a row agree, or after five seconds."""
    readings: list[dict[str, int]] = []
    while len(readings) < 25:
        readings.append(memory_bytes(proxy.pid))
        if len(readings) >= 3 and readings[-1] == readings[-2] == readings[-3]:
            break
        time.sleep(0.2)
    return readings[-1]


def short_of_files(needed: int) -> str:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed >= needed:
        return ""
    return f"needs {needed:,} open files, {allowed:,} are allowed here (ulimit -Hn {needed})"
