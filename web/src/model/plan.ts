import * as format from "./format";
import type { Explained, PlanNode } from "./types";

/** A line of a plan that is drawn as a tree. */
export interface Step {
  key: string;
  depth: number;
  title: string;
  /** Conditions, each with its name. */
  details: string[];
  cost: number | null;
  rows: number | null;
  actualRows: number | null;
  /** Of the whole cost, what this step adds to those below it; 0 to 1. */
  share: number;
}

const DETAILS: Record<string, string> = {
  subplan_name: "for",
  index_cond: "index condition",
  recheck_cond: "recheck",
  filter: "filter",
  hash_cond: "joined by",
  merge_cond: "joined by",
  join_filter: "join filter",
  one_time_filter: "once",
  sort_key: "by",
  group_key: "by",
  rows_removed_by_filter: "rows removed by the filter",
  sort_method: "sorted by",
  workers_planned: "workers",
  subplans_removed: "partitions left out",
};

export function stepsOf(root: PlanNode): Step[] {
  const steps: Step[] = [];
  add(root, 0, "0", Math.max(root.total_cost ?? 0, 1e-9), steps);
  return steps;
}

/** PostgreSQL counts rows for each time that a step is begun; told is the sum, of what it expects as well: once where
 * it was never begun. */
function add(node: PlanNode, depth: number, key: string, whole: number, steps: Step[]): void {
  const times = node.actual_loops ?? 1;
  const all = (rows: number | undefined) => (rows === undefined ? null : rows * Math.max(times, 1));
  const below = node.plans ?? [];
  const belowCost = below.reduce((sum, each) => sum + (each.total_cost ?? 0), 0);
  steps.push({
    key,
    depth,
    title: titleOf(node),
    details: detailsOf(node, times),
    cost: node.total_cost ?? null,
    rows: all(node.plan_rows),
    actualRows: all(node.actual_rows),
    share: Math.min(1, Math.max(0, ((node.total_cost ?? 0) - belowCost) / whole)),
  });
  below.forEach((each, place) => add(each, depth + 1, `${key}.${place}`, whole, steps));
}

function titleOf(node: PlanNode): string {
  let title = node.node_type;
  if (node.join_type && node.join_type !== "Inner") title += ` (${node.join_type.toLowerCase()})`;
  if (node.index_name) title += ` using ${node.index_name}`;
  const relation = node.relation_name ?? (node.cte_name as string | undefined) ?? node.function_name;
  if (relation) title += ` on ${String(relation)}`;
  if (relation && node.alias && node.alias !== relation) title += ` as ${node.alias}`;
  return title;
}

function detailsOf(node: PlanNode, times: number): string[] {
  return Object.entries(DETAILS).flatMap(([key, name]) => {
    const told = node[key];
    if (told === undefined || told === null) return [];
    const value = key.startsWith("rows_removed") ? Number(told) * times : told;
    return [`${name} ${Array.isArray(value) ? value.join(", ") : String(value)}`];
  });
}

export interface PastPoint {
  time: number; // seconds since 1970
  callsPerSecond: number | null; // null: nobody looked
  meanSeconds: number | null;
}

/** The last stretch is not over yet, and left out, as is what was before anybody looked. */
export function pastOf(past: Explained["past"]): PastPoint[] {
  const { step_seconds: step, newest_began: newest, calls_per_second: calls } = past;
  const points = calls.slice(0, -1).map((each, place) => ({
    time: newest - (calls.length - 1 - place) * step,
    callsPerSecond: each,
    meanSeconds: past.mean_seconds[place] ?? null,
  }));
  const first = points.findIndex(({ callsPerSecond }) => callsPerSecond !== null);
  return first < 0 ? [] : points.slice(first);
}

export function costText(cost: number | null): string {
  return cost === null ? format.NOTHING : format.compact(cost);
}
