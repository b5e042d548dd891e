// A data channel whose messages can be waited for one by one.
import { assert, assertEqual, until } from './wait.mjs';

const HIGH_WATER = 4 << 20;
const LOW_WATER = 1 << 20;

export class Channel {
  constructor(channel) {
    this.raw = channel;
    this.messages = [];
    channel.binaryType = 'arraybuffer';
    // Read the type before the bytes: an empty string and an empty buffer differ in nothing else.
    channel.onmessage = ({ data }) => this.messages.push(typeof data === 'string' ? data : bytesOf(data));
  }

  static create(pc, label, init) {
    return new Channel(pc.createDataChannel(label, init));
  }

  async opened(ms = 15000) {
    await until(() => `channel '${this.raw.label}' open (${this.raw.readyState})`,
      () => this.raw.readyState === 'open', ms);
    return this;
  }

  async closed(ms = 10000) {
    await until(() => `channel '${this.raw.label}' closed (${this.raw.readyState})`,
      () => this.raw.readyState === 'closed', ms);
  }

  send(message) {
    this.raw.send(message);
  }

  async next(ms = 10000) {
    await until(`message on '${this.raw.label}'`, () => this.messages.length > 0, ms);
    return this.messages.shift();
  }

  /** Sends a message and requires it back: same type, same bytes. */
  async roundTrip(message, ms) {
    this.send(message);
    assertSame(await this.next(ms), message);
  }

  /** Sends, but not before the queue has room: what every application must do with bulk data. */
  async sendPaced(message, ms = 30000) {
    if (this.raw.bufferedAmount > HIGH_WATER)
      await until('room in the send buffer', () => this.raw.bufferedAmount < LOW_WATER, ms);
    this.raw.send(message);
  }
}

export function bytesOf(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  assert(data instanceof ArrayBuffer || data?.byteLength !== undefined, `message of unknown type ${typeof data}`);
  return new Uint8Array(data);
}

export function assertSame(actual, expected) {
  if (typeof expected === 'string') {
    assertEqual(typeof actual, 'string', 'type of the echoed message');
    assertEqual(actual.length, expected.length, 'length of the echoed string');
    assert(actual === expected, 'echoed string differs');
    return;
  }
  const bytes = bytesOf(expected);
  assert(typeof actual !== 'string', 'a binary message came back as a string');
  assertEqual(actual.length, bytes.length, 'length of the echoed message');
  for (let i = 0; i < bytes.length; i++) if (actual[i] !== bytes[i]) throw new Error(`echoed byte ${i} differs`);
}

/** Bytes that differ between messages and positions, without asking the system for randomness. */
export function pattern(size, seed = 1) {
  const bytes = new Uint8Array(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}
