import type { Status } from "./health";
import type { Ended, Recommendation } from "./types";

/** The only thing to do while nothing is known of now: nobody but the browser can say so. */
export interface Advice {
  title: string;
  evidence: string;
  advice: string;
}

export function aboutLink(why: string): Advice {
  return {
    title: "Find out why no figures come",
    evidence: why,
    advice: "See whether the process runs, and what its log says last; then the network between it and this browser.",
  };
}

export const URGENCIES: Record<Recommendation["urgency"], Status> = {
  now: "bad",
  soon: "attention",
  consider: "unknown",
};

const PAGES: Record<string, string> = {
  pools: "#/pools",
  cache: "#/cache",
  statements: "#/statements",
  database: "#/database",
  settings: "#/settings",
};

/** Which page shows more of what it is about. */
export function pageOf(recommendation: Recommendation): string {
  return PAGES[recommendation.area] ?? "#/recommendations";
}

/** What came of it: "waiting for each checkout: 62 ms → 0.1 ms". */
export function outcomeOf(ended: Ended): string {
  if (ended.effect === null) return "no longer seen; what it was due to is not known";
  const { figure, before, after } = ended.effect;
  return `${figure}: ${before.text} → ${after.text}`;
}
