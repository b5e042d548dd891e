// One peer connection of the counterpart to the echo peer, offered by either side.
//
// `world` is what the place we run in provides:
//   RTCPeerConnection  the constructor under test
//   url                where to send: the echo peer itself, or the relay of the tests in front of it
//   direction          'offer': we offer by POST /offer; 'answer': the peer offers, the relay fetches it
//   stack              name of the counterpart, for the few differences that are theirs
//   ownRace            optional: what the counterpart's error says when it lost a race against itself; tried again
import { Channel } from './channel.mjs';
import { assert, until } from './wait.mjs';

const GATHER_MS = 5000;

export class Connection {
  /**
   * @param options.config    RTCConfiguration
   * @param options.prepare   awaited before the first description, with the RTCPeerConnection: adds channels and tracks
   * @param options.channels  negotiated channels that the echo peer is to create (ECHO.md "channels")
   * @param options.media     direction 'answer' only: the peer is to offer audio and video too
   * @param options.offererOptions  direction 'answer' only: options of the offering program, of those that the relay knows
   * @param options.mungeOffer, options.mungeAnswer  change the SDP on its way
   */
  static async open(world, options = {}) {
    for (let attempt = 1; ; attempt++) {
      const connection = new Connection(world, options);
      world.connections?.add(connection);
      try {
        await connection.start();
        return connection;
      } catch (error) {
        connection.close();
        if (attempt === 5 || !world.ownRace?.test(error.message)) throw error;
        world.note(`attempt ${attempt} lost a race inside ${world.stack}`);
      }
    }
  }

  constructor(world, options) {
    this.world = world;
    this.options = options;
    this.pc = new world.RTCPeerConnection(options.config ?? {});
    this.id = undefined;
    this.incoming = [];
    // Wrapped at once: a first message may follow right behind the OPEN.
    this.pc.ondatachannel = ({ channel }) => this.incoming.push(new Channel(channel));
  }

  async start() {
    if (this.world.direction === 'answer') return this.acceptOffer();
    await this.options.prepare?.(this.pc);
    return this.negotiate(this.options);
  }

  /** Makes an offer, posts it and applies the answer; with the session's id from the second time on. */
  async negotiate({ channels, mungeOffer, mungeAnswer, offerOptions } = {}) {
    await this.pc.setLocalDescription(await this.pc.createOffer(offerOptions));
    await this.gathered();
    const offer = this.pc.localDescription.sdp;
    const body = { type: 'offer', sdp: mungeOffer ? mungeOffer(offer) : offer, id: this.id, channels };
    const answer = await this.post('/offer', body);
    this.id ??= answer.id;
    this.offerSdp = body.sdp;
    this.answerSdp = answer.sdp;
    const sdp = mungeAnswer ? mungeAnswer(answer.sdp) : answer.sdp;
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
  }

  async acceptOffer() {
    const { media, offererOptions = [] } = this.options;
    const offer = await this.post(`/offerer?${new URLSearchParams({ ...(media && { media: 1 }), with: offererOptions })}`, {});
    this.key = offer.key;
    this.offerSdp = this.options.mungeOffer ? this.options.mungeOffer(offer.sdp) : offer.sdp;
    await this.pc.setRemoteDescription({ type: 'offer', sdp: this.offerSdp });
    await this.options.prepare?.(this.pc);
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    await this.gathered();
    this.answerSdp = this.pc.localDescription.sdp;
    await this.post(`/offerer/${this.key}`, { type: 'answer', sdp: this.answerSdp });
  }

  /** Waits until all candidates are in the local description: there is no trickling over POST /offer. */
  async gathered() {
    const complete = () => this.pc.iceGatheringState === 'complete';
    await until('gathering complete', complete, GATHER_MS).catch(() => {});
    assert(this.pc.localDescription?.sdp, 'no local description after gathering');
  }

  async post(path, body) {
    const response = await fetch(this.world.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert(response.ok, `POST ${path}: ${response.status} ${text.trim().slice(0, 200)}`);
    return text ? JSON.parse(text) : {};
  }

  async connected(ms = 10000) {
    const states = () => `connected (ice ${this.pc.iceConnectionState}, state ${this.pc.connectionState})`;
    await until(states, () => this.pc.connectionState === 'connected', ms);
  }

  close() {
    this.pc.close();
    this.world.connections?.delete(this);
    if (this.key) fetch(`${this.world.url}/offerer/${this.key}`, { method: 'DELETE' }).catch(() => {});
  }
}

/** Opens a connection, gives it to body() and closes it, whatever happens. */
export async function withConnection(world, options, body) {
  let connection;
  try {
    connection = await Connection.open(world, options);
    return await body(connection);
  } finally {
    connection?.close();
  }
}
