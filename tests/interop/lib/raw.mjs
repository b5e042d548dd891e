// The groups of raw media: pictures and sound go in at one end and are compared where they come out at the other.
import { loadavg } from 'node:os';
import path from 'node:path';
import { BESIDE } from './beside.mjs';
import { INTEROP, NODE, missingPackage, missingProgram } from './paths.mjs';
import { run } from './child.mjs';
import { PROGRAM as SPEAKER } from './speaker.mjs';

const LIMIT = 100;
const TRIES = 3; // it measures delays, and has the machine to itself for that

/** What was measured, and what the machine did beside it: its load of a minute. */
async function withLoad(note) {
  return `${await note}; load ${loadavg()[0].toFixed(1)}`;
}

/** Cases of cases/raw.mjs and others, in a page. `lists` is { suffix: { file, names, limit, flavour } }. */
export function rawGroups(browser, missing, lists) {
  return Object.entries(lists).map(([suffix, { file, names, limit = LIMIT, flavour = 'media' }]) => ({
    name: `${browser.name}-${suffix}`,
    family: `${browser.name} raw`,
    offers: false,
    tries: TRIES,
    beside: BESIDE.NOTHING,
    missing: () => missing() ?? (flavour === 'speaker' ? missingProgram(SPEAKER) : undefined),
    close: () => browser.close(),
    cases: names.map((name) => ({
      name,
      limit: () => limit,
      run: ({ relay }) => withLoad(browser.runCase(relay.url, { file, name, flavour, world: {} })),
    })),
  }));
}

const programGroup = (name, missing, command, names) => ({
  name,
  family: name.replace('-more', ''),
  offers: false,
  tries: TRIES,
  beside: BESIDE.NOTHING,
  missing,
  close() {},
  cases: names.map((caseName) => ({
    name: caseName,
    limit: () => LIMIT,
    run: ({ relay, onStart }) => withLoad(run(command[0], [...command.slice(1), '--url', relay.url, '--case', `raw:${caseName}`], { onStart })),
  })),
});

const libwebrtc = (name, names) => programGroup(name, () => missingPackage('@roamhq/wrtc'),
  [NODE, path.join(INTEROP, 'counterparts/node-peer.mjs'), '--stack', 'libwebrtc', '--direction', 'answer'], names);
const aiortc = (name, names) => programGroup(name, () => missingProgram('/usr/lib/python3/dist-packages/aiortc/__init__.py'),
  ['/usr/bin/python3', path.join(INTEROP, 'counterparts/aiortc_raw.py')], names);

export const rawProgramGroups = [
  libwebrtc('libwebrtc-raw', ['vp8']),
  libwebrtc('libwebrtc-raw-more', ['vp9']),
  aiortc('aiortc-raw', ['vp8']),
  aiortc('aiortc-raw-more', ['h264']),
];
