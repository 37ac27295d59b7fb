"""Servers that would answer in another way than the primary answer nobody (C3, pitfall 13)."""

from forebay_testing import wait_until

ZONE = "SHOW timezone"
NOON = "SELECT '2026-01-01 12:00+00'::timestamptz::text"


def states(daemon) -> list[str]:
    return [row["state"] for row in daemon.show("topology")]


def test_a_replica_with_another_time_zone_is_left_out_until_it_has_the_same(cluster, daemon, client):
    odd, even = cluster.replicas
    zone = odd.query(ZONE)[0][0]
    expected = client.execute(NOON).fetchone()
    odd.reload({"timezone": "Asia/Tokyo"})
    try:
        wait_until(lambda: states(daemon) == ["up", "refused", "up"], 20, "it is found out")
        why = daemon.show("topology")[1]["why"]
        assert why == (f"it would answer in another way than the primary: TimeZone is '{zone}' there and 'Asia/Tokyo' "
                       "here; set them alike")
        before = cluster.reads(daemon)
        for _ in range(100):
            assert client.execute(NOON).fetchone() == expected
        after = cluster.reads(daemon)
        assert after[1] == before[1]
        assert after[2] > before[2]
    finally:
        odd.reload({"timezone": zone})
    wait_until(lambda: states(daemon) == ["up", "up", "up"], 20, "it is used again")


def test_what_a_role_is_set_to_is_no_difference(cluster, daemon):
    """Connections that were there before the role's setting keep the old one: that tells nothing of servers."""
    admin = cluster.primary
    user = admin.query("SELECT current_user")[0][0]
    admin.execute(f"ALTER ROLE {user} SET timezone = 'Asia/Tokyo'")
    try:
        for replica in cluster.replicas:
            replica.catch_up()
        cluster.replicas[0].restart()  # so that this one has the new setting, and the other servers do not
        wait_until(lambda: states(daemon) == ["up", "up", "up"], 20, "all are used")
    finally:
        admin.execute(f"ALTER ROLE {user} RESET timezone")
