// A call between raw_peer.c and another end: the scene and its sound both ways, measured at both ends. Runs in browsers and in Node.
import { Scene } from './scene.mjs';
import { assert, assertEqual, until } from './wait.mjs';

export const [WIDTH, HEIGHT] = [640, 480];

const FPS = 30;
const GATHER_MS = 5000;
const SETTLE_MS = 60000; // in which encoders have found their rates, and buffers what they need
const LOOK_MS = 1500;
const MEASURE_MS = 5500;

/** The bounds of one direction. */
export const LIMITS = { ssim: 0.95, colour: 6, late: 60, lips: 40, frames: 0.85 };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Our end; do() makes a call of it and throws what the call complains about. */
export class RawPeer {
  static async start(world, args = []) {
    const peer = new RawPeer();
    peer.world = world;
    peer.key = (await peer.post('/raw', { args })).key;
    return peer;
  }

  async post(path, body, method = 'POST') {
    const response = await fetch(this.world.url + path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response.json();
  }

  async do(name, options = {}) {
    const answer = await this.post(`/raw/${this.key}`, { do: name, ...options });
    assert(!answer.error, `our ${name}: ${answer.error}`);
    return answer;
  }

  stop() {
    return this.post(`/raw/${this.key}`, {}, 'DELETE').catch(() => {});
  }
}

/** The only candidate left is the path's port, in the place of the IPv4 address that is not loopback. Gives the description and { limit(bps) }. */
export async function overLimitedPath(ours, sdp) {
  const [line, address, port] = sdp.match(/a=candidate:\S+ 1 udp \d+ (?!127\.)(\d+\.\d+\.\d+\.\d+) (\d+) typ host.*/);
  const path = await ours.post('/limited', { address, port: Number(port) });
  const changed = sdp.replace(line, line.replace(` ${port} `, ` ${path.port} `)).split('\r\n')
    .filter((each) => !each.startsWith('a=candidate:') || each.includes(` ${path.port} `)).join('\r\n');
  return { sdp: changed, limit: (bps) => ours.post(`/limited/${path.port}`, { bps }) };
}

/** Whoever has no candidates of the other end waits for its checks to come. */
export const withoutCandidates = (sdp) => sdp.replace(/^a=candidate:.*\r\n/gm, '');

/** Both descriptions with all candidates: the answer of `pc` to our offer. `change` has a look at each. */
export async function answerOurs(pc, ours, { prepare = () => {}, changeOffer = (sdp) => sdp, changeAnswer = (sdp) => sdp } = {}) {
  const { sdp } = await ours.do('local');
  await pc.setRemoteDescription({ type: 'offer', sdp: changeOffer(sdp) });
  await prepare(pc);
  await pc.setLocalDescription(await pc.createAnswer());
  await until('gathering complete', () => pc.iceGatheringState === 'complete', GATHER_MS).catch(() => {});
  await ours.do('remote', { kind: 'answer', sdp: changeAnswer(pc.localDescription.sdp) });
}

// ---- measuring ----

const listOf = (report) => [...(report.values?.() ?? Object.values(report))];

/** What coding a picture took in the mean since `before` [ms] and the rate at which it was sent [kbit/s]; 0 where it is not told. */
function codingTimes(before, after) {
  const times = { encode: 0, decode: 0, rate: 0 };
  for (const now of listOf(after).filter(({ type, kind }) => kind === 'video' && /^(in|out)bound-rtp$/.test(type))) {
    const then = listOf(before).find(({ id }) => id === now.id) ?? {};
    const since = (name) => (now[name] ?? 0) - (then[name] ?? 0);
    if (since('bytesSent') > 0) times.rate += (8 * since('bytesSent')) / (now.timestamp - then.timestamp);
    if (since('framesEncoded') > 0) times.encode = Math.max(times.encode, (1000 * since('totalEncodeTime')) / since('framesEncoded'));
    if (since('framesDecoded') > 0) times.decode = Math.max(times.decode, (1000 * since('totalDecodeTime')) / since('framesDecoded'));
  }
  return times;
}

/** How long pictures waited in the mean before they were decoded [ms]; undefined where it is not told. */
function inBuffer(stats) {
  const shown = listOf(stats).find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  return shown?.jitterBufferEmittedCount && (1000 * shown.jitterBufferDelay) / shown.jitterBufferEmittedCount;
}

const oursOf = async (ours) => {
  const report = await ours.do('report');
  return { ...report, pictures: report.pictures[''] ?? Object.values(report.pictures)[0] ?? { shown: 0, ssim: 0 } };
};

/** Measures both ends over the same time: { theirs, ours }, each with what coding took on its way. */
export async function measure(ours, theirs, ms) {
  await ours.do('begin');
  theirs.measures.begin();
  const before = { ours: (await ours.do('report')).stats, theirs: await theirs.stats() };
  await pause(ms);
  const report = { ours: await oursOf(ours), theirs: theirs.measures.report() };
  const coding = { ours: codingTimes(before.ours, report.ours.stats), theirs: codingTimes(before.theirs, await theirs.stats()) };
  report.ours.coding = { encode: coding.theirs.encode, decode: coding.ours.decode, rate: coding.theirs.rate };
  report.ours.buffer = inBuffer(report.ours.stats);
  report.theirs.buffer = inBuffer(await theirs.stats());
  report.theirs.coding = { encode: coding.ours.encode, decode: coding.theirs.decode, rate: coding.ours.rate };
  return report;
}

export const round = (value, digits = 0) => Number(value).toFixed(digits);

/** One direction in words: the figures of the tables in docs/media.md. */
export function story({ pictures, sound, lips, coding, buffer }) {
  return `${pictures.shown} pictures (${pictures.unread} unread, ${pictures.sizes ?? `${pictures.width}x${pictures.height}`}), SSIM ${round(pictures.ssim, 3)} (least ${round(pictures.ssimMin, 3)}), ` +
    `${round(coding.rate)} kbit/s, delay ${round(pictures.delay)} ms (p95 ${round(pictures.delayP95)}; encode ${round(coding.encode, 1)}, decode ${round(coding.decode, 1)}${buffer === undefined ? '' : `, in the buffer ${round(buffer)}`}), ` +
    `tone ${round(sound.tone)}, away ${round(sound.away)}, lips ${round(lips.median)} ms (worst ${round(lips.worst)})`;
}

/** What our encoder was told, for whoever wonders why a picture is small. */
function encoderStory({ stats }) {
  const video = (wanted) => Object.values(stats).find(({ type, kind }) => type === wanted && kind === 'video') ?? {};
  const pair = Object.values(stats).find(({ availableOutgoingBitrate }) => availableOutgoingBitrate);
  const { targetBitrate = 0, qualityLimitationReason, totalPacketSendDelay, packetsSent } = video('outbound-rtp');
  const { roundTripTime, fractionLost, jitter } = video('remote-inbound-rtp');
  return `our encoder: ${round(targetBitrate / 1000)} kbit/s of ${round((pair?.availableOutgoingBitrate ?? 0) / 1000)}, limited by ${qualityLimitationReason}, ` +
    `${round((1000 * totalPacketSendDelay) / packetsSent, 1)} ms in the pacer; round trip ${round(1000 * roundTripTime)} ms, lost ${fractionLost}, jitter ${round(1000 * jitter)} ms`;
}

/** Why this direction does not do; undefined when it does. */
export function fault({ pictures, sound, lips, coding }, ms, limits = LIMITS) {
  const late = lateness({ pictures, coding });
  const facts = [
    [pictures.shown >= (limits.frames * FPS * ms) / 1000, `${pictures.shown} pictures in ${ms} ms`],
    [pictures.compared >= 4, `${pictures.compared} pictures compared`],
    [pictures.backward === 0, `${pictures.backward} pictures out of order`],
    [pictures.unread <= 0.02 * pictures.shown, `${pictures.unread} of ${pictures.shown} pictures have no number`],
    [pictures.ssim >= limits.ssim, `SSIM ${round(pictures.ssim, 3)}`],
    [pictures.colour <= limits.colour, `colours are off by ${round(pictures.colour, 1)}`],
    [late <= limits.late, `${round(late)} ms later than coding takes`],
    [sound.windows >= 10, `${sound.windows} pieces of sound`],
    [Math.abs(sound.tone - 5000) <= 1500, `the tone has an amplitude of ${round(sound.tone)}`],
    [sound.away <= 0.05 * sound.tone, `${round(sound.away)} away from the tone of ${round(sound.tone)}`],
    [lips.pairs >= 3, `${lips.pairs} flashes with a beep (${sound.beeps} beeps)`],
    [Math.abs(lips.median) <= limits.lips, `sound and picture are ${round(lips.median)} ms apart`],
  ];
  return facts.find(([holds]) => !holds)?.[1];
}

const lateness = ({ pictures, coding }) => pictures.delay - coding.encode - coding.decode;

/** What takes its time at the beginning is over: estimates grow, and a player works off what came before its device had started. */
function isSettled(report, limits = {}) {
  const { ssim, late, lips } = { ...LIMITS, ...limits };
  return report.pictures.ssim >= ssim && lateness(report) <= late && Math.abs(report.lips.median) <= lips;
}

/** Both ends draw the same scene: of two pictures, one behind a cut, the checksums are equal. */
export async function sameScene(ours) {
  const scene = new Scene(WIDTH, HEIGHT);
  for (const number of [7, 1234]) {
    scene.draw(number, 987654);
    assertEqual((await ours.do('sum', { number, moment: 987654 })).sum, scene.sum(), `sum of picture ${number}`);
  }
}

/**
 * Waits until both directions have found their rate, and measures then.
 * @param limits { ours, theirs }: bounds of what arrives there
 */
export async function judge(ours, theirs, limits = {}, ways = ['theirs', 'ours']) {
  let report;
  await sameScene(ours);
  const told = () => ways.map((way) => `${way === 'ours' ? 'to us' : 'to them'}: ${story(report[way])}`).join('; ') + `; ${encoderStory(report.ours)}`;
  await until(() => `pictures that are like the scene, and in time (${told()})`, async () => {
    report = await measure(ours, theirs, LOOK_MS);
    return ways.every((way) => isSettled(report[way], limits[way]));
  }, SETTLE_MS);
  report = await measure(ours, theirs, MEASURE_MS);
  for (const way of ways) {
    const wrong = fault(report[way], MEASURE_MS, { ...LIMITS, ...limits[way] });
    assert(!wrong, `${way === 'ours' ? 'to us' : 'to them'}: ${wrong} (${told()})`);
  }
  return report;
}

export const both = ({ theirs, ours }) => `to them: ${story(theirs)}; to us: ${story(ours)}`;

