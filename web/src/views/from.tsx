import type { ComponentChildren } from "preact";

import type { Place } from "../model/database";
import * as format from "../model/format";
import { Notice } from "./parts";

/** Grey, and with the reason, where what is shown is of the past. */
export function From({ place, children }: { place: Place; children: ComponentChildren }) {
  if (place.answering && place.problem === null && place.asked !== null) return <>{children}</>;
  const since = format.timeOfDay(place.since);
  const first = place.problem === null && place.asked === null;
  return (
    <>
      {first ? (
        <p class="empty">Asking {place.server} …</p>
      ) : (
        <Notice
          title={
            place.answering
              ? `${place.server} does not tell this.`
              : `${place.server} does not answer since ${since}.`
          }
        >
          <p>{place.problem}</p>
          {place.asked !== null && <p>What is shown in grey is of {format.timeOfDay(place.asked)}.</p>}
        </Notice>
      )}
      {place.asked !== null && <div class="stack past">{children}</div>}
    </>
  );
}

/** One topic of several of a server that has said already whether it answers; undefined: it is not known yet. */
export function Told({ place, children }: { place: Place | undefined; children: ComponentChildren }) {
  if (place === undefined || (place.asked === null && place.problem === null)) return <p class="empty">Asking …</p>;
  return place.answering ? <From place={place}>{children}</From> : <>{children}</>;
}
