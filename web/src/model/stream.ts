import { Api, ApiError } from "./api";
import { backoffMs } from "./backoff";
import { EventParser } from "./sse";
import type { Overview } from "./types";

/** What is known of the connection to Forebay. */
export type Link =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; why: string; retryAt: number } // milliseconds since 1970
  | { state: "refused"; why: string; impostor: boolean };

interface Listener {
  onOverview(overview: Overview): void;
  onLink(link: Link): void;
}

/** Longer without a byte than the server's own sign of life, which comes at least every ten seconds. */
const SILENCE_MS = 15_000;

/** Reads the overview of each second for as long as it is open, and connects again when it breaks. */
export class Stream {
  private ended = new AbortController();
  private wake: () => void = () => {};

  constructor(
    private readonly api: Api,
    private readonly listener: Listener,
  ) {}

  open(): void {
    this.ended = new AbortController();
    void this.run(this.ended.signal);
  }

  close(): void {
    this.ended.abort();
    this.wake();
  }

  /** Ends the wait for the next attempt. */
  hurry(): void {
    this.wake();
  }

  private async run(ended: AbortSignal): Promise<void> {
    let failures = 0;
    while (!ended.aborted) {
      let why = "Forebay ended the stream of figures.";
      try {
        await this.read(ended, () => (failures = 0));
      } catch (error) {
        if (ended.aborted) return;
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          this.listener.onLink({ state: "refused", why: error.message, impostor: this.api.authorization !== null });
          return;
        }
        if (error instanceof ApiError) why = error.message;
        else why = "The connection to Forebay broke.";
      }
      if (ended.aborted) return;
      failures += 1;
      const pause = backoffMs(failures);
      this.listener.onLink({ state: "lost", why, retryAt: Date.now() + pause });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  private async read(ended: AbortSignal, onEvent: () => void): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const stop = () => silence.abort();
    ended.addEventListener("abort", stop);
    try {
      const response = await this.api.ask("/api/v1/events", silence.signal);
      if (!response.ok || !response.body) {
        const told = (await response.json().catch(() => null)) as { error?: { message: string } } | null;
        throw new ApiError(response.status, "stream", told?.error?.message ?? `Forebay answered ${response.status}.`);
      }
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        for (const event of parser.feed(decoder.decode(value, { stream: true }))) {
          if (event.name !== "overview") continue;
          onEvent();
          this.listener.onOverview(JSON.parse(event.data) as Overview);
        }
      }
    } finally {
      clearTimeout(timer);
      ended.removeEventListener("abort", stop);
    }
  }
}
