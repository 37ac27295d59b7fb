import { useEffect, useRef } from "preact/hooks";

import icon from "../icon.svg";
import { inWords, LEVELS, open, statusOf } from "../model/alerts";
import type { Live } from "../model/live";
import type { AlertCounts } from "../model/types";
import { AlertsPage } from "./alerts";
import { CachePage } from "./cache";
import { DatabasePage } from "./database";
import { useLive, useRoute } from "./hooks";
import { LinkState } from "./link";
import { OverviewPage } from "./overview";
import { PoolsPage } from "./pools";
import { RecommendationsPage } from "./recommendations";
import { SettingsPage } from "./settings";
import { SignIn } from "./sign_in";
import { StatementsPage } from "./statements";
import { ThemeSwitch } from "./theme";

const PAGES = [
  { path: "/", title: "Overview", Page: OverviewPage },
  { path: "/statements", title: "Statements", Page: StatementsPage },
  { path: "/cache", title: "Cache", Page: CachePage },
  { path: "/pools", title: "Pools", Page: PoolsPage },
  { path: "/database", title: "Database", Page: DatabasePage },
  { path: "/alerts", title: "Alerts", Page: AlertsPage },
  { path: "/recommendations", title: "Recommendations", Page: RecommendationsPage },
  { path: "/settings", title: "Settings", Page: SettingsPage },
];

export function App({ live }: { live: Live }) {
  useLive(live);
  const route = useRoute();
  const page =
    PAGES.find(({ path }) => path === route || (path !== "/" && route.startsWith(`${path}/`))) ?? PAGES[0]!;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${page.title} · Forebay`;
    // Whoever follows a link by keyboard or by ear goes on in the new page.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [route]);

  if (live.link.state === "refused") return <SignIn live={live} why={live.link} />;
  const isOld = live.link.state === "lost";
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the page
      </a>
      <header class="top">
        <a class="brand" href="#/">
          <img src={icon} alt="" width="22" height="22" />
          Forebay
        </a>
        <nav aria-label="Pages">
          <ul>
            {PAGES.map(({ path, title }) => (
              <li key={path}>
                <a href={`#${path}`} aria-current={path === page.path ? "page" : undefined}>
                  {title}
                  {path === "/alerts" && live.latest && <AlertBadge counts={live.latest.alerts} />}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="tools">
          <ThemeSwitch />
          {live.api.authorization && (
            <button type="button" onClick={() => live.signOut()}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <LinkState live={live} />
      <main id="main" ref={main} tabIndex={-1} class={isOld ? "old" : undefined}>
        <h1>{page.title}</h1>
        <page.Page live={live} key={page.path} />
      </main>
      <footer>
        <p>
          Figures come from this Forebay alone. <a href="/licences.txt">Licences</a>
        </p>
      </footer>
    </>
  );
}

/** How many alerts nobody sees to, in the colour of the worst; in words for those who do not see it. */
function AlertBadge({ counts }: { counts: AlertCounts }) {
  const worst = LEVELS.find((level) => counts[level] > 0);
  if (worst === undefined) return null;
  return (
    <span class={`badge ${statusOf(worst)}`}>
      <span aria-hidden="true">{open(counts)}</span>
      <span class="hidden">: {inWords(counts)}</span>
    </span>
  );
}
