// libdatachannel's own interface dressed as the part of the W3C API that the cases use. The polyfill that comes with
// the package is not used: all its channels show the same id, and it applies answers before its offer is in place.
import { load } from '../lib/paths.mjs';

const { PeerConnection } = load('node-datachannel');

class DataChannel {
  constructor(native, label) {
    this.native = native;
    this.label = label;
    this.readyState = native.isOpen() ? 'open' : 'connecting';
    native.onOpen(() => { this.readyState = 'open'; });
    native.onClosed(() => { this.readyState = 'closed'; });
    native.onError((error) => { this.error = error; });
  }

  get id() {
    return this.native.getId();
  }

  get protocol() {
    return this.native.getProtocol();
  }

  get bufferedAmount() {
    return this.native.bufferedAmount();
  }

  /** Set right after construction; the library keeps what arrives until then. */
  set onmessage(handler) {
    this.native.onMessage((data) => handler({ data }));
  }

  send(message) {
    if (typeof message === 'string') this.native.sendMessage(message);
    else this.native.sendMessageBinary(message);
  }

  close() {
    this.readyState = 'closing';
    this.native.close();
  }
}

export class RTCPeerConnection {
  constructor() {
    // Without automatic negotiation a channel may be made before the description, as in a browser.
    this.native = new PeerConnection('test', { iceServers: [], disableAutoNegotiation: true });
    this.native.onDataChannel((native) => {
      this.ondatachannel?.({ channel: new DataChannel(native, native.getLabel()) });
    });
  }

  get connectionState() {
    return this.native.state();
  }

  get iceConnectionState() {
    return this.native.iceState();
  }

  get iceGatheringState() {
    return this.native.gatheringState();
  }

  get localDescription() {
    return this.native.localDescription();
  }

  createDataChannel(label, { ordered = true, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id } = {}) {
    const options = { unordered: !ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id };
    for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
    return new DataChannel(this.native.createDataChannel(label, options), label);
  }

  async createOffer() {
    return { type: 'offer' };
  }

  async createAnswer() {
    return { type: 'answer' };
  }

  async setLocalDescription({ type }) {
    this.native.setLocalDescription(type);
  }

  async setRemoteDescription({ type, sdp }) {
    this.native.setRemoteDescription(sdp, type);
  }

  close() {
    this.native.close();
  }
}
