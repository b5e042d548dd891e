// The end of a raw call that is libwebrtc in Node: I420 frames and PCM go in, and come out where its players would show them.
import { load } from '../lib/paths.mjs';
import { HEIGHT, RawPeer, WIDTH, answerOurs, both, judge } from '../cases/raw-call.mjs';
import { Measures, SOUND } from '../cases/raw-measures.mjs';
import { Scene, readPlane } from '../cases/scene.mjs';
import { until } from '../cases/wait.mjs';

const FPS = 30;
const CHUNK = SOUND.rate / 100; // libwebrtc takes audio in pieces of 10 ms
const CHUNK_MS = 10;
const MOST_KBPS = 12000; // what its rate may be: it sends a picture at its rate, so that at the 1.7 Mbit/s of its default each takes the time to the next

/** The wall clock with a fraction: whole milliseconds would do, but for what is summed up. */
const wall = () => performance.timeOrigin + performance.now();

export class WrtcEnd {
  constructor(pc) {
    const { RTCVideoSource, RTCAudioSource } = load('@roamhq/wrtc').nonstandard;
    Object.assign(this, { pc, measures: new Measures(WIDTH, HEIGHT), sinks: [], camera: new RTCVideoSource(), microphone: new RTCAudioSource() });
    pc.ontrack = ({ track }) => this.watch(track);
  }

  stats() {
    return this.pc.getStats();
  }

  stop() {
    clearInterval(this.timer);
    this.sinks.forEach((sink) => sink.stop());
    this.pc.close();
  }

  // ---- in ----

  watch(track) {
    const { RTCVideoSink, RTCAudioSink } = load('@roamhq/wrtc').nonstandard;
    const sink = new (track.kind === 'video' ? RTCVideoSink : RTCAudioSink)(track);
    sink.onframe = ({ frame: { width, height, data } }) => this.measures.picture(readPlane(data, width, height), width, height, wall(), () => {
      const [whole, quarter] = [width * height, (width * height) / 4];
      return { luma: data.slice(0, whole), u: data.slice(whole, whole + quarter), v: data.slice(whole + quarter, whole + 2 * quarter) };
    });
    sink.ondata = ({ samples, channelCount, sampleRate }) => {
      if (sampleRate !== SOUND.rate) return;
      this.measures.sound(Float32Array.from({ length: samples.length / channelCount }, (_, i) => samples[i * channelCount] / 32768), wall());
    };
    this.sinks.push(sink);
  }

  // ---- out ----

  /** Both on one clock: a beep begins in the very moment that its picture is captured. */
  show() {
    const scene = new Scene(WIDTH, HEIGHT);
    const began = wall();
    let [number, chunk] = [0, 0];
    this.timer = setInterval(() => {
      const now = wall() - began;
      for (; (chunk + 1) * CHUNK_MS <= now; chunk++) this.microphone.onData(piece(chunk));
      if ((number * 1000) / FPS > now) return;
      number = Math.floor((now * FPS) / 1000);
      scene.draw(number, Math.floor(wall()));
      this.camera.onFrame({ width: WIDTH, height: HEIGHT, data: scene.i420() });
      number++;
    }, 3);
  }

  async send(pc) {
    const tracks = [this.microphone.createTrack(), this.camera.createTrack()];
    for (const { sender, receiver } of pc.getTransceivers())
      await sender.replaceTrack(tracks.find(({ kind }) => kind === receiver.track.kind));
    pc.getTransceivers().forEach((transceiver) => { transceiver.direction = 'sendrecv'; });
    for (const { sender, receiver } of pc.getTransceivers()) {
      if (receiver.track.kind !== 'video') continue;
      const parameters = sender.getParameters();
      parameters.degradationPreference = 'maintain-resolution';
      await sender.setParameters(parameters);
    }
    this.show();
  }
}

/** The wrapper's senders have no encodings whose `maxBitrate` could be said; b=AS in what it is offered says it as well. */
const withRate = (sdp) => sdp.replace(/^m=video.*\r\n(c=.*\r\n)?/m, `$&b=AS:${MOST_KBPS}\r\n`);

/** 10 ms of the tone, and of the beep in the first 60 ms of each second. */
function piece(chunk) {
  const samples = new Int16Array(CHUNK);
  const beeps = (chunk * CHUNK_MS) % ((1000 * SOUND.beepEvery) / FPS) < SOUND.beepMs;
  for (let i = 0; i < CHUNK; i++) {
    const t = (2 * Math.PI * (chunk * CHUNK + i)) / SOUND.rate;
    samples[i] = 32768 * (SOUND.toneLevel * Math.sin(SOUND.tone * t) + (beeps ? SOUND.beepLevel * Math.sin(SOUND.beep * t) : 0));
  }
  return { samples, sampleRate: SOUND.rate, bitsPerSample: 16, channelCount: 1, numberOfFrames: CHUNK };
}

const call = (codec) => async (world) => {
  const ours = await RawPeer.start(world);
  const theirs = new WrtcEnd(new world.RTCPeerConnection());
  const { pc } = theirs;
  try {
    await ours.do('tracks', { codec });
    await answerOurs(pc, ours, { prepare: () => theirs.send(pc), changeOffer: withRate });
    await until(() => `connected (${pc.connectionState})`, () => pc.connectionState === 'connected');
    world.note(both(await judge(ours, theirs)));
  } finally {
    theirs.stop();
    await ours.stop();
  }
};

export const cases = { vp8: call('VP8'), vp9: call('VP9') };
