// Who accepts whose descriptions: for each thing that can be negotiated, an offer of theirs that we answer or an offer of ours that
// they answer. The connection comes up on it, and then the other side makes the next offer.
import { Negotiator, isRejected, mediaSections } from './negotiator.mjs';
import { assertEqual, until } from './wait.mjs';

const GATHER_MS = 3000;
const both = (direction) => [{ kind: 'audio', direction }, { kind: 'video', direction }];
const each = (kind, count) => Array.from({ length: count }, () => ({ kind, direction: 'sendrecv' }));
const LAYERS = ['q', 'h', 'f'];

/**
 * What is offered: media, data, a bundle policy of the offerer, a codec that it prefers ({ index, mime }), an m-line that it
 * stops in its second offer (by index) and, in a third one, recycles; munge(sdp) is done to the offer on its way.
 */
const EXCHANGES = {
  data: { data: true },
  audio: { media: each('audio', 1) },
  video: { media: each('video', 1) },
  'audio-video-data': { media: both('sendrecv'), data: true },
  'send-only': { media: both('sendonly') },
  'receive-only': { media: both('recvonly') },
  inactive: { media: both('inactive'), data: true },
  simulcast: { media: [{ kind: 'video', direction: 'sendrecv', rids: LAYERS }] },
  'six-media': { media: [...each('audio', 3), ...each('video', 3)], data: true },
  'prefers-vp9': { media: each('video', 1), prefer: { index: 0, mime: 'video/VP9' } },
  'prefers-pcmu': { media: each('audio', 1), prefer: { index: 0, mime: 'audio/PCMU' } },
  balanced: { media: [...both('sendrecv'), ...each('video', 1)], data: true, bundle: 'balanced' },
  'max-compat': { media: both('sendrecv'), data: true, bundle: 'max-compat' },
  'max-bundle': { media: both('sendrecv'), data: true, bundle: 'max-bundle' },
  'not-bundled': { media: both('sendrecv'), data: true, bundle: 'max-compat', munge: (sdp) => sdp.replace(/^a=group:BUNDLE.*\r\n/gm, '') },
  // Not the first one: stopped, it takes the transport of both browsers along (README.md).
  stopped: { media: both('sendrecv'), data: true, stop: 1 },
  recycled: { media: both('sendrecv'), data: true, stop: 1, recycle: true },
  'ice-restart': { media: both('sendrecv'), data: true, restart: true },
};
/**
 * Firefox takes a section that joins a BUNDLE for one whose ICE restarts, and refuses that for some sections alone. So all of them
 * restart, or it goes on unbundled.
 */
const LATER_IN_FIREFOX = {
  balanced: { restart: true },
  'max-compat': { restart: true },
  'not-bundled': { munge: EXCHANGES['not-bundled'].munge },
};
const asIs = (sdp) => sdp;

/** All m-lines that are not to be closed are open in an answer. */
function checkAnswer(offer, answer) {
  const [asked, said] = [offer, answer].map((sdp) => mediaSections(sdp).map(isRejected));
  assertEqual(said.length, asked.length, 'number of m-lines in the answer');
  asked.forEach((closed, i) => assertEqual(said[i], closed, `whether m-line ${i} is closed in the answer`));
}

/** Their side, with what they offer or nothing. */
class Their {
  constructor(world, config) {
    this.world = world;
    this.pc = new world.RTCPeerConnection(config ?? {});
  }

  prepare({ media = [], data, prefer }) {
    const transceivers = media.map(({ kind, direction, rids }) => this.pc.addTransceiver(kind, {
      direction,
      ...(rids && { sendEncodings: rids.map((rid) => ({ rid })) }),
    }));
    if (data) this.pc.createDataChannel('exchanged');
    if (!prefer) return;
    const { codecs } = this.world.RTCRtpReceiver.getCapabilities(prefer.mime.split('/')[0]);
    const found = (pattern) => codecs.filter(({ mimeType }) => pattern.test(mimeType));
    transceivers[prefer.index].setCodecPreferences([...found(new RegExp(`^${prefer.mime}$`, 'i')), ...found(/rtx|telephone-event/i)]);
  }

  async describe(kind, options) {
    const made = kind === 'offer' ? await this.pc.createOffer(options) : await this.pc.createAnswer();
    await this.pc.setLocalDescription(made);
    await until('gathering complete', () => this.pc.iceGatheringState === 'complete', GATHER_MS).catch(() => {});
    return this.pc.localDescription.sdp;
  }

