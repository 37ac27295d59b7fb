#!/usr/bin/python3
"""Runs the consistency checker for as long as you like: see README.md in this folder."""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import faults  # noqa: E402
from arena import Arena, can_break  # noqa: E402
from cluster_faults import CLUSTER_FAULTS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of all choices (default %(default)s)")
    parser.add_argument("--bound", type=float, default=1.0, help="in seconds (default %(default)s)")
    parser.add_argument("--faults", nargs="*", default=[], metavar="NAME",
                        help="'all', or some of " + ", ".join(faults.FAULTS) + "; with replicas also of "
                             + ", ".join(CLUSTER_FAULTS))
    parser.add_argument("--readers", type=int, default=3, help="that read everything (default %(default)s)")
    parser.add_argument("--sleepers", type=int, default=2,
                        help="the same, mostly asleep (default %(default)s); watchers of one row there are always")
    parser.add_argument("--writers", type=int, default=2, help="default %(default)s")
    parser.add_argument("--write-pause", type=float, default=0.01,
                        help="between a writer's writes, on average (default %(default)s s)")
    parser.add_argument("--catalog-pause", type=float, default=1.5,
                        help="the same for DDL, rights and policies (default %(default)s s)")
    parser.add_argument("--level", choices=("auto", "bounded", "outbox"), default="auto", help="of the cache")
    parser.add_argument("--strategy", choices=("cache-aside", "refresh-ahead", "write-through"),
                        default="refresh-ahead", help="of the cache (default %(default)s)")
    parser.add_argument("--replicas", type=int, default=0, help="that answer reads, too (default %(default)s)")
    parser.add_argument("--without-cache", action="store_true", help="to check the checker")
    parser.add_argument("--break", dest="broken", choices=("fence", "lease", "own_write"),
                        help="switch a rule off (builds with -DFOREBAY_BREAK=ON)")
    arguments = parser.parse_args()
    if arguments.broken and not can_break():
        parser.error("this build of Forebay does not read FOREBAY_BREAK")
    known = [*faults.FAULTS, *(CLUSTER_FAULTS if arguments.replicas else ())]
    names = known if arguments.faults == ["all"] else arguments.faults
    if unknown := set(names) - set(known):
        parser.error(f"there is no fault {', '.join(unknown)}")
    wrong = faults.run_all(arguments.seed, names) if arguments.faults else None
    environment = {"FOREBAY_BREAK": arguments.broken} if arguments.broken else {}
    with Arena(arguments.bound, cache=not arguments.without_cache, environment=environment, level=arguments.level,
               strategy=arguments.strategy, replicas=arguments.replicas) as arena:
        outcome = arena.check(arguments.seconds, arguments.seed, wrong, readers=arguments.readers,
                              sleepers=arguments.sleepers, writers=arguments.writers,
                              write_pause=arguments.write_pause, catalog_pause=arguments.catalog_pause)
    print(outcome)
    if not outcome.hits and not arguments.without_cache:
        print("!! There was not one hit: the cache has not been checked.", file=sys.stderr)
        return 1
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
