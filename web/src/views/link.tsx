import { useEffect, useState } from "preact/hooks";

import { timeOfDay } from "../model/format";
import type { Live } from "../model/live";

/** Whether the figures are of now. The words change only when the state does, so that they are read out once. */
export function LinkState({ live }: { live: Live }) {
  const { link, heardAt } = live;
  const last =
    heardAt === null ? "No figures have come yet." : `The last figures are of ${timeOfDay(heardAt / 1000)}.`;
  return (
    <div class={`link ${link.state}`}>
      <p role="status">
        {link.state === "live" && "Live: figures come every second."}
        {link.state === "connecting" && "Connecting to Forebay …"}
        {link.state === "lost" && (
          <>
            <strong>Not live.</strong> {link.why} {last}
          </>
        )}
      </p>
      {link.state === "lost" && (
        <p>
          <Countdown until={link.retryAt} />{" "}
          <button type="button" onClick={() => live.retry()}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((until - now) / 1000);
  return <span>{seconds > 0 ? `Next attempt in ${seconds} s.` : "Trying …"}</span>;
}
