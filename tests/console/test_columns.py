"""Every SHOW has PgBouncer's columns: exporters find them by name, by type, and by their number."""

import pytest

from forebay_testing import ForebayDaemon, PgBouncerDaemon

from conftest import Console

INT4, INT8, TEXT, NUMERIC = 23, 20, 25, 1700

SOCKET = (
    "type user database replication state addr port local_addr local_port connect_time request_time wait wait_us "
    "close_needed ptr link remote_pid tls application_name prepared_statements id"
)
BUFFERS = "recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail"
FIGURES = "server_assignment_count xact_count query_count bytes_received bytes_sent xact_time query_time wait_time"
TOTALS = FIGURES.replace("bytes_received", "received").replace("bytes_sent", "sent").split()
AVERAGES = FIGURES.replace("bytes_received", "recv").replace("bytes_sent", "sent").split()
PREPARED = ["client_parse_count", "server_parse_count", "bind_count"]

#: Those of PgBouncer 1.25: https://www.pgbouncer.org/usage.html
COLUMNS = {
    "POOLS": (
        "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
        "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode load_balance_hosts"
    ),
    "CLIENTS": SOCKET,
    "SERVERS": SOCKET,
    "SOCKETS": f"{SOCKET} {BUFFERS}",
    "ACTIVE_SOCKETS": f"{SOCKET} {BUFFERS}",
    "STATS": " ".join(
        ["database", *(f"total_{name}" for name in TOTALS + PREPARED), *(f"avg_{name}" for name in AVERAGES + PREPARED)]
    ),
    "STATS_TOTALS": f"database {FIGURES} {' '.join(PREPARED)}",
    "STATS_AVERAGES": f"database {FIGURES} {' '.join('avg_' + name for name in PREPARED)}",
    "TOTALS": "name value",
    "DATABASES": (
        "name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime pool_mode "
        "load_balance_hosts max_connections current_connections max_client_connections current_client_connections "
        "paused disabled"
    ),
    "USERS": (
        "name pool_size reserve_pool_size pool_mode max_user_connections current_connections "
        "max_user_client_connections current_client_connections"
    ),
    "CONFIG": "key value default changeable",
    "VERSION": "version",
    "LISTS": "list items",
    "MEM": "name size used free memtotal",
    "STATE": "key value",
    "DNS_HOSTS": "hostname ttl addrs",
    "DNS_ZONES": "zonename serial count",
    "PEERS": "peer_id host port pool_size",
    "PEER_POOLS": "peer_id cl_active_cancel_req cl_waiting_cancel_req sv_active_cancel sv_login",
}

#: Columns behind them, for those who connect to "forebay".
OWN = {
    "POOLS": "sv_held sv_most paused server",
    "CLIENTS": "transaction held_because thread",
    "SERVERS": "transaction held_because thread",
    "SOCKETS": "transaction held_because thread",
    "ACTIVE_SOCKETS": "transaction held_because thread",
    "DATABASES": "pool_overflow",
}

#: Renamed since 1.18: https://www.pgbouncer.org/changelog.html
RENAMED = {("DATABASES", "reserve_pool"): "reserve_pool_size"}
#: A process has more than 2 GiB more easily than PgBouncer's caches.
OTHER_TYPE = {("MEM", "memtotal"): INT8}
#: Not in 1.18.
LATER = {"STATE", "PEERS", "PEER_POOLS"}


@pytest.fixture(scope="module")
def consoles(server):
    """Consoles of "forebay" and "pgbouncer" at Forebay, and of PgBouncer itself, with a client at each."""
    import psycopg

    with ForebayDaemon(server, ["--threads", "2"]) as forebay, PgBouncerDaemon(server) as pgbouncer:
        clients = [psycopg.connect(daemon.dsn(), autocommit=True) for daemon in (forebay, pgbouncer)]
        for client in clients:
            client.execute("SELECT 1")
        with Console(forebay) as own, Console(forebay, "pgbouncer") as alike:
            with Console(pgbouncer, "pgbouncer") as real:
                yield own, alike, real
        for client in clients:
            client.close()


@pytest.mark.parametrize("what", COLUMNS)
def test_columns_of_the_documentation(consoles, what):
    own, alike, _ = consoles
    expected = COLUMNS[what].split()
    assert [name for name, _ in alike.columns(what)] == expected
    assert [name for name, _ in own.columns(what)] == expected + OWN.get(what, "").split()


@pytest.mark.parametrize("what", sorted(set(COLUMNS) - LATER))
def test_columns_of_pgbouncer_itself(consoles, what):
    """Names and types that a real PgBouncer sends are there, in its order."""
    _, alike, real = consoles
    theirs = [
        (RENAMED.get((what, name), name), OTHER_TYPE.get((what, name), type_code))
        for name, type_code in real.columns(what)
    ]
    names = {name for name, _ in theirs}
    assert [column for column in alike.columns(what) if column[0] in names] == theirs


def test_rows_of_pgbouncer_itself(consoles):
    """Where rows are names, exporters look for those."""
    _, alike, real = consoles
    for what, key in (("LISTS", "list"), ("TOTALS", "name"), ("MEM", "name")):
        theirs = [row[key] for row in real.show(what)]
        ours = [row[key] for row in alike.show(what)]
        if what == "MEM":
            assert {"client_cache", "server_cache", "pool_cache"} <= set(ours) & set(theirs)
        else:
            assert [name for name in ours if name in theirs] == theirs


def test_config_under_pgbouncers_names(consoles):
    """An exporter reads limits from SHOW CONFIG, in PgBouncer's units."""
    own, alike, real = consoles
    theirs = {row["key"]: row for row in real.show("CONFIG")}
    ours = {row["key"]: row for row in alike.show("CONFIG")}
    assert ours["max_client_conn"]["value"] == "10000"
    assert ours["server_lifetime"]["value"] == "3600"
    assert ours["server_lifetime"]["default"] == theirs["server_lifetime"]["default"]
    assert ours["listen_addr"]["changeable"] == theirs["listen_addr"]["changeable"] == "no"
    assert ours["pool_mode"]["value"] == "transaction"
    assert {row["key"]: row["value"] for row in own.show("CONFIG")}["timeouts.recycle"] == "1h"


def test_version_and_help(consoles):
    own, _, _ = consoles
    assert own.show("VERSION")[0]["version"].startswith("Forebay ")
    details = []
    own.connection.add_notice_handler(lambda notice: details.append(notice.message_detail))
    assert own.run("SHOW HELP") == "SHOW"
    for word in (*COLUMNS, "PAUSE [db]", "RESUME [db]", "KILL_CLIENT id", "RELOAD", "SET key = value"):
        assert word in details[0]


def test_what_is_empty_here(consoles):
    own, _, _ = consoles
    for what in ("DNS_HOSTS", "DNS_ZONES", "PEERS", "PEER_POOLS"):
        assert own.show(what) == []


def test_no_secret_is_shown(consoles, server):
    own, alike, _ = consoles
    for console in (own, alike):
        for what in COLUMNS:
            assert server.passwords[server.superuser] not in str(console.show(what))


def test_the_time_of_a_connect_stays_the_same(consoles):
    """It moved by a second between two SHOWs."""
    own, _, _ = consoles
    first = own.show("CLIENTS")[0]["id"]
    shown = [row for _ in range(500) for row in own.show("CLIENTS") if row["id"] == first]
    assert len(shown) == 500 and len({row["connect_time"] for row in shown}) == 1
