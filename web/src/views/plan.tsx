import { useState } from "preact/hooks";

import type { ApiError } from "../model/api";
import * as format from "../model/format";
import { costText, stepsOf } from "../model/plan";
import type { Finding, Plan, PlanNode, StatementDetails } from "../model/types";
import { Notice, Section } from "./parts";

type Explain = (body: Record<string, unknown>) => void;

/** How servers run a statement, what is to be mended, and how they ran it before. */
export function Plans(props: { details: StatementDetails; failed: ApiError | null; explain: Explain | null }) {
  const { explained } = props.details;
  const { explain, failed } = props;
  const [latest, ...earlier] = explained.plans;
  return (
    <Section title="Plan" id="plan" note={explained.asked === null ? "" : `asked for at ${moment(explained.asked)}`}>
      {failed && (
        <Notice title="That was not done.">
          <p role="alert">{failed.message}</p>
        </Notice>
      )}
      {explained.why_not && (
        <Notice title={latest ? "This plan is not the latest." : "There is no plan."}>
          <p>{explained.why_not}</p>
        </Notice>
      )}
      {explain ? (
        <p class="buttons">
          <button type="button" onClick={() => explain({})}>
            Explain now
          </button>
        </p>
      ) : (
        <p class="note">Asking for a plan now is for administrators.</p>
      )}
      <Findings findings={explained.findings} />
      {latest && <Latest plan={latest} />}
      {!latest && !explained.why_not && (
        <p class="empty">Nobody has asked yet. Plans of slow statements are asked for by themselves.</p>
      )}
      {earlier.map((plan, place) => (
        <Earlier key={plan.first_seen} plan={plan} changes={explained.plans[place]!.changes} />
      ))}
      {explain && explained.may_be_analyzed && (
        <Analyze parameters={explained.parameters ?? 0} explain={(values) => explain({ analyze: true, ...values })} />
      )}
      {explained.measured && (
        <div class="measured">
          <h3>As it was executed at {moment(explained.measured.asked)}</h3>
          <p class="note">
            Planned in {format.duration(explained.measured.planning_seconds)}, executed in{" "}
            {format.duration(explained.measured.execution_seconds)}.
          </p>
          <Findings findings={explained.measured.findings} />
          <Tree root={explained.measured.root} label="Steps as executed" />
        </div>
      )}
    </Section>
  );
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString("en-GB");
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul class="findings">
      {findings.map((each) => (
        <li key={each.kind + each.text}>
          <p>
            <b>{each.text}</b>
          </p>
          <p class="soft">{each.evidence}</p>
          {each.suggestion && (
            <pre class="text" tabIndex={0} aria-label="What to run">
              <code>{each.suggestion}</code>
            </pre>
          )}
        </li>
      ))}
    </ul>
  );
}

function Latest({ plan }: { plan: Plan }) {
  return (
    <>
      {plan.changes.length > 0 && (
        <ul class="changes" aria-label="What has changed">
          {plan.changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      <p class="note">
        For any values: the server was told none. {meanOf(plan)} Since {moment(plan.first_seen)}.
      </p>
      <Tree root={plan.root} label="Steps of the plan" />
    </>
  );
}

function meanOf(plan: Plan): string {
  return plan.mean_seconds === null
    ? "No call has used it yet."
    : `A call took ${format.duration(plan.mean_seconds)} on average.`;
}

function Earlier({ plan, changes }: { plan: Plan; changes: string[] }) {
  return (
    <details>
      <summary>
        Until {moment(plan.last_seen)}, cost {costText(plan.total_cost)}: {changes.join("; ")}
      </summary>
      <p class="note">{meanOf(plan)}</p>
      <Tree root={plan.root} label="Steps of the earlier plan" />
    </details>
  );
}

function Analyze({
  parameters,
  explain,
}: {
  parameters: number;
  explain: (values: { parameters: string[] }) => void;
}) {
  const [values, setValues] = useState<string[]>([]);
  const numbers = Array.from({ length: parameters }, (_, place) => place);
  const sent = numbers.map((place) => values[place] ?? "");
  return (
    <details>
      <summary>Execute it once, and measure each step</summary>
      <form
        class="values"
        onSubmit={(event) => {
          event.preventDefault();
          explain({ parameters: sent });
        }}
      >
        {numbers.map((place) => (
          <label key={place}>
            ${place + 1}
            <input
              value={sent[place]}
              onInput={(event) => setValues(sent.map((old, at) => (at === place ? event.currentTarget.value : old)))}
            />
          </label>
        ))}
        <button type="submit">Execute and explain</button>
      </form>
      <p class="note">It only reads, and ends after four seconds. The values are not kept.</p>
    </details>
  );
}

function Tree({ root, label }: { root: PlanNode; label: string }) {
  return (
    <ol class="plan" aria-label={label} tabIndex={0}>
      {stepsOf(root).map((step) => (
        <li key={step.key} class={`depth-${Math.min(step.depth, 12)}`} aria-label={`Level ${step.depth + 1}`}>
          <b>{step.title}</b>
          <span class="soft">
            cost {costText(step.cost)}
            {step.share >= 0.5 && ` (${Math.round(step.share * 100)} % here)`}, {rowsOf(step.rows, step.actualRows)}
          </span>
          {step.details.map((detail) => (
            <code key={detail}>{detail}</code>
          ))}
        </li>
      ))}
    </ol>
  );
}

function rowsOf(expected: number | null, actual: number | null): string {
  const words = expected === null ? "rows unknown" : `${format.some(expected, "row")} expected`;
  return actual === null ? words : `${words}, ${format.count(actual)} came`;
}
