"""Ending on request: a signal becomes an exception, so that everything is tidied up on the way out."""

import contextlib
import signal
import sys

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_inside = False
_pending = False


class Stopped(Exception):
    """Somebody asked us to end."""


def catch() -> None:
    """From now on Ctrl-C, SIGTERM and SIGHUP raise Stopped, the first of them."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def watched(work, errors: tuple[type[Exception], ...]) -> int:
    """The exit status of a measurement: work(stack), told in one line when it is stopped or one of these comes up."""
    catch()
    try:
        with contextlib.ExitStack() as stack:
            return work(stack)
    except Stopped:
        print("\n!! Stopped before the end; nothing was written.", file=sys.stderr)
        return 130
    except errors as error:
        print(f"!! {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def whole():
    """For a short step that must not be left half done, such as starting a process and noting that it is there."""
    global _inside
    _inside = True
    try:
        yield
    finally:
        _inside = False
        if _pending:
            raise Stopped


def _stop(number, frame) -> None:
    global _pending
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # what follows is the tidying up, which is not to be disturbed
    _pending = True
    if not _inside:
        raise Stopped
