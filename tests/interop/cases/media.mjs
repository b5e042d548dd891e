// Audio and video of a browser: they come back decodable, at full rate and in time.
import { withConnection } from './connect.mjs';
import { busyCanvas, camera, listen, shownFrame, tone, HEIGHT, WIDTH } from './source.mjs';
import { codecOf, readStats } from './stats.mjs';
import { assert, assertEqual, everySecond, until } from './wait.mjs';

const FULL_RATE = 1.5e6; // bit/s that the encoder is to be allowed at 640x480
const SENT_RATE = 1.2e6; // bit/s that moving detail is to use really
const RAMP_SECONDS = 10; // in which an encoder has found its rate
const GROWTH_SECONDS = 16; // in which it has enlarged a picture again that it shrank at first, and found its rate
const SENT_SECONDS = 3; // over which that rate is to be sent
const MILD = 32; // contrast of detail that Firefox, having shrunk it at its start, enlarges again by itself
const START_FRAMES = 15; // decoded frames after which a stream counts as running

/** Plays a track as a page would: without a consumer, or with a muted one, a browser need not decode it. */
function show(track) {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  element.play().catch(() => {});
  return element;
}

function preferCodec(transceiver, name) {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  const wanted = codecs.filter((codec) => codec.mimeType.toLowerCase() === `video/${name}`);
  assert(wanted.length > 0, `this browser cannot send ${name}`);
  // H.264 first in the form that a software encoder of the browser takes.
  wanted.sort((a, b) => score(b) - score(a));
  transceiver.setCodecPreferences([...wanted, ...codecs.filter((codec) => codec.mimeType === 'video/rtx')]);
}

const score = ({ sdpFmtpLine = '' }) =>
  (sdpFmtpLine.includes('42e01f') ? 2 : 0) + (sdpFmtpLine.includes('packetization-mode=1') ? 1 : 0);

async function keepPictureSize(sender) {
  await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
  assertEqual(sender.getParameters().degradationPreference, 'maintain-resolution', 'degradationPreference');
}

/**
 * A connection with the tracks given, sendrecv; body gets the connection and the elements that show what returns.
 * `keepSize`: when bits are short, the encoder is to leave frames out instead of shrinking the picture.
 */
async function withMedia(world, { audio, video, codec, keepSize }, body) {
  const shown = {};
  const options = {
    media: true,
    async prepare(pc) {
      pc.ontrack = ({ track }) => { shown[track.kind] = { track, element: show(track) }; };
      // As answerer, addTrack takes the transceivers that the offer made.
      if (world.direction === 'answer') {
        for (const track of [audio, video]) if (track) pc.addTrack(track);
        for (const { receiver } of pc.getTransceivers()) pc.ontrack({ track: receiver.track });
        return;
      }
      if (audio) pc.addTransceiver(audio, { direction: 'sendrecv' });
      const transceiver = video && pc.addTransceiver(video, { direction: 'sendrecv' });
      if (codec) preferCodec(transceiver, codec);
      if (keepSize) await keepPictureSize(transceiver.sender);
    },
  };
  try {
    await withConnection(world, options, async (connection) => {
      await connection.connected();
      await body(connection, shown);
    });
  } finally {
    for (const { element } of Object.values(shown)) element.remove();
  }
}

/** Waits until the video is decoded steadily: sizes and rates before that say nothing. */
async function running(pc) {
  return until('15 video frames decoded', async () => {
    const reading = await readStats(pc);
    return (reading.inbound.video?.framesDecoded ?? 0) >= START_FRAMES && reading;
  }, 15000);
}

/** The same at full size: a browser that begins with few bits may shrink the picture for its first seconds. */
async function runningAtFullSize(pc) {
  await running(pc);
  return until('picture of full size', async () => {
    const reading = await readStats(pc);
    return reading.inbound.video.frameWidth === WIDTH && reading;
  }, GROWTH_SECONDS * 1000);
}

function assertCodec(reading, name) {
  assertEqual(codecOf(reading, reading.outbound.video), `video/${name}`, 'codec sent');
  assertEqual(codecOf(reading, reading.inbound.video), `video/${name}`, 'codec received');
}

/** Decoded frames are at least 0.9 of those sent in the same window, at full size, without a freeze. */
function assertSteady(before, after) {
  const sent = after.outbound.video.framesSent - before.outbound.video.framesSent;
  const decoded = after.inbound.video.framesDecoded - before.inbound.video.framesDecoded;
  const freezes = (after.inbound.video.freezeCount ?? 0) - (before.inbound.video.freezeCount ?? 0);
  const { frameWidth, frameHeight } = after.inbound.video;
  assert(sent > 0, 'no frames were sent');
  assert(decoded >= 0.9 * sent, `${decoded} frames decoded of ${sent} sent`);
  assertEqual(freezes, 0, 'number of freezes');
  assertEqual(`${frameWidth}x${frameHeight}`, `${WIDTH}x${HEIGHT}`, 'size of the returned picture');
  return { sent, decoded };
}

