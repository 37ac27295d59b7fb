"""Fewer backends than clients: what then can only differ.

A client whose state can neither be carried nor seen is served right as long as it comes back to the same backend. With
as many backends as clients it always does. With fewer, others use the backend in between, and what only the server's
process remembers is theirs or gone. No statement of these tests says beforehand that it will matter, so no pooler can
know for whom to hold a backend. Pooling by session has none of this.
"""

#: The pool's size in a run with scarcity; the suite has 20 clients at a time.
BACKENDS = 8

#: Tests of the regression suite that may fail then, with the reason.
MAY_FAIL = {
    "constraints": "an INSERT whose column default is currval() of a sequence that an earlier INSERT advanced",
    "sequence": "currval() and lastval() after another client used sequences on the backend; numbers cached by it",
    "stats": "counters that a backend has collected and not yet handed in are handed in by the backend alone",
    "triggers": "the trigger functions of contrib/spi keep their plans, and set_ttdummy() its switch, in the process",
}
