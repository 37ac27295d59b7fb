"""Everything about a session that SQL can see and that another session must not have changed."""

_QUERIES = {
    # Names with a dot come and go with libraries that are loaded on first use.
    "settings": "SELECT name, setting FROM pg_settings WHERE name NOT LIKE '%.%' ORDER BY name",
    # A custom setting that was set and reset stays known as an empty one for the backend's life, in PostgreSQL too.
    "custom settings": "SELECT nullif(current_setting('app.tenant', true), '')",
    "users": "SELECT session_user, current_user",
    "prepared statements": "SELECT name, statement, parameter_types::text, from_sql"
                           " FROM pg_prepared_statements ORDER BY 1",
    "cursors": "SELECT name, statement, is_holdable FROM pg_cursors WHERE name <> '' ORDER BY 1",
    "channels": "SELECT pg_listening_channels() ORDER BY 1",
    "advisory locks": "SELECT classid, objid, objsubid, mode FROM pg_locks WHERE pid = pg_backend_pid()"
                      " AND locktype = 'advisory' ORDER BY 1, 2, 3",
    "temporary objects": "SELECT relname, relkind FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
                         " AND relkind <> 'i' ORDER BY 1",
}


def fingerprint(client) -> dict:
    """What of `client`, a psycopg connection, through the simple protocol so that asking changes nothing."""
    found = {what: client.execute(sql).fetchall() for what, sql in _QUERIES.items()}
    found["settings"] = dict(found["settings"])
    return found


def differences(one: dict, other: dict) -> dict:
    """What is not equal, settings one by one; {} when nothing."""
    different = {what: (one[what], other[what]) for what in one if what != "settings" and one[what] != other[what]}
    for name in one["settings"].keys() | other["settings"].keys():
        if one["settings"].get(name) != other["settings"].get(name):
            different[name] = (one["settings"].get(name), other["settings"].get(name))
    return different
