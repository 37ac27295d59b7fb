"""A backend with an open transaction belongs to its client, whatever that client has done in it."""

import pytest

from forebay_testing import frontend_messages as fe


@pytest.mark.parametrize("statements", [
    ["SAVEPOINT s", "SELECT 1/0", "ROLLBACK TO s", "DEALLOCATE ALL"],
    ["DEALLOCATE ALL", "SAVEPOINT s", "SELECT 1/0", "ROLLBACK TO s", "DEALLOCATE ALL"],
    ["SAVEPOINT s", "SELECT 1/0", "ROLLBACK TO s", "PREPARE p AS SELECT 1", "DEALLOCATE ALL"],
])
def test_deallocate_behind_an_error_gave_the_open_transaction_to_the_next_client(stands, statements):
    stand = stands(size=1)
    with stand.raw() as owner, stand.raw() as other:
        owner.query("BEGIN")
        [[before]] = owner.rows("SELECT pg_backend_pid()")
        for statement in statements:
            owner.query(statement)
        assert owner.status == "T"
        other.send(fe.query("SELECT pg_backend_pid()"))
        assert other.nothing_comes(0.2), "another client was served by the backend with the open transaction"
        assert owner.rows("SELECT pg_backend_pid()") == [[before]]
        owner.query("COMMIT")
        assert [message.kind for message in other.until_ready()] == ["T", "D", "C", "Z"]
    stand.check()


def test_deallocate_in_a_failed_transaction_has_not_happened(stands):
    stand = stands(size=1)
    with stand.raw() as owner:
        owner.send(fe.parse("SELECT 7", "mine"), fe.sync())
        owner.until_ready()
        for statement in ("BEGIN", "SELECT 1/0", "DEALLOCATE ALL"):
            owner.query(statement)
        assert owner.status == "E"
        owner.query("ROLLBACK")
        owner.send(fe.bind(statement="mine"), fe.execute(), fe.sync())
        assert [message.kind for message in owner.until_ready()] == ["2", "D", "C", "Z"]
    stand.check()


def test_a_statement_that_was_prepared_behind_deallocate_is_still_there_after_the_transaction(stands):
    stand = stands(size=1)
    with stand.raw() as owner:
        owner.query("BEGIN")
        owner.query("DEALLOCATE ALL")
        owner.send(fe.parse("SELECT 7", "mine"), fe.sync())
        owner.until_ready()
        owner.query("COMMIT")
        owner.send(fe.bind(statement="mine"), fe.execute(), fe.sync())
        assert [message.kind for message in owner.until_ready()] == ["2", "D", "C", "Z"]
    stand.check()
