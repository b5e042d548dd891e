// RTCPeerConnection: the operations chain, promises and events around the calls of the library.
import { call, defineHandlers, enforceRange, flush, forget, listen, native, oneOf, PRIVATE, task, translate } from './base.mjs';
import { certificateHandle, generateCertificate, RTCCertificate } from './certificate.mjs';
import { createChannel, RTCDataChannel, RTCDataChannelEvent } from './channel.mjs';
import { RTCIceCandidate, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent, RTCSessionDescription, SDP_TYPES,
} from './description.mjs';
import { RTCError } from './error.mjs';
import { MediaStream, MediaStreamTrack, MediaStreamTrackEvent } from './media.mjs';
import { KINDS, readTransceiverInit, remember, RTCDTMFToneChangeEvent, RTCRtpSender, RTCTrackEvent, TransceiverInner } from './rtp.mjs';
import { Transports } from './transports.mjs';

const NEGOTIATION_NEEDED = 1, SIGNALING = 2, CANDIDATE = 3, GATHERING = 4, ICE = 5, CONNECTION = 6, TRACK = 8, CHANNEL = 9;
const CHANNEL_FIRST = 10, CHANNEL_LAST = 16, RTP = 17, CANDIDATE_ERROR = 20;
const MUTE = 27, REMOVE_TRACK = 28, ENDED = 29, TONE = 31;
// What the standard tells in the task that settles the promise of setLocal/RemoteDescription().
const OF_THE_DESCRIPTION = [SIGNALING, TRACK, MUTE, REMOVE_TRACK, ENDED];

// As the addon numbers them.
const BUNDLE_POLICIES = ['default', 'balanced', 'max-compat', 'max-bundle'];
const RTCP_MUX_POLICIES = ['require', 'negotiate'];

const all = new Set();

export class RTCPeerConnection extends EventTarget {
  #handle;
  #configuration;
  #isClosed = false;
  #chain = [];
  #isNeeded = false; // negotiation, told once the chain is empty
  #states = { gathering: 'new', ice: 'new', connection: 'new' };
  #transceivers = new Map();
  #channels = new Map();
  #streams = new Map();
  #transports = new Transports();
  #descriptions = new Map();

