import { Api } from "./api";
import { History } from "./history";
import { Stream, type Link } from "./stream";
import type { Overview } from "./types";

/** What all pages share: who asks, the stream and what came by it. Tells its watchers after each change. */
export class Live {
  readonly api = new Api();
  readonly history = new History();
  link: Link = { state: "connecting" };
  /** When the last figures came, by this machine's clock; milliseconds since 1970. */
  heardAt: number | null = null;
  private readonly watchers = new Set<() => void>();
  private readonly stream = new Stream(this.api, {
    onOverview: (overview) => this.take(overview),
    onLink: (link) => this.set(link),
  });

  start(): void {
    this.stream.open();
    addEventListener("online", () => this.stream.hurry());
  }

  retry(): void {
    this.stream.hurry();
  }

  signIn(authorization: string): void {
    this.api.signIn(authorization);
    this.reopen();
  }

  signOut(): void {
    this.api.signOut();
    this.reopen();
  }

  get latest(): Overview | null {
    return this.history.latest;
  }

  /** Somebody may look, and figures come. */
  get isLive(): boolean {
    return this.link.state === "live";
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private reopen(): void {
    this.stream.close();
    this.set({ state: "connecting" });
    this.stream.open();
  }

  private take(overview: Overview): void {
    this.history.add(overview);
    this.heardAt = Date.now();
    this.set({ state: "live" });
  }

  private set(link: Link): void {
    this.link = link;
    for (const watcher of this.watchers) watcher();
  }
}
