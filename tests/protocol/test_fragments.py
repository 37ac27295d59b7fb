"""TCP promises no boundaries: the same conversation, cut anywhere, has the same answers."""

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection
from forebay_testing.scram import ScramClient

from conversation import brief, ended, in_pieces, to_the_end

EXTENDED = [fe.parse("SELECT $1::int, $2", "named"), fe.describe("S", "named"), fe.bind([1, "x" * 300], "named", "portal"),
            fe.describe("P", "portal"), fe.execute("portal"), fe.close("P", "portal"), fe.close("S", "named"), fe.sync()]
COPY = [fe.query("COPY things FROM STDIN"), fe.copy_data(b"1\tone\n2\t"), fe.copy_data(b"two\n"), fe.copy_done(),
        fe.query("COPY (SELECT * FROM things ORDER BY id) TO STDOUT"), fe.query("TRUNCATE things")]
MIXED = [fe.query("SELECT 'simple'"), fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.parse("SELECT 2", "skipped"), fe.sync(),
         fe.flush(), fe.function_call(177, [40, 2]), fe.query("SELECT 1; SELECT nothing; SELECT 3"), fe.sync()]
CONVERSATIONS = {"extended": EXTENDED, "copy": COPY, "mixed": MIXED}


@pytest.mark.parametrize("size", [1, 3, 5, 11, 100])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_pieces_of_one_size(endpoint, reference, things, name, size):
    stream = ended(CONVERSATIONS[name])
    with reference.raw() as raw:
        raw.send(stream)
        direct = to_the_end(raw)
    with endpoint.raw() as raw:
        in_pieces(raw, stream, range(size, len(stream), size))
        ours = to_the_end(raw)
    assert ours == direct, f"\n  ours {brief(ours)}\ndirect {brief(direct)}"


@pytest.mark.parametrize("name", ["extended", "mixed"])
def test_one_cut_at_every_place(endpoint, reference, things, name):
    stream = ended(CONVERSATIONS[name])
    with reference.raw() as raw:
        raw.send(stream)
        direct = to_the_end(raw)
    with endpoint.raw() as raw:
        for cut in range(1, len(stream), 1 if endpoint.mode == "transaction" else 7):
            in_pieces(raw, stream, [cut])
            ours = to_the_end(raw)
            assert ours == direct, f"cut at {cut}:\n  ours {brief(ours)}\ndirect {brief(direct)}"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_login_in_pieces(endpoint, size):
    """The start-up packet and the password messages, a few bytes at a time."""
    with RawConnection(endpoint.host, endpoint.port) as raw:
        def send(message):
            in_pieces(raw, message, range(size, len(message), size))

        scram = ScramClient(endpoint.password())
        send(fe.ssl_request())
        assert raw.socket.recv(1) == b"N"
        send(fe.startup({"user": "app", "database": endpoint.dbname, "TimeZone": "Asia/Kolkata"}))
        assert raw.receive().value[0] == 10
        send(fe.sasl_initial_response("SCRAM-SHA-256", scram.first_message()))
        send(fe.sasl_response(scram.final_message(raw.receive().value[1])))
        scram.verify(raw.receive().value[1])
        raw.until_ready()
        assert raw.rows("SHOW TimeZone") == [["Asia/Kolkata"]]


def test_everything_in_one_packet(endpoint):
    """What follows the last password message is not lost: a client need not wait for the greeting."""
    with RawConnection(endpoint.host, endpoint.port) as raw:
        scram = ScramClient(endpoint.password())
        raw.send(fe.startup({"user": "app", "database": endpoint.dbname}))
        raw.receive()
        raw.send(fe.sasl_initial_response("SCRAM-SHA-256", scram.first_message()))
        final = fe.sasl_response(scram.final_message(raw.receive().value[1]))
        raw.send(final, fe.query("SELECT 'early'"), fe.parse("SELECT 1"), fe.sync())
        kinds = [message.kind for _ in range(3) for message in raw.until_ready()]
        assert "".join(kinds[kinds.index("Z") :]) == "ZTDCZ1Z"
