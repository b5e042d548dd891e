// RTCSessionDescription and RTCIceCandidate, with their events.
import { enforceRange, eventClass, native, oneOf } from './base.mjs';

export const SDP_TYPES = ['offer', 'pranswer', 'answer', 'rollback'];

export class RTCSessionDescription {
  #type;
  #sdp;

  constructor(init) {
    if (init?.type === undefined) throw new TypeError('a description needs its type');
    this.#type = oneOf(init.type, SDP_TYPES, 'RTCSdpType');
    this.#sdp = init.sdp === undefined ? '' : String(init.sdp);
  }

  get type() { return this.#type; }
  get sdp() { return this.#sdp; }

  toJSON() {
    return { type: this.#type, sdp: this.#sdp };
  }
}

const FIELDS = ['foundation', 'component', 'priority', 'address', 'protocol', 'port', 'type', 'tcpType', 'relatedAddress',
  'relatedPort', 'relayProtocol', 'url'];

const text = (value) => (value === undefined || value === null ? null : String(value));

export class RTCIceCandidate {
  #init;
  #fields;

  /** `fields`: what the layer knows beyond the line. */
  constructor(init = {}, fields = undefined) {
    const sdpMid = text(init.sdpMid);
    const sdpMLineIndex = init.sdpMLineIndex === undefined || init.sdpMLineIndex === null ? null
      : enforceRange(init.sdpMLineIndex, 65535, 'sdpMLineIndex');
    if (sdpMid === null && sdpMLineIndex === null) throw new TypeError('a candidate needs sdpMid or sdpMLineIndex');
    this.#init = {
      candidate: init.candidate === undefined ? '' : String(init.candidate),
      sdpMid,
      sdpMLineIndex,
      usernameFragment: text(init.usernameFragment),
    };
    this.#fields = fields ?? native.candidateParse(this.#init.candidate) ?? {};
    this.#init.usernameFragment ??= this.#fields.usernameFragment ?? null;
  }

  get candidate() { return this.#init.candidate; }
  get sdpMid() { return this.#init.sdpMid; }
  get sdpMLineIndex() { return this.#init.sdpMLineIndex; }
  get usernameFragment() { return this.#init.usernameFragment; }

  toJSON() {
    return { ...this.#init };
  }

  static {
    for (const field of FIELDS)
      Object.defineProperty(this.prototype, field, {
        configurable: true,
        enumerable: true,
        get() { return this.#fields[field] ?? null; },
      });
  }
}

export const RTCPeerConnectionIceEvent = eventClass('RTCPeerConnectionIceEvent', { candidate: null, url: null });
export const RTCPeerConnectionIceErrorEvent = eventClass('RTCPeerConnectionIceErrorEvent',
  { address: null, port: null, url: '', errorCode: 0, errorText: '' });
