/** What went wrong with a request: `status` 0 when nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The value of Authorization for a token, or for a name and a password. */
export function bearer(token: string): string {
  return `Bearer ${token}`;
}

export function basic(name: string, password: string): string {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

const KEY = "forebay.authorization";

/**
 * Asks Forebay. Who asks is kept in the tab's session storage and sent by this code alone: nothing that the browser
 * would add to a request of another page (docs/decisions, the dashboard).
 */
export class Api {
  get authorization(): string | null {
    return sessionStorage.getItem(KEY);
  }

  signIn(authorization: string): void {
    sessionStorage.setItem(KEY, authorization);
  }

  signOut(): void {
    sessionStorage.removeItem(KEY);
  }

  /** The answer, whatever its status but those that say that somebody may not ask. */
  async ask(
    path: string,
    signal?: AbortSignal,
    rest: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { ...rest.headers };
    const authorization = this.authorization;
    if (authorization) headers.Authorization = authorization;
    let response: Response;
    try {
      // "omit": the browser neither adds a password of its own nor opens its own window for one.
      response = await fetch(path, { ...rest, headers, signal, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, "unreachable", "Forebay does not answer.");
    }
    if (response.status === 401 || response.status === 403) throw await errorOf(response);
    return response;
  }

  async data<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.ask(path, signal);
    if (!response.ok) throw await errorOf(response);
    return ((await response.json()) as { data: T }).data;
  }

  /** Changes something. */
  async post(path: string, body: Record<string, unknown>): Promise<void> {
    const response = await this.ask(path, undefined, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw await errorOf(response);
  }

  /** What has no envelope, and says something with status 503, too. */
  async health<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.ask(path, signal);
    if (!response.ok && response.status !== 503) throw await errorOf(response);
    const told = (await response.json()) as T & { error?: { message: string } };
    if (told.error) throw new ApiError(response.status, "unavailable", told.error.message);
    return told;
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return new ApiError(response.status, error.code, error.message);
  } catch {
    return new ApiError(response.status, "unknown", `Forebay answered with status ${response.status}.`);
  }
}
