// Layers of raw media: three of simulcast from one source of ours, which a page receives as three streams, as those behind an SFU do;
// three of a page, each decoded by us; spatial layers of VP9 to a page. What the path bears switches them off and on.
import { HEIGHT, RawPeer, WIDTH, overLimitedPath, round, withoutCandidates } from './raw-call.mjs';
import { Measures } from './raw-measures.mjs';
import { PageEnd } from './raw-page.mjs';
import { assert, assertEqual, until } from './wait.mjs';

/** From the smallest to the largest: rid, and by how much it is scaled down. */
const LAYERS = [['q', 4], ['h', 2], ['f', 1]];
const RIDS = LAYERS.map(([rid]) => rid);
const LAYER_MS = 25000; // in which an encoder has found bits for all layers
const LOOK_MS = 1000;
const ENOUGH = 20; // pictures of a layer that is on, in this time
const LIKE = { q: 0.85, h: 0.9, f: 0.95 }; // a smaller picture differs by how it was made smaller, too
const NARROW = 220000; // bit/s
const NARROW_SVC = 150000;
const PAGE_MS = 60000; // in which a browser has found bits for all of its layers

const STREAM_ID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const lines = (text) => text.split('\r\n').filter(Boolean);
const join = (list) => `${list.join('\r\n')}\r\n`;
const sectionsOf = (sdp) => sdp.split(/\r\n(?=m=)/);
const idOf = (section, uri) => section.match(new RegExp(`a=extmap:(\\d+)(?:/\\w+)? ${uri}\\r`))[1];

/**
 * One section with three layers, as three sections with one stream each: to whoever receives, the header extension that names the layer
 * names the section. An RTX stream says what it repairs by no name that a page knows, so once they are known SSRCs tell.
 */
function asStreams(sdp, streams = []) {
  const [session, section] = sectionsOf(sdp);
  const rid = idOf(section, STREAM_ID);
  const kept = lines(section).filter((line) => !/^a=(mid|rid|simulcast|ssrc|ssrc-group|msid):/.test(line) && !/^a=extmap:\S+ \S+:sdes:/.test(line));
  const ssrcs = (name) => streams.filter((each) => each.rid === name).flatMap(({ ssrc, rtxSsrc }) =>
    [`a=ssrc-group:FID ${ssrc} ${rtxSsrc}`, `a=ssrc:${ssrc} cname:scene`, `a=ssrc:${rtxSsrc} cname:scene`]);
  const sections = RIDS.map((name) => join([...kept, `a=mid:${name}`, `a=msid:- ${name}`, `a=extmap:${rid} ${MID}`, ...ssrcs(name)]));
  return join(lines(session).map((line) => line.replace(/^a=group:BUNDLE.*/, `a=group:BUNDLE ${RIDS.join(' ')}`))) + sections.join('');
}

/** The answer to those, as one to the section that there is. */
function asLayers(sdp, offer) {
  const [session, section] = sectionsOf(sdp);
  const asked = sectionsOf(offer)[1];
  const mid = asked.match(/a=mid:(\S+)/)[1];
  const kept = lines(section).filter((line) => !/^a=mid:/.test(line) && !line.endsWith(MID));
  return join(lines(session).map((line) => line.replace(/^a=group:BUNDLE.*/, `a=group:BUNDLE ${mid}`))) + join([...kept, `a=mid:${mid}`,
    `a=extmap:${idOf(asked, MID)} ${MID}`, `a=extmap:${idOf(asked, STREAM_ID)} ${STREAM_ID}`,
    ...RIDS.map((rid) => `a=rid:${rid} recv`), `a=simulcast:recv ${RIDS.join(';')}`]);
}

/** A page that receives the layers as three tracks. */
class LayersEnd extends PageEnd {
  constructor(pc) {
    super(pc, WIDTH, HEIGHT);
    this.layers = Object.fromEntries(LAYERS.map(([rid, scale]) => [rid, new Measures(WIDTH / scale, HEIGHT / scale, scale)]));
  }

  async accept(sdp) {
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    await until('gathering complete', () => this.pc.iceGatheringState === 'complete', 5000).catch(() => {});
  }

  measuresOf(mid) {
    return this.layers[mid];
  }

  /** What is shown of each layer within a while. */
  async lookAWhile() {
    Object.values(this.layers).forEach((measures) => measures.begin());
    await pause(LOOK_MS);
    return Object.fromEntries(RIDS.map((rid) => [rid, this.layers[rid].shown]));
  }

  likeness() {
    return Object.fromEntries(RIDS.map((rid) => [rid, this.layers[rid].report().pictures]));
  }
}

const isOn = (shown, rid) => shown[rid] >= ENOUGH;
const story = (shown) => RIDS.map((rid) => `${rid} ${shown[rid]}`).join(', ');

