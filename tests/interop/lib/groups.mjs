// All groups of cases: which counterpart, in which direction, with which cases and limits.
//
// A group has: name; family, the groups that share its counterpart and close(); offers (false when the peer under test
// makes the offer); tries (3 when it measures rates, 1 when left out); beside, what may run at the same time (BESIDE);
// missing(), why it cannot run here;
// and cases of { name, limit (seconds), run(context) }, where context is { url, relay, seconds, screenshot, onStart }.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { BESIDE } from './beside.mjs';
import { Browser } from './browser.mjs';
import { run } from './child.mjs';
import { buildGo } from './echo.mjs';
import { examplesGroup } from './examples.mjs';
import { framesGroup } from './frames.mjs';
import { pageCase, phoneCase } from './page-case.mjs';
import { INTEROP, NODE, ROOT, missingPackage, missingProgram } from './paths.mjs';
import { rawGroups, rawProgramGroups } from './raw.mjs';
import { reachGroup } from './reach.mjs';
import { recordingGroup } from './recording.mjs';
import { cases as dataCases } from '../cases/data.mjs';
import { cases as exchangeCases } from '../cases/exchange.mjs';
import { cases as dtmfCases } from '../cases/dtmf.mjs';
import { cases as iceCases } from '../cases/ice.mjs';
import { cases as mediaCases } from '../cases/media.mjs';
import { cases as offeredCases } from '../cases/offered.mjs';
import { cases as sessionCases } from '../cases/session.mjs';
import { cases as simulcastCases } from '../cases/simulcast.mjs';
import { cases as statisticsCases } from '../cases/statistics.mjs';

const LIMIT = 30;
const LIMITS = { 'bulk-64-mib': 120, 'same-call': 60, 'whole-session': 300, 'by-rid': 150, repaired: 120, echoed: 120, 'many-connections': 60, 'wrong-fingerprint': 40, 'wrong-password': 40 };
const MEDIA_SLACK = 45; // start-up and settling around the window in which rates are measured

const DATA = ['strings', 'binary', 'empty', 'large', 'thousand-in-order', 'twenty-channels', 'unordered-unreliable',
  'limited-lifetime', 'negotiated', 'reopen', 'peer-opens', 'peer-closes', 'bulk-64-mib', 'many-connections'];
const DATA_ANSWERED = ['offered-channel', 'strings', 'binary', 'empty', 'large', 'thousand-in-order', 'bulk-8-mib'];
const without = (list, ...names) => list.filter((name) => !names.includes(name));

/** Cases that want something else than the ordinary flavour of a browser. */
const FLAVOUR = { 'ipv6-loopback': 'loopback', 'mdns-only': 'hidden' };

const EXCHANGED = Object.keys(exchangeCases);
const VECTORS = path.join(ROOT, 'tests/vectors/sdp');
const corpusOf = (maker) => readdirSync(VECTORS).filter((name) => name.startsWith(`${maker}.`)).sort()
  .map((name) => ({ name, sdp: readFileSync(path.join(VECTORS, name), 'utf8') }));

/** Firefox ESR on Debian has no H.264 of its own, never shows a loopback candidate, and has telephone events at 8,000 Hz alone. */
const NOT_IN = { chromium: [], firefox: ['h264', 'ipv6-loopback', 'received-48000'] };

/** Raw media: the files of cases/ that each browser runs, and what of them. */
const RAW = {
  chromium: {
    raw: { file: 'raw', names: ['vp8'] },
    'raw-more': { file: 'raw', names: ['vp9', 'h264', 'l3t3-key', 'l1t3', 'dtmf', 'turned'] },
    'raw-layers': { file: 'raw-layers', names: ['sent', 'received', 'svc'], limit: 150 },
  },
  firefox: {
    'raw-more': { file: 'raw', names: ['vp8', 'vp9'], limit: 120, flavour: 'speaker' },
  },
};