  async connected() {
    await until(() => `connected there (${this.pc.connectionState})`, () => this.pc.connectionState === 'connected');
  }
}

async function weAnswer(us, them, { munge = asIs, restart = false } = {}) {
  const offer = munge(await them.describe('offer', { iceRestart: restart }));
  const { sdp } = await us.answer(offer);
  await them.pc.setRemoteDescription({ type: 'answer', sdp });
  checkAnswer(offer, sdp);
  return { offer, answer: sdp };
}

async function theyAnswer(us, them, { munge = asIs, restart = false } = {}) {
  const offer = munge((await us.offer(restart)).sdp);
  await them.pc.setRemoteDescription({ type: 'offer', sdp: offer });
  const answer = await them.describe('answer');
  await us.take(answer);
  checkAnswer(offer, answer);
  return { offer, answer };
}

/** What was preferred is the first format of the answer. */
function checkPreference(prefer, answer) {
  const section = mediaSections(answer)[prefer.index];
  const type = section.match(/^m=\w+ \d+ \S+ (\d+)/)[1];
  const name = section.match(new RegExp(`^a=rtpmap:${type} ([\\w-]+)`, 'm'))?.[1];
  assertEqual(name?.toUpperCase(), prefer.mime.split('/')[1].toUpperCase(), 'codec that the answer prefers');
}

/** A browser never receives simulcast; we do. */
function check({ prefer, media }, { answer }, layers) {
  if (prefer) checkPreference(prefer, answer);
  if (media?.[0].rids) assertEqual(answer.match(/^a=simulcast:recv (.*)\r$/m)?.[1], layers, 'layers that the answer receives');
}

/** The new m-line stands where the stopped one stood. */
function checkRecycled({ media, data }, { pc }) {
  const found = mediaSections(pc.localDescription.sdp);
  assertEqual(found.length, media.length + (data ? 1 : 0), 'number of m-lines after one was recycled');
  assertEqual(found.filter(isRejected).length, 0, 'number of closed m-lines after one was recycled');
}

async function run(world, exchange, body) {
  const us = await Negotiator.start(world, world.direction === 'answer' ? exchange.bundle : undefined);
  const them = new Their(world, world.direction === 'offer' && exchange.bundle ? { bundlePolicy: exchange.bundle } : {});
  try {
    await body(us, them);
  } finally {
    them.pc.close();
    us.close();
  }
}

async function bothConnected(us, them) {
  await them.connected();
  await us.connected();
}

/** They offer; after that we do. */
function offeredByThem(world, exchange) {
  return run(world, exchange, async (us, them) => {
    them.prepare(exchange);
    check(exchange, await weAnswer(us, them, { munge: exchange.munge }), LAYERS.join(';'));
    await bothConnected(us, them);
    if (exchange.stop !== undefined) them.pc.getTransceivers()[exchange.stop].stop();
    await weAnswer(us, them, exchange.later);
    if (exchange.recycle) {
      them.pc.addTransceiver('video');
      await weAnswer(us, them);
      checkRecycled(exchange, them);
    }
    await theyAnswer(us, them);
    await bothConnected(us, them);
  });
}

/** We offer; after that they do. */
function offeredByUs(world, exchange) {
  return run(world, exchange, async (us, them) => {
    for (const each of exchange.media ?? []) await us.step({ do: 'transceiver', ...each });
    if (exchange.data) await us.step({ do: 'channel' });
    if (exchange.prefer) await us.step({ do: 'prefer', ...exchange.prefer });
    check(exchange, await theyAnswer(us, them, { munge: exchange.munge }), undefined);
    await bothConnected(us, them);
    if (exchange.stop !== undefined) await us.step({ do: 'stop', index: exchange.stop });
    await theyAnswer(us, them, exchange.later);
    if (exchange.recycle) {
      await us.step({ do: 'transceiver', kind: 'video', direction: 'sendrecv' });
      await theyAnswer(us, them);
      checkRecycled(exchange, them);
    }
    await weAnswer(us, them, { munge: exchange.later.munge });
    await bothConnected(us, them);
  });
}

/** |later|: what is done to the second exchange. */
function body(name, exchange) {
  return (world) => {
    const later = { restart: exchange.restart, ...(world.stack === 'firefox' && LATER_IN_FIREFOX[name]) };
    return (world.direction === 'offer' ? offeredByThem : offeredByUs)(world, { ...exchange, later });
  };
}

export const cases = Object.fromEntries(Object.entries(EXCHANGES).map(([name, exchange]) => [name, body(name, exchange)]));
