// A browser's connection and one of ours that is driven call by call: either side offers, whenever the case wants it to.
import { Channel } from './channel.mjs';
import { assert, assertEqual, until } from './wait.mjs';

const GATHER_MS = 5000;
const FLOW_MS = 15000;
const QUIET_MS = 500;
const ENOUGH = 5; // packets or frames more than before

/** Our peer in the offering program; do() makes a call of it and throws what the call complains about. */
class DrivenPeer {
  static async start(world) {
    const peer = new DrivenPeer();
    peer.world = world;
    peer.key = (await peer.post('/driven', {})).key;
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
    const answer = await this.post(`/driven/${this.key}`, { do: name, ...options });
    assert(!answer.error, `our ${name}: ${answer.error}`);
    return answer;
  }

  stop() {
    return this.post(`/driven/${this.key}`, {}, 'DELETE').catch(() => {});
  }
}

export class Session {
  constructor(pc, ours, world) {
    this.pc = pc;
    this.ours = ours;
    this.world = world;
    this.rounds = 0;
    // A page that shows nothing of a track need not decode it.
    pc.ontrack = ({ track, transceiver }) => {
      const element = document.createElement(track.kind);
      Object.assign(element, { autoplay: true, muted: true, playsInline: true, srcObject: new MediaStream([track]) });
      document.body.append(element);
      element.play().catch(() => {});
      transceiver.element = element;
    };
  }

  /** @param options.loseEvery  every Nth large packet of the browser's gets lost on the way to us */
  static async open(world, options = {}) {
    return Object.assign(new Session(new world.RTCPeerConnection(), await DrivenPeer.start(world), world), options);
  }

  async close() {
    this.pc.close();
    await this.ours.stop();
  }

  // ---- signalling ----

  /** The browser's description of the type that its state asks for, with all candidates. */
  async theirDescription() {
    await this.pc.setLocalDescription();
    await until('gathering complete', () => this.pc.iceGatheringState === 'complete', GATHER_MS).catch(() => {});
    return this.pc.localDescription;
  }

  async ourDescription() {
    const { kind, sdp } = await this.ours.do('local');
    return { type: kind, sdp: this.loseEvery ? await this.overLossyPath(sdp) : sdp };
  }

  /** The only candidate left is the path's port, in the place of the IPv4 address that is not loopback. */
  async overLossyPath(sdp) {
    const [line, address, port] = sdp.match(/a=candidate:\S+ 1 udp \d+ (?!127\.)(\d+\.\d+\.\d+\.\d+) (\d+) typ host.*/);
    this.lossy ??= await this.ours.post('/lossy', { address, port: Number(port), every: this.loseEvery });
    return sdp.replace(line, line.replace(` ${port} `, ` ${this.lossy.port} `)).split('\r\n')
      .filter((each) => !each.startsWith('a=candidate:') || each.includes(` ${this.lossy.port} `)).join('\r\n');
  }

  /** The browser offers and we answer; `wish`: with sendrecv wherever that is possible. */
  async theyOffer({ wish = true } = {}) {
    const { type, sdp } = await this.theirDescription();
    await this.ours.do('remote', { kind: type, sdp: this.loseEvery ? withoutCandidates(sdp) : sdp, wish });
    await this.pc.setRemoteDescription(await this.ourDescription());
    await this.settled();
  }

  async weOffer() {
    await this.pc.setRemoteDescription(await this.ourDescription());
    const { type, sdp } = await this.theirDescription();
    await this.ours.do('remote', { kind: type, sdp });
    await this.settled();
  }

  /** Both offer at once. Whoever is polite takes its own back, answers, and offers again. */
  async glare({ weArePolite }) {
    const [theirs, ours] = [await this.theirDescription(), await this.ourDescription()];
    assertEqual(this.pc.signalingState, 'have-local-offer', 'state of the browser');
    assertEqual((await this.ours.do('state')).signalingState, 'have-local-offer', 'our state');
    if (weArePolite) {
      await this.ours.do('remote', { kind: 'offer', sdp: theirs.sdp });
      await this.pc.setRemoteDescription(await this.ourDescription());
      await this.settled();
      return this.weOffer();
    }
    assert((await this.ours.do('remote', { kind: 'offer', sdp: theirs.sdp, impolite: true })).ignored, 'the offer was not ignored');
    await this.pc.setRemoteDescription(ours);
    const { type, sdp } = await this.theirDescription();
    await this.ours.do('remote', { kind: type, sdp });
    await this.settled();
    return this.theyOffer({ wish: false });
  }

