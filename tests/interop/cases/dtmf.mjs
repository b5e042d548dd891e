// Telephone events (RFC 4733): those of the browser's RTCDTMFSender packet by packet, and ours in the audio that it plays.
import { withSession } from './driven.mjs';
import { tone } from './source.mjs';
import { readStats } from './stats.mjs';
import { assert, assertEqual, until } from './wait.mjs';

const ROW = '19#*AD';
const NUMBERS = [1, 9, 11, 10, 12, 15]; // RFC 4733 3.2
const DURATION_MS = 120;
const GAP_MS = 80;
const PACKET_MS = 20;

/** A session with audio both ways; `codecs` are the browser's, as { mimeType, clockRate }. Gives the transceiver. */
async function withAudio(world, body, codecs) {
  const source = tone(440);
  try {
    await withSession(world, async (session) => {
      const transceiver = session.pc.addTransceiver(source.track);
      if (codecs) transceiver.setCodecPreferences(codecs);
      await session.theyOffer();
      await session.flows({ [transceiver.mid]: 'both' });
      await body(session, transceiver, source.context);
    });
  } finally {
    source.stop();
  }
}

/** Payload types of telephone events, each with its clock. */
const eventTypes = (sdp) => new Map([...sdp.matchAll(/^a=rtpmap:(\d+) telephone-event\/(\d+)\r$/gm)]
  .map(([, type, clock]) => [Number(type), Number(clock)]));

/** The packets of each tone: those with one timestamp. */
function tonesOf(packets) {
  const tones = new Map();
  for (const packet of packets) tones.set(packet.timestamp, [...(tones.get(packet.timestamp) ?? []), packet]);
  return [...tones.values()];
}

function checkTone(packets, number, clock) {
  const last = packets.at(-1);
  const ended = packets.filter(({ end }) => end);
  assert(packets.every(({ event }) => event === number), `events ${packets.map(({ event }) => event)} instead of ${number}`);
  assert(packets[0].marker, `the first packet of ${number} has no marker`);
  packets.slice(1).forEach(({ duration, sequence }, i) => {
    assert(duration >= packets[i].duration, `the duration of ${number} falls from ${packets[i].duration} to ${duration}`);
    assert(sequence > packets[i].sequence, `the sequence of ${number} is ${packets[i].sequence}, ${sequence}`);
  });
  assertEqual(ended.length, 3, `packets with the end bit of ${number}`); // 2.5.1.4
  assert(ended.every((packet) => packets.indexOf(packet) >= packets.length - 3 && packet.duration === last.duration),
    `the packets with the end bit of ${number} are not the last`);
  const length = (1000 * last.duration) / clock;
  assert(Math.abs(length - DURATION_MS) <= PACKET_MS, `${number} is ${length} ms long`);
  assert(last.volume <= 36, `volume ${last.volume}`); // 2.3.4: what is softer may not count as a tone
}

/** A row of the browser's tones, as they come in: the packets of each, and the clock of their format. */
async function receiveRow({ pc, ours }, { sender, mid }) {
  const types = eventTypes(pc.currentRemoteDescription.sdp);
  assert(types.size > 0, 'telephone-event is not in the answer');
  for (const payloadType of types.keys()) await ours.do('keepEvents', { payloadType });
  assert(sender.dtmf.canInsertDTMF, 'the browser cannot insert tones');
  const played = [];
  sender.dtmf.ontonechange = (event) => played.push(event.tone);
  sender.dtmf.insertDTMF(ROW, DURATION_MS, GAP_MS);
  await until(() => `the end of the row (${played})`, () => played.at(-1) === '');
  let tones = [];
  await until(() => `${ROW.length} tones (${tones.length})`, async () => {
    tones = tonesOf((await ours.do('received')).sections[mid].events ?? []);
    return tones.length === ROW.length && tones.at(-1).filter(({ end }) => end).length === 3;
  });
  return { tones, clock: types.get(tones[0][0].payloadType) };
}

const telling = ({ tones, clock }) => `${tones.flat().length} packets of ${tones.length} tones at ${clock} Hz`;

/** The browser's tones, in the format that it takes by itself. */
async function received(world) {
  await withAudio(world, async (session, transceiver) => {
    const row = await receiveRow(session, transceiver);
    row.tones.forEach((packets, i) => checkTone(packets, NUMBERS[i], row.clock));
    world.note(telling(row));
  });
}

/** The same in the format that has the clock of Opus: updates come while a tone lasts. */
async function receivedInOpusClock(world) {
  const codecs = RTCRtpSender.getCapabilities('audio').codecs
    .filter(({ mimeType, clockRate }) => /opus|telephone-event/i.test(mimeType) && clockRate === 48000);
  await withAudio(world, async (session, transceiver) => {
    const row = await receiveRow(session, transceiver);
    assertEqual(row.clock, 48000, 'clock of the events');
    row.tones.forEach((packets, i) => {
      checkTone(packets, NUMBERS[i], row.clock);
      assertEqual(packets.filter(({ marker }) => marker).length, 1, `packets of ${NUMBERS[i]} with the marker`);
      assert(packets.length >= 5, `only ${packets.length} packets of ${NUMBERS[i]}`);
    });
    world.note(telling(row));
  }, codecs);
}

/** How loud a frequency is in what a track plays [dB]. */
function meter(context, track) {
  const analyser = Object.assign(context.createAnalyser(), { fftSize: 4096, smoothingTimeConstant: 0 });
  const bins = new Float32Array(analyser.frequencyBinCount);
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  return (hertz) => {
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round((hertz * analyser.fftSize) / context.sampleRate)];
  };
}

const audioNow = async (pc) => (await readStats(pc)).inbound.audio;

/** Ours: the browser hears the two frequencies of "5" where it plays telephone events, and its Opus goes on as before. */
async function sent(world) {
  await withAudio(world, async ({ pc, ours }, { receiver, mid }, context) => {
    const level = meter(context, receiver.track);
    const heard = () => Math.min(level(770), level(1336));
    const before = await audioNow(pc);
    let loudest = -Infinity;
    await ours.do('insertDTMF', { mid, tones: '55#', duration: 400, gap: 100 });
    await until('the end of our row', async () => {
      loudest = Math.max(loudest, heard());
      return (await ours.do('tones')).tones.at(-1) === '';
    });
    assertEqual((await ours.do('tones')).tones.join(), '5,5,#,', 'our tone changes');
    if (world.stack === 'chromium') assert(loudest > -60, `"5" is heard at ${loudest} dB`);
    let after = await audioNow(pc);
    // The echoed tone of 440 Hz is there again, packet by packet.
    await until(() => `Opus after the tones (440 Hz at ${level(440)} dB)`, async () => {
      after = await audioNow(pc);
      return level(440) > -50 && after.packetsReceived > before.packetsReceived + 100;
    });
    assertEqual(after.ssrc, before.ssrc, 'ssrc');
    assertEqual(after.codecId, before.codecId, 'codec');
    assertEqual(after.packetsLost, before.packetsLost, 'packetsLost');
    // A jitter buffer gives up what a busy machine brings too late, a few packets; times that are wrong cost it all of them.
    const discarded = (after.packetsDiscarded ?? 0) - (before.packetsDiscarded ?? 0);
    const received = after.packetsReceived - before.packetsReceived;
    assert(discarded <= received / 20, `${discarded} of ${received} packets discarded`);
    world.note(`"5" at ${Math.round(loudest)} dB`);
  });
}

export const cases = {
  received,
  'received-48000': receivedInOpusClock,
  sent,
};
