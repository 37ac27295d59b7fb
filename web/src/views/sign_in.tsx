import { useState } from "preact/hooks";

import { basic, bearer } from "../model/api";
import type { Live } from "../model/live";
import type { Link } from "../model/stream";
import { ThemeSwitch } from "./theme";

type Way = "token" | "password";

/** Asks who looks. What is typed goes to this Forebay only, and stays in this tab only. */
export function SignIn({ live, why }: { live: Live; why: Extract<Link, { state: "refused" }> }) {
  const [way, setWay] = useState<Way>("token");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(typed.get(name) ?? "");
    live.signIn(way === "token" ? bearer(text("token").trim()) : basic(text("name"), text("password")));
  };
  return (
    <main class="sign-in">
      <h1>Forebay</h1>
      <p>
        This Forebay shows its figures to people it knows: by a token of <code>http.viewer_tokens</code> or{" "}
        <code>http.admin_tokens</code>, or by the name and password of a user of the console.
      </p>
      <form onSubmit={submit}>
        <p role="alert" class="problem">
          {why.impostor ? `Not signed in: ${why.why}.` : ""}
        </p>
        <fieldset>
          <legend>Sign in by</legend>
          {(["token", "password"] as const).map((each) => (
            <label key={each} class="choice">
              <input type="radio" name="way" checked={way === each} onChange={() => setWay(each)} />
              {each === "token" ? "a token" : "name and password"}
            </label>
          ))}
        </fieldset>
        {way === "token" ? (
          <label>
            Token
            <input name="token" type="password" autocomplete="off" required />
          </label>
        ) : (
          <>
            <label>
              Name
              <input name="name" autocomplete="username" required />
            </label>
            <label>
              Password
              <input name="password" type="password" autocomplete="current-password" required />
            </label>
          </>
        )}
        <button type="submit">Sign in</button>
      </form>
      <ThemeSwitch />
    </main>
  );
}
