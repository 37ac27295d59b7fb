const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** What stands where a figure is not known. */
export const NOTHING = "–";

export function count(value: number): string {
  return WHOLE.format(value);
}

/** Three digits, and k, M or G. */
export function compact(value: number | null): string {
  if (value === null) return NOTHING;
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (Math.abs(value) >= size) return `${SHORT.format(value / (unit === "k" ? 1e3 : size))}${unit}`;
  }
  return value >= 100 ? WHOLE.format(value) : SHORT.format(value);
}

export function milliseconds(value: number | null): string {
  if (value === null) return NOTHING;
  if (value === 0) return "0 ms";
  if (value < 1) return `${SHORT.format(value * 1000)} µs`;
  return value < 1000 ? `${SHORT.format(value)} ms` : duration(value / 1000);
}

/** Seconds, in the unit that people would use. */
export function duration(seconds: number | null): string {
  if (seconds === null) return NOTHING;
  if (seconds < 1) return milliseconds(seconds * 1000);
  if (seconds < 60) return `${SHORT.format(seconds)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function bytes(value: number | null): string {
  if (value === null) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${SHORT.format(value)} ${units[unit]}`;
}

export function percent(share: number | null): string {
  if (share === null) return NOTHING;
  const value = share * 100;
  // Not all is not 100.00 %.
  return `${value > 99 && value < 100 ? (Math.floor(value * 100) / 100).toFixed(2) : SHORT.format(value)} %`;
}

export function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}

export function some(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
