// Which cases are known to fail, and why: expected.json, kept by hand and by --update.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FILE = path.resolve(import.meta.dirname, '../expected.json');
const expected = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};

const nameOf = ({ area, title }) => `${area}: ${title}`;

export const known = (name) => name in expected;
export const reasonOf = (name) => expected[name];

/** A line for each case that is not as expected. */
export function compare(results) {
  const lines = [];
  for (const result of results) {
    const name = nameOf(result);
    if (result.reason && !known(name)) lines.push(`NEW FAILURE ${name} [${result.cite}]: ${result.reason}`);
    if (!result.reason && known(name)) lines.push(`NEW PASS ${name}: take it out of expected.json (--update)`);
  }
  return lines;
}

/** Writes the list anew: failures with the reason that they have, or what the case said. Cases that did not run stay. */
export function update(results) {
  const next = { ...expected };
  for (const result of results) {
    const name = nameOf(result);
    if (result.reason) next[name] = expected[name] ?? `? ${result.reason.split('\n')[0].slice(0, 160)}`;
    else delete next[name];
  }
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`);
}
