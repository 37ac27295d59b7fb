import * as format from "../model/format";
import { whySilent } from "../model/health";
import type { Live } from "../model/live";
import type { Cache, DatabaseCache, Level } from "../model/types";
import { usePolled } from "./hooks";
import { Failure, Figure, Mark, Notice, Section, Share } from "./parts";
import { Table, type Column } from "./table";

const EVERY_MS = 3000;

const PROMISES: Record<Level, string> = {
  bounded: "writes by any path are seen within the bound: the server's changes are decoded",
  outbox: "writes to tables with a trigger of Forebay are seen within the bound",
  ttl: "writes past Forebay are seen when an entry's lifetime ends",
  none: "nothing is answered from memory",
};

const rate = (row: DatabaseCache) => (row.hits + row.misses > 0 ? row.hits / (row.hits + row.misses) : null);

const COLUMNS: Column<DatabaseCache>[] = [
  { title: "Database", cell: (row) => row.database, by: (row) => row.database },
  { title: "Hit rate", cell: (row) => format.percent(rate(row)), by: (row) => rate(row) ?? -1, numeric: true },
  { title: "Hits", cell: (row) => format.count(row.hits), by: (row) => row.hits, numeric: true },
  { title: "Misses", cell: (row) => format.count(row.misses), by: (row) => row.misses, numeric: true },
  { title: "Entries", cell: (row) => format.count(row.entries), by: (row) => row.entries, numeric: true },
  { title: "Memory", cell: (row) => format.bytes(row.bytes), by: (row) => row.bytes, numeric: true },
  { title: "Ended by writes", cell: (row) => format.count(row.stale), by: (row) => row.stale, numeric: true },
  { title: "Cannot be kept", cell: (row) => format.count(row.refused), by: (row) => row.refused, numeric: true },
  { title: "Shared waits", cell: (row) => format.count(row.waits), by: (row) => row.waits, numeric: true },
  {
    title: "Time saved",
    cell: (row) => format.duration(row.saved_us / 1e6),
    by: (row) => row.saved_us,
    numeric: true,
  },
];

export function CachePage({ live }: { live: Live }) {
  const { value, error } = usePolled(live, EVERY_MS, (signal) => live.api.data<Cache>("/api/v1/cache", signal));
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  const { store, databases } = value;
  const recent = live.history.recent(60);
  const overview = live.latest;
  return (
    <>
      {error && <Failure error={error} has />}
      <Section title="Memory" id="store">
        <dl class="figures" data-begin={recent?.begin} data-end={recent?.time}>
          <Figure
            id="entries"
            name="Entries"
            value={format.count(store.entries)}
            note={`${format.count(store.evictions)} gave way to others`}
          />
          <Figure name="Memory" value={format.bytes(store.bytes)} note={`of ${format.bytes(store.limit_bytes)}`} />
          <Figure name="Hit rate" value={format.percent(recent?.hitRate ?? null)} note="in the last minute" />
          <Figure
            name="Answered within"
            value={format.milliseconds(recent?.hitP95Ms ?? null)}
            note="95 % of what came from memory in the last minute"
          />
          <Figure
            name="Time saved"
            value={format.duration((overview?.cache.saved_us ?? 0) / 1e6)}
            note="of the server's, since the start"
          />
        </dl>
        <Share
          part={store.bytes}
          whole={store.limit_bytes}
          text={`${format.percent(store.bytes / store.limit_bytes)} of cache.size in use`}
        />
      </Section>
      {databases.length === 0 ? (
        <Notice title="No database has a cache.">
          <p>
            Either no client has connected yet, or the cache is off: see <code>cache.enabled</code> among the{" "}
            <a href="#/settings">settings</a>. What it needs: <code>wal_level = logical</code> and an upstream user
            with <code>REPLICATION</code>.
          </p>
        </Notice>
      ) : (
        <>
          <Section title="Freshness" id="freshness">
            <ul class="cards">
              {databases.map((each) => (
                <li key={`${each.database}@${each.server}`}>
                  <Freshness cache={each} />
                </li>
              ))}
            </ul>
          </Section>
          <Section title="By database" id="databases" note="since the start">
            <Table
              caption="Cache by database"
              columns={COLUMNS}
              rows={databases}
              keyOf={(row) => `${row.database}@${row.server}`}
              empty="None."
            />
          </Section>
        </>
      )}
    </>
  );
}

function Freshness({ cache }: { cache: DatabaseCache }) {
  const isSilent = cache.level === "none";
  const status = isSilent ? "attention" : cache.level === "ttl" ? "attention" : "good";
  return (
    <>
      <h3>
        {cache.database} <small>on {cache.server}</small>
      </h3>
      <p>
        <Mark status={status} word={isSilent ? "off" : cache.level} /> {PROMISES[cache.level]}
      </p>
      {cache.trouble !== "" && <p class="why">Why not better: {whySilent(cache)}</p>}
      {!isSilent && (
        <dl class="pairs">
          <dt>Bound</dt>
          <dd>{cache.staleness_ms === null ? "each entry's lifetime" : format.milliseconds(cache.staleness_ms)}</dd>
          <dt>Lease</dt>
          <dd>
            {cache.lease_age_ms === null
              ? "none at present: nothing has been asked for lately"
              : `proved ${format.milliseconds(cache.lease_age_ms)} ago`}
          </dd>
          <dt>Age of answers</dt>
          <dd>
            p50 {format.milliseconds(cache.age_p50_ms)}, p99 {format.milliseconds(cache.age_p99_ms)}, at most{" "}
            {format.milliseconds(cache.age_max_ms)}
          </dd>
        </dl>
      )}
    </>
  );
}
