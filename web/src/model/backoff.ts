const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** How long to wait after so many failures: doubled each time, and not the same for all. */
export function backoffMs(failures: number, chance: number = Math.random()): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(longest * (0.75 + 0.25 * chance));
}
