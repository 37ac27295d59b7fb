import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Repetition, Repetitions } from "../model/types";
import { usePolled, type Polled } from "./hooks";
import { Figure, Mark, Section } from "./parts";

const EVERY_MS = 5000;
const MOST = 20;

export function useRepetitions(live: Live): Polled<Repetitions> {
  return usePolled(live, EVERY_MS, (signal) => live.api.data<Repetitions>("/api/v1/repetitions", signal));
}

/** Of one statement; what repeats with other values comes first, as it costs more. */
export function repetitionOf(all: Repetition[], database: string, fingerprint: string): Repetition | undefined {
  return all.find((each) => each.database === database && each.fingerprint === fingerprint);
}

export function RepeatedMark({ repetition }: { repetition: Repetition }) {
  if (repetition.kind === "duplicate") return <Mark status="unknown" word="repeated alike" />;
  return <Mark status="attention" word={repetition.confirmed ? "N+1" : "N+1?"} />;
}

/** The section of the page; nothing where nothing repeats. */
export function Repeated({ repetitions }: { repetitions: Repetition[] }) {
  if (repetitions.length === 0) return null;
  const rest = repetitions.length - MOST;
  return (
    <Section title="Repeated" id="repeated" note="statements that could be run once instead">
      <ul class="repetitions">
        {repetitions.slice(0, MOST).map((each) => (
          <li key={`${each.kind}/${each.database}/${each.fingerprint}`}>
            <One repetition={each} />
          </li>
        ))}
      </ul>
      {rest > 0 && <p class="note">And {format.count(rest)} more: SHOW REPETITIONS has them all.</p>}
    </Section>
  );
}

function One({ repetition }: { repetition: Repetition }) {
  const each = repetition;
  const page = `#/statements/${encodeURIComponent(each.database)}/${encodeURIComponent(each.fingerprint)}`;
  return (
    <article>
      <p>
        <RepeatedMark repetition={each} /> in {each.database}: <Explanation repetition={each} />
      </p>
      {each.earlier && <Text title="Earlier statement" text={each.earlier.text} />}
      <Text title="Repeated statement" text={each.text} page={page} />
      {each.rewrite && <Text title="Once for all" text={each.rewrite} />}
      <dl class="figures">
        <Figure name="At most together" value={format.count(each.most_executions)} note="executions" />
        <Figure
          name="Executions"
          value={format.count(each.executions)}
          note={`in ${format.some(each.windows, "window")}`}
        />
        <Figure name="Time of servers" value={format.duration(each.total_seconds)} />
      </dl>
    </article>
  );
}

function Explanation({ repetition }: { repetition: Repetition }) {
  const where = `within one ${repetition.within.split(", ").join(" or ")}`;
  if (repetition.kind === "duplicate") {
    return <>asked again and again with the same values, {where}. Keep the answer, here or in the application.</>;
  }
  if (!repetition.earlier) {
    return <>run once for each value, {where}. Where the values come from has not been seen yet.</>;
  }
  return (
    <>
      run once for each value of the column <code>{repetition.earlier.column}</code> that an earlier result showed,{" "}
      {where}.
    </>
  );
}

function Text({ title, text, page }: { title: string; text: string; page?: string }) {
  return (
    <figure class="statement">
      <figcaption>{page ? <a href={page}>{title}</a> : title}</figcaption>
      <pre class="text" tabIndex={0} aria-label={title}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