/** The camera's picture in one codec, with sound, over the whole window. */
async function codecCase(world, codec) {
  const stream = await camera();
  const [audio] = stream.getAudioTracks();
  const [video] = stream.getVideoTracks();
  try {
    await withMedia(world, { audio, video, codec }, async ({ pc }) => {
      const before = await runningAtFullSize(pc);
      let target = 0;
      await everySecond(world.seconds, async () => {
        target = Math.max(target, (await readStats(pc)).outbound.video.targetBitrate ?? 0);
      });
      const after = await readStats(pc);
      assertCodec(after, codec);
      const { sent, decoded } = assertSteady(before, after);
      const { targetBitrate, qualityLimitationReason } = after.outbound.video;
      // Firefox has no targetBitrate; the busy canvas shows what its encoder is allowed.
      if (targetBitrate !== undefined) assert(target >= FULL_RATE, `targetBitrate reached only ${target}`);
      assert(qualityLimitationReason !== 'bandwidth', 'the encoder is limited by bandwidth');
      world.note?.(`${decoded} of ${sent} frames${target ? `, target ${Math.round(target / 1000)} kbit/s` : ''}`);
    });
  } finally {
    stream.getTracks().forEach((track) => track.stop());
  }
}

/** A busy picture really uses the rate, and the frames that come back are the ones drawn, in order. */
async function busyPicture(world, { contrast, keepSize, seconds = RAMP_SECONDS }) {
  const source = busyCanvas(contrast);
  try {
    await withMedia(world, { video: source.track, codec: 'vp8', keepSize }, async ({ pc }, shown) => {
      await running(pc);
      const { rate, reading } = await reachedRate(pc, seconds);
      assert(rate >= SENT_RATE, `only ${Math.round(rate / 1000)} kbit/s were sent`);
      assertCodec(reading, 'vp8');
      await assertCountsUp(source, shown.video.element);
      const { frameWidth, frameHeight } = (await readStats(pc)).inbound.video;
      const size = `${frameWidth}x${frameHeight}`;
      if (keepSize) assertEqual(size, `${WIDTH}x${HEIGHT}`, 'size of the returned picture');
      world.note?.(`${Math.round(rate / 1000)} kbit/s sent, ${size} returned`);
    });
  } finally {
    source.stop();
  }
}

/** Waits until SENT_RATE was sent for SENT_SECONDS on end; gives the best such rate and the last reading. */
async function reachedRate(pc, seconds) {
  const readings = [await readStats(pc)];
  let rate = 0;
  for (let second = 0; second < seconds && rate < SENT_RATE; second++) {
    await everySecond(1, async () => readings.push(await readStats(pc)));
    const [from, to] = [readings.at(-1 - SENT_SECONDS), readings.at(-1)];
    if (!from) continue;
    const bytes = to.outbound.video.bytesSent - from.outbound.video.bytesSent;
    rate = Math.max(rate, (bytes * 8000) / (to.at - from.at));
  }
  return { rate, reading: readings.at(-1) };
}

/** Twenty different frame numbers are shown, each a little behind what is being drawn. */
async function assertCountsUp(source, element) {
  const seen = new Set();
  await until('20 different frames shown', () => {
    const number = shownFrame(element);
    const behind = (source.frame() - number) & 255;
    if (behind < 60) seen.add(number);
    return seen.size >= 20;
  }, 10000);
}

async function audioCase(world) {
  const source = tone(1000);
  try {
    await withMedia(world, { audio: source.track }, async ({ pc }, shown) => {
      await until('a track from the peer', () => shown.audio, 5000);
      const spectrum = listen(source.context, shown.audio.track);
      let heard = {};
      await until(() => `1 kHz tone (heard ${heard.hertz} Hz at ${heard.level} dB)`, () => {
        heard = spectrum();
        return Math.abs(heard.hertz - 1000) < 30 && heard.level > -50;
      }, 10000);
      const before = await readStats(pc);
      await until('energy of the returned audio', async () => {
        const { inbound } = await readStats(pc);
        return (inbound.audio.totalAudioEnergy ?? 0) > (before.inbound.audio.totalAudioEnergy ?? 0);
      }, 5000);
      assertEqual(codecOf(before, before.inbound.audio), world.audioCodec ?? 'audio/opus', 'audio codec');
    });
  } finally {
    source.stop();
  }
}

/** Without preferences, in one BUNDLE with a data channel: what most pages do. */
async function everything(world) {
  const stream = await camera();
  let channel;
  try {
    await withConnection(world, {
      media: true,
      prepare(pc) {
        pc.ontrack = ({ track }) => show(track);
        stream.getTracks().forEach((track) => pc.addTrack(track, stream));
        channel = pc.createDataChannel('beside media');
      },
    }, async ({ pc }) => {
      await until('channel open', () => channel.readyState === 'open');
      await running(pc);
      await until('audio packets', async () => (await readStats(pc)).inbound.audio?.packetsReceived > 20);
    });
  } finally {
    stream.getTracks().forEach((track) => track.stop());
  }
}

export const cases = {
  everything,
  'opus-tone': audioCase,
  vp8: (world) => codecCase(world, 'vp8'),
  vp9: (world) => codecCase(world, 'vp9'),
  h264: (world) => codecCase(world, 'h264'),
  av1: (world) => codecCase(world, 'av1'),
  // Firefox starts at 300 kbit/s and, left alone, shrinks this picture at once to a size that it gives 500 at most.
  'vp8-busy-canvas': (world) => busyPicture(world, { keepSize: world.stack === 'firefox' }),
  'vp8-mild-canvas': (world) => busyPicture(world, { contrast: MILD, seconds: GROWTH_SECONDS }),
};
