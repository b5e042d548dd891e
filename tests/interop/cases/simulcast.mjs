// Simulcast: three layers of the browser's, received by their rids, of which one comes back; and layers that we offer to send.
import { withConnection } from './connect.mjs';
import { withSession } from './driven.mjs';
import { busyCanvas } from './source.mjs';
import { assert, assertEqual, everySecond, until } from './wait.mjs';

const MILD = 16;
// Chromium sends two layers of a smaller picture, whatever the encodings are.
const [WIDTH, HEIGHT] = [960, 544];
const LAYER_MS = 20000; // in which an encoder has found bits for all layers
const FRAMES = 20;

/** From the smallest to the largest: rid, and by how much it is scaled down. */
const LAYERS = [['q', 4], ['h', 2], ['f', 1]];
const sizeOf = (scale) => `${WIDTH / scale}x${HEIGHT / scale}`;

export const sendEncodings = () => LAYERS.map(([rid, scaleResolutionDownBy]) => ({ rid, scaleResolutionDownBy }));

/** The answer takes all layers by their rids, in the order of the offer. */
export function assertAnswered(sdp) {
  const section = sdp.split('\r\nm=').find((each) => each.includes('\r\na=simulcast:'));
  assert(section, 'the answer has no simulcast');
  assertEqual(section.match(/a=simulcast:(.*)\r/)?.[1], 'recv q;h;f', 'a=simulcast of the answer');
  for (const [rid] of LAYERS) assert(section.includes(`\r\na=rid:${rid} recv`), `a=rid:${rid} is not in the answer`);
  for (const uri of ['rtp-stream-id', 'repaired-rtp-stream-id']) assert(section.includes(`sdes:${uri}`), `${uri} is not agreed on`);
}

export async function received(session, mid) {
  return (await session.ours.do('received')).sections[mid]?.layers ?? {};
}

/** More frames of these layers, each at its size; and of the others none. */
export async function layersRun(session, mid, active = LAYERS.map(([rid]) => rid)) {
  let before = await received(session, mid);
  let now = before;
  const frames = (reading, rid) => reading[rid]?.frames ?? 0;
  const story = () => LAYERS.map(([rid]) => `${rid} ${JSON.stringify(now[rid])}`).join(', ');
  await until(() => `frames of ${active}: ${story()}`, async () => {
    now = await received(session, mid);
    return active.every((rid) => frames(now, rid) >= frames(before, rid) + FRAMES);
  }, LAYER_MS);
  for (const [rid, scale] of LAYERS.filter(([name]) => active.includes(name))) {
    assert(now[rid].keys > 0, `no key frame of ${rid}`);
    assertEqual(`${now[rid].width}x${now[rid].height}`, sizeOf(scale), `size of ${rid}`);
  }
  const extra = () => LAYERS.map(([rid]) => rid).filter((rid) => !active.includes(rid) && frames(now, rid) > frames(before, rid));
  await until(() => `silence of ${extra()}`, async () => {
    before = now;
    await everySecond(1, () => {});
    now = await received(session, mid);
    return extra().length === 0;
  }, 6000);
  return now;
}

/** The layers that are switched on by setParameters(). */
export async function setActive(sender, active) {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = active.includes(encoding.rid);
  await sender.setParameters(parameters);
}

/** What comes back is decoded, at this size. */
export async function comesBack(pc, mid, scale) {
  const inbound = async () => [...(await pc.getStats()).values()]
    .find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video' && (entry.mid ?? mid) === mid) ?? {};
  const { framesDecoded: before = 0 } = await inbound();
  let last = {};
  await until(() => `picture of ${sizeOf(scale)} (${last.frameWidth}x${last.frameHeight}, ${last.framesDecoded} decoded)`, async () => {
    last = await inbound();
    return `${last.frameWidth}x${last.frameHeight}` === sizeOf(scale) && last.framesDecoded > before + FRAMES;
  }, LAYER_MS);
}

/** Each layer that the browser says it sent has come in under its rid, and so have its repairs. */
async function compareLayers(session, mid) {
  const theirs = [...(await session.pc.getStats()).values()].filter((entry) => entry.type === 'outbound-rtp' && entry.mid === mid);
  const ours = Object.values((await session.ours.do('stats')).report).filter((entry) => entry.type === 'inbound-rtp' && entry.mid === mid);
  assertEqual(ours.length, LAYERS.length, 'number of our inbound-rtp');
  for (const [rid] of LAYERS) {
    const [sent, got] = [theirs, ours].map((list) => list.find((entry) => entry.rid === rid));
    assert(sent && got, `${rid}: ${sent ? 'we have' : 'they have'} no statistics`);
    assertEqual(got.ssrc, sent.ssrc, `ssrc of ${rid}`);
    if (sent.rtxSsrc && got.rtxSsrc) assertEqual(got.rtxSsrc, sent.rtxSsrc, `rtxSsrc of ${rid}`);
    assert(Math.abs(got.packetsReceived - sent.packetsSent) <= 0.1 * sent.packetsSent + 10,
      `${rid}: ${got.packetsReceived} packets of ${sent.packetsSent}, ${got.packetsLost} lost, ${got.retransmittedPacketsReceived} by RTX (${sent.retransmittedPacketsSent})`);
  }
  return ours;
}

