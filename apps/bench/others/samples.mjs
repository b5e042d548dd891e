// Percentiles by the nearest rank, as samples.c has them.
export function rank(sorted, percent) {
  return sorted[Math.max(Math.ceil((sorted.length * percent) / 100), 1) - 1];
}

export function median(values) {
  return rank(values.toSorted((a, b) => a - b), 50);
}

/** Microseconds to the report's milliseconds: name_ms_min and so on. */
export function report(times, name) {
  const sorted = times.toSorted((a, b) => a - b);
  const figures = { min: 0, median: 50, p90: 90, p99: 99, max: 100 };
  return Object.fromEntries(
    Object.entries(figures).map(([suffix, percent]) => [`${name}_ms_${suffix}`, rank(sorted, percent) / 1000]));
}
