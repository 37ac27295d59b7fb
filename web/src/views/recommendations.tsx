import { useRef, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import * as format from "../model/format";
import type { Live } from "../model/live";
import { outcomeOf, pageOf, URGENCIES, type Advice } from "../model/recommendations";
import type { Dismissed, Ended, Measuring, Recommendation, Recommendations } from "../model/types";
import { usePolled, type Polled } from "./hooks";
import { Failure, Mark, Notice, Section } from "./parts";
import { Table, type Column } from "./table";

const EVERY_MS = 2000;
const TOP = 5;

function useRecommendations(live: Live): Polled<Recommendations> {
  return usePolled(live, EVERY_MS, (signal) => live.api.data<Recommendations>("/api/v1/recommendations", signal));
}

type What = "dismiss" | "restore";
type Act = (what: What, recommendation: Recommendation) => void;
const WORDS: Record<What, string> = { dismiss: "Dismissed", restore: "Restored" };

/** What administrators do, and what is said of it; `act` is null for others. */
function useActions(live: Live, mayChange: boolean) {
  const [done, setDone] = useState("");
  const [failed, setFailed] = useState<ApiError | null>(null);
  const act: Act = (what, each) => {
    live.api.post(`/api/v1/recommendations/${what}`, { id: each.id }).then(
      () => (setFailed(null), setDone(`${WORDS[what]}: ${each.title}.`)),
      (why) => setFailed(why instanceof ApiError ? why : new ApiError(0, "unknown", String(why))),
    );
  };
  const said = (
    <>
      <p class="done" role="status">
        {done}
      </p>
      {failed && (
        <Notice title="That was not done.">
          <p role="alert">{failed.message}</p>
        </Notice>
      )}
    </>
  );
  return { act: mayChange ? act : null, said };
}

/** The section of the overview: what comes first. */
export function NextSection({ live }: { live: Live }) {
  const { value, error } = useRecommendations(live);
  const { act, said } = useActions(live, value?.may_change ?? false);
  const rest = (value?.open.length ?? 0) - TOP;
  const all = <a href="#/recommendations">{rest > 0 ? `and ${format.count(rest)} more` : "all recommendations"}</a>;
  return (
    <Section title="What to do next" id="next" note={all}>
      {error && <Failure error={error} has={value !== null} />}
      {said}
      {value === null ? (
        <p class="empty">Looking at the figures …</p>
      ) : (
        <Open all={value.open.slice(0, TOP)} act={act} />
      )}
    </Section>
  );
}

/** The same while no figures come. */
export function LinkSection({ advice }: { advice: Advice }) {
  return (
    <Section title="What to do next" id="next">
      <ol class="advice">
        <li>
          <h3>
            <Mark status="bad" word="now" /> {advice.title}
          </h3>
          <p>{advice.evidence}</p>
          <p class="action">{advice.advice}</p>
        </li>
      </ol>
    </Section>
  );
}

export function RecommendationsPage({ live }: { live: Live }) {
  const { value, error } = useRecommendations(live);
  const { act, said } = useActions(live, value?.may_change ?? false);
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  return (
    <>
      <Section title="Open" id="open" note={act ? undefined : "dismissing is for administrators"}>
        {error && <Failure error={error} has />}
        {said}
        <Open all={value.open} act={act} />
      </Section>
      {value.measuring.length > 0 && (
        <Section title="Seen to" id="measuring" note="measured again, for a minute with as much to do as before">
          <Table
            caption="Recommendations that were seen to"
            columns={MEASURING}
            rows={value.measuring}
            keyOf={(row) => row.id}
            empty=""
          />
        </Section>
      )}
      <Section title="Done" id="done" note="the last fifty">
        <Table
          caption="Recommendations that do not hold any more"
          columns={DONE}
          rows={value.done}
          keyOf={(row) => row.id + row.ended}
          empty="None since this Forebay was started."
        />
      </Section>
      <Section title="Dismissed" id="dismissed" note="until this Forebay ends">
        <Table
          caption="Dismissed recommendations"
          columns={dismissedColumns(act)}
          rows={value.dismissed}
          keyOf={(row) => row.id}
          empty="None."
        />
      </Section>
    </>
  );
}

function Open({ all, act }: { all: Recommendation[]; act: Act | null }) {
  if (all.length === 0) return <p class="empty">Nothing: no figure calls for anything.</p>;
  return (
    <ol class="advice">
      {all.map((each) => (
        <li key={each.id}>
          <One each={each} act={act} />
        </li>
      ))}
    </ol>
  );
}

function One({ each, act }: { each: Recommendation; act: Act | null }) {
  return (
    <>
      <h3>
        <Mark status={URGENCIES[each.urgency]} word={each.urgency} /> <a href={pageOf(each)}>{each.title}</a>
      </h3>
      <p>{each.evidence}</p>
      {each.gain && (
        <p>
          <b>Gain</b>: {each.gain.text}.
        </p>
      )}
      <p class="action">{each.advice}</p>
      {each.change && <Change text={each.change.text} title={each.title} />}
      {act && (
        <p class="buttons">
          <button type="button" aria-label={`Dismiss: ${each.title}`} onClick={() => act("dismiss", each)}>
            Dismiss
          </button>
        </p>
      )}
    </>
  );
}

/** The change itself, to be copied: or selected, where a page that came without TLS may not write to the clipboard. */
function Change({ text, title }: { text: string; title: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState("");
  const select = () => {
    getSelection()?.selectAllChildren(code.current!);
    setSaid("Selected.");
  };
  const copy = () => {
    if (!isSecureContext) return select();
    navigator.clipboard.writeText(text).then(() => setSaid("Copied."), select);
  };
  return (
    <div class="change">
      <pre>
        <code ref={code}>{text}</code>
      </pre>
      <p>
        <button type="button" aria-label={`Copy the change: ${title}`} onClick={copy}>
          Copy
        </button>{" "}
        <span role="status">{said}</span>
      </p>
    </div>
  );
}

const MEASURING: Column<Measuring>[] = [
  { title: "Recommendation", cell: (row) => row.title, by: (row) => row.title, wide: true },
  {
    title: "Measured for",
    cell: (row) => format.duration(row.measured_seconds),
    by: (row) => row.measured_seconds,
    numeric: true,
  },
];

const DONE: Column<Ended>[] = [
  { title: "Recommendation", cell: (row) => row.title, by: (row) => row.title, wide: true },
  {
    title: "What came of it",
    cell: (row) => (
      <>
        <Mark status={row.effect ? "good" : "unknown"} word={row.effect ? "measured" : "gone"} /> {outcomeOf(row)}
      </>
    ),
    by: (row) => row.outcome,
    wide: true,
  },
  { title: "Until", cell: (row) => timeOf(row.ended), by: (row) => row.ended },
];

function dismissedColumns(act: Act | null): Column<Dismissed>[] {
  return [
    { title: "Recommendation", cell: (row) => row.title, by: (row) => row.title, wide: true },
    { title: "Holds", cell: (row) => (row.holds ? "yes" : "not now"), by: (row) => String(row.holds) },
    { title: "By", cell: (row) => row.dismissed.by, by: (row) => row.dismissed.by },
    { title: "At", cell: (row) => timeOf(row.dismissed.time), by: (row) => row.dismissed.time },
    {
      title: "Action",
      cell: (row) =>
        act && (
          <button type="button" aria-label={`Restore: ${row.title}`} onClick={() => act("restore", row)}>
            Restore
          </button>
        ),
    },
  ];
}

function timeOf(text: string): string {
  return new Date(text).toLocaleString("en-GB");
}
