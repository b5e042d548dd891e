// Tracks and streams as far as a peer connection needs them to be told apart: what they are is mediacapture-main's matter.
import { randomUUID } from 'node:crypto';
import { defineHandlers, eventClass } from './base.mjs';

export const MediaStreamTrackEvent = eventClass('MediaStreamTrackEvent', { track: null }, ['track']);

export class MediaStreamTrack extends EventTarget {
  #kind;
  #id = randomUUID();
  #ended = false;
  #state;

  /** `state` gives { muted, ended } of a receiver's track; others are always there. */
  constructor(kind, state) {
    super();
    this.#kind = kind;
    this.#state = state;
    this.enabled = true;
  }

  get kind() { return this.#kind; }
  get id() { return this.#id; }
  get label() { return `${this.#state ? 'remote' : 'local'} ${this.#kind}`; }
  get muted() { return this.#state?.().muted ?? false; }
  get readyState() { return this.#ended || this.#state?.().ended ? 'ended' : 'live'; }

  stop() {
    this.#ended = true;
  }

  clone() {
    return new MediaStreamTrack(this.#kind);
  }
}

defineHandlers(MediaStreamTrack, ['mute', 'unmute', 'ended']);

export class MediaStream extends EventTarget {
  #id;
  #tracks = new Set();

  constructor(from = [], id = randomUUID()) {
    super();
    this.#id = id;
    for (const track of from instanceof MediaStream ? from.getTracks() : from) this.#tracks.add(track);
  }

  get id() { return this.#id; }
  get active() { return [...this.#tracks].some((track) => track.readyState === 'live'); }
  getTracks() { return [...this.#tracks]; }
  getAudioTracks() { return this.getTracks().filter((track) => track.kind === 'audio'); }
  getVideoTracks() { return this.getTracks().filter((track) => track.kind === 'video'); }
  getTrackById(id) { return this.getTracks().find((track) => track.id === id) ?? null; }
  addTrack(track) { this.#tracks.add(track); }
  removeTrack(track) { this.#tracks.delete(track); }
}

defineHandlers(MediaStream, ['addtrack', 'removetrack']);
