// Offers that are odd in their candidates, credentials or m-lines, and re-offers of a running session.
import { Channel } from './channel.mjs';
import { Connection, withConnection } from './connect.mjs';
import { busyCanvas, tone } from './source.mjs';
import { readStats, pairAddresses } from './stats.mjs';
import { assert, assertEqual, never, until } from './wait.mjs';

const REFUSAL_MS = 8000;
const CANDIDATE = /^a=candidate:.*\r\n/gm;

const candidates = (sdp) => sdp.match(CANDIDATE) ?? [];
const keepCandidates = (keep) => (sdp) => sdp.replace(CANDIDATE, (line) => (keep(line) ? line : ''));
const noCandidates = keepCandidates(() => false);
const attribute = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)\r$`, 'm'))?.[1];

/** Opens a channel and requires an echo; body may look at the connection afterwards. */
async function withEcho(world, options, body = () => {}) {
  let channel;
  const prepare = (pc) => {
    options.prepare?.(pc);
    channel = Channel.create(pc, 'echo');
  };
  await withConnection(world, { ...options, prepare }, async (connection) => {
    await channel.opened();
    await channel.roundTrip('are you there?');
    await body(connection, channel);
  });
}

async function mdnsOnly(world) {
  const check = (sdp) => {
    assert(candidates(sdp).length > 0, 'the offer has no candidates');
    assert(candidates(sdp).every((line) => line.includes('.local ')), 'the offer shows addresses');
    return sdp;
  };
  await withEcho(world, { mungeOffer: check });
}

async function withoutCandidates(world) {
  await withEcho(world, { mungeOffer: noCandidates });
}

async function ipv6Loopback(world) {
  const only = (line) => line.split(' ')[4] === '::1' && / udp /i.test(line);
  const filter = (side) => (sdp) => {
    const filtered = keepCandidates(only)(sdp);
    assert(candidates(filtered).length > 0, `the ${side} has no candidate ::1`);
    return filtered;
  };
  await withEcho(world, { mungeOffer: filter('offer'), mungeAnswer: filter('answer') }, async ({ pc }) => {
    const addresses = await until('address of the selected pair', async () => {
      const shown = await pairAddresses(pc);
      return shown.length > 0 && shown;
    }, 5000);
    assert(addresses.every((address) => /^\[?::1\]?$/.test(address)), `selected pair is ${addresses.join(' and ')}`);
  });
}

/** The channel must not open, whatever the browser believes of the handshake. */
async function refused(world, mungeOffer) {
  let channel;
  const options = { mungeOffer, prepare: (pc) => { channel = Channel.create(pc, 'never'); } };
  await withConnection(world, options, async () => {
    await never('the channel opened', () => channel.raw.readyState === 'open', REFUSAL_MS);
  });
  await withEcho(world, {});
}

const wrongFingerprint = (sdp) =>
  sdp.replace(/^(a=fingerprint:sha-256 )(..)/gm, (_, name, byte) => name + (byte === '00' ? '01' : '00'));
const wrongPassword = (sdp) => sdp.replace(/^a=ice-pwd:.*$/gm, 'a=ice-pwd:thispasswordisnotmine012345');

async function setupRole(world, offered, expected) {
  const mungeOffer = (sdp) => sdp.replaceAll('a=setup:actpass', `a=setup:${offered}`);
  await withEcho(world, { mungeOffer }, async ({ answerSdp }) => {
    assertEqual(attribute(answerSdp, 'setup'), expected, 'setup of the answer');
  });
}

async function iceRestart(world) {
  await withEcho(world, {}, async (connection, channel) => {
    const first = connection.answerSdp;
    for (let round = 0; round < 3; round++) {
      const before = attribute(connection.answerSdp, 'ice-ufrag');
      await connection.negotiate({ offerOptions: { iceRestart: true } });
      assert(attribute(connection.answerSdp, 'ice-ufrag') !== before, 'the answer keeps its ufrag over a restart');
      assertEqual(attribute(connection.answerSdp, 'fingerprint'), attribute(first, 'fingerprint'), 'fingerprint');
      await channel.roundTrip(`during restart ${round}`);
      await connection.connected();
      await channel.roundTrip(`after restart ${round}`);
    }
  });
}

/** A re-offer that changes nothing keeps ufrag, pwd, fingerprint and o= session id. */
async function sameAgain(world) {
  await withEcho(world, {}, async (connection, channel) => {
    const first = connection.answerSdp;
    await connection.negotiate();
    for (const name of ['ice-ufrag', 'ice-pwd', 'fingerprint'])
      assertEqual(attribute(connection.answerSdp, name), attribute(first, name), name);
    const sessionId = (sdp) => sdp.match(/^o=\S+ (\S+) /m)[1];
    assertEqual(sessionId(connection.answerSdp), sessionId(first), 'o= session id');
    await channel.roundTrip('nothing changed');
  });
}

async function addAndRemoveVideo(world) {
  const source = busyCanvas();
  try {
    await withEcho(world, {}, async (connection, channel) => {
      const { pc } = connection;
      const decoded = async () => (await readStats(pc)).inbound.video?.framesDecoded ?? 0;
      const transceiver = pc.addTransceiver(source.track, { direction: 'sendrecv' });
      await connection.negotiate();
      await until('video added by a re-offer decoded', async () => (await decoded()) >= 15, 15000);
      await channel.roundTrip('with video');
      transceiver.stop();
      await connection.negotiate();
      const [, video] = connection.answerSdp.split('\r\nm=').slice(1);
      assert(/^video 0 /.test(video), 'the stopped m-line is not rejected in the answer');
      await channel.roundTrip('without video');
    });
  } finally {
    source.stop();
  }
}

/** Audio, video and data under the given BUNDLE policy, which ends in so many transports; all of it must work. */
async function bundle(world, config, mungeOffer, transports = 1) {
  const sound = tone();
  const picture = busyCanvas();
  let channel;
  const prepare = (pc) => {
    pc.addTransceiver(sound.track);
    pc.addTransceiver(picture.track);
    channel = Channel.create(pc, 'echo');
  };
  try {
    await withConnection(world, { config, mungeOffer, prepare }, async ({ pc, answerSdp }) => {
      const sections = answerSdp.split('\r\nm=').slice(1);
      assert(sections.every((section) => !/^\w+ 0 /.test(section)), 'an m-line is rejected');
      assertEqual(new Set(sections.map((section) => attribute(section, 'ice-ufrag'))).size, transports, 'transports');
      const received = async (kind) => ((await readStats(pc)).inbound[kind]?.packetsReceived ?? 0) > 20;
      await until('audio back', () => received('audio'), 15000);
      await until('video back', () => received('video'), 15000);
      await (await channel.opened()).roundTrip('bundled or not');
    });
  } finally {
    sound.stop();
    picture.stop();
  }
}

const withoutGroup = (sdp) => sdp.replace(/^a=group:BUNDLE.*\r\n/m, '').replace(/^a=bundle-only\r\n/gm, '');

/** The page goes away without a word; the next one must not notice. */
async function vanish(world) {
  for (let i = 0; i < 3; i++) {
    const connection = await Connection.open(world, { prepare: (pc) => pc.createDataChannel('gone') });
    connection.close();
  }
  await withEcho(world, {});
}

async function unknownSession(world) {
  const response = await fetch(`${world.url}/offer`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'offer', sdp: 'v=0\r\n', id: 'no-such-session' }),
  });
  assertEqual(response.status, 404, 'status of a re-offer for an unknown session');
}

export const cases = {
  'mdns-only': mdnsOnly,
  'no-candidates': withoutCandidates,
  'ipv6-loopback': ipv6Loopback,
  'wrong-fingerprint': (world) => refused(world, wrongFingerprint),
  'wrong-password': (world) => refused(world, wrongPassword),
  'offer-active': (world) => setupRole(world, 'active', 'passive'),
  'offer-passive': (world) => setupRole(world, 'passive', 'active'),
  'ice-restart': iceRestart,
  'same-offer-again': sameAgain,
  'add-and-remove-video': addAndRemoveVideo,
  'bundle-balanced': (world) => bundle(world, { bundlePolicy: 'balanced' }),
  'bundle-max-compat': (world) => bundle(world, { bundlePolicy: 'max-compat' }),
  'bundle-max-bundle': (world) => bundle(world, { bundlePolicy: 'max-bundle' }),
  'no-bundle': (world) => bundle(world, { bundlePolicy: 'max-compat' }, withoutGroup, 3),
  'vanish-and-return': vanish,
  'unknown-session': unknownSession,
};