  /** Stable on both sides, the same m-lines, the same transceivers with mirrored directions. */
  async settled() {
    const { signalingState, transceivers } = await this.ours.do('state');
    const mirror = { sendonly: 'recvonly', recvonly: 'sendonly' };
    this.rounds++;
    assertEqual(this.pc.signalingState, 'stable', 'state of the browser');
    assertEqual(signalingState, 'stable', 'our state');
    const theirs = this.pc.getTransceivers().filter(({ mid, currentDirection }) => mid && currentDirection !== 'stopped');
    assertEqual(transceivers.map(({ mid }) => mid).sort().join(), theirs.map(({ mid }) => mid).sort().join(), 'mids');
    for (const { mid, currentDirection, kind } of transceivers) {
      const other = theirs.find((each) => each.mid === mid);
      assertEqual(kind, other.receiver.track.kind, `kind of ${mid}`);
      assertEqual(currentDirection, mirror[other.currentDirection] ?? other.currentDirection, `our direction of ${mid}`);
    }
  }

  // ---- media ----

  /** What came in by now: { theirs: { mid: packets or frames at the browser }, ours: { mid: packets } }. */
  async counts() {
    const [report, { sections }] = await Promise.all([this.pc.getStats(), this.ours.do('received')]);
    const theirs = {};
    for (const { type, mid, kind, framesDecoded, packetsReceived } of report.values())
      if (type === 'inbound-rtp') theirs[mid] = Math.max(theirs[mid] ?? 0, (kind === 'video' ? framesDecoded : packetsReceived) ?? 0);
    return { theirs, ours: Object.fromEntries(Object.entries(sections).map(([mid, { packets }]) => [mid, packets])) };
  }

  /**
   * Media runs on these sections, and on no other: `expected` is { mid: 'both' | 'to us' | 'to them' }, where the browser must decode
   * what it gets.
   */
  async flows(expected) {
    const before = await this.counts();
    const due = Object.entries(expected).flatMap(([mid, way]) => [
      ...(way === 'to them' ? [] : [['ours', mid]]),
      ...(way === 'to us' ? [] : [['theirs', mid]]),
    ]);
    let after = before;
    const missing = () => due.filter(([side, mid]) => (after[side][mid] ?? 0) < (before[side][mid] ?? 0) + ENOUGH);
    await until(() => `media after round ${this.rounds}: ${missing().map(([side, mid]) => `${side} ${mid}`)}`, async () => {
      after = await this.counts();
      return missing().length === 0;
    }, FLOW_MS);
    await this.silentBut(due);
  }

  /** What is still on its way at a change may arrive; after that nothing comes in anywhere else. */
  async silentBut(due) {
    const expected = new Set(due.map(([side, mid]) => `${side} ${mid}`));
    let extra = [];
    await until(() => `silence of ${extra} after round ${this.rounds}`, async () => {
      const before = await this.counts();
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const after = await this.counts();
      extra = ['ours', 'theirs'].flatMap((side) => Object.keys(after[side])
        .filter((mid) => after[side][mid] > (before[side][mid] ?? 0) && !expected.has(`${side} ${mid}`))
        .map((mid) => `${side} ${mid}`));
      return extra.length === 0;
    }, 5 * QUIET_MS);
  }

  /** A channel of the browser's that we echo. */
  async channel(label) {
    const channel = Channel.create(this.pc, label);
    return channel;
  }
}

/** Whoever has no candidates of the other end waits for its checks to come. */
const withoutCandidates = (sdp) => sdp.replace(/^a=candidate:.*\r\n/gm, '');

/** Opens a session, gives it to body() and closes it, whatever happens. */
export async function withSession(world, body, options) {
  const session = await Session.open(world, options);
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
