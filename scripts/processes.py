"""What /proc says of running processes: see proc(5)."""

import os
import pathlib
import re

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def memory_bytes(pid: int) -> dict[str, int]:
    """Rss: resident pages. Pss: the same, but a page that several processes share counts by its part. Pss_Anon,
    Pss_File, Pss_Shmem: what Pss is made of.
    """
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = re.findall(r"^([RP]ss\w*):\s+(\d+) kB", text, re.MULTILINE)
    return {name: int(kilobytes) * 1024 for name, kilobytes in lines}


def family_memory_bytes(pid: int) -> int:
    """What a server and its processes take beside shared memory, with nothing counted twice."""
    total = 0
    for process in [pid, *children(pid)]:
        try:
            memory = memory_bytes(process)
            total += memory["Pss_Anon"] + memory["Pss_File"]
        except (OSError, KeyError):
            pass  # it has ended meanwhile
    return total


def processor_seconds(pid: int) -> float:
    """User and system time of all threads so far: in nanoseconds where the kernel counts them, else in ticks."""
    spent = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            spent += int((task / "schedstat").read_text().split()[0])
        except OSError:
            break  # a kernel without CONFIG_SCHED_INFO
    if spent:
        return spent / 1e9
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def client_backends(postmaster: int) -> int:
    """How many of the server's processes serve a client: their title names the client's address."""
    titles = (_title(pid) for pid in children(postmaster))
    return sum("127.0.0.1(" in title or "[local]" in title for title in titles)


def _title(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
