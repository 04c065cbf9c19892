// How figures, moments and names are written. A missing figure is a dash, never a zero.

const locale = navigator.language || "en";
const DASH = "–";
const cache = new Map();

function formatter(key, make) {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
}

export function money(value, currency = "EUR") {
  if (value === null || value === undefined) return DASH;
  const style = () => new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
  return formatter(`m${currency}`, style).format(value);
}

export function number(value, digits = 2, least = digits) {
  if (value === null || value === undefined) return DASH;
  const style = () => new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: digits });
  return formatter(`n${digits}.${least}`, style).format(value);
}

export function gain(value, write = money) {
  if (value === null || value === undefined) return DASH;
  return (value > 0 ? "+" : "") + write(value);
}

export function percent(fraction, digits = 1) {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return DASH;
  const style = () => new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  return formatter(`p${digits}`, style).format(fraction);
}

export function moment(instant) {
  if (!instant) return DASH;
  const style = () => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return formatter("moment", style).format(new Date(instant));
}

export function day(instant) {
  if (!instant) return DASH;
  const style = () => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return formatter("day", style).format(new Date(instant));
}

export function clock(instant) {
  const style = () => new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return formatter("clock", style).format(new Date(instant));
}

// The distance between two instants of the same clock, in one unit.
export function distance(from, to) {
  const seconds = Math.round(Math.abs(new Date(to) - new Date(from)) / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}