/** What waits for an encoder to find bits has more than one try. */
const MEASURES = ['media', 'simulcast', 'session'];

/** Rates, and times that both ends have to agree on. */
const BESIDE_FILE = { statistics: BESIDE.NOTHING, media: BESIDE.MEDIA };

function browserGroups(name) {
  const browser = new Browser(name);
  const driver = { chromium: 'playwright-core', firefox: 'puppeteer-core' }[name];
  const program = { chromium: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' }[name];
  const missing = () => missingProgram(program) ?? missingPackage(driver);
  const close = () => browser.close();

  const group = (suffix, file, names, direction = 'offer') => ({
    name: `${name}-${suffix}`,
    family: name,
    offers: direction === 'offer',
    tries: MEASURES.includes(file) ? 3 : 1,
    beside: BESIDE_FILE[file],
    missing,
    close,
    cases: names.map((caseName) => ({
      name: caseName,
      limit: (seconds) => (file === 'media' ? seconds + MEDIA_SLACK : LIMITS[caseName] ?? LIMIT),
      run: ({ relay, seconds }) => browser.runCase(relay.url, {
        file,
        name: caseName,
        flavour: FLAVOUR[caseName] ?? 'media',
        world: { direction, seconds },
      }),
    })),
  });
  const corpusGroup = {
    name: `${name}-corpus`,
    family: name,
    offers: false,
    missing,
    close,
    cases: ['chromium', 'firefox'].map((maker) => ({
      name: maker,
      limit: () => 120,
      run: ({ relay }) => browser.runCase(relay.url, {
        file: 'corpus',
        name: 'corpus',
        flavour: 'media',
        world: { descriptions: corpusOf(maker) },
      }),
    })),
  };
  const pageGroup = {
    name: `${name}-page`,
    family: name,
    offers: true,
    missing,
    close,
    cases: [['connects-and-echoes', pageCase], ['fits-a-phone', phoneCase]].map(([caseName, body]) => ({
      name: caseName,
      limit: () => 60,
      run: async ({ url, screenshot }) => {
        const page = await browser.newPage('media');
        await body(page, url, screenshot && `${screenshot}-${name}-${caseName}.png`).finally(() => page.close());
      },
    })),
  };
  const media = without(Object.keys(mediaCases), ...NOT_IN[name]);
  const ice = without(Object.keys(iceCases), ...NOT_IN[name]);
  return [
    group('data', 'data', DATA),
    group('ice', 'ice', ice),
    group('media', 'media', media),
    pageGroup,
    group('answer-data', 'data', DATA_ANSWERED, 'answer'),
    group('answer-media', 'media', ['everything'], 'answer'),
    corpusGroup,
    group('sdp', 'exchange', EXCHANGED),
    group('answer-sdp', 'exchange', EXCHANGED, 'answer'),
    group('answer-offered', 'offered', Object.keys(offeredCases), 'answer'),
    group('session', 'session', Object.keys(sessionCases), 'answer'),
    group('dtmf', 'dtmf', without(Object.keys(dtmfCases), ...NOT_IN[name]), 'answer'),
    group('simulcast', 'simulcast', Object.keys(simulcastCases), 'answer'),
    ...rawGroups(new Browser(name), missing, RAW[name]),
    ...(name === 'chromium' ? [group('statistics', 'statistics', Object.keys(statisticsCases), 'answer'),
      ...secondFamily(missing)] : []),
  ];
}

/** A Chromium of their own for half of its cases, so that the two halves can run side by side. */
function secondFamily(missing) {
  const browser = new Browser('chromium');
  return [reachGroup, recordingGroup, framesGroup, examplesGroup].map((groupOf) =>
    ({ ...groupOf(browser, missing, () => browser.close()), family: 'chromium again' }));
}

/** A counterpart that is a program of its own: one process a case, exit code 0 when it passed. */
function programGroups(name, { missing, command, offered, answered, exchanged = [], tries }) {
  const group = (suffix, direction, names, prefix = '') => ({
    name: suffix ? `${name}-${suffix}` : name,
    family: name,
    offers: direction === 'offer',
    missing,
    tries,
    close() {},
    cases: names.map((caseName) => ({
      name: caseName,
      limit: () => LIMITS[caseName] ?? LIMIT,
      async run({ url, relay, onStart }) {
        const [program, ...args] = await command();
        const base = direction === 'offer' && !prefix ? url : relay.url;
        return run(program, [...args, '--url', base, '--direction', direction, '--case', prefix + caseName], { onStart });
      },
    })),
  });
  return [group('', 'offer', offered), group('answer', 'answer', answered), group('sdp', 'offer', exchanged, 'sdp:'),
    group('answer-sdp', 'answer', exchanged, 'sdp:')].filter(({ cases }) => cases.length > 0);
}

function nodeGroups(stack, packageName, lists) {
  return programGroups(stack, {
    missing: () => missingPackage(packageName),
    command: () => [NODE, path.join(INTEROP, 'counterparts/node-peer.mjs'), '--stack', stack],
    ...lists,
  });
}

let pion;
const pionProgram = () => (pion ??= buildGo('counterparts/pion'));

const NODE_DATA = without(DATA, 'bulk-64-mib');

export const groups = [
  ...browserGroups('chromium'),
  ...browserGroups('firefox'),
  ...programGroups('aiortc', {
    missing: () => missingProgram('/usr/lib/python3/dist-packages/aiortc/__init__.py'),
    command: () => ['/usr/bin/python3', path.join(INTEROP, 'counterparts/aiortc_peer.py')],
    offered: ['strings', 'binary', 'empty', 'large', 'channels', 'negotiated', 'plain-sctp-form', 'audio-video',
      'h264'],
    answered: ['offered-channel', 'strings', 'binary', 'large', 'audio-video'],
  }),
  ...programGroups('pion', {
    missing: () => missingProgram('/usr/bin/go') ??
      missingProgram('/usr/share/gocode/src/github.com/pion/webrtc/peerconnection.go'),
    command: async () => [await pionProgram()],
    offered: ['strings', 'binary', 'empty', 'large', 'bulk', 'unreliable', 'media'],
    answered: ['offered-channel', 'strings', 'binary', 'bulk', 'media'],
  }),
  ...programGroups('webrtcbin', {
    missing: () => missingProgram('/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstwebrtc.so') ??
      missingProgram('/usr/lib/python3/dist-packages/gi/__init__.py'),
    command: () => ['/usr/bin/python3', path.join(INTEROP, 'counterparts/webrtcbin_peer.py')],
    // Its empty messages come back from nobody.
    offered: ['strings', 'binary', 'large', 'channels', 'negotiated', 'audio', 'video', 'audio-video',
      'audio-video-data'],
    answered: ['offered-channel', 'strings', 'binary', 'large', 'audio-video'],
  }),
  ...nodeGroups('libdatachannel', 'node-datachannel', {
    offered: [...NODE_DATA, 'bulk-8-mib'],
    answered: DATA_ANSWERED,
    exchanged: ['data'],
  }),
  ...nodeGroups('libwebrtc', '@roamhq/wrtc', {
    offered: [...NODE_DATA, 'bulk-8-mib', 'frames'],
    answered: [...DATA_ANSWERED, 'frames'],
    exchanged: EXCHANGED,
  }),
  ...nodeGroups('werift', 'werift', {
    tries: 2, // all of it is JavaScript: where the machine is busy, its handshake sometimes takes too long for itself
    offered: ['strings', 'binary', 'twenty-channels'], // it never receives an empty message
    answered: ['strings', 'binary'],
    exchanged: ['data', 'audio', 'video', 'audio-video-data', 'send-only', 'receive-only', 'six-media'],
  }),
  ...rawProgramGroups,
];
