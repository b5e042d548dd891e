// The score by area, for the terminal and for the docs.
import { reasonOf } from './expected.mjs';
import { suspects } from './suspects.mjs';

const nameOf = ({ area, title }) => `${area}: ${title}`;

function byArea(runs) {
  const areas = new Map();
  for (const { name, results } of runs) {
    for (const { area, reason } of results) {
      if (!areas.has(area)) areas.set(area, { count: {}, passed: {} });
      const row = areas.get(area);
      row.count[name] = (row.count[name] ?? 0) + 1;
      row.passed[name] = (row.passed[name] ?? 0) + (reason ? 0 : 1);
    }
  }
  return new Map([...areas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

export function scoreTable(runs) {
  const lines = [];
  const write = (area, cells) => lines.push(area.padEnd(24) + cells.map((cell) => String(cell).padStart(12)).join(''));
  write('area', runs.map(({ name }) => name));
  for (const [area, { count, passed }] of byArea(runs))
    write(area, runs.map(({ name }) => `${passed[name] ?? 0}/${count[name] ?? 0}`));
  write('all', runs.map(({ results }) => `${results.filter(({ reason }) => !reason).length}/${results.length}`));
  return lines.join('\n');
}

const TITLES = { wirelark: 'Wirelark', chromium: 'Chromium', firefox: 'Firefox ESR' };
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');

/** docs/conformance.md */
export function markdown(runs) {
  const [ours, ...others] = ['wirelark', 'chromium', 'firefox'].map((name) => {
    const run = runs.find((each) => each.name === name);
    if (!run) throw new Error('--markdown needs all targets');
    return run;
  });
  const all = [ours, ...others];
  const failed = (run) => new Map(run.results.filter(({ reason }) => reason).map((each) => [nameOf(each), each]));
  const failures = all.map(failed);
  const head = all.map(({ name, version }) => `${TITLES[name]} ${version}`.trim());
  const lines = [
    '# Conformance', '',
    'The same cases over the Node binding of this library, in Chromium and in Firefox ESR: one for each normative step, written for',
    'this project, in `tests/wpt/cases`. A number is how many cases of the area pass; the standard\'s steps are named in the cases.',
    'Written by `tests/wpt/run.mjs --target all --markdown docs/conformance.md`.', '',
    `| area | cases | ${head.join(' | ')} |`, '|---|---:|---:|---:|---:|',
  ];
  const areas = byArea(all);
  for (const [area, { count, passed }] of areas)
    lines.push(`| ${area} | ${count.wirelark} | ${all.map(({ name }) => passed[name] ?? 0).join(' | ')} |`);
  lines.push(`| **all** | **${ours.results.length}** | ${all.map(({ results }) =>
    `**${sum(results.map(({ reason }) => (reason ? 0 : 1)))}**`).join(' | ')} |`, '');

  lines.push('## What fails here', '', '| case | step | why |', '|---|---|---|');
  for (const [name, { cite, reason }] of failures[0]) lines.push(`| ${cell(name)} | ${cell(cite)} | ${cell(reasonOf(name) ?? reason)} |`);
  lines.push('', '## What fails in both browsers', '',
    'Such a case is suspect: it is kept only where the standard\'s words are plain.', '', '| case | step | why it is kept |', '|---|---|---|');
  for (const [name, { cite }] of failures[1])
    if (failures[2].has(name)) lines.push(`| ${cell(name)} | ${cell(cite)} | ${cell(suspects[name] ?? '?')} |`);
  return `${lines.join('\n')}\n`;
}
