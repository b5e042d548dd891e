// RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver.
import { call, defineHandlers, eventClass, native, oneOf, onlyInside, PRIVATE, task } from './base.mjs';
import { MediaStream, MediaStreamTrack } from './media.mjs';

const tracks = new Map();

/** The library knows tracks by their ids: the objects are kept here. */
export function remember(track) {
  tracks.set(track.id, track);
}

export const DIRECTIONS = ['inactive', 'sendonly', 'recvonly', 'sendrecv', 'stopped'];
export const KINDS = { audio: 1, video: 2 };

export const RTCTrackEvent = eventClass('RTCTrackEvent', { receiver: null, track: null, streams: [], transceiver: null },
  ['receiver', 'track', 'transceiver']);

export class RTCRtpSender {
  #transceiver;

  constructor(key, transceiver) {
    onlyInside(key);
    this.#transceiver = transceiver;
  }

  get track() { return tracks.get(native.senderTrackId(this.#transceiver[PRIVATE].handle)) ?? null; }
  get transport() { return this.#transceiver[PRIVATE].transport(); }
  get dtmf() { return this.#transceiver[PRIVATE].dtmf(); }

  async replaceTrack(track) {
    if (track !== null && !(track instanceof MediaStreamTrack)) throw new TypeError('replaceTrack() takes a track or null');
    return this.#transceiver[PRIVATE].replaceTrack(track);
  }

  setStreams(...streams) {
    this.#transceiver[PRIVATE].setStreams(streams);
  }

  getParameters() { return this.#transceiver[PRIVATE].getSendParameters(); }
  async setParameters(parameters) { return this.#transceiver[PRIVATE].setParameters(parameters); }
  async getStats() { return this.#transceiver[PRIVATE].getStats('sender'); }
  async generateKeyFrame(rids) { return native.senderGenerateKeyFrame(this.#transceiver[PRIVATE].handle, rids); }

  static getCapabilities(kind) { return capabilities('sender', kind); }
}

export class RTCRtpReceiver {
  #transceiver;
  #track;

  constructor(key, transceiver, kind, state) {
    onlyInside(key);
    this.#transceiver = transceiver;
    this.#track = new MediaStreamTrack(kind, state);
  }

  get track() { return this.#track; }
  get transport() { return this.#transceiver[PRIVATE].transport(); }
  getParameters() { return this.#transceiver[PRIVATE].getReceiveParameters(); }
  getContributingSources() { return native.receiverContributingSources(this.#transceiver[PRIVATE].handle); }
  getSynchronizationSources() { return native.receiverSynchronizationSources(this.#transceiver[PRIVATE].handle); }
  async getStats() { return this.#transceiver[PRIVATE].getStats('receiver'); }

  static getCapabilities(kind) { return capabilities('receiver', kind); }
}

function capabilities(side, kind) {
  return KINDS[kind] ? native.capabilities(side === 'sender', KINDS[kind]) : null;
}

export const RTCDTMFToneChangeEvent = eventClass('RTCDTMFToneChangeEvent', { tone: '' });

export class RTCDTMFSender extends EventTarget {
  #handle;

  constructor(key, handle) {
    super();
    onlyInside(key);
    this.#handle = handle;
  }

  get canInsertDTMF() { return native.senderCanInsertDtmf(this.#handle); }
  get toneBuffer() { return native.senderToneBuffer(this.#handle); }

  insertDTMF(tones, duration = 100, gap = 70) {
    call(() => native.senderInsertDtmf(this.#handle, String(tones), duration, gap));
  }
}

defineHandlers(RTCDTMFSender, ['tonechange']);

/** One m-section: the objects that a page sees of one C handle. */
export class RTCRtpTransceiver {
  #inner;

  constructor(key, inner) {
    onlyInside(key);
    this.#inner = inner;
  }

  get mid() { return native.transceiverMid(this.#inner.handle); }
  get sender() { return this.#inner.sender; }
  get receiver() { return this.#inner.receiver; }
  get direction() { return DIRECTIONS[native.transceiverDirection(this.#inner.handle)]; }

  set direction(direction) {
    const index = DIRECTIONS.indexOf(String(direction));
    if (index < 0) return; // Web IDL: another word is no assignment
    call(() => native.transceiverSetDirection(this.#inner.handle, index));
  }

  get currentDirection() {
    const direction = native.transceiverCurrentDirection(this.#inner.handle);
    return DIRECTIONS[direction] ?? null;
  }

  stop() { call(() => native.transceiverStop(this.#inner.handle)); }
  setCodecPreferences(codecs) { this.#inner.setCodecPreferences([...codecs]); }
  getHeaderExtensionsToNegotiate() { return native.transceiverHeaderExtensionsToNegotiate(this.#inner.handle); }
  getNegotiatedHeaderExtensions() { return native.transceiverNegotiatedHeaderExtensions(this.#inner.handle); }

  setHeaderExtensionsToNegotiate(extensions) {
    call(() => native.transceiverSetHeaderExtensionsToNegotiate(this.#inner.handle, extensions));
  }

  get [PRIVATE]() { return this.#inner; }
}

/** What the three objects share. */
export class TransceiverInner {
  constructor(connection, handle) {
    this.connection = connection;
    this.handle = handle;
    this.kind = native.transceiverKind(handle);
    this.object = new RTCRtpTransceiver(PRIVATE, this);
    this.sender = new RTCRtpSender(PRIVATE, this.object);
    this.receiver = new RTCRtpReceiver(PRIVATE, this.object, this.kind, () => this.trackState());
    this.isMuted = true;
  }

  trackState() {
    return { muted: this.isMuted, ended: native.transceiverDirection(this.handle) === DIRECTIONS.indexOf('stopped') };
  }

  transport() { return this.connection.transportOf(this.handle); }
  dtmf() {
    if (this.kind !== 'audio') return null;
    this.tones ??= new RTCDTMFSender(PRIVATE, this.handle);
    return this.tones;
  }

  async replaceTrack(track) {
    if (track && track.kind !== this.kind) throw new TypeError('the track is of another kind');
    if (track) remember(track);
    return this.connection.chain(async () => {
      await task();
      call(() => native.senderReplaceTrack(this.handle, track?.id ?? null));
    });
  }

  setStreams(streams) {
    call(() => native.senderSetStreams(this.handle, streams.map((stream) => stream.id)));
  }

  getSendParameters() { return native.senderParameters(this.handle); }
  getReceiveParameters() { return native.receiverParameters(this.handle); }
  setCodecPreferences(codecs) {
    call(() => native.transceiverSetCodecPreferences(this.handle, codecs));
  }

  async setParameters(parameters) {
    if (parameters?.transactionId === undefined) throw new TypeError('parameters have a transactionId');
    const encodings = readEncodings(parameters.encodings);
    call(() => native.senderSetParameters(this.handle, { ...parameters, encodings }));
  }

  async getStats(side) {
    return new Map(Object.entries(JSON.parse(native.transceiverStats(this.handle, side === 'sender'))));
  }
}

const PRIORITIES = ['very-low', 'low', 'medium', 'high'];

/** RTCRtpEncodingParameters as Web IDL reads them. */
function readEncodings(encodings) {
  return [...encodings].map((encoding) => {
    for (const name of ['priority', 'networkPriority'])
      if (encoding[name] !== undefined) oneOf(encoding[name], PRIORITIES, name);
    return { ...encoding };
  });
}

/** addTransceiver()'s arguments, checked as Web IDL does, and the track if there is one. */
export function readTransceiverInit(trackOrKind, init = {}) {
  const track = trackOrKind instanceof MediaStreamTrack ? trackOrKind : null;
  if (track) remember(track);
  const kind = track ? track.kind : oneOf(trackOrKind, Object.keys(KINDS), 'kind');
  const streams = init.streams === undefined ? [] : [...init.streams];
  for (const stream of streams) if (!(stream instanceof MediaStream)) throw new TypeError('streams are MediaStreams');
  const direction = init.direction === undefined ? 'sendrecv' : oneOf(init.direction, DIRECTIONS, 'direction');
  return { track, kind: KINDS[kind], options: {
    direction: DIRECTIONS.indexOf(direction),
    streamIds: streams.map((stream) => stream.id),
    trackId: track?.id,
    sendEncodings: readEncodings(init.sendEncodings ?? []),
  } };
}
