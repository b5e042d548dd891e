// The call of wirelark-bench-media with libwebrtc at both ends: same content, same link, same journal.
//
//   media-wrtc.mjs CONTENT JOURNAL PORT_A PORT_B SECONDS
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { load } from '../../../tests/interop/lib/paths.mjs';
import { cpuUs, nowUs } from './clock.mjs';

const { RTCPeerConnection, nonstandard } = load('@roamhq/wrtc');
const { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink } = nonstandard;

// content.h and journal.h
const WIDTH = 640;
const HEIGHT = 480;
const FPS = 30;
const PICTURES = 300;
const PICTURE_SIZE = (WIDTH * HEIGHT * 3) / 2;
const BITS = 16;
const STRIP = HEIGHT / 16;
const BLOCK = 480;
const PICTURE_EVERY = 10;
const MAX_BITRATE = 4_000_000;
const TICK_MS = 2;

const [content, journalPath, portA, portB, seconds] = process.argv.slice(2);
const film = readFileSync(path.join(content, 'film.i420'));
const speechBytes = readFileSync(path.join(content, 'speech.s16'));
const speech = new Int16Array(speechBytes.buffer, speechBytes.byteOffset, speechBytes.length / 2);
const journal = openSync(journalPath, 'w');

function write(kind, { time = nowUs(), number = 0, width = 0, height = 0, data } = {}) {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(kind.charCodeAt(0), 0);
  head.writeUInt32LE(data?.byteLength ?? 0, 4);
  head.writeBigInt64LE(BigInt(time), 8);
  head.writeUInt32LE(number, 16);
  head.writeUInt32LE(width, 20);
  head.writeUInt32LE(height, 24);
  writeSync(journal, head);
  if (data) writeSync(journal, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
}

/** Picture `number` with its number in squares along the bottom, as content_picture() draws it. */
function picture(number) {
  const at = (number % PICTURES) * PICTURE_SIZE;
  const data = new Uint8ClampedArray(film.subarray(at, at + PICTURE_SIZE));
  for (let y = HEIGHT - STRIP; y < HEIGHT; y++)
    for (let bit = 0; bit < BITS; bit++)
      data.fill((number >> bit) & 1 ? 220 : 30, y * WIDTH + (bit * WIDTH) / BITS, y * WIDTH + ((bit + 1) * WIDTH) / BITS);
  const colour = (WIDTH / 2) * (STRIP / 2);
  for (const end of [WIDTH * HEIGHT * 1.25, WIDTH * HEIGHT * 1.5]) data.fill(128, end - colour, end);
  return { width: WIDTH, height: HEIGHT, data };
}

function numberIn({ width, height, data }) {
  const y = height - Math.floor(height / 32);
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) if (data[y * width + Math.floor(((2 * bit + 1) * width) / (2 * BITS))] > 125) number |= 1 << bit;
  return number;
}

async function described(pc, description) {
  await pc.setLocalDescription(description);
  await new Promise((resolve) => {
    const check = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', check);
    check();
  });
  return pc.localDescription;
}

/** The description with one candidate in place of its own: the link, at the address that the candidates had. */
function throughLink({ type, sdp }, port) {
  const address = sdp.match(/^a=candidate:\S+ 1 udp \d+ ([\d.]+) \d+ typ host/im)[1];
  const lines = sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:'));
  const candidate = `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`;
  return { type, sdp: lines.flatMap((line) => (line.startsWith('a=ice-pwd:') ? [line, candidate] : [line])).join('\r\n') };
}

const a = new RTCPeerConnection();
const b = new RTCPeerConnection();
const camera = new RTCVideoSource();
const microphone = new RTCAudioSource();
const sinks = [];
let shown = 0;
b.ontrack = ({ track }) => {
  const sink = new (track.kind === 'video' ? RTCVideoSink : RTCAudioSink)(track);
  sinks.push(sink);
  sink.onframe = ({ frame }) => {
    const kept = shown++ % PICTURE_EVERY === 0 ? { data: frame.data } : {};
    write('V', { number: numberIn(frame), width: frame.width, height: frame.height, ...kept });
  };
  sink.ondata = ({ samples, sampleRate, channelCount }) => {
    // 10 ms; before the first packet at another rate, a divisor of this one.
    write('A', { data: Int16Array.from({ length: BLOCK }, (_, i) => samples[Math.floor((i * sampleRate) / 48000) * channelCount]) });
  };
};
a.addTransceiver(microphone.createTrack(), { direction: 'sendonly' });
a.addTransceiver(camera.createTrack(), { direction: 'sendonly', sendEncodings: [{ maxBitrate: MAX_BITRATE }] });

const connected = new Promise((resolve, reject) => {
  const check = () => {
    if (a.connectionState === 'connected' && b.connectionState === 'connected') resolve();
    if (a.connectionState === 'failed' || b.connectionState === 'failed') reject(new Error('the connection failed'));
  };
  for (const pc of [a, b]) pc.onconnectionstatechange = check;
});
await b.setRemoteDescription(throughLink(await described(a, await a.createOffer()), portB));
await a.setRemoteDescription(throughLink(await described(b, await b.createAnswer()), portA));
await connected;

console.log('{"ready":true}');
const began = nowUs();
write('P', { time: began });
let blocks = 0;
let pictures = 0;
await new Promise((resolve) => {
  const timer = setInterval(() => {
    const passed = nowUs() - began;
    for (; blocks * 10000 <= passed; blocks++) {
      const at = (blocks * BLOCK) % speech.length;
      microphone.onData({ samples: speech.slice(at, at + BLOCK), sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: BLOCK });
    }
    for (; (pictures * 1e6) / FPS <= passed; pictures++) {
      write('C', { number: pictures & 0xffff });
      camera.onFrame(picture(pictures));
    }
    if (passed < Number(seconds) * 1e6) return;
    clearInterval(timer);
    resolve();
  }, TICK_MS);
});
write('E');
const inbound = [...(await b.getStats()).values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
console.log(JSON.stringify({
  concealed: inbound.concealedSamples ?? 0,
  samples: inbound.totalSamplesReceived ?? 0,
  cpu_s: Number((cpuUs() / 1e6).toFixed(2)),
}));
closeSync(journal);
process.exit(0);