  constructor(configuration = {}) {
    super();
    this.#configuration = readConfiguration(configuration ?? {});
    this.#handle = call(() => native.connectionCreate(forNative(this.#configuration)), { WLK_ERR_INVALID: 'SyntaxError' });
    listen(this.#handle, (event) => this.#onEvent(event));
    all.add(this);
  }

  static generateCertificate(algorithm) { return generateCertificate(algorithm); }

  // ---- configuration ----

  getConfiguration() {
    const { iceTransportPolicy, bundlePolicy, rtcpMuxPolicy, iceCandidatePoolSize } = native.connectionGetConfiguration(this.#handle);
    return {
      iceServers: structuredClone(this.#configuration.iceServers), // of several URLs each
      iceTransportPolicy: ['all', 'relay'][iceTransportPolicy],
      bundlePolicy: BUNDLE_POLICIES[bundlePolicy],
      rtcpMuxPolicy: RTCP_MUX_POLICIES[rtcpMuxPolicy],
      certificates: [...this.#configuration.certificates],
      iceCandidatePoolSize,
    };
  }

  setConfiguration(configuration = {}) {
    if (this.#isClosed) throw new DOMException('the connection is closed', 'InvalidStateError');
    const wanted = readConfiguration(configuration);
    call(() => native.connectionSetConfiguration(this.#handle, forNative(wanted)));
    this.#configuration = wanted;
  }

  // ---- offers and answers ----

  /** The operations chain: one operation at a time; what is closed never settles. */
  chain(operation) {
    if (this.#isClosed) return Promise.reject(new DOMException('the connection is closed', 'InvalidStateError'));
    return new Promise((resolve, reject) => {
      this.#chain.push({ operation, resolve, reject });
      if (this.#chain.length === 1) this.#runFirst();
    });
  }

  async #runFirst() {
    const { operation, resolve, reject } = this.#chain[0];
    try {
      const value = await operation();
      if (this.#isClosed) return;
      resolve(value);
    } catch (error) {
      if (this.#isClosed) return;
      reject(error);
    }
    await null;
    if (this.#isClosed) return;
    this.#chain.shift();
    if (this.#chain.length) {
      this.#runFirst();
    } else if (this.#isNeeded) {
      this.#isNeeded = false;
      setImmediate(() => this.#onEvent({ type: NEGOTIATION_NEEDED }));
    }
  }

  createOffer(options = {}) {
    if (typeof options === 'function') throw new TypeError('the legacy callbacks are not offered');
    return this.chain(async () => {
      await task();
      if (this.#isClosed) return undefined;
      return { type: 'offer', sdp: call(() => native.connectionCreateOffer(this.#handle, Boolean(options?.iceRestart))) };
    });
  }

  createAnswer() {
    return this.chain(async () => {
      await task();
      if (this.#isClosed) return undefined;
      return { type: 'answer', sdp: call(() => native.connectionCreateAnswer(this.#handle)) };
    });
  }

  async setLocalDescription(init = {}) {
    const type = init?.type === undefined ? null : SDP_TYPES.indexOf(oneOf(init.type, SDP_TYPES, 'RTCSdpType')) + 1;
    const sdp = init?.sdp === undefined ? '' : String(init.sdp);
    return this.chain(() => this.#setDescription('connectionSetLocalDescription', type, sdp));
  }

  async setRemoteDescription(init) {
    if (init?.type === undefined) throw new TypeError('a remote description needs its type');
    const type = SDP_TYPES.indexOf(oneOf(init.type, SDP_TYPES, 'RTCSdpType')) + 1;
    const sdp = init.sdp === undefined ? '' : String(init.sdp);
    return this.chain(() => this.#setDescription('connectionSetRemoteDescription', type, sdp));
  }

  async #setDescription(setter, type, sdp) {
    const isLocal = setter === 'connectionSetLocalDescription';
    await task();
    if (this.#isClosed) return;
    try {
      native[setter](this.#handle, type, sdp);
    } catch (error) {
      throw this.#descriptionError(error);
    }
    flush(this.#handle, OF_THE_DESCRIPTION);
  }

  #descriptionError(error) {
    return error.parts?.errorDetail ? new RTCError(error.parts, error.message) : translate(error);
  }

  /** The same object as long as the text is the same. */
  #description(which, get) {
    const value = get();
    const last = this.#descriptions.get(which);
    if (!value) return null;
    if (last?.sdp === value.sdp && last?.type === value.type) return last;
    const made = new RTCSessionDescription(value);
    this.#descriptions.set(which, made);
    return made;
  }

  get localDescription() { return this.#description('local', () => native.connectionLocalDescription(this.#handle)); }
  get remoteDescription() { return this.#description('remote', () => native.connectionRemoteDescription(this.#handle)); }
  get currentLocalDescription() { return this.#part('CurrentLocal'); }
  get pendingLocalDescription() { return this.#part('PendingLocal'); }
  get currentRemoteDescription() { return this.#part('CurrentRemote'); }
  get pendingRemoteDescription() { return this.#part('PendingRemote'); }
  #part(which) { return this.#description(which, () => native[`connection${which}Description`](this.#handle)); }

  get signalingState() { return native.connectionSignalingState(this.#handle); }
  get iceGatheringState() { return this.#states.gathering; }
  get iceConnectionState() { return this.#states.ice; }
  get connectionState() { return this.#states.connection; }
  get canTrickleIceCandidates() { return native.connectionCanTrickle(this.#handle); }
  get sctp() { return this.#transports.sctp(native.connectionSctp(this.#handle)); }

  restartIce() {
    if (!this.#isClosed) native.connectionRestartIce(this.#handle);
  }

  async addIceCandidate(candidate) {
    const init = candidate ? { candidate: candidate.candidate ?? '', sdpMid: candidate.sdpMid ?? null,
      sdpMLineIndex: candidate.sdpMLineIndex ?? null, usernameFragment: candidate.usernameFragment ?? null } : null;
    if (init && init.candidate !== '' && init.sdpMid === null && init.sdpMLineIndex === null)
      throw new TypeError('a candidate needs sdpMid or sdpMLineIndex');
    return this.chain(async () => {
      await task();
      if (this.#isClosed) return;
      try {
        native.connectionAddIceCandidate(this.#handle, init);
      } catch (error) {
        // An address that the configuration refuses is passed over in silence, as one that is administratively prohibited.
        if (error.code !== 'WLK_ERR_UNSUPPORTED') throw translate(error);
      }
    });
  }

  // ---- media ----

  #inner(handle) {
    if (!this.#transceivers.has(handle)) this.#transceivers.set(handle, new TransceiverInner(this, handle));
    return this.#transceivers.get(handle);
  }

  getTransceivers() { return native.transceivers(this.#handle).map((handle) => this.#inner(handle).object); }
  getSenders() { return native.connectionSenders(this.#handle).map((handle) => this.#inner(handle).sender); }
  getReceivers() { return native.connectionReceivers(this.#handle).map((handle) => this.#inner(handle).receiver); }

  addTransceiver(trackOrKind, init = {}) {
    const { kind, options } = readTransceiverInit(trackOrKind, init ?? {});
    const inner = this.#inner(call(() => native.transceiverAdd(this.#handle, kind, options)));
    return inner.object;
  }

  addTrack(track, ...streams) {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError('addTrack() takes a track');
    for (const stream of streams) if (!(stream instanceof MediaStream)) throw new TypeError('streams are MediaStreams');
    const ids = streams.map((stream) => stream.id);
    remember(track);
    return this.#inner(call(() => native.connectionAddTrack(this.#handle, KINDS[track.kind], track.id, ids))).sender;
  }

  removeTrack(sender) {
    if (!(sender instanceof RTCRtpSender)) throw new TypeError('removeTrack() takes a sender');
    if (this.#isClosed) throw new DOMException('the connection is closed', 'InvalidStateError');
    const inner = [...this.#transceivers.values()].find((each) => each.sender === sender);
    if (!inner) throw new DOMException('the sender is of another connection', 'InvalidAccessError');
    call(() => native.connectionRemoveTrack(this.#handle, inner.handle));
  }

  transportOf(handle) { return this.#transports.dtls(native.transceiverTransport(handle)); }

  // ---- data ----

  createDataChannel(label, init = {}) {
    if (arguments.length === 0) throw new TypeError('a channel needs its label');
    const [handle, channel] = createChannel(this.#handle, label, init);
    this.#channels.set(handle, channel);
    return channel;
  }

  // ---- statistics ----

  async getStats(selector = null) {
    if (selector !== null && !(selector instanceof MediaStreamTrack)) throw new TypeError('the selector is a track');
    if (selector) return this.#selected(selector).getStats();
    return new Map(Object.entries(JSON.parse(native.connectionStats(this.#handle))));
  }

  #selected(track) {
    const found = this.getTransceivers().flatMap(({ sender, receiver }) => [sender, receiver]).filter((each) => each.track === track);
    if (found.length !== 1) throw new DOMException('the track selects no one sender or receiver', 'InvalidAccessError');
    return found[0];
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    native.connectionClose(this.#handle);
    this.#states.ice = native.connectionIceConnectionState(this.#handle);
    this.#states.connection = native.connectionConnectionState(this.#handle);
    for (const channel of this.#channels.values()) channel[PRIVATE]();
    this.#transports.closed();
  }

  /** The case is over: the handle and all that it gave out are gone. */
  [PRIVATE]() {
    this.#isClosed = true;
    forget(this.#handle);
    native.connectionDestroy(this.#handle);
  }

  // ---- events of the library ----

  #onEvent(event) {
    if (this.#isClosed) return;
    if (event.type >= CHANNEL_FIRST && event.type <= CHANNEL_LAST) {
      this.#channels.get(event.channel)?.[PRIVATE](event);
      return;
    }
    if (this.#transports.onEvent(event)) return;
    const fire = (name) => this.dispatchEvent(new Event(name));
    switch (event.type) {
      case NEGOTIATION_NEEDED: this.#onNegotiationNeeded(); break;
      case SIGNALING: fire('signalingstatechange'); break;
      case CANDIDATE: this.#onCandidate(event); break;
      case GATHERING: this.#onGathering(event.state); break;
      case ICE: this.#states.ice = event.state; fire('iceconnectionstatechange'); break;
      case CONNECTION: this.#states.connection = event.state; fire('connectionstatechange'); break;
      case TRACK: this.#onTrack(event); break;
      case RTP: this.#onMuted(event, false); break;
      case MUTE: this.#onMuted(event, true); break;
      case REMOVE_TRACK: this.#onRemoveTrack(event); break;
      case ENDED: this.#inner(event.transceiver).receiver.track.dispatchEvent(new Event('ended')); break;
      case TONE: this.#inner(event.transceiver).dtmf().dispatchEvent(new RTCDTMFToneChangeEvent('tonechange', event)); break;
      case CHANNEL: this.#onChannel(event.channel); break;
      case CANDIDATE_ERROR: this.#onCandidateError(event); break;
      default: break;
    }
  }

  #onNegotiationNeeded() {
    if (this.#chain.length) this.#isNeeded = true;
    else if (this.signalingState === 'stable') this.dispatchEvent(new Event('negotiationneeded'));
  }

  #onCandidate(event) {
    const sdpMLineIndex = event.sdpMLineIndex < 0 ? null : event.sdpMLineIndex;
    const candidate = new RTCIceCandidate({ ...event, sdpMLineIndex, sdpMid: event.sdpMid ?? '' });
    this.dispatchEvent(new RTCPeerConnectionIceEvent('icecandidate', { candidate }));
  }

  #onGathering(state) {
    this.#states.gathering = state;
    this.dispatchEvent(new Event('icegatheringstatechange'));
    if (state === 'complete') this.dispatchEvent(new RTCPeerConnectionIceEvent('icecandidate', { candidate: null }));
  }

  #stream(id) {
    if (!this.#streams.has(id)) this.#streams.set(id, new MediaStream([], id));
    return this.#streams.get(id);
  }

  #onTrack(event) {
    const { object } = this.#inner(event.transceiver);
    const { track } = object.receiver;
    const streams = event.streamIds.map((id) => this.#stream(id));
    for (const stream of streams) {
      if (stream.getTracks().includes(track)) continue;
      stream.addTrack(track);
      stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track }));
    }
    this.dispatchEvent(new RTCTrackEvent('track', { receiver: object.receiver, track: object.receiver.track, streams,
      transceiver: object }));
  }

  #onRemoveTrack(event) {
    const { track } = this.#inner(event.transceiver).receiver;
    for (const stream of event.streamIds.map((id) => this.#stream(id))) {
      stream.removeTrack(track);
      stream.dispatchEvent(new MediaStreamTrackEvent('removetrack', { track }));
    }
  }

  /** Packets come again, or will not any more. */
  #onMuted(event, isMuted) {
    const inner = this.#inner(event.transceiver);
    if (inner.isMuted === isMuted) return;
    inner.isMuted = isMuted;
    inner.receiver.track.dispatchEvent(new Event(isMuted ? 'mute' : 'unmute'));
  }

  #onChannel(handle) {
    const channel = new RTCDataChannel(PRIVATE, handle);
    this.#channels.set(handle, channel);
    this.dispatchEvent(new RTCDataChannelEvent('datachannel', { channel }));
  }

  #onCandidateError({ url, errorCode, errorText, address }) {
    const [, host, port] = /^\[?(.*?)\]?:(\d+)/.exec(address) ?? [];
    this.dispatchEvent(new RTCPeerConnectionIceErrorEvent('icecandidateerror',
      { address: host ?? null, port: port ? Number(port) : null, url, errorCode, errorText }));
  }
}

defineHandlers(RTCPeerConnection, ['negotiationneeded', 'icecandidate', 'icecandidateerror', 'signalingstatechange',
  'iceconnectionstatechange', 'icegatheringstatechange', 'connectionstatechange', 'track', 'datachannel']);

/** Ends what a case left: connections, and the handles of all that they gave out. */
export function destroyAll() {
  for (const connection of all) connection[PRIVATE]();
  all.clear();
}

// ---- RTCConfiguration ----

function readServer(server) {
  if (server?.urls === undefined) throw new TypeError('a server has urls');
  const urls = typeof server.urls === 'string' ? [server.urls] : [...server.urls].map(String);
  if (!urls.length) throw new DOMException('a server has at least one URL', 'SyntaxError');
  const { username, credential } = server;
  for (const url of urls)
    if (/^turns?:/i.test(url) && (username === undefined || credential === undefined))
      throw new DOMException('a TURN server needs username and credential', 'InvalidAccessError');
  const result = { urls };
  if (username !== undefined) result.username = String(username);
  if (credential !== undefined) result.credential = String(credential);
  return result;
}

function readConfiguration(configuration) {
  if (typeof configuration !== 'object') throw new TypeError('a configuration is a dictionary');
  const read = (name, fallback, list) => oneOf(configuration[name] === undefined ? fallback : configuration[name], list, name);
  const certificates = configuration.certificates === undefined ? [] : [...configuration.certificates];
  for (const certificate of certificates) {
    if (!(certificate instanceof RTCCertificate)) throw new TypeError('certificates are RTCCertificates');
    if (certificate.expires <= Date.now()) throw new DOMException('the certificate has expired', 'InvalidAccessError');
  }
  return {
    iceServers: configuration.iceServers === undefined ? [] : [...configuration.iceServers].map(readServer),
    iceTransportPolicy: read('iceTransportPolicy', 'all', ['all', 'relay']),
    bundlePolicy: read('bundlePolicy', 'balanced', ['balanced', 'max-compat', 'max-bundle']),
    rtcpMuxPolicy: read('rtcpMuxPolicy', 'require', ['require']),
    certificates,
    iceCandidatePoolSize: configuration.iceCandidatePoolSize === undefined ? 0
      : enforceRange(configuration.iceCandidatePoolSize, 255, 'iceCandidatePoolSize'),
  };
}

function forNative(configuration) {
  return {
    iceServers: configuration.iceServers.flatMap(({ urls, username, credential }) =>
      urls.map((url) => ({ url, username, credential }))),
    iceTransportPolicy: configuration.iceTransportPolicy === 'relay' ? 1 : 0,
    bundlePolicy: BUNDLE_POLICIES.indexOf(configuration.bundlePolicy),
    iceCandidatePoolSize: configuration.iceCandidatePoolSize,
    certificate: certificateHandle(configuration.certificates[0]),
  };
}
