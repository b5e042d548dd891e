// Audio and video of libwebrtc in Node: frames go in, and frames of the same look and tone come out.
import { load } from '../lib/paths.mjs';
import { withConnection } from '../cases/connect.mjs';
import { until } from '../cases/wait.mjs';

const WIDTH = 640;
const HEIGHT = 480;
const SAMPLE_RATE = 48000;
const CHUNK = SAMPLE_RATE / 100; // libwebrtc takes audio in pieces of 10 ms
const FRAMES_WANTED = 60;
const LUMA = 180;

/** A flat grey picture with one bright bar that moves, in I420. */
function picture(number) {
  const data = new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2).fill(128);
  data.fill(LUMA, 0, WIDTH * HEIGHT);
  const bar = (number * 8) % (WIDTH - 32);
  for (let row = 0; row < HEIGHT; row++) data.fill(235, row * WIDTH + bar, row * WIDTH + bar + 32);
  return { width: WIDTH, height: HEIGHT, data };
}

function sound(position) {
  const samples = new Int16Array(CHUNK);
  for (let i = 0; i < CHUNK; i++) samples[i] = 12000 * Math.sin((2 * Math.PI * 1000 * (position + i)) / SAMPLE_RATE);
  return { samples, sampleRate: SAMPLE_RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: CHUNK };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export async function frames(world) {
  const { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink } = load('@roamhq/wrtc').nonstandard;
  const videoSource = new RTCVideoSource();
  const audioSource = new RTCAudioSource();
  const seen = { frames: 0, loud: 0 };
  const sinks = [];
  let number = 0;
  let position = 0;
  const timers = [
    setInterval(() => videoSource.onFrame(picture(number++)), 1000 / 30),
    setInterval(() => {
      audioSource.onData(sound(position));
      position += CHUNK;
    }, 10),
  ];
  const watch = (track) => {
    const sink = new (track.kind === 'video' ? RTCVideoSink : RTCAudioSink)(track);
    sinks.push(sink);
    sink.onframe = ({ frame }) => {
      if (frame.width === WIDTH && frame.height === HEIGHT && looksRight(frame)) seen.frames++;
    };
    sink.ondata = ({ samples }) => {
      if (mean(Array.from(samples, Math.abs)) > 1000) seen.loud++;
    };
  };
  const prepare = (pc) => {
    pc.ontrack = ({ track }) => watch(track);
    pc.addTrack(audioSource.createTrack());
    pc.addTrack(videoSource.createTrack());
    if (world.direction === 'answer') pc.getReceivers().forEach(({ track }) => watch(track));
  };
  try {
    await withConnection(world, { media: true, prepare }, async (connection) => {
      await connection.connected();
      await until(() => `${FRAMES_WANTED} full-size frames back (${seen.frames})`,
        () => seen.frames >= FRAMES_WANTED, 20000);
      await until(() => `1 s of loud sound back (${seen.loud / 100} s)`, () => seen.loud >= 100, 10000);
    });
  } finally {
    timers.forEach(clearInterval);
    sinks.forEach((sink) => sink.stop());
  }
}

/** The background has kept its brightness: the frame is a decoded picture and not an empty one. */
function looksRight({ data }) {
  const column = WIDTH - 4; // the bar never gets there
  return Math.abs(data[(HEIGHT / 2) * WIDTH + column] - LUMA) < 12;
}
