// The end of a raw call that is a page: a canvas and oscillators are sent, video elements and an audio worklet look and listen.
import { Measures, SOUND } from './raw-measures.mjs';
import { Scene, colourOf, lumaOf, readMark } from './scene.mjs';

const FPS = 30;
const MOST = 3000000; // bit/s
const [BAR_WIDTH, BAR_HEIGHT] = [80, 8];
const OFFSETS = 200;

/** The moment that a video element shows a picture: of its submission for composition. */
const shownAt = ({ presentationTime }) => Date.now() - (performance.now() - presentationTime);

export class PageEnd {
  /** @param hint of the video track's content */
  constructor(pc, width, height, hint = '') {
    Object.assign(this, { pc, width, height, hint, measures: new Measures(width, height), timers: [], looks: [] });
    this.context = new AudioContext({ sampleRate: SOUND.rate });
    this.context.resume();
    pc.addEventListener('track', ({ track, transceiver }) => {
      if (track.kind === 'video') this.look(track, transceiver.mid);
      else this.listen(track);
    });
  }

  stats() {
    return this.pc.getStats();
  }

  stop() {
    this.timers.forEach(clearInterval);
    this.context.close();
    this.pc.close();
  }

  // ---- in ----

  element(kind, track) {
    const element = document.createElement(kind);
    Object.assign(element, { autoplay: true, muted: true, playsInline: true, srcObject: new MediaStream([track]) });
    document.body.append(element);
    element.play().catch(() => {});
    return element;
  }

  /** `measuresOf` may give the pictures of some sections measures of their own. */
  measuresOf() {
    return this.measures;
  }

  look(track, mid) {
    const video = this.element('video', track);
    const pen = (width, height) =>
      Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
    const bar = pen(BAR_WIDTH, BAR_HEIGHT);
    const picture = (_, metadata) => {
      const at = shownAt(metadata);
      const { videoWidth: width, videoHeight: height } = video;
      bar.drawImage(video, 0, (height * 7) / 8, width, height / 8, 0, 0, BAR_WIDTH, BAR_HEIGHT);
      const { data } = bar.getImageData(0, 0, BAR_WIDTH, BAR_HEIGHT);
      const mark = readMark((x, y) => data[4 * (Math.floor(y * BAR_HEIGHT) * BAR_WIDTH + Math.floor(x * BAR_WIDTH)) + 1] > 127);
      this.measuresOf(mid).picture(mark, width, height, at, () => {
        const whole = pen(width, height);
        whole.drawImage(video, 0, 0);
        const rgba = whole.getImageData(0, 0, width, height).data;
        const [u, v] = colourOf(rgba);
        return { luma: lumaOf(rgba), u, v };
      });
      video.requestVideoFrameCallback(picture);
    };
    video.requestVideoFrameCallback(picture);
  }

  async listen(track) {
    // A page that plays a track by no element gets no sound of it.
    this.element('audio', track);
    if (globalThis.MediaStreamTrackProcessor) await this.listenAtTrack(track);
    else await this.listenInGraph(track);
  }

  /** As the track gives it, which is where pictures are looked at, too: the graph adds a queue of its own, of some 30 ms. */
  async listenAtTrack(track) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const offsets = [];
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      // Its clock ticks as ours does; the read that came soonest behind its moment tells how they differ.
      const moment = value.timestamp / 1000;
      offsets.push(Date.now() - moment);
      if (offsets.length > OFFSETS) offsets.shift();
      this.measures.sound(samples, moment + Math.min(...offsets));
      value.close();
    }
  }

  async listenInGraph(track) {
    await this.context.audioWorklet.addModule('/cases/raw-worklet.mjs');
    const ear = new AudioWorkletNode(this.context, 'ear', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    ear.port.onmessage = ({ data: { samples, at } }) => this.measures.sound(samples, at);
    this.context.createMediaStreamSource(new MediaStream([track])).connect(ear);
  }

  // ---- out ----

  /** Tracks of the scene and its sound. */
  show() {
    this.beep = this.oscillate(SOUND.beep, 0);
    this.oscillate(SOUND.tone, SOUND.toneLevel);
    const canvas = Object.assign(document.createElement('canvas'), { width: this.width, height: this.height });
    const scene = new Scene(this.width, this.height);
    const pen = canvas.getContext('2d');
    const image = pen.createImageData(this.width, this.height);
    const began = performance.now();
    let last = -1;
    document.body.append(canvas);
    this.timers.push(setInterval(() => {
      const number = Math.floor(((performance.now() - began) * FPS) / 1000);
      if (number === last) return;
      last = number;
      const moment = Date.now();
      if (number % SOUND.beepEvery === 0) this.soundBeep();
      scene.draw(number, moment);
      scene.toRgba(image.data);
      pen.putImageData(image, 0, 0);
    }, 1000 / FPS / 4));
    const stream = canvas.captureStream();
    stream.getVideoTracks()[0].contentHint = this.hint;
    this.sound.stream.getTracks().forEach((track) => stream.addTrack(track));
    return stream;
  }

  oscillate(hertz, level) {
    this.sound ??= this.context.createMediaStreamDestination();
    const [oscillator, gain] = [this.context.createOscillator(), this.context.createGain()];
    oscillator.frequency.value = hertz;
    gain.gain.value = level;
    oscillator.connect(gain).connect(this.sound);
    oscillator.start();
    return gain.gain;
  }

  soundBeep() {
    const now = this.context.currentTime;
    this.beep.setValueAtTime(SOUND.beepLevel, now);
    this.beep.setValueAtTime(0, now + SOUND.beepMs / 1000);
  }

  /** Sends the scene on the sections that an offer brought. `wish(parameters)` changes what its video is sent by. */
  async send(pc, wish) {
    const stream = this.show();
    for (const transceiver of pc.getTransceivers()) {
      const { sender, receiver } = transceiver;
      await sender.replaceTrack(stream.getTracks().find(({ kind }) => kind === receiver.track.kind));
      transceiver.direction = 'sendrecv';
      sender.setStreams?.(stream);
      if (receiver.track.kind === 'video') await this.setParameters(sender, wish);
    }
  }

  /** The size stays: what is compared is what was drawn. Chromium gives a picture of this size 1.7 Mbit/s by itself, ours up to what the path bears. */
  async setParameters(sender, wish = () => {}) {
    const parameters = sender.getParameters();
    parameters.degradationPreference = 'maintain-resolution';
    if (!parameters.encodings?.length) parameters.encodings = [{}];
    parameters.encodings[0].maxBitrate = MOST;
    wish(parameters.encodings);
    await sender.setParameters(parameters);
  }
}
