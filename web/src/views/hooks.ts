import { useEffect, useReducer, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import type { Live } from "../model/live";

/** Draws again whenever anything in `live` has changed. */
export function useLive(live: Live): void {
  const [, again] = useReducer((number: number, _: void) => number + 1, 0);
  useEffect(() => live.watch(() => again()), [live]);
}

export interface Polled<T> {
  value: T | null; // what came last, also when asking fails now
  error: ApiError | null;
}

/**
 * Asks every `everyMs` milliseconds while the page can be seen and Forebay answers, and at once when it answers again,
 * or `again` is another number.
 */
export function usePolled<T>(
  live: Live,
  everyMs: number,
  ask: (signal: AbortSignal) => Promise<T>,
  again: number | string = 0,
): Polled<T> {
  const [polled, set] = useState<Polled<T>>({ value: null, error: null });
  const isLive = live.isLive;
  useEffect(() => {
    if (!isLive) return;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const round = async () => {
      if (document.hidden) {
        // At once when it is seen: the next round may be ten minutes away.
        document.addEventListener("visibilitychange", () => void round(), { once: true, signal: ended.signal });
        return;
      }
      try {
        const value = await ask(ended.signal);
        if (!ended.signal.aborted) set({ value, error: null });
      } catch (error) {
        if (ended.signal.aborted) return;
        const told = error instanceof ApiError ? error : new ApiError(0, "unreadable", String(error));
        set((before) => ({ value: before.value, error: told }));
      }
      if (!ended.signal.aborted) timer = setTimeout(() => void round(), everyMs);
    };
    void round();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [isLive, again]);
  return polled;
}

/** The part of the address behind "#", and again when it changes. */
export function useRoute(): string {
  const [route, setRoute] = useState(location.hash.slice(1) || "/");
  useEffect(() => {
    const changed = () => setRoute(location.hash.slice(1) || "/");
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
