import type { ComponentChildren } from "preact";

import type { ApiError } from "../model/api";
import type { Status } from "../model/health";

const WORDS: Record<Status, string> = { good: "well", attention: "attention", bad: "not well", unknown: "not known" };
const SHAPES: Record<Status, string> = {
  good: "M3 8.5l3.2 3.2L13 5",
  attention: "M8 3v6M8 12.2v.8",
  bad: "M4 4l8 8M12 4l-8 8",
  unknown: "M4 8h8",
};

/** A state by its word, its shape and its colour. */
export function Mark({ status, word = WORDS[status] }: { status: Status; word?: string }) {
  return (
    <span class={`mark ${status}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[status]} />
      </svg>
      {word}
    </span>
  );
}

/** One figure, what it is, and what it is of. */
export function Figure(props: { name: string; value: string; note?: string; id?: string }) {
  return (
    <div class="figure">
      <dt>{props.name}</dt>
      <dd>
        <strong data-figure={props.id}>{props.value}</strong>
        {props.note && <small>{props.note}</small>}
      </dd>
    </div>
  );
}

export function Section(props: { title: string; id: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section aria-labelledby={props.id}>
      <header>
        <h2 id={props.id}>{props.title}</h2>
        {props.note && <p class="note">{props.note}</p>}
      </header>
      {props.children}
    </section>
  );
}

/** What stands in place of figures that cannot be shown. */
export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}

export function Failure({ error, has }: { error: ApiError; has: boolean }) {
  return (
    <Notice title={has ? "These figures are not the latest." : "These figures cannot be shown."}>
      <p>{error.message}</p>
    </Notice>
  );
}

/** How much of a limit is used, as a bar with the same in words. */
export function Share({ part, whole, text }: { part: number; whole: number; text: string }) {
  return (
    <span class="share">
      <meter min={0} max={Math.max(whole, 1)} value={part} aria-label={text} />
      <span>{text}</span>
    </span>
  );
}