/** What the path bears and each layer gets, for whoever wonders. */
async function shares(ours) {
  const { stats, targets } = await ours.do('report');
  const pair = Object.values(stats).find(({ availableOutgoingBitrate }) => availableOutgoingBitrate);
  return `${JSON.stringify(targets)} of ${pair?.availableOutgoingBitrate}`;
}

async function untilOn(ours, theirs, wanted, what) {
  let shown = {};
  let told = '';
  const began = Date.now();
  await until(() => `${wanted} ${what} (${story(shown)}; ${told})`, async () => {
    shown = await theirs.lookAWhile();
    told = await shares(ours);
    return RIDS.every((rid) => (wanted.includes(rid) ? isOn(shown, rid) : shown[rid] === 0));
  }, LAYER_MS);
  return (Date.now() - began) / 1000;
}

/** Each layer as large as it is to be, and like the scene. */
async function assertLike(theirs) {
  await pause(3 * LOOK_MS);
  const pictures = theirs.likeness();
  for (const [rid, scale] of LAYERS) {
    assertEqual(pictures[rid].sizes, `${WIDTH / scale}x${HEIGHT / scale}`, `size of ${rid}`);
    assert(pictures[rid].compared >= 3 && pictures[rid].ssim >= LIKE[rid], `SSIM of ${rid} is ${round(pictures[rid].ssim, 3)} (${pictures[rid].compared} pictures)`);
  }
  return RIDS.map((rid) => `${rid} SSIM ${round(pictures[rid].ssim, 3)}, delay ${round(pictures[rid].delay)} ms`).join('; ');
}

/** Ours to a page: switched by setParameters(), and by what the path bears. */
async function sent(world) {
  const ours = await RawPeer.start(world);
  const theirs = new LayersEnd(new world.RTCPeerConnection());
  let path;
  let offer;
  try {
    await ours.do('tracks', { codec: 'VP8', direction: 'sendonly', audio: false, encodings: LAYERS.map(([rid, scale]) => ({ rid, scale })) });
    const { sdp } = await ours.do('local');
    offer = sdp;
    path = await overLimitedPath(ours, sdp);
    await theirs.accept(asStreams(path.sdp));
    await ours.do('remote', { kind: 'answer', sdp: withoutCandidates(asLayers(theirs.pc.localDescription.sdp, offer)) });
    const streams = Object.values((await ours.do('report')).stats).filter(({ type }) => type === 'outbound-rtp');
    await theirs.accept(asStreams(path.sdp, streams));
    await untilOn(ours, theirs, RIDS, 'at the beginning');
    const like = await assertLike(theirs);
    await ours.do('parameters', { encodings: [{}, { active: false }, {}] });
    await untilOn(ours, theirs, ['q', 'f'], 'without h');
    await ours.do('parameters', { encodings: [{}, { active: true }, {}] });
    await untilOn(ours, theirs, RIDS, 'with h again');
    await path.limit(NARROW);
    await untilOn(ours, theirs, ['q'], 'on a narrow path');
    const { targets } = await ours.do('report');
    assertEqual(targets.f, 0, 'target of f on a narrow path');
    await path.limit(0);
    const up = await untilOn(ours, theirs, RIDS, 'on an open path again');
    world.note(`${like}; all three ${round(up, 1)} s after the path opened`);
  } finally {
    theirs.stop();
    await ours.stop();
  }
}

/** Chromium sends two layers of a smaller picture, whatever the encodings are. */
const [WIDE, HIGH] = [960, 544];

/** Within a while: what is shown at our end of each layer of a page. */
async function lookAtOurs(ours) {
  await ours.do('begin');
  await pause(LOOK_MS);
  const { pictures } = await ours.do('report');
  return Object.fromEntries(RIDS.map((rid) => [rid, pictures[rid]?.shown ?? 0]));
}

/** Until those of a page come that are wanted, and no others. */
async function untilComes(ours, wanted, what) {
  let shown = {};
  const began = Date.now();
  await until(() => `${wanted} ${what} (${story(shown)})`, async () => {
    shown = await lookAtOurs(ours);
    return RIDS.every((rid) => (wanted.includes(rid) ? isOn(shown, rid) : shown[rid] === 0));
  }, PAGE_MS);
  return (Date.now() - began) / 1000;
}

