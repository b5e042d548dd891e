// RTCDtlsTransport, RTCIceTransport and RTCSctpTransport.
import { defineHandlers, native, onlyInside, PRIVATE } from './base.mjs';
import { RTCIceCandidate } from './description.mjs';
import { RTCError, RTCErrorEvent } from './error.mjs';

const DTLS = 22, ICE = 23, GATHERING = 24, PAIR = 25, SCTP = 26, DTLS_ERROR = 32;

/** States are those of the last event, so that an event and the state that it tells of are one. */
class Transport extends EventTarget {
  #state;

  constructor(key, read) {
    super();
    onlyInside(key);
    this.#state = read();
    this.read = read;
  }

  get state() { return this.#state; }

  changed() {
    this.#state = this.read();
    this.dispatchEvent(new Event('statechange'));
  }

  /** The connection was closed, which no event tells. */
  [PRIVATE]() { this.#state = this.read(); }
}

export class RTCIceTransport extends Transport {
  #handle;
  #gathering;
  #inner;

  constructor(key, handle, inner) {
    super(key, () => native.iceState(handle));
    this.#handle = handle;
    this.#inner = inner;
    this.#gathering = native.iceGatheringState(handle);
  }

  #candidate(info) {
    const line = this.#inner.lineOf(info);
    return new RTCIceCandidate({ candidate: line, sdpMid: '', sdpMLineIndex: 0, usernameFragment: info.usernameFragment }, info);
  }

  get role() { return native.iceRole(this.#handle); }
  get component() { return 'rtp'; }
  get gatheringState() { return this.#gathering; }
  getLocalCandidates() { return native.iceLocalCandidates(this.#handle).map((info) => this.#candidate(info)); }
  getRemoteCandidates() { return native.iceRemoteCandidates(this.#handle).map((info) => this.#candidate(info)); }
  getLocalParameters() { return native.iceLocalParameters(this.#handle); }
  getRemoteParameters() { return native.iceRemoteParameters(this.#handle); }

  getSelectedCandidatePair() {
    const pair = native.iceSelectedPair(this.#handle);
    return pair && { local: this.#candidate(pair.local), remote: this.#candidate(pair.remote) };
  }

  gatheringChanged() {
    this.#gathering = native.iceGatheringState(this.#handle);
    this.dispatchEvent(new Event('gatheringstatechange'));
  }
}

defineHandlers(RTCIceTransport, ['statechange', 'gatheringstatechange', 'selectedcandidatepairchange']);

export class RTCDtlsTransport extends Transport {
  #handle;
  #ice;

  constructor(key, handle, ice) {
    super(key, () => native.dtlsState(handle));
    this.#handle = handle;
    this.#ice = ice;
  }

  get iceTransport() { return this.#ice; }
  getRemoteCertificates() { return native.dtlsRemoteCertificates(this.#handle); }
}

defineHandlers(RTCDtlsTransport, ['statechange', 'error']);

export class RTCSctpTransport extends Transport {
  #handle;
  #dtls;

  constructor(key, handle, dtls) {
    super(key, () => native.sctpState(handle));
    this.#handle = handle;
    this.#dtls = dtls;
  }

  get transport() { return this.#dtls; }
  get maxMessageSize() { return native.sctpMaxMessageSize(this.#handle); }
  get maxChannels() { return native.sctpMaxChannels(this.#handle) || null; }
}

defineHandlers(RTCSctpTransport, ['statechange']);

/** The transports of one connection, one object for each handle. */
export class Transports {
  #objects = new Map();

  #get(handle, make) {
    if (!handle) return null;
    if (!this.#objects.has(handle)) this.#objects.set(handle, make());
    return this.#objects.get(handle);
  }

  lineOf({ foundation, component, protocol, priority, address, port, type }) {
    return `candidate:${foundation} ${component === 'rtp' ? 1 : 2} ${protocol} ${priority} ${address} ${port} typ ${type}`;
  }

  ice(handle) { return this.#get(handle, () => new RTCIceTransport(PRIVATE, handle, this)); }
  dtls(handle) { return this.#get(handle, () => new RTCDtlsTransport(PRIVATE, handle, this.ice(native.dtlsIceTransport(handle)))); }
  sctp(handle) { return this.#get(handle, () => new RTCSctpTransport(PRIVATE, handle, this.dtls(native.sctpDtlsTransport(handle)))); }

  /** Whether the event was one of a transport. */
  onEvent({ type, transport, error }) {
    const object = this.#objects.get(transport);
    if (type === DTLS_ERROR) {
      object?.dispatchEvent(new RTCErrorEvent('error', { error: new RTCError(error, error.message) }));
      return true;
    }
    if (type < DTLS || type > SCTP) return false;
    if (type === DTLS || type === ICE || type === SCTP) object?.changed();
    if (type === GATHERING) object?.gatheringChanged();
    if (type === PAIR) object?.dispatchEvent(new Event('selectedcandidatepairchange'));
    return true;
  }

  closed() {
    for (const object of this.#objects.values()) object[PRIVATE]();
  }
}
