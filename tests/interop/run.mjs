// Runs the interop tests: real WebRTC stacks against the echo peer. README.md beside this file tells how.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BESIDE } from './lib/beside.mjs';
import { within } from './lib/browser.mjs';
import { malformed } from './lib/child.mjs';
import { buildGo, startEcho } from './lib/echo.mjs';
import { groups } from './lib/groups.mjs';
import { INTEROP, NODE } from './lib/paths.mjs';
import { Relay } from './lib/relay.mjs';
import { isInTable, writeTable } from './lib/table.mjs';

const USAGE = `usage: run.mjs [options]
  --only A,B       only groups, or group/case names, that are named here (a group name may be a beginning: chromium)
  --all            the long groups too, which else run only when --only names them
  --url URL        test the echo peer that runs there, instead of starting one
  --echo PROGRAM   the echo peer to start (default: $WLK_ECHO)
  --reference R    start a reference echo peer instead (pion or libwebrtc): is it our fault or the test's?
  --offerer CMD    the program that makes offers to the counterparts (default: $WLK_OFFERER)
  --seconds N      window over which the rate of media is measured (default 20)
  --screenshot P   write pictures of the echo peer's page to P-BROWSER-CASE.png
  --table FILE     run what the table of offers and answers is made of, and put the table into FILE
  --list           print the names and stop`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    all: { type: 'boolean' },
    url: { type: 'string' },
    echo: { type: 'string', default: process.env.WLK_ECHO },
    reference: { type: 'string' },
    offerer: { type: 'string', default: process.env.WLK_OFFERER },
    seconds: { type: 'string', default: '20' },
    screenshot: { type: 'string' },
    table: { type: 'string' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

/** What the continuous run has no time for: the same cases run there with another browser or stack; and raw media, which wants an idle machine. */
const LONG = new Set(['firefox-session', 'firefox-simulcast', 'firefox-sdp', 'firefox-answer-sdp', 'libwebrtc-sdp', 'libwebrtc-answer-sdp',
  'werift-sdp', 'werift-answer-sdp', 'chromium-raw', 'chromium-raw-more', 'chromium-raw-layers', 'firefox-raw-more', 'libwebrtc-raw',
  'libwebrtc-raw-more', 'aiortc-raw', 'aiortc-raw-more']);

/** How many run side by side, of what may. */
const LANES = 2;

/** The chosen groups, each with the chosen cases. */
function select(only) {
  if (!only) return groups.filter(({ name }) => options.all || options.table || options.list || !LONG.has(name));
  const wanted = only.split(',');
  for (const word of wanted) {
    const known = groups.some(({ name, cases }) => name.startsWith(word) ||
      cases.some((each) => `${name}/${each.name}` === word));
    if (!known) throw new Error(`--only: there is nothing called '${word}'; --list prints all names`);
  }
  return groups.map((group) => ({
    ...group,
    cases: group.cases.filter(({ name }) => wanted.some((word) =>
      group.name === word || group.name.startsWith(`${word}-`) || `${group.name}/${name}` === word)),
  })).filter(({ cases }) => cases.length > 0);
}

/** Names of the cases that passed and of those that did not. */
const results = new Map();
const tally = { passed: 0, failed: 0, skipped: 0 };

function skip(group, reason) {
  tally.skipped += group.cases.length;
  console.log(`SKIPPED ${group.name} (${group.cases.length} cases): ${reason}`);
}

/** Runs one case under its hard limit; gives the reason of its failure, if any. */
async function attempt(group, testCase, context) {
  const started = Date.now();
  const children = [];
  try {
    const limit = testCase.limit(context.seconds) * 1000;
    const note = await within(testCase.run({ ...context, onStart: (child) => children.push(child) }), limit);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`ok ${group.name}/${testCase.name} ${seconds}${note ? ` (${note})` : ''}`);
    return undefined;
  } catch (error) {
    // What hangs is not trusted with another case.
    await group.close();
    return error.message.split('\n')[0];
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

function settle(name, reason) {
  if (reason) console.log(`FAIL ${name} ${reason}`);
  tally[reason ? 'failed' : 'passed']++;
  results.set(name, !reason);
}

/**
 * Some groups have more than one try, said aloud: a machine that stands still for a moment is no fault. What fell short while
 * others ran beside it has its further tries when it is alone, from the list |later|.
 */
async function runCase(group, testCase, context, later, tries = group.tries ?? 1) {
  const name = `${group.name}/${testCase.name}`;
  for (;;) {
    const reason = await attempt(group, testCase, context);
    if (!reason || --tries === 0) return settle(name, reason);
    console.log(`RETRY ${name} ${reason}`);
    if (later) return later.push({ group, testCase, tries });
  }
}

async function runAlone(later, context) {
  for (const { group, testCase, tries } of later) {
    await runCase(group, testCase, context, undefined, tries);
    await group.close();
  }
}

async function runGroup(group, context, later) {
  const reason = group.missing();
  if (reason) return skip(group, reason);
  if (!group.offers && !context.offerer) return skip(group, 'no offering program: set WLK_OFFERER');
  for (const testCase of group.cases) {
    if (context.echo && !context.echo.child.alive) {
      console.log(`FAIL ${group.name}/${testCase.name} the echo peer is gone: ${context.echo.child.complaint}`);
      tally.failed++;
      continue;
    }
    await runCase(group, testCase, context, later);
  }
}

/** One family after the other in each of some lanes. The groups of a family share what close() closes, and follow each other. */
async function runFamilies(chosen, context, lanes) {
  const families = [...new Set(chosen.map(({ family }) => family))]
    .map((family) => chosen.filter((group) => group.family === family));
  const later = [];
  const runLane = async () => {
    for (let family = families.shift(); family; family = families.shift()) {
      for (const group of family) await runGroup(group, context, lanes > 1 ? later : undefined);
      await family[0].close();
    }
  };
  await Promise.all(Array.from({ length: lanes }, runLane));
  await runAlone(later, context);
}

/** The command of a reference peer, in words. */
async function referenceCommand() {
  if (options.reference === 'pion') return [await buildGo('reference/pion')];
  if (options.reference === 'libwebrtc') return [NODE, path.join(INTEROP, 'reference/libwebrtc.mjs')];
  throw new Error(`--reference: there is no '${options.reference}'`);
}

async function startReference() {
  const [program, ...args] = await referenceCommand();
  return startEcho(program, args, []);
}

async function startPeer() {
  if (options.url) return { url: options.url.replace(/\/$/, '') };
  if (options.reference) return startReference();
  if (!options.echo) throw new Error('no echo peer: give --echo, --url or --reference, or set WLK_ECHO');
  return startEcho(options.echo);
}

/** The echo peer has to end by itself on SIGINT, with exit code 0 (a sanitizer reports here, too). */
async function endPeer(echo) {
  if (!echo.child || options.reference) return echo.child?.stop('SIGKILL');
  const result = await echo.child.stop('SIGINT');
  if (result !== 0) settle('echo-peer/ends', `ended with ${result}\n${echo.child.tail.join('\n')}`);
}

async function main() {
  if (options.help) return console.log(USAGE);
  const chosen = select(options.only)
    .map((group) => ({ ...group, cases: group.cases.filter(({ name }) => !options.table || isInTable(`${group.name}/${name}`)) }))
    .filter(({ cases }) => cases.length > 0);
  if (options.list)
    return chosen.forEach(({ name, cases }) => cases.forEach((each) => console.log(`${name}/${each.name}`)));

  const echo = await startPeer();
  const offerer = options.offerer ?? (options.reference && [...await referenceCommand(), '--offerer'].join(' '));
  const relay = new Relay(echo.url, offerer);
  await relay.start();
  const context = {
    url: echo.url,
    echo: echo.child && echo,
    echoProgram: options.echo,
    relay,
    offerer,
    seconds: Number(options.seconds),
    screenshot: options.screenshot,
  };
  try {
    for (const each of Object.values(BESIDE))
      await runFamilies(chosen.filter(({ beside = BESIDE.REST }) => beside === each), context, each === BESIDE.NOTHING ? 1 : LANES);
  } finally {
    await relay.stop();
    await endPeer(echo);
  }
  if (malformed.length) settle('all/is-read', `${malformed.length} lines like: ${malformed[0]}`);
  if (options.table) await writeTable(options.table, results);
  const { passed, failed, skipped } = tally;
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed + skipped > 0 || passed === 0 ? 1 : 0;
}

try {
  await main();
} catch (error) {
  console.error(`run.mjs: ${error.message}`);
  process.exitCode = 2;
}
// A browser or a native stack may leave something behind that would keep Node up.
process.exit();