/** A page's to us, decoded one beside the other; switched by the page as what the path bears changes. */
async function received(world) {
  const ours = await RawPeer.start(world);
  const pc = new world.RTCPeerConnection();
  const theirs = new PageEnd(pc, WIDE, HIGH);
  try {
    const [track] = theirs.show().getVideoTracks();
    pc.addTransceiver(track, {
      direction: 'sendonly',
      sendEncodings: LAYERS.map(([rid, scaleResolutionDownBy]) => ({ rid, scaleResolutionDownBy })),
    });
    await pc.setLocalDescription();
    await until('gathering complete', () => pc.iceGatheringState === 'complete', 5000).catch(() => {});
    const path = await overLimitedPath(ours, pc.localDescription.sdp);
    await ours.do('remote', { kind: 'offer', sdp: path.sdp });
    const { sdp } = await ours.do('local');
    assert(/a=simulcast:recv q;h;f\r/.test(sdp), 'our answer does not take three layers');
    await pc.setRemoteDescription({ type: 'answer', sdp: withoutCandidates(sdp) });
    let pictures = {};
    const like = (rid) => pictures[rid]?.ssim >= LIKE[rid] && pictures[rid].compared >= 3;
    await until(() => `pictures like the scene of all layers: ${RIDS.map((rid) => `${rid} ${JSON.stringify(pictures[rid])}`)}`, async () => {
      await ours.do('begin');
      await pause(2 * LOOK_MS);
      pictures = (await ours.do('report')).pictures;
      return RIDS.every(like);
    }, LAYER_MS);
    for (const [rid, scale] of LAYERS) {
      const { width, height, unread, backward, shown } = pictures[rid];
      assertEqual(`${width}x${height}`, `${WIDE / scale}x${HIGH / scale}`, `size of ${rid}`);
      assert(backward === 0 && unread <= 0.02 * shown, `${rid}: ${backward} of ${shown} pictures out of order, ${unread} without a number`);
    }
    const inbound = Object.values((await ours.do('report')).stats).filter(({ type }) => type === 'inbound-rtp');
    for (const rid of RIDS) assert(inbound.find((each) => each.rid === rid)?.framesDecoded > 0, `no statistics of ${rid}`);
    await path.limit(NARROW);
    const down = await untilComes(ours, ['q'], 'on a narrow path');
    await path.limit(0);
    const up = await untilComes(ours, RIDS, 'on an open path again');
    world.note(RIDS.map((rid) => `${rid} SSIM ${round(pictures[rid].ssim, 3)}, delay ${round(pictures[rid].delay)} ms`).join('; '));
    world.note(`q alone ${round(down, 1)} s after the path got narrow, all three ${round(up, 1)} s after it opened`);
  } finally {
    theirs.stop();
    await ours.stop();
  }
}

/** Until the pictures that a page shows are all as wide as they are to be. */
async function untilWide(theirs, ours, isWide, what) {
  let seen = '';
  const began = Date.now();
  await until(() => `${what} (${seen})`, async () => {
    theirs.measures.begin();
    await pause(LOOK_MS);
    const { shown, sizes } = theirs.measures;
    seen = `${shown} pictures of ${[...sizes]}; ${await shares(ours)}`;
    return shown >= ENOUGH && [...sizes].every((size) => isWide(parseInt(size, 10)));
  }, LAYER_MS);
  return (Date.now() - began) / 1000;
}

const keysEncoded = async (ours) => Object.values((await ours.do('report')).stats).find(({ type }) => type === 'outbound-rtp').keyFramesEncoded;

/** Three spatial layers of VP9 in one stream to a page: the upper ones go and come by what the path bears. */
async function svc(world) {
  const ours = await RawPeer.start(world);
  const pc = new world.RTCPeerConnection();
  const theirs = new PageEnd(pc, WIDTH, HEIGHT);
  try {
    await ours.do('tracks', { codec: 'VP9', direction: 'sendonly', audio: false, encodings: [{ mode: 'L3T3_KEY' }] });
    const { sdp } = await ours.do('local');
    const path = await overLimitedPath(ours, sdp);
    await pc.setRemoteDescription({ type: 'offer', sdp: path.sdp });
    await pc.setLocalDescription(await pc.createAnswer());
    await ours.do('remote', { kind: 'answer', sdp: withoutCandidates(pc.localDescription.sdp) });
    const whole = await untilWide(theirs, ours, (width) => width === WIDTH, 'whole pictures at the beginning');
    const keys = await keysEncoded(ours);
    await path.limit(NARROW_SVC);
    const down = await untilWide(theirs, ours, (width) => width < WIDTH, 'small pictures on a narrow path');
    await path.limit(0);
    const up = await untilWide(theirs, ours, (width) => width === WIDTH, 'whole pictures on an open path again');
    theirs.measures.begin();
    await pause(3 * LOOK_MS);
    const { pictures } = theirs.measures.report();
    assert(pictures.compared >= 3 && pictures.ssim >= LIKE.f, `SSIM ${round(pictures.ssim, 3)} of ${pictures.compared} pictures behind all that`);
    world.note(`whole ${round(whole, 1)} s after the start, smaller ${round(down, 1)} s after the path got narrow, whole ${round(up, 1)} s after it opened, ` +
      `${await keysEncoded(ours) - keys} key frames more; SSIM ${round(pictures.ssim, 3)}`);
  } finally {
    theirs.stop();
    await ours.stop();
  }
}

export const cases = { sent, received, svc };
