// The stacks that come as npm packages, in a process of their own: a native crash ends one case only.
//
//   node-peer.mjs --stack libdatachannel|libwebrtc|werift --url URL --direction offer|answer --case NAME
import { parseArgs } from 'node:util';
import { load } from '../lib/paths.mjs';
import { cases as dataCases } from '../cases/data.mjs';
import { cases as exchangeCases } from '../cases/exchange.mjs';
import { frames } from './wrtc-frames.mjs';
import { cases as rawCases } from './wrtc-raw.mjs';

const constructors = {
  libdatachannel: async () => (await import('./libdatachannel.mjs')).RTCPeerConnection,
  libwebrtc: () => load('@roamhq/wrtc').RTCPeerConnection,
  werift: () => load('werift').RTCPeerConnection,
};

/**
 * libdatachannel starts ICE inside setRemoteDescription() before it has stored the description. Where the handshake is done
 * within that moment, it finds no fingerprint to compare with, fails, and then complains that its own transport is gone.
 */
const ownRaces = { libdatachannel: /Got a remote candidate without ICE transport/ };

const { values: options } = parseArgs({
  options: {
    stack: { type: 'string' },
    url: { type: 'string' },
    direction: { type: 'string', default: 'offer' },
    case: { type: 'string' },
  },
});

const named = (prefix, list) => Object.fromEntries(Object.entries(list).map(([name, body]) => [`${prefix}:${name}`, body]));

async function main() {
  const world = {
    RTCPeerConnection: await constructors[options.stack](),
    RTCRtpReceiver: options.stack === 'libwebrtc' ? load('@roamhq/wrtc').RTCRtpReceiver : undefined,
    url: options.url.replace(/\/$/, ''),
    direction: options.direction,
    stack: options.stack,
    ownRace: ownRaces[options.stack],
    note: (text) => console.log(text),
  };
  const body = { ...dataCases, frames, ...named('sdp', exchangeCases), ...named('raw', rawCases) }[options.case];
  if (!body) throw new Error(`no case '${options.case}'`);
  await body(world);
}

// A callback of a native stack that throws must not pass for success.
process.on('unhandledRejection', (error) => fail(error));
process.on('uncaughtException', (error) => fail(error));

function fail(error) {
  console.error(`failed: ${error.message ?? error}`);
  process.exit(1);
}

await main().then(() => process.exit(0), fail);
