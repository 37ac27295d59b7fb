#!/usr/bin/python3
"""Runs PostgreSQL's own regression and isolation tests directly and through a pooling proxy.

The tests come from Debian's source package postgresql-15, whichever version the archive serves; the first run fetches
it (about 45 MB) into the cache and builds the one library that the tests load. The server runs in a private folder on
a free port and is gone afterwards. When the installed server has another version than the tests, the fitting one is
unpacked into the cache as well; nothing is installed.
"""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "support"))

from pgsuite import build  # noqa: E402
from pgsuite.archive import ArchiveError  # noqa: E402

SKIPPED = 77  #: status when the tests could not be had; the same as Automake's for a skipped test


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/conformance/run.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""examples:
  run.py                                  both suites through Forebay, session and transaction pooling
  run.py --mode direct                    the reference: 217 of 217, and 115 of 115
  run.py --scarce
  run.py --suite regress --mode transaction --test test_setup --test create_index
  run.py --suite isolation --mode transaction --test deadlock-hard
  run.py --mode session --upstream-proxy pgbouncer

status: 0 all as it should be, 1 not, 2 a server or the proxy did not start,
77 the tests could not be fetched (no network, say)""",
    )
    parser.add_argument(
        "--suite", choices=["regress", "isolation", "all"], default="all", help="which tests (default: all)"
    )
    parser.add_argument(
        "--mode", action="append", choices=["direct", "session", "transaction"],
        help="how to reach the server; may be repeated (default: session and transaction)",
    )
    parser.add_argument(
        "--upstream-proxy", choices=["forebay", "pgbouncer"], default="forebay",
        help="the proxy in session and transaction mode (default: forebay; $FOREBAY_BINARY names the program)",
    )
    parser.add_argument(
        "--pool-size", type=int, default=30, metavar="N",
        help="backends of the proxy per user and database (default: 30; 20 tests run at a time)",
    )
    parser.add_argument(
        "--scarce", action="store_true",
        help="the regression suite in transaction mode with 8 backends for 20 clients; the four tests that can only"
        " differ then (pgsuite/scarcity.py says why) may fail",
    )
    parser.add_argument(
        "--cached", action="store_true",
        help="with Forebay's cache, and so a server with wal_level = logical",
    )
    parser.add_argument(
        "--proxy-flag", action="append", default=[], metavar="FLAG", help="passed on to forebay serve; may be repeated"
    )
    parser.add_argument(
        "--test", action="append", default=[], metavar="NAME",
        help="only this test; may be repeated, order counts (most tests of regress need test_setup first)",
    )
    parser.add_argument(
        "--no-reference", action="store_true",
        help="do not run the isolation suite directly first; then failed tests count instead of differences",
    )
    parser.add_argument(
        "--time-limit", type=float, default=600, metavar="SECONDS", help="for each run of a suite (default: 600)"
    )
    parser.add_argument(
        "--output", type=pathlib.Path, default=REPOSITORY / "build/conformance", metavar="FOLDER",
        help="where outputs, regression.diffs and logs are kept (default: build/conformance)",
    )
    parser.add_argument(
        "--cache", type=pathlib.Path, default=REPOSITORY / ".cache/conformance", metavar="FOLDER",
        help="where the tests are kept (default: .cache/conformance)",
    )
    parser.add_argument("--version", help="version of the source package (default: see above)")
    parser.add_argument("--refresh", action="store_true", help="ask the archive again even if the cache has the tests")
    parser.add_argument("--fetch-only", action="store_true", help="fetch and build, run nothing")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"-- {text}", flush=True)


def main() -> int:
    options = arguments()
    try:
        suites = build.prepare(options.cache.resolve(), say, options.version, options.refresh)
    except ArchiveError as error:
        print(f"The conformance tests cannot be had: {error}", file=sys.stderr)
        return SKIPPED
    where = "installed" if suites.is_installed_server else "unpacked in the cache"
    say(f"PostgreSQL {suites.version}, tests and server ({where})")
    if options.fetch_only:
        return 0
    # Read by forebay_testing when it is imported.
    os.environ["FOREBAY_POSTGRES_BIN"] = str(suites.programs)
    from pgsuite import scarcity
    from pgsuite.campaign import Campaign

    if options.scarce:
        options.suite, options.mode, options.pool_size = "regress", ["transaction"], scarcity.BACKENDS
    if options.cached:
        options.proxy_flag += ["--cache", "on"]
    campaign = Campaign(
        suites,
        options.output.resolve(),
        chosen=["regress", "isolation"] if options.suite == "all" else [options.suite],
        modes=options.mode or ["session", "transaction"],
        proxy=options.upstream_proxy,
        proxy_flags=options.proxy_flag,
        pool_size=options.pool_size,
        tests=options.test,
        with_reference=not options.no_reference,
        may_fail=list(scarcity.MAY_FAIL) if options.scarce else [],
        time_limit=options.time_limit,
        wal_level="logical" if options.cached else "replica",
    )
    try:
        return 0 if campaign.run(say) else 1
    except RuntimeError as error:  # a program is missing, or a server did not start
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
