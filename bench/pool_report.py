"""What `./dev bench pool` found, for people: a table for the terminal, tables for documents."""

PREPARED_NOTE = (
    "PgBouncer {version} knows no prepared statements in transaction pooling: there it runs in session pooling with a "
    "backend for each client, Forebay in transaction pooling throughout."
)


def terminal_table(result: dict) -> str:
    lines = []
    if "throughput" in result:
        lines += [
            f"{'':15}|{'queries a second':^40}|{'p50 ms':^22}|{'p99 ms':^22}|{'processor us/query':^26}",
            f"{'':15}|{'direct':>9}{'PgBouncer':>11}{'Forebay':>10}{'ratio':>9} |" + 2 * _three()
            + f"{'PgBouncer':>10}{'Forebay':>9}{'ratio':>6}",
        ]
        lines += [_terminal_row(case) for case in result["throughput"]]
        lines += ["", "ratio: Forebay to PgBouncer. " + _note(result), ""]
    return "\n".join(lines + _crowd_lines(result)) + "\n"


def markdown(result: dict) -> str:
    machine, settings = result["machine"], result["settings"]
    lines = []
    if "throughput" in result:
        lines += [
            "| pgbench -S | clients | direct, q/s | PgBouncer, q/s | Forebay, q/s | to PgBouncer "
            "| p50 ms: direct / PgBouncer / Forebay | p99 ms: direct / PgBouncer / Forebay "
            "| proxy µs per query: PgBouncer / Forebay | to PgBouncer |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
        lines += [_markdown_row(case) for case in result["throughput"]]
        lines += ["", _note(result), ""]
    lines += [f"- {line}" for line in _crowd_lines(result)]
    lines += [
        "",
        f"Medians of {settings['rounds']} rounds of {settings['seconds']} s, taken in turns; {machine['processors']} "
        f"processors ({machine['model']}), Linux {machine['kernel']}, "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def _terminal_row(case: dict) -> str:
    direct, bouncer, forebay, ratio = _of(case)
    return (
        f"{case['protocol']:9}{case['clients']:5} |"
        f"{direct['per_second']:9.0f}{bouncer['per_second']:11.0f}{forebay['per_second']:10.0f}"
        f"{ratio['per_second']:9.2f} |"
        f"{direct['p50_ms']:7.3f}{bouncer['p50_ms']:7.3f}{forebay['p50_ms']:7.3f} |"
        f"{direct['p99_ms']:7.3f}{bouncer['p99_ms']:7.3f}{forebay['p99_ms']:7.3f} |"
        f"{bouncer['proxy_us_per_query']:10.2f}{forebay['proxy_us_per_query']:9.2f}{ratio['proxy_us_per_query']:6.2f}"
    )


def _markdown_row(case: dict) -> str:
    direct, bouncer, forebay, ratio = _of(case)
    return (
        f"| {case['protocol']} | {case['clients']} | {direct['per_second']:,.0f} | {bouncer['per_second']:,.0f} "
        f"| {forebay['per_second']:,.0f} | {ratio['per_second']:.2f} "
        f"| {direct['p50_ms']:.3f} / {bouncer['p50_ms']:.3f} / {forebay['p50_ms']:.3f} "
        f"| {direct['p99_ms']:.3f} / {bouncer['p99_ms']:.3f} / {forebay['p99_ms']:.3f} "
        f"| {bouncer['proxy_us_per_query']:.2f} / {forebay['proxy_us_per_query']:.2f} "
        f"| {ratio['proxy_us_per_query']:.2f} |"
    )


def _crowd_lines(result: dict) -> list[str]:
    lines = []
    for part, what in (("idle", "Memory per idle client"), ("crowd", "Ten thousand clients")):
        found = result.get(part)
        if found is None:
            continue
        if "skipped" in found:
            lines.append(f"{what}: skipped, {found['skipped']}")
            continue
        for name in ("PgBouncer", "Forebay"):
            if name in found:
                lines.append(_idle_line(name, found) if part == "idle" else _crowd_line(name, found))
        lines += [f"FAILED: {text}" for text in found["failed"]]
    return lines


def _idle_line(name: str, found: dict) -> str:
    memory = found[name]
    return (f"{name}: {memory['rss_bytes_per_client']:,.0f} bytes (RSS), {memory['pss_bytes_per_client']:,.0f} bytes "
            f"(PSS) per idle client at {found['clients']:,} logged-in clients")


def _crowd_line(name: str, found: dict) -> str:
    crowd = found[name]
    return (f"{name}: {found['clients']:,} clients connected, {found['active']} active: {crowd['queries']:,} queries "
            f"({crowd['per_second']:,.0f}/s), {crowd['failed_queries']} failed, {crowd['lost_clients']} clients lost")


def _of(case: dict) -> tuple[dict, dict, dict, dict]:
    found = case["medians"]
    return found["direct"], found["PgBouncer"], found["Forebay"], found["Forebay to PgBouncer"]


def _three() -> str:
    return f"{'direct':>7}{'PgB.':>7}{'Forebay':>8}|"


def _note(result: dict) -> str:
    return PREPARED_NOTE.format(version=result["versions"]["PgBouncer"])
