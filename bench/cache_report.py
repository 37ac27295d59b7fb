"""What `./dev bench cache` found, for people: a table for the terminal, tables for documents."""

TITLES = {
    "pgbench": "Asked by pgbench",
    "flood": "Asked by a client as cheap as redis-benchmark",
    "miss": "Questions that are never in memory",
}
#: Whom Forebay is compared with in each part.
AGAINST = {
    "pgbench": ("direct", "Pgpool-II"),
    "flood": ("direct", "Pgpool-II", "Redis"),
    "miss": ("Forebay, cache off",),
}


def terminal_table(result: dict) -> str:
    lines = []
    for part, title in TITLES.items():
        if part not in result:
            continue
        names = _names(result[part])
        lines += ["", title, f"{'':36}|" + _columns(names) + "|" + _columns(names) + "| Forebay to",
                  f"{'':36}|{'questions a second':^{14 * len(names)}}|{'processor us/question':^{14 * len(names)}}|"]
        lines += [_terminal_row(case, names, AGAINST[part]) for case in result[part]]
    lines += _staleness_table(result.get("staleness", []))
    return "\n".join([*lines, "", *_notes(result)]) + "\n"


def markdown(result: dict) -> str:
    lines = []
    for part, title in TITLES.items():
        if part not in result:
            continue
        names = _names(result[part])
        against = [name for name in AGAINST[part] if name in names]
        head = ["what", "protocol", "writes", *(f"{name}, /s" for name in names), *(f"to {name}" for name in against),
                "processor µs: " + " / ".join(names), "p50, p99 ms"]
        lines += [f"**{title}**", "", "| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
        lines += [_markdown_row(case, names, against) for case in result[part]]
        lines.append("")
    if "staleness" in result:
        lines += [*_staleness_table(result["staleness"]), ""]
    return "\n".join(lines + [f"- {note}" for note in _notes(result)]) + "\n"


def _staleness_table(cases: list[dict]) -> list[str]:
    if not cases:
        return []
    lines = ["", "**How stale answers were, with writes past Forebay**", "",
             "| load | writes through Forebay | staleness ms: p50 / p99 / max | of writes past it | "
             "age of the proof ms: p50 / p99 / max | server: processor ms, WAL kB a second |",
             "|---|--:|--:|--:|--:|--:|"]
    for case in cases:
        stale, age = case["staleness_ms"], case["proof_age_ms"]
        wal = f"{case['wal_bytes'] / 1000:.1f}" if not case["writes"] else "–"
        lines.append(f"| {case['what']} | {case['writes']} % | {stale['p50']:.1f} / {stale['p99']:.1f} / "
                     f"{stale['max']:.1f} | {stale['writes']:,} | {age['p50']} / {age['p99']} / {age['max']} | "
                     f"{case['server_ms']:.1f}, {wal} |")
    return lines


def _names(cases: list[dict]) -> list[str]:
    return list(cases[0]["medians"]) if cases else []


def _columns(names: list[str]) -> str:
    return "".join(f"{name.removeprefix('Forebay, '):>13} " for name in names)


def _label(case: dict) -> str:
    return f"{case['what']:17} {case['protocol']:10} {case['writes']:2} % "


def _ratios(case: dict, against) -> list[tuple[str, float, float]]:
    """Whom with, rate to rate, processor time to processor time."""
    ours = case["medians"]["Forebay"]
    found = []
    for name in against:
        if other := case["medians"].get(name):
            ratios = [ours[key] / (other[key] or float("nan")) for key in ("per_second", "us_per_request")]
            found.append((name, *ratios))
    return found


def _terminal_row(case: dict, names: list[str], against) -> str:
    rates = "".join(f"{case['medians'][name]['per_second']:13,.0f} " for name in names)
    times = "".join(f"{case['medians'][name]['us_per_request']:13.2f} " for name in names)
    ratios = ", ".join(f"{name} {rate:.2f} (time {time:.2f})" for name, rate, time in _ratios(case, against))
    return f"{_label(case):36}|{rates}|{times}| {ratios}"


def _markdown_row(case: dict, names: list[str], against) -> str:
    of = case["medians"]
    cells = [case["what"], case["protocol"], f"{case['writes']} %"]
    cells += [f"{of[name]['per_second']:,.0f}" for name in names]
    cells += [f"{rate:.2f}" for _, rate, _ in _ratios(case, against)]
    cells.append(" / ".join(f"{of[name]['us_per_request']:.2f}" for name in names))
    cells.append(f"{of['Forebay']['p50_ms']:.3f}, {of['Forebay']['p99_ms']:.3f}")
    return "| " + " | ".join(cells) + " |"


def _notes(result: dict) -> list[str]:
    machine, settings = result["machine"], result["settings"]
    notes = [
        f"Medians of {settings['rounds']} rounds of {settings['seconds']} s with {settings['clients']} clients, taken "
        f"in turns; hot: {settings['hot_keys']} keys, all alike; zipf: all keys, exponent 1.1; pipelined: prepared, "
        f"{settings['depth']} questions in a burst.",
        "Processor time: of the server with all its processes. p50 and p99: Forebay's, of a burst where pipelined.",
        f"{machine['processors']} processors ({machine['model']}), Linux {machine['kernel']}, "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".",
    ]
    if payloads := result.get("payloads"):
        sizes = ", ".join(f"{what}: {size:,} bytes" for what, size in payloads.items())
        notes.append("Redis: redis-benchmark -t get, as many connections and keys, values of the same size "
                     f"({sizes}), -P {settings['depth']} where pipelined.")
    return notes + [f"Not compared: {text}." for text in result["missing"]]
