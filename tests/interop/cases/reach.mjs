// The ways by which two ends reach each other: relays, TCP, and hidden addresses. Media and data take each of them.
import { Channel, pattern } from './channel.mjs';
import { withConnection } from './connect.mjs';
import { busyCanvas, tone } from './source.mjs';
import { readStats } from './stats.mjs';
import { assert, assertEqual, until } from './wait.mjs';

const FRAMES = 30;
const CANDIDATE = /^a=candidate:.*\r\n/gm;

const only = (keep) => (sdp) => {
  const filtered = sdp.replace(CANDIDATE, (line) => (keep(line) ? line : ''));
  assert(filtered.match(CANDIDATE), 'the description has none of the candidates wanted');
  return filtered;
};

/** Both ends of the selected pair. */
async function selectedPair(pc) {
  const report = await pc.getStats();
  const entries = [...report.values()];
  const transport = entries.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
  const pair = transport ? report.get(transport.selectedCandidatePairId) :
    entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
  return pair && [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
}

/** Audio, video and messages come back; then check(local, remote) judges the candidates of the selected pair. */
async function echoesAll(world, options, check = () => {}) {
  const sound = tone();
  const picture = busyCanvas();
  let channel;
  const prepare = (pc) => {
    pc.addTransceiver(sound.track);
    pc.addTransceiver(picture.track);
    channel = Channel.create(pc, 'echo');
  };
  try {
    await withConnection(world, { ...options, prepare }, async ({ pc }) => {
      await channel.opened();
      await channel.roundTrip('which way?');
      await channel.roundTrip(pattern(60000));
      const inbound = async () => (await readStats(pc)).inbound;
      await until('audio back', async () => ((await inbound()).audio?.packetsReceived ?? 0) > 50, 15000);
      await until('video decoded', async () => ((await inbound()).video?.framesDecoded ?? 0) > FRAMES, 15000);
      const [local, remote] = await until('selected pair', () => selectedPair(pc), 5000);
      check(local, remote);
      world.note(`${describe(local)} to ${describe(remote)}`);
    });
  } finally {
    sound.stop();
    picture.stop();
  }
}

const describe = ({ candidateType, protocol, relayProtocol }) =>
  [candidateType, relayProtocol ?? (protocol === 'tcp' && 'tcp')].filter(Boolean).join('/');

/** The browser has relayed candidates only, by the server that the world names. */
async function browserRelays(world) {
  const { iceServer, transport } = world;
  await echoesAll(world, { config: { iceServers: [iceServer], iceTransportPolicy: 'relay' } }, (local) => {
    assertEqual(local.candidateType, 'relay', 'type of the local candidate');
    assertEqual(local.relayProtocol, transport, 'transport to the server');
  });
}

/** The echo peer has relayed candidates only. */
async function peerRelays(world) {
  const check = only((line) => / typ relay/.test(line));
  const mungeAnswer = (sdp) => {
    assertEqual(check(sdp), sdp, 'the answer without what is not relayed');
    return sdp;
  };
  await echoesAll(world, { mungeAnswer }, (local, remote) => {
    assertEqual(remote.candidateType, 'relay', 'type of the remote candidate');
  });
}

/** Both, so that the path has two relays. */
async function bothRelay(world) {
  const { iceServer } = world;
  await echoesAll(world, { config: { iceServers: [iceServer], iceTransportPolicy: 'relay' } }, (local, remote) => {
    assertEqual(`${local.candidateType} ${remote.candidateType}`, 'relay relay', 'types of the pair');
  });
}

/** Neither side has UDP candidates to offer. */
async function tcpOnly(world) {
  const tcp = only((line) => / tcp /i.test(line));
  await echoesAll(world, { mungeOffer: tcp, mungeAnswer: tcp }, (local) => {
    assertEqual(local.protocol, 'tcp', 'transport');
  });
}

/** The browser hides its addresses, as it does for a page without permissions. */
async function localNames(world) {
  const mungeOffer = (sdp) => {
    const lines = sdp.match(CANDIDATE);
    assert(lines?.every((line) => line.includes('.local ')), 'the offer shows addresses, or none at all');
    return sdp;
  };
  await echoesAll(world, { mungeOffer });
}

export const cases = {
  'browser-relays': browserRelays,
  'peer-relays': peerRelays,
  'both-relay': bothRelay,
  'tcp-only': tcpOnly,
  'local-names': localNames,
};
