// RTCDataChannel.
import { call, defineHandlers, enforceRange, eventClass, native, onlyInside, PRIVATE } from './base.mjs';
import { RTCError, RTCErrorEvent } from './error.mjs';

const MAX = 65535;
const OPEN = 10, MESSAGE = 11, LOW = 13, CLOSING = 14, CLOSE = 15, ERROR = 16;

export const RTCDataChannelEvent = eventClass('RTCDataChannelEvent', { channel: null }, ['channel']);

const limit = (value) => (value < 0 ? null : value);

/** What send() takes, as a string or an ArrayBuffer. */
async function bytesOf(blob) {
  return blob.arrayBuffer();
}

export class RTCDataChannel extends EventTarget {
  #handle;
  #state; // as told by the last event, so that an event and the state that it tells of are one
  #binaryType = 'arraybuffer';

  constructor(key, handle) {
    super();
    onlyInside(key);
    this.#handle = handle;
    this.#state = native.channelReadyState(handle);
  }

  get label() { return native.channelLabel(this.#handle); }
  get protocol() { return native.channelProtocol(this.#handle); }
  get ordered() { return native.channelOrdered(this.#handle); }
  get negotiated() { return native.channelNegotiated(this.#handle); }
  get maxRetransmits() { return limit(native.channelMaxRetransmits(this.#handle)); }
  get maxPacketLifeTime() { return limit(native.channelMaxPacketLifeTime(this.#handle)); }
  get id() { return limit(native.channelId(this.#handle)); }
  get readyState() { return this.#state; }
  get bufferedAmount() { return native.channelBufferedAmount(this.#handle); }
  get bufferedAmountLowThreshold() { return native.channelBufferedAmountLowThreshold(this.#handle); }
  set bufferedAmountLowThreshold(bytes) { native.channelSetBufferedAmountLowThreshold(this.#handle, Number(bytes) >>> 0); }
  get binaryType() { return this.#binaryType; }
  set binaryType(type) { if (['blob', 'arraybuffer'].includes(String(type))) this.#binaryType = String(type); }

  send(data) {
    if (arguments.length === 0) throw new TypeError('send() needs its data');
    if (data instanceof Blob) {
      bytesOf(data).then((bytes) => this.#send(bytes));
      return;
    }
    this.#send(data);
  }

  #send(data) {
    let bytes = data;
    if (ArrayBuffer.isView(data)) bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    else if (!(data instanceof ArrayBuffer)) bytes = String(data).toWellFormed();
    call(() => native.channelSend(this.#handle, bytes));
  }

  close() {
    native.channelClose(this.#handle);
    this.#state = native.channelReadyState(this.#handle);
  }

  /** The connection was closed: no event tells of it. */
  [PRIVATE](event) {
    if (!event) {
      this.#state = native.channelReadyState(this.#handle);
      return;
    }
    const states = { [OPEN]: 'open', [CLOSING]: 'closing', [CLOSE]: 'closed' };
    this.#state = states[event.type] ?? this.#state;
    const names = { [OPEN]: 'open', [LOW]: 'bufferedamountlow', [CLOSING]: 'closing', [CLOSE]: 'close' };
    if (names[event.type]) this.dispatchEvent(new Event(names[event.type]));
    if (event.type === MESSAGE) this.#receive(event.data);
    if (event.type === ERROR)
      this.dispatchEvent(new RTCErrorEvent('error', { error: new RTCError(event.error, event.error.message) }));
  }

  #receive(data) {
    const asBlob = this.#binaryType === 'blob' && typeof data !== 'string';
    this.dispatchEvent(new MessageEvent('message', { data: asBlob ? new Blob([data]) : data, origin: '' }));
  }
}

defineHandlers(RTCDataChannel, ['open', 'message', 'closing', 'close', 'error', 'bufferedamountlow']);

/** createDataChannel()'s arguments as the addon wants them. */
function readInit(label, init = {}) {
  const number = (name) => {
    const value = init[name];
    return value === undefined || value === null ? undefined : enforceRange(value, MAX, name);
  };
  return {
    label: String(label).toWellFormed(),
    unordered: init.ordered === undefined ? false : !init.ordered,
    maxPacketLifeTime: number('maxPacketLifeTime'),
    maxRetransmits: number('maxRetransmits'),
    protocol: init.protocol === undefined ? '' : String(init.protocol).toWellFormed(),
    negotiated: Boolean(init.negotiated),
    id: number('id'),
  };
}

export function createChannel(connection, label, init) {
  const options = readInit(label, init ?? {});
  // Without negotiation the id of the dictionary is not looked at.
  if (!options.negotiated) delete options.id;
  const handle = call(() => native.channelCreate(connection, options.label, options));
  return [handle, new RTCDataChannel(PRIVATE, handle)];
}
