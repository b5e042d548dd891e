// RTCError and RTCErrorEvent.
import { eventClass } from './base.mjs';

const DETAILS = ['data-channel-failure', 'dtls-failure', 'fingerprint-failure', 'sctp-failure', 'sdp-syntax-error',
  'hardware-encoder-not-available', 'hardware-encoder-error'];
const MEMBERS = ['sdpLineNumber', 'sctpCauseCode', 'receivedAlert', 'sentAlert', 'httpRequestStatusCode'];

export class RTCError extends DOMException {
  constructor(init, message = '') {
    if (!init || !DETAILS.includes(init.errorDetail)) throw new TypeError('an RTCError needs its errorDetail');
    super(message, 'OperationError');
    Object.defineProperty(this, 'errorDetail', { value: init.errorDetail, enumerable: true });
    for (const member of MEMBERS) Object.defineProperty(this, member, { value: init[member] ?? null, enumerable: true });
  }
}

const Base = eventClass('RTCErrorEvent', { error: null });

export class RTCErrorEvent extends Base {
  constructor(type, init) {
    if (!(init?.error instanceof RTCError)) throw new TypeError('an RTCErrorEvent needs its error');
    super(type, init);
  }
}
