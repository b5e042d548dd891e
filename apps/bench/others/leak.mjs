// Sessions one after the other with a running echo peer, and what they leave in its process.
//
//   leak.mjs --echo PROGRAM [--sessions N] [--warm-up N] [--kind data|media|both]
//
// A session is a data channel of libdatachannel with an echoed message, every other one audio, video and a data channel
// of libwebrtc; then it is closed. Fails when descriptors or threads remain, or when memory grew by more than LIMIT_KIB.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEcho } from '../../../tests/interop/lib/echo.mjs';
import { load } from '../../../tests/interop/lib/paths.mjs';

const { values: options } = parseArgs({
  options: {
    echo: { type: 'string' },
    sessions: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '50' },
    kind: { type: 'string', default: 'both' },
  },
});
const LIMIT_KIB = 1024;
const OPEN_MS = 10000;
const SETTLE_MS = 60000;
let failedByRace = 0;
const { PeerConnection } = load('node-datachannel');
const { RTCPeerConnection, nonstandard } = load('@roamhq/wrtc');

function look(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
  return { rss_kib: field('VmRSS'), threads: field('Threads'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function exchange(url, sdp) {
  const reply = await fetch(`${url}/offer`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'offer', sdp }),
  });
  if (!reply.ok) throw new Error(`the offer was refused: ${reply.status} ${await reply.text()}`);
  return reply.json();
}

function within(promise, what) {
  const late = sleep(OPEN_MS, undefined, { ref: false }).then(() => {
    throw new Error(`not in time: ${what}`);
  });
  return Promise.race([promise, late]);
}

async function dataSession(url) {
  const pc = new PeerConnection('leak', { iceServers: [], disableAutoNegotiation: true });
  const gathered = new Promise((resolve) => pc.onGatheringStateChange((state) => state === 'complete' && resolve()));
  const channel = pc.createDataChannel('leak');
  const echoed = new Promise((resolve) => channel.onMessage(resolve));
  channel.onOpen(() => channel.sendMessage('hello'));
  pc.setLocalDescription('offer');
  await within(gathered, 'gathering');
  const answer = await exchange(url, pc.localDescription().sdp);
  pc.setRemoteDescription(answer.sdp, answer.type);
  await within(echoed, 'echo over libdatachannel');
  const closed = new Promise((resolve) => pc.onStateChange((state) => state === 'closed' && resolve()));
  channel.close();
  pc.close();
  await within(closed, 'closing');
}

async function mediaSession(url) {
  const pc = new RTCPeerConnection();
  const source = new nonstandard.RTCVideoSource();
  const track = source.createTrack();
  pc.addTransceiver('audio');
  pc.addTransceiver(track);
  const channel = pc.createDataChannel('leak');
  const echoed = new Promise((resolve) => { channel.onmessage = resolve; });
  channel.onopen = () => channel.send('hello');
  await pc.setLocalDescription(await pc.createOffer());
  await within(new Promise((resolve) => {
    const check = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', check);
    check();
  }), 'gathering');
  await pc.setRemoteDescription(await exchange(url, pc.localDescription.sdp));
  await within(echoed, 'echo over libwebrtc');
  const data = new Uint8ClampedArray((320 * 240 * 3) / 2);
  for (let frame = 0; frame < 10; frame++) {
    source.onFrame({ width: 320, height: 240, data: data.fill(frame * 20) });
    await sleep(33);
  }
  track.stop();
  pc.close();
}

// libdatachannel compares the certificate's fingerprint with a description that it stores only after ICE has begun: an
// answerer as quick as ours sometimes finishes the handshake before that, and the session fails. It ends here all the same.
const OWN_RACE = /without ICE transport/;

async function session(url, kind) {
  try {
    await (kind === 'media' ? mediaSession(url) : dataSession(url));
  } catch (error) {
    if (!OWN_RACE.test(error.message)) throw error;
    failedByRace++;
  }
}

async function sessions(url, count) {
  for (let n = 0; n < count; n++) await session(url, options.kind === 'both' ? ['data', 'media'][n % 2] : options.kind);
}

/** Who leaves without a word is noticed when consent expires, 30 s later: wait for the descriptors of an idle peer. */
async function settled(pid, idle) {
  const end = Date.now() + SETTLE_MS;
  let now = look(pid);
  while (now.descriptors > idle.descriptors && Date.now() < end) {
    await sleep(500);
    now = look(pid);
  }
  await sleep(1000);
  return look(pid);
}

const { url, child } = await startEcho(options.echo);
const { pid } = child.process;
await fetch(url); // its connection stays open
const idle = look(pid);
await sessions(url, Number(options['warm-up']));
const before = await settled(pid, idle);
await sessions(url, Number(options.sessions));
const after = await settled(pid, idle);
await child.stop();

const grown = Object.fromEntries(Object.keys(before).map((key) => [key, after[key] - before[key]]));
console.log(JSON.stringify({ case: 'leak', sessions: Number(options.sessions), failedByRace, before, after, grown }));
const leaks = grown.descriptors > 0 || grown.threads > 0 || grown.rss_kib > LIMIT_KIB;
if (leaks) console.error('leak: the sessions left something behind');
process.exit(leaks ? 1 : 0);
