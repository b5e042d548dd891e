// What a case is written with. Runs in pages and in Node: it knows the W3C classes as globals, and nothing else.

export const cases = [];

/**
 * One normative step. `area` is its row in the table, `cite` names section and step ("webrtc-pc 4.4.2 addTrack() 5"), `title`
 * says what holds, `run(t)` throws when it does not.
 */
export function test(area, cite, title, run) {
  cases.push({ area, cite, title, run });
}

const show = (value) => {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

/** One turn of the event loop. */
const turn = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
});

/** What a case gets: objects that are closed behind it, and ways to say what must be. */
export class Context {
  #world;
  #connections = [];

  constructor(world) {
    this.#world = world;
  }

  // ---- objects ----

  pc(configuration) {
    const pc = new RTCPeerConnection(configuration);
    this.#connections.push(pc);
    return pc;
  }

  track(kind) {
    return this.#world.makeTrack(kind);
  }

  stream(...tracks) {
    return new MediaStream(tracks);
  }

  /** Two connections whose candidates find each other. */
  pair(first, second) {
    const a = this.pc(first), b = this.pc(second);
    this.trickle(a, b);
    this.trickle(b, a);
    return [a, b];
  }

  /** Hands candidates over once the far end has a description for them. */
  trickle(from, to) {
    const waiting = [];
    const give = (candidate) => to.addIceCandidate(candidate).catch(() => {});
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (!candidate) return;
      if (to.remoteDescription) give(candidate);
      else waiting.push(candidate);
    });
    to.addEventListener('signalingstatechange', () => {
      if (to.remoteDescription) waiting.splice(0).forEach(give);
    });
  }

  /** a offers, b answers. */
  async negotiate(a, b) {
    await this.offer(a, b);
    await this.answer(b, a);
  }

  async offer(a, b) {
    await a.setLocalDescription(await a.createOffer());
    await b.setRemoteDescription(a.localDescription);
  }

  async answer(b, a) {
    await b.setLocalDescription(await b.createAnswer());
    await a.setRemoteDescription(b.localDescription);
  }

  /** A pair that is up, with one channel open on both sides. */
  async connectedPair(first, second) {
    const [a, b] = this.pair(first, second);
    const channel = a.createDataChannel('first');
    const far = this.next(b, 'datachannel');
    const open = this.next(channel, 'open');
    await this.negotiate(a, b);
    await open;
    return { a, b, channel, far: (await far).channel };
  }

  /** A pair of channels that are open, on connections that are up. */
  async channelPair(label = '', init = undefined) {
    const [a, b] = this.pair();
    const channel = a.createDataChannel(label, init);
    const isNegotiated = init?.negotiated;
    const far = isNegotiated ? b.createDataChannel(label, init) : this.next(b, 'datachannel').then((event) => event.channel);
    const open = this.opened(channel);
    await this.negotiate(a, b);
    await open;
    const other = await far;
    await this.opened(other);
    return { a, b, channel, other };
  }

  async opened(channel) {
    if (channel.readyState !== 'open') await this.next(channel, 'open');
  }

  // ---- waiting ----

  /** The next event of that name. */
  next(target, name) {
    return new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
  }

  /** Until `probe()` holds, looked at when one of the events comes (and now). */
  async when(target, names, probe) {
    for (;;) {
      if (probe()) return;
      await Promise.race([].concat(names).map((name) => this.next(target, name)));
    }
  }

  /** Until `probe()` holds: for what no event tells. */
  async until(probe) {
    while (!(await probe())) await turn();
  }

  connected(pc) {
    return this.when(pc, 'connectionstatechange', () => pc.connectionState === 'connected');
  }

  gathered(pc) {
    return this.when(pc, 'icegatheringstatechange', () => pc.iceGatheringState === 'complete');
  }

  /** Names of events as they come. */
  record(target, ...names) {
    const seen = [];
    for (const name of names) target.addEventListener(name, () => seen.push(name));
    return seen;
  }

  /**
   * All that is queued has been told: the operations chain is empty, the other threads have answered, and some turns of the event
   * loop have passed.
   */
  async quiet(...connections) {
    for (const pc of connections.length ? connections : this.#connections)
      if (pc.signalingState !== 'closed') {
        await pc.addIceCandidate().catch(() => {});
        await pc.getStats();
      }
    for (let i = 0; i < 5; i++) await turn();
  }

  turn() {
    return turn();
  }

  // ---- facts ----

  ok(condition, fact) {
    if (!condition) throw new Error(fact);
  }

  equal(actual, expected, what = 'it') {
    if (!Object.is(actual, expected)) throw new Error(`${what} is ${show(actual)}, not ${show(expected)}`);
  }

  different(actual, other, what = 'it') {
    if (Object.is(actual, other)) throw new Error(`${what} is ${show(actual)}`);
  }

  same(actual, expected, what = 'it') {
    if (show(actual) !== show(expected)) throw new Error(`${what} is ${show(actual)}, not ${show(expected)}`);
  }

  match(text, pattern, what = 'it') {
    if (!pattern.test(text)) throw new Error(`${what} does not match ${pattern}: ${show(String(text).slice(0, 200))}`);
  }

  noMatch(text, pattern, what = 'it') {
    if (pattern.test(text)) throw new Error(`${what} matches ${pattern}`);
  }

  throws(name, call) {
    try {
      call();
    } catch (error) {
      this.#isError(error, name);
      return error;
    }
    throw new Error(`nothing was thrown, not ${name}`);
  }

  async rejects(name, promise) {
    let value;
    try {
      value = await promise;
    } catch (error) {
      this.#isError(error, name);
      return error;
    }
    throw new Error(`it was fulfilled with ${show(value)}, not rejected with ${name}`);
  }

  #isError(error, name) {
    if (error?.name !== name) throw new Error(`the exception is ${error?.name} (${error?.message}), not ${name}`);
    const isNative = ['TypeError', 'RangeError'].includes(name);
    this.ok(isNative ? !(error instanceof DOMException) : error instanceof DOMException, `${name} is of the wrong class`);
  }

  /** Neither settled now nor after what is queued. */
  async unsettled(promise, ...connections) {
    let settled = false;
    promise.then(() => { settled = true; }, () => { settled = true; });
    await this.quiet(...connections);
    this.ok(!settled, 'the promise was settled');
  }

  close() {
    for (const pc of this.#connections) pc.close();
  }
}

/** Runs one case; gives why it failed, or null. */
export async function runCase({ run }, world, limit) {
  const t = new Context(world);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${limit} ms`)), limit);
  });
  try {
    await Promise.race([Promise.resolve().then(() => run(t)), late]);
    return null;
  } catch (error) {
    return String(error?.message ?? error) || 'it failed';
  } finally {
    clearTimeout(timer);
    t.close();
    world.cleanUp?.();
  }
}
