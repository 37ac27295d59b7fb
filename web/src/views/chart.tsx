import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import type { Moment, Range } from "../model/past";

interface Timed {
  time: number; // seconds since 1970
}

export interface Line<At extends Timed = Moment> {
  name: string;
  colour: string; // a custom property of the style sheet
  value: (moment: At) => number | null;
}

interface Props<At extends Timed> {
  title: string;
  lines: Line<At>[];
  samples: At[];
  range: Range;
  format: (value: number | null) => string;
  most?: number; // the top of the scale, where there is a natural one
}

const HEIGHT = 150;
const SHORTEST_SECONDS = 60;

/** Lines over the time up to now, the same in words, and the latest value beside the title. */
export function Chart<At extends Timed>({ title, lines, samples, range, format, most }: Props<At>) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const formatted = useRef(format);
  formatted.current = format;

  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf(lines, element.clientWidth, range.seconds, formatted, most),
        dataOf(lines, []),
        element,
      );
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const recolour = () => {
      draw();
      plot.current?.setData(dataOf(lines, latest.current));
    };
    addEventListener("themechange", recolour);
    return () => {
      resized.disconnect();
      removeEventListener("themechange", recolour);
      plot.current?.destroy();
    };
  }, []);

  const latest = useRef(samples);
  latest.current = samples;
  useEffect(() => plot.current?.setData(dataOf(lines, samples)), [samples]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        <span class="keys">
          {lines.map((line) => (
            <span key={line.name} class={`key ${line.colour.slice(2)}`}>
              {line.name} <b>{format(samples.length > 0 ? line.value(samples[samples.length - 1]!) : null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} role="img" aria-label={inWords(title, lines, samples, range, format)} />
    </figure>
  );
}

function inWords<At extends Timed>(
  title: string,
  lines: Line<At>[],
  samples: At[],
  range: Range,
  format: Props<At>["format"],
): string {
  const parts = lines.map((line) => {
    const values = samples.map(line.value).filter((value) => value !== null);
    if (values.length === 0) return `${line.name}: nothing yet`;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const newest = line.value(samples[samples.length - 1]!);
    const now = newest === null ? "none now" : `${format(newest)} now`;
    return `${line.name}: ${now}, between ${format(least)} and ${format(most)}`;
  });
  return `${title}, last ${range.title}. ${parts.join(". ")}.`;
}

function dataOf<At extends Timed>(lines: Line<At>[], samples: At[]): uPlot.AlignedData {
  return [samples.map((sample) => sample.time), ...lines.map((line) => samples.map(line.value))];
}

function optionsOf<At extends Timed>(
  lines: Line<At>[],
  width: number,
  span: number,
  format: { current: Props<At>["format"] },
  most: number | undefined,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--faint"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 20, 0, 0],
    scales: {
      x: { range: (self) => spanOf(self.data[0], span) },
      y: { range: (_, __, high) => [0, most ?? (high ? high * 1.15 : 1)] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        // None at the left edge, where the other axis ends.
        values: (self, ticks) =>
          ticks.map((tick) => (tick === self.scales.x?.min ? "" : ago((self.scales.x?.max ?? tick) - tick))),
        splits: (self) => splitsOf(self.scales.x?.min ?? 0, self.scales.x?.max ?? 0),
        size: 24,
      },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => format.current(tick)), space: 32 },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        width: 1.8,
        points: { show: (self: uPlot) => self.data[0].length < 2 },
        spanGaps: false,
      })),
    ],
  };
}

/** From the first sample to the last, but never so short that a second fills the chart. */
function spanOf(times: ArrayLike<number>, span: number): [number, number] {
  const last = times[times.length - 1] ?? 0;
  return [Math.max(last - span, Math.min(times[0] ?? last, last - SHORTEST_SECONDS)), last];
}

/** So that there are at most ten or so: every quarter of a minute while there is little to see, and up to a day. */
function splitsOf(first: number, last: number): number[] {
  const step = [15, 60, 600, 14_400, 86_400].find((each) => (last - first) / each <= 8) ?? 86_400;
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, number) => last - number * step).reverse();
}

function ago(seconds: number): string {
  if (seconds < 1) return "now";
  if (seconds % 86_400 < 1) return `−${Math.round(seconds / 86_400)} d`;
  if (seconds % 3600 < 1) return `−${Math.round(seconds / 3600)} h`;
  return seconds % 60 < 1 ? `−${Math.round(seconds / 60)} min` : `−${Math.round(seconds)} s`;
}
