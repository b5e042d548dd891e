// The other stacks behind one small interface, so that the cases are the same for both.
//
//   new Connection({ offers, media, signal(message), open(), message(size), packet() })
//     signal(message)   a description or candidate for the other process; take(message) is its counterpart
//     open()            the channel is open, or with media the track
//     send(buffer)      one binary message, or with media one RTP packet
//     canSend()         less than HIGH waits; otherwise drained() is called once there is room again
//     close()
//
// Both trickle their candidates, which is how they are fastest.
import { load } from '../../../tests/interop/lib/paths.mjs';

export const HIGH = 1 << 20;
const LOW = HIGH / 4;
const VIDEO_TYPE = 96;
const SSRC = 4711;

/** libdatachannel's own interface, not the W3C one that comes with the package: little of what is measured is Node's. */
function libdatachannel() {
  const { PeerConnection, Video, preload } = load('node-datachannel');
  preload();

  return class {
    constructor({ offers, media, ...callbacks }) {
      Object.assign(this, callbacks);
      this.pc = new PeerConnection('bench', { iceServers: [] });
      this.pc.onLocalDescription((sdp, type) => this.signal({ sdp, type }));
      // Its offerer must not be found before it knows the answer: it would check the certificate against a fingerprint
      // that it has not stored yet, and fail. So its candidates follow the answer.
      this.held = offers ? [] : undefined;
      this.pc.onLocalCandidate((candidate, mid) => {
        if (this.held) this.held.push({ candidate, mid });
        else this.signal({ candidate, mid });
      });
      this.pc.onDataChannel((channel) => this.use(channel));
      this.pc.onTrack((track) => this.use(track));
      if (!offers) return;
      if (media) {
        const video = new Video('video', 'SendOnly');
        video.addVP8Codec(VIDEO_TYPE);
        video.addSSRC(SSRC, 'bench');
        this.use(this.pc.addTrack(video));
        this.pc.setLocalDescription();
      } else {
        this.use(this.pc.createDataChannel('bench'));
      }
    }

    use(channel) {
      this.channel = channel;
      channel.onMessage((data) => this.message(data));
      channel.setBufferedAmountLowThreshold?.(LOW);
      channel.onBufferedAmountLow?.(() => this.drained());
      let told = false;
      const tell = () => {
        if (!told) this.open();
        told = true;
      };
      channel.onOpen(tell);
      if (channel.isOpen()) tell();
    }

    take({ sdp, type, candidate, mid }) {
      if (sdp) {
        this.pc.setRemoteDescription(sdp, type);
        for (const message of this.held ?? []) this.signal(message);
        this.held = undefined;
      } else {
        this.pc.addRemoteCandidate(candidate, mid);
      }
    }

    canSend() {
      return this.channel.bufferedAmount() < HIGH;
    }

    send(data) {
      this.channel.sendMessageBinary(data);
    }

    close() {
      this.pc.close();
    }
  };
}

/** Google's stack behind the W3C interface. It has none for RTP packets. */
function libwebrtc() {
  const { RTCPeerConnection } = load('@roamhq/wrtc');
  const POLL_MS = 5;

  return class {
    constructor({ offers, media, ...callbacks }) {
      if (media) throw new Error('no interface for RTP packets');
      Object.assign(this, callbacks);
      this.pc = new RTCPeerConnection();
      this.pc.onicecandidate = ({ candidate }) => candidate && this.signal({ candidate: candidate.toJSON?.() ?? candidate });
      this.pc.ondatachannel = ({ channel }) => this.use(channel);
      this.work = Promise.resolve();
      if (offers) {
        this.use(this.pc.createDataChannel('bench'));
        this.inTurn(() => this.describe('createOffer'));
      }
    }

    inTurn(step) {
      this.work = this.work.then(step);
    }

    async describe(make) {
      const { sdp, type } = await this.pc[make]();
      this.signal({ sdp, type });
      await this.pc.setLocalDescription({ sdp, type });
    }

    use(channel) {
      this.channel = channel;
      channel.binaryType = 'arraybuffer';
      channel.bufferedAmountLowThreshold = LOW;
      channel.onmessage = ({ data }) => this.message(data);
      channel.onbufferedamountlow = () => this.drained();
      if (channel.readyState === 'open') this.open();
      else channel.onopen = () => this.open();
    }

    take({ sdp, type, candidate }) {
      this.inTurn(async () => {
        if (!sdp) return this.pc.addIceCandidate(candidate);
        await this.pc.setRemoteDescription({ sdp, type });
        return type === 'offer' ? this.describe('createAnswer') : undefined;
      });
    }

    canSend() {
      const room = this.channel.bufferedAmount < HIGH;
      if (!room) this.timer ??= setInterval(() => this.poll(), POLL_MS);
      return room;
    }

    /** This package's bufferedamountlow event does not always come. */
    poll() {
      if (this.channel.bufferedAmount > LOW) return;
      clearInterval(this.timer);
      this.timer = undefined;
      this.drained();
    }

    send(data) {
      this.channel.send(data);
    }

    close() {
      clearInterval(this.timer);
      this.pc.onicecandidate = null;
      this.pc.close();
    }
  };
}

export const stacks = { libdatachannel, libwebrtc };
