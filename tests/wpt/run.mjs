// Runs the conformance cases. README.md beside this file tells how.
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cases as registered } from './harness.mjs';
import { compare, known, update } from './lib/expected.mjs';
import { markdown, scoreTable } from './lib/report.mjs';

const HERE = import.meta.dirname;
const USAGE = `usage: run.mjs [options]
  --target T     wirelark (the default), chromium, firefox, several with commas, or all
  --only A       only cases whose area, or whose "area: title", begins with A
  --limit MS     the time that a case may take (default 5000)
  --expect       fail when a case newly fails, or newly passes, against expected.json (wirelark only)
  --update       write expected.json anew; reasons that are there stay
  --markdown F   write the table of the docs to F; needs all targets
  --json F       write all results to F
  --verbose      a line for each case
  --list         print the cases and stop`;

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', default: 'wirelark' },
    only: { type: 'string', default: '' },
    limit: { type: 'string', default: '5000' },
    expect: { type: 'boolean' },
    update: { type: 'boolean' },
    markdown: { type: 'string' },
    json: { type: 'string' },
    verbose: { type: 'boolean' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

export const nameOf = ({ area, title }) => `${area}: ${title}`;

/** File to its cases, those that --only names. */
async function load() {
  const files = new Map();
  const names = new Set();
  for (const file of readdirSync(path.join(HERE, 'cases')).filter((name) => name.endsWith('.mjs')).sort()) {
    const before = registered.length;
    await import(`./cases/${file}`);
    const own = registered.slice(before);
    for (const each of own) {
      if (names.has(nameOf(each))) throw new Error(`two cases are called '${nameOf(each)}'`);
      names.add(nameOf(each));
    }
    const chosen = own.filter((each) => nameOf(each).startsWith(options.only));
    if (chosen.length) files.set(file, chosen);
  }
  if (!files.size) throw new Error(`--only: no case begins with '${options.only}'`);
  return files;
}

async function makeTarget(name) {
  if (name === 'wirelark') return new (await import('./lib/wirelark.mjs')).WirelarkTarget();
  if (name === 'chromium' || name === 'firefox') return new (await import('./lib/browser.mjs')).BrowserTarget(name);
  throw new Error(`--target: there is no '${name}'`);
}

async function runTarget(name, files) {
  const target = await makeTarget(name);
  const results = [];
  await target.start();
  try {
    for (const [file, cases] of files) {
      for (const result of await target.runFile(file, cases, Number(options.limit))) {
        results.push(result);
        const isKnown = name === 'wirelark' && known(nameOf(result));
        if (options.verbose || (result.reason && !isKnown))
          console.log(`${result.reason ? 'FAIL' : 'ok'} ${name} ${nameOf(result)} [${result.cite}] ${result.ms.toFixed(0)} ms` +
            `${result.reason ? `: ${result.reason}` : ''}`);
      }
    }
    return { name, results, version: await target.version() };
  } finally {
    await target.stop();
  }
}

async function main() {
  if (options.help) return console.log(USAGE);
  const files = await load();
  const all = [...files.values()].flat();
  if (options.list) return all.forEach((each) => console.log(`${nameOf(each)} [${each.cite}]`));

  const names = options.target === 'all' ? ['wirelark', 'chromium', 'firefox'] : options.target.split(',');
  const runs = [];
  for (const name of names) {
    const started = Date.now();
    const run = await runTarget(name, files);
    runs.push(run);
    const passed = run.results.filter(({ reason }) => !reason).length;
    console.log(`${name}: ${passed} of ${run.results.length} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
  console.log(scoreTable(runs));
  if (options.json) writeFileSync(options.json, JSON.stringify(runs, null, 1));
  if (options.markdown) writeFileSync(options.markdown, markdown(runs));
  const ours = runs.find(({ name }) => name === 'wirelark');
  if (options.update && ours) update(ours.results, all);
  if (options.expect && ours) {
    const surprises = compare(ours.results);
    surprises.forEach((line) => console.log(line));
    console.log(`${ours.results.length - surprises.length} passed, ${surprises.length} failed`);
    if (surprises.length) process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  console.error(`run.mjs: ${error.stack}`);
  process.exitCode = 2;
}
// A browser may leave something behind that would keep Node up; the sanitizer's look for leaks comes with the exit.
process.exit();
