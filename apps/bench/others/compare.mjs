// Runs the cases of all stacks interleaved, A B C A B C ..., and prints medians and the ratios of ours to theirs.
//
//   compare.mjs --ours PROGRAM [--rounds N] [--only CASE[,CASE]] [--mib N] [--count N] [--results FILE]
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../../../tests/interop/lib/child.mjs';
import { missingPackage, NODE } from '../../../tests/interop/lib/paths.mjs';
import { median } from './samples.mjs';

const { values: options } = parseArgs({
  options: {
    ours: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    mib: { type: 'string' },
    count: { type: 'string' },
    results: { type: 'string' },
  },
});

const SIDE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'side.mjs');
const passed = ['mib', 'count'].flatMap((name) => (options[name] ? [`--${name}`, options[name]] : []));
/** A flood is measured with both processes on one processor. */
const runCase = (name, command, args) => (name === 'rtp-flood' ? run('taskset', ['-c', '0', command, ...args]) : run(command, args));
const other = (stack) => (name) => runCase(name, NODE, [SIDE, '--stack', stack, '--case', name, '--timeout', '300', ...passed]);

const stacks = [
  { name: 'wirelark', run: (name) => runCase(name, options.ours, [...passed, name]) },
  { name: 'libdatachannel', package: 'node-datachannel', run: other('libdatachannel') },
  {
    name: 'libwebrtc',
    package: '@roamhq/wrtc',
    run: other('libwebrtc'),
    // Its package has no interface for RTP packets, and does not always get through with 100 connections at once.
    without: ['rtp', 'rtp-flood', 'setup100'],
  },
].filter((stack) => !stack.package || !missingPackage(stack.package));

// What is shown of each case: [key, words].
const setup = [
  ['setup_ms_median', 'set-up, median [ms]'],
  ['setup_ms_p90', 'set-up, p90 [ms]'],
  ['setup_ms_p99', 'set-up, p99 [ms]'],
  ['setup_ms_max', 'set-up, max [ms]'],
  ['cpu_ms_each', 'CPU a connection, both sides [ms]'],
];
const bulk = [['cpu_s_per_gb', 'CPU-seconds per GB, both sides'], ['mb_per_s', 'MB/s']];
const rtp = [['per_s', 'packets a second'], ['cpu_us_each', 'CPU a packet, both sides [us]'], ['lost_percent', 'lost [%]']];
const figures = {
  setup,
  setup100: setup,
  bulk,
  'bulk-1k': bulk,
  'bulk-64k': bulk,
  pingpong: [
    ['round_ms_median', 'round trip, median [ms]'],
    ['round_ms_p99', 'round trip, p99 [ms]'],
    ['per_s', 'round trips a second'],
    ['cpu_us_each', 'CPU a round trip, both sides [us]'],
  ],
  rtp,
  'rtp-flood': rtp,
};
const STANDARD = ['setup', 'setup100', 'bulk', 'pingpong', 'rtp', 'rtp-flood'];

const names = options.only?.split(',') ?? STANDARD;
const unknown = names.find((name) => !figures[name]);
if (!options.ours || unknown) {
  console.error(unknown ? `no case '${unknown}': ${Object.keys(figures).join(' ')}` : 'compare.mjs: --ours is needed');
  process.exit(2);
}
if (options.results) {
  mkdirSync(path.dirname(options.results), { recursive: true });
  writeFileSync(options.results, '');
}

/** results[case][stack] is a list of reports. */
const results = {};
const failures = [];

async function measure(name, stack, round) {
  try {
    const line = await stack.run(name);
    ((results[name] ??= {})[stack.name] ??= []).push(JSON.parse(line));
    if (options.results) appendFileSync(options.results, `${line}\n`);
  } catch (error) {
    failures.push(`round ${round}: ${name}, ${stack.name}: ${error.message}`);
  }
}

const rounds = Number(options.rounds);
for (let round = 1; round <= rounds; round++) {
  console.error(`round ${round} of ${rounds}: load ${os.loadavg()[0].toFixed(1)} on ${os.availableParallelism()} processors`);
  for (const name of names)
    for (const stack of stacks) if (!stack.without?.includes(name)) await measure(name, stack, round);
}

const text = (value) => (value === undefined ? '-' : String(Number(value.toPrecision(3))));
const others = stacks.slice(1);
const lines = [['', ...stacks.map(({ name }) => name), ...others.map(({ name }) => `ours / ${name}`)]];
for (const name of names) {
  lines.push([name]);
  for (const [key, words] of figures[name]) {
    const medians = stacks.map((stack) => {
      const values = (results[name]?.[stack.name] ?? []).map((report) => report[key]);
      return values.length > 0 ? median(values) : undefined;
    });
    const ratios = medians.slice(1).map((theirs) => (theirs && medians[0] !== undefined ? medians[0] / theirs : undefined));
    lines.push([`  ${words}`, ...medians.map(text), ...ratios.map(text)]);
  }
}
const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
for (const line of lines)
  console.log(line.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  ').trimEnd());
console.log(`\nMedians of ${rounds} rounds; libdatachannel and libwebrtc through Node, whose own part is in their figures.`);
for (const failure of failures) console.log(`failed: ${failure}`);
process.exit(failures.some((failure) => failure.includes(', wirelark:')) ? 1 : 0);
