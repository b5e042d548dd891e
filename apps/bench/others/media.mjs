// Raw media over a network that does what it should not, with this library and with libwebrtc: prints what was seen and heard.
//
//   media.mjs --program wirelark-bench-media [--only SCENARIO,...] [--stacks NAME,...] [--rounds N] [--seed N] [--results FILE]
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child, run } from '../../../tests/interop/lib/child.mjs';
import { missingPackage, NODE } from '../../../tests/interop/lib/paths.mjs';
import { figuresOf, rowsOf, scenarios } from './media-figures.mjs';
import { median } from './samples.mjs';

const { values: options } = parseArgs({
  options: {
    program: { type: 'string' },
    only: { type: 'string' },
    stacks: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    results: { type: 'string' },
  },
});

const WRTC = path.join(path.dirname(fileURLToPath(import.meta.url)), 'media-wrtc.mjs');
const all = [
  { name: 'wirelark', command: [options.program, 'call'] },
  { name: 'libwebrtc', command: [NODE, WRTC], package: '@roamhq/wrtc' },
].filter((stack) => !stack.package || !missingPackage(stack.package));
const pick = (list, names) => (names ? names.split(',').map((name) => list.find((item) => item.name === name) ?? fail(`no '${name}'`)) : list);

function fail(why) {
  console.error(`media.mjs: ${why}`);
  process.exit(2);
}

if (!options.program) fail('--program is needed');
const chosen = pick(scenarios, options.only);
const stacks = pick(all, options.stacks);

const memory = '/dev/shm';
const folder = mkdtempSync(path.join(existsSync(memory) ? memory : os.tmpdir(), 'bench-media-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

/** Resolves to the first line that has `key`. */
function lineWith(key) {
  let found;
  const promise = new Promise((resolve) => {
    found = resolve;
  });
  return { promise, onLine: (line) => line.startsWith(`{"${key}"`) && found(JSON.parse(line)) };
}

async function measure(scenario, stack, seed) {
  const journal = path.join(folder, 'journal');
  const ports = lineWith('a');
  const packets = lineWith('packets');
  const ready = lineWith('ready');
  const ended = lineWith('concealed');
  const link = new Child(options.program, ['link', scenario.schedule, scenario.delay, scenario.queue, seed].map(String), {
    onLine: (line) => [ports, packets].forEach((wanted) => wanted.onLine(line)),
  });
  const noLink = link.ended.then(() => {
    throw new Error(`the link ended: ${link.complaint}`);
  });
  const { a, b } = await Promise.race([ports.promise, noLink]);
  const [command, ...words] = stack.command;
  const call = new Child(command, [...words, folder, journal, a, b, scenario.seconds].map(String), {
    onLine: (line) => [ready, ended].forEach((wanted) => wanted.onLine(line)),
  });
  ready.promise.then(() => link.process.stdin.write('start\n'));
  const result = await call.ended;
  link.process.stdin.end();
  await link.ended;
  if (result !== 0) throw new Error(call.complaint || `the call ended with ${result}`);
  const seen = JSON.parse(await run(options.program, ['judge', folder, journal]));
  return figuresOf(scenario, (await packets.promise).packets, seen, await ended.promise);
}

await run(options.program, ['content', folder]);
if (options.results) {
  mkdirSync(path.dirname(options.results), { recursive: true });
  writeFileSync(options.results, '');
}
const results = {};
const failures = [];
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const scenario of chosen) {
    for (const stack of stacks) {
      console.error(`round ${round}: ${scenario.name}, ${stack.name}, ${scenario.seconds} s; load ${os.loadavg()[0].toFixed(1)}`);
      try {
        const figures = await measure(scenario, stack, Number(options.seed) + round - 1);
        ((results[scenario.name] ??= {})[stack.name] ??= []).push(figures);
        if (options.results) appendFileSync(options.results, `${JSON.stringify({ scenario: scenario.name, stack: stack.name, round, ...figures })}\n`);
      } catch (error) {
        failures.push(`round ${round}: ${scenario.name}, ${stack.name}: ${error.message}`);
      }
    }
  }
}

const text = (value) => (value === undefined ? '-' : Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'never');
const lines = [['', ...stacks.map(({ name }) => name)]];
for (const scenario of chosen) {
  lines.push([`${scenario.name}: ${scenario.words}`]);
  for (const [key, words] of rowsOf(scenario)) {
    const cells = stacks.map(({ name }) => {
      const values = (results[scenario.name]?.[name] ?? []).map((figures) => figures[key] ?? Infinity);
      return values.length > 0 ? text(median(values)) : '-';
    });
    lines.push([`  ${words}`, ...cells]);
  }
}
const widths = lines[0].map((_, column) => Math.max(...lines.filter((line) => line.length > 1).map((line) => line[column]?.length ?? 0)));
for (const line of lines) console.log(line.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  ').trimEnd());
for (const failure of failures) console.log(`failed: ${failure}`);
process.exit(failures.some((failure) => failure.includes(', wirelark:')) ? 1 : 0);