export async function addSimulcast(session, track) {
  const transceiver = session.pc.addTransceiver(track, { direction: 'sendrecv', sendEncodings: sendEncodings() });
  await session.theyOffer();
  assertAnswered(session.pc.currentRemoteDescription.sdp);
  return transceiver;
}

/** Layers go off and on, and what comes back is the largest that is on. */
export async function switchLayers(session, { sender, mid }) {
  await layersRun(session, mid);
  await comesBack(session.pc, mid, 1);
  await setActive(sender, ['q', 'h']);
  await layersRun(session, mid, ['q', 'h']);
  await comesBack(session.pc, mid, 2);
  await setActive(sender, ['q']);
  await layersRun(session, mid, ['q']);
  await comesBack(session.pc, mid, 4);
  await setActive(sender, ['q', 'h', 'f']);
  await layersRun(session, mid);
  await comesBack(session.pc, mid, 1);
}

export const simulcastCanvas = () => busyCanvas(MILD, WIDTH, HEIGHT);

async function withCanvas(body) {
  const canvas = simulcastCanvas();
  try {
    return await body(canvas.track);
  } finally {
    canvas.stop();
  }
}

/** Three layers, received by us frame by frame. */
async function byRid(world) {
  await withCanvas((track) => withSession(world, async (session) => {
    const transceiver = await addSimulcast(session, track);
    await switchLayers(session, transceiver);
    const ours = await compareLayers(session, transceiver.mid);
    const layers = await received(session, transceiver.mid);
    world.note(LAYERS.map(([rid]) => `${rid} ${layers[rid].width}x${layers[rid].height}: ${layers[rid].frames} frames, ` +
      `${layers[rid].keys} key, ${ours.find((entry) => entry.rid === rid).retransmittedPacketsReceived ?? 0} by RTX`).join('; '));
  }));
}

/** Some packets get lost: repairs of each layer come on RTX streams that name it by repaired-rid, and are put in their places. */
async function repaired(world) {
  await withCanvas((track) => withSession(world, async (session) => {
    const { mid } = await addSimulcast(session, track);
    let layers = {};
    const counts = () => LAYERS.map(([rid]) => `${rid} ${layers[rid]?.recovered}`).join(', ');
    await until(() => `recovered frames of each layer: ${counts()}`, async () => {
      layers = await received(session, mid);
      return LAYERS.every(([rid]) => layers[rid]?.recovered >= 3);
    }, 2 * LAYER_MS);
    await layersRun(session, mid);
    await comesBack(session.pc, mid, 1);
    for (const { rid, rtxSsrc, nackCount, retransmittedPacketsReceived } of await compareLayers(session, mid)) {
      assert(rtxSsrc && nackCount > 0, `${rid}: rtxSsrc ${rtxSsrc}, ${nackCount} NACKs`);
      assert(retransmittedPacketsReceived >= layers[rid].recovered, `${rid}: ${retransmittedPacketsReceived} packets by RTX`);
    }
    world.note(`recovered frames: ${counts()}`);
  }, { loseEvery: 20 }));
}

/** The same against the echo peer, of which only the returned picture is seen. */
async function echoed(world) {
  await withCanvas((track) => withConnection({ ...world, direction: 'offer' }, {
    prepare(pc) {
      pc.addTransceiver(track, { direction: 'sendrecv', sendEncodings: sendEncodings() });
      const element = Object.assign(document.createElement('video'), { autoplay: true, muted: true });
      pc.ontrack = (event) => { element.srcObject = new MediaStream([event.track]); };
      document.body.append(element);
    },
  }, async (connection) => {
    const { pc } = connection;
    assertAnswered(connection.answerSdp);
    await connection.connected();
    const [{ sender, mid }] = pc.getTransceivers();
    for (const [active, scale] of [[['q', 'h', 'f'], 1], [['q', 'h'], 2], [['q'], 4], [['q', 'h', 'f'], 1], [['f'], 1]]) {
      await setActive(sender, active);
      await comesBack(pc, mid, scale);
    }
  }));
}

/** We offer three layers. No browser takes more than one stream, so the first is all that is sent. */
async function offered(world) {
  await withCanvas((track) => withSession(world, async (session) => {
    session.pc.addTrack(track);
    await session.theyOffer();
    const [{ mid: source }] = session.pc.getTransceivers();
    await session.ours.do('addTransceiver', { kind: 'video', direction: 'sendonly', track: 'layers', rids: ['a', 'b', 'c'] });
    await session.weOffer();
    assert(session.pc.currentRemoteDescription.sdp.includes('a=simulcast:send a;b;c'), 'our offer has no simulcast');
    const { mid } = session.pc.getTransceivers().at(-1);
    const answer = session.pc.currentLocalDescription.sdp.match(/^a=simulcast:.*$/m)?.[0];
    await session.ours.do('route', { from: source, to: mid });
    await session.flows({ [source]: 'both', [mid]: 'to them' });
    const sent = Object.values((await session.ours.do('stats')).report)
      .filter((entry) => entry.type === 'outbound-rtp' && entry.mid === mid && entry.packetsSent > 0);
    assertEqual(sent.length, 1, 'number of streams sent');
    world.note(`answered with ${answer ?? 'no simulcast'}`);
  }));
}

export const cases = {
  'by-rid': byRid,
  repaired,
  echoed,
  offered,
};
