// Sender and receiver parameters, encodings, codecs, header extensions, simulcast, DTMF, sources: webrtc-pc 5.2-5.4, 7.
import { test } from '../harness.mjs';

const AREA = 'parameters';
const GET = 'webrtc-pc 5.2 getParameters()';
const SET = 'webrtc-pc 5.2 setParameters()';
const ENCODING = 'webrtc-pc 5.2.5 RTCRtpEncodingParameters';

const sender = (t, kind = 'video', init = undefined) => t.pc().addTransceiver(kind, init).sender;

async function negotiated(t, kind = 'video', init = undefined) {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver(kind, init);
  await t.offer(a, b);
  b.getTransceivers()[0].direction = 'sendrecv';
  await t.answer(b, a);
  return { a, b, transceiver };
}

test(AREA, GET, 'a sender has one encoding, which is active', (t) => {
  const { encodings } = sender(t).getParameters();
  t.equal(encodings.length, 1, 'encodings');
  t.equal(encodings[0].active, true, 'active');
});
for (const name of ['transactionId', 'rtcp', 'codecs', 'headerExtensions', 'encodings'])
  test(AREA, GET, `there is ${name}`, (t) => t.ok(sender(t).getParameters()[name] !== undefined, 'it is missing'));
test(AREA, GET, 'codecs are empty before negotiation', (t) => t.same(sender(t).getParameters().codecs, []));
for (const kind of ['audio', 'video'])
  test(AREA, GET, `codecs of ${kind} are those of the answer`, async (t) => {
    const { a, transceiver } = await negotiated(t, kind);
    const { codecs } = transceiver.sender.getParameters();
    t.ok(codecs.length > 0, 'there are none');
    for (const { payloadType, mimeType, clockRate } of codecs) {
      t.match(mimeType, new RegExp(`^${kind}/`), 'mimeType');
      t.ok(a.remoteDescription.sdp.includes(`a=rtpmap:${payloadType} ${mimeType.split('/')[1]}/${clockRate}`), `${mimeType} was not answered`);
    }
  });
test(AREA, GET, 'rtcp has a cname that is in the description, and reducedSize', async (t) => {
  const { transceiver } = await negotiated(t);
  const { rtcp } = transceiver.sender.getParameters();
  t.equal(typeof rtcp.cname, 'string', 'typeof cname');
  t.equal(typeof rtcp.reducedSize, 'boolean', 'typeof reducedSize');
});
test(AREA, GET, 'header extensions are those of the answer', async (t) => {
  const { a, transceiver } = await negotiated(t);
  const { headerExtensions } = transceiver.sender.getParameters();
  t.ok(headerExtensions.length > 0, 'there are none');
  for (const { id, uri } of headerExtensions) t.match(a.remoteDescription.sdp, new RegExp(`a=extmap:${id}(/\\w+)? ${uri}`), 'the answer');
});
test(AREA, 'webrtc-pc 5.3 getParameters()', 'a receiver tells codecs and header extensions', async (t) => {
  const { transceiver } = await negotiated(t);
  const parameters = transceiver.receiver.getParameters();
  t.ok(parameters.codecs.length > 0, 'there is no codec');
  t.ok(parameters.headerExtensions.length > 0, 'there is no header extension');
});
test(AREA, 'webrtc-pc 5.3 getParameters()', 'a receiver has no codecs before a description', (t) => {
  t.same(t.pc().addTransceiver('video').receiver.getParameters().codecs, []);
});
test(AREA, `${GET} transactionId`, 'it is the same within a task, and another later', async (t) => {
  const s = sender(t);
  const first = s.getParameters().transactionId;
  t.equal(s.getParameters().transactionId, first, 'in the same task');
  await s.setParameters(s.getParameters());
  t.different(s.getParameters().transactionId, first, 'after setParameters()');
});

test(AREA, `${SET} 7`, 'parameters as they were got are taken', async (t) => {
  const s = sender(t);
  t.equal(await s.setParameters(s.getParameters()), undefined);
});
const VALUES = { active: false, maxBitrate: 300000, maxFramerate: 15, scaleResolutionDownBy: 2 };
for (const [name, value] of Object.entries(VALUES)) {
  test(AREA, `${SET} 7; ${ENCODING}`, `${name} can be set`, async (t) => {
    const s = sender(t);
    const parameters = s.getParameters();
    parameters.encodings[0][name] = value;
    await s.setParameters(parameters);
    t.equal(s.getParameters().encodings[0][name], value, name);
  });
  test(AREA, `webrtc-pc 5.1 addTransceiver() 7; ${ENCODING}`, `${name} of addTransceiver() is kept`, (t) => {
    t.equal(sender(t, 'video', { sendEncodings: [{ [name]: value }] }).getParameters().encodings[0][name], value, name);
  });
  test(AREA, `${SET} 7; ${ENCODING}`, `${name} can be set when negotiated`, async (t) => {
    const { transceiver: { sender: s } } = await negotiated(t);
    const parameters = s.getParameters();
    parameters.encodings[0][name] = value;
    await s.setParameters(parameters);
    t.equal(s.getParameters().encodings[0][name], value, name);
  });
}
for (const name of ['maxBitrate', 'maxFramerate'])
  test(AREA, `${SET} 7; ${ENCODING}`, `${name} can be taken away`, async (t) => {
    const s = sender(t, 'video', { sendEncodings: [{ [name]: VALUES[name] }] });
    const parameters = s.getParameters();
    delete parameters.encodings[0][name];
    await s.setParameters(parameters);
    t.equal(s.getParameters().encodings[0][name], undefined, name);
  });
for (const priority of ['very-low', 'low', 'medium', 'high'])
  test(AREA, `webrtc-priority 4; ${ENCODING}`, `priority ${priority} can be set`, async (t) => {
    const s = sender(t);
    const parameters = s.getParameters();
    parameters.encodings[0].priority = priority;
    await s.setParameters(parameters);
    t.equal(s.getParameters().encodings[0].priority, priority);
  });
for (const [name, value] of [['scaleResolutionDownBy', 0.5], ['scaleResolutionDownBy', 0], ['maxFramerate', -1]])
  test(AREA, `${SET} 4.6; ${ENCODING}`, `${name} ${value} is a RangeError`, async (t) => {
    const s = sender(t);
    const parameters = s.getParameters();
    parameters.encodings[0][name] = value;
    await t.rejects('RangeError', s.setParameters(parameters));
    t.throws('RangeError', () => sender(t, 'video', { sendEncodings: [{ [name]: value }] }));
  });
test(AREA, `${SET} 4.5; ${ENCODING}`, 'scaleResolutionDownBy and maxFramerate of audio are dropped', async (t) => {
  const { encodings: [encoding] } = sender(t, 'audio', { sendEncodings: [{ scaleResolutionDownBy: 2, maxFramerate: 10 }] }).getParameters();
  t.equal(encoding.scaleResolutionDownBy, undefined, 'scaleResolutionDownBy');
  t.equal(encoding.maxFramerate, undefined, 'maxFramerate');
});
test(AREA, 'webrtc-pc 5.1 addTransceiver() 8', 'scaleResolutionDownBy is 1 by default for video', (t) => {
  t.equal(sender(t).getParameters().encodings[0].scaleResolutionDownBy, 1);
});
test(AREA, `${SET} 4.3`, 'another transactionId is an InvalidModificationError', async (t) => {
  const s = sender(t);
  await t.rejects('InvalidModificationError', s.setParameters({ ...s.getParameters(), transactionId: 'another' }));
});
test(AREA, `${SET} 4.4, Web IDL`, 'a missing transactionId is a TypeError', async (t) => {
  const s = sender(t);
  const { transactionId, ...rest } = s.getParameters();
  await t.rejects('TypeError', s.setParameters(rest));
});
test(AREA, `${SET} 4.1`, 'setParameters() without getParameters() is an InvalidStateError', async (t) => {
  const s = sender(t);
  const parameters = s.getParameters();
  await s.setParameters(parameters);
  await t.rejects('InvalidStateError', s.setParameters(parameters));
});
test(AREA, `${SET} 4.2`, 'another number of encodings is an InvalidModificationError', async (t) => {
  const s = sender(t);
  const parameters = s.getParameters();
  parameters.encodings = [...parameters.encodings, {}];
  await t.rejects('InvalidModificationError', s.setParameters(parameters));
});
test(AREA, `${SET} 4.4`, 'changed codecs are an InvalidModificationError', async (t) => {
  const { transceiver: { sender: s } } = await negotiated(t);
  const parameters = s.getParameters();
  parameters.codecs = parameters.codecs.slice(1);
  await t.rejects('InvalidModificationError', s.setParameters(parameters));
});
test(AREA, `${SET} 4.4`, 'changed rtcp is an InvalidModificationError', async (t) => {
  const { transceiver: { sender: s } } = await negotiated(t);
  const parameters = s.getParameters();
  parameters.rtcp = { ...parameters.rtcp, reducedSize: !parameters.rtcp.reducedSize };
  await t.rejects('InvalidModificationError', s.setParameters(parameters));
});
test(AREA, `${SET} 3`, 'on a stopped transceiver it is an InvalidStateError', async (t) => {
  const transceiver = t.pc().addTransceiver('video');
  const parameters = transceiver.sender.getParameters();
  transceiver.stop();
  await t.rejects('InvalidStateError', transceiver.sender.setParameters(parameters));
});
test(AREA, `${SET}`, 'it needs no negotiation', async (t) => {
  const { a, transceiver: { sender: s } } = await negotiated(t);
  const seen = t.record(a, 'negotiationneeded');
  const parameters = s.getParameters();
  parameters.encodings[0].active = false;
  await s.setParameters(parameters);
  await t.quiet(a);
  t.same(seen, []);
});

// ---- simulcast ----

const SIMULCAST = 'simulcast';
const three = { sendEncodings: [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }] };
test(SIMULCAST, 'webrtc-pc 5.1 addTransceiver() 7', 'three encodings are kept in order', (t) => {
  t.same(sender(t, 'video', three).getParameters().encodings.map(({ rid }) => rid), ['q', 'h', 'f']);
});
test(SIMULCAST, 'webrtc-pc 5.1 addTransceiver() 8', 'scaleResolutionDownBy is a power of two by default', (t) => {
  const { encodings } = sender(t, 'video', { sendEncodings: [{ rid: 'a' }, { rid: 'b' }, { rid: 'c' }] }).getParameters();
  t.same(encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy), [4, 2, 1]);
});
test(SIMULCAST, 'webrtc-pc 4.4.2 createOffer() final steps 3.3; RFC 8851, RFC 8853', 'the offer has rid and simulcast lines', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('video', three);
  const { sdp } = await pc.createOffer();
  for (const rid of ['q', 'h', 'f']) t.match(sdp, new RegExp(`^a=rid:${rid} send\\r$`, 'm'), 'the offer');
  t.match(sdp, /^a=simulcast:send q;h;f\r$/m, 'the offer');
});
test(SIMULCAST, 'RFC 9429 5.2.1', 'the rid header extension is offered', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('video', three);
  t.match((await pc.createOffer()).sdp, /urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id/, 'the offer');
});
test(SIMULCAST, 'webrtc-pc 5.2.5', 'one encoding with a rid is not offered as simulcast', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('video', { sendEncodings: [{ rid: 'x' }] });
  t.noMatch((await pc.createOffer()).sdp, /a=simulcast/, 'the offer');
});
test(SIMULCAST, 'webrtc-pc 5.1 addTransceiver() 7.2', 'a rid twice is a TypeError', (t) => {
  t.throws('TypeError', () => sender(t, 'video', { sendEncodings: [{ rid: 'x' }, { rid: 'x' }] }));
});
test(SIMULCAST, 'webrtc-pc 5.1 addTransceiver() 7.1', 'encodings of which some have no rid are a TypeError', (t) => {
  t.throws('TypeError', () => sender(t, 'video', { sendEncodings: [{ rid: 'x' }, {}] }));
});
for (const rid of ['', 'a b', 'é', 'a;b'])
  test(SIMULCAST, 'webrtc-pc 5.1 addTransceiver() 7.1; RFC 8851 10', `the rid '${rid}' is a TypeError`, (t) => {
    t.throws('TypeError', () => sender(t, 'video', { sendEncodings: [{ rid }, { rid: 'ok' }] }));
  });
test(SIMULCAST, 'webrtc-pc 4.4.1.5 step 4.6.10.2.8.1', 'an answer without simulcast leaves the first encoding', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('video', three);
  await t.offer(a, b);
  const { sdp } = await b.createAnswer();
  await a.setRemoteDescription({ type: 'answer', sdp: sdp.replace(/a=(rid|simulcast):.*\r\n/g, '') });
  t.same(transceiver.sender.getParameters().encodings.map(({ rid }) => rid), ['q']);
});
const receiving = (sdp, list) => {
  const rids = list.split(';').map((rid) => `a=rid:${rid} recv\r\n`).join('');
  return `${sdp.replace(/a=(rid|simulcast):.*\r\n/g, '')}${rids}a=simulcast:recv ${list}\r\n`;
};
test(SIMULCAST, 'webrtc-pc 4.4.1.5 step 4.6.10.2.8', 'an answer with all rids keeps all', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('video', three);
  await t.offer(a, b);
  await a.setRemoteDescription({ type: 'answer', sdp: receiving((await b.createAnswer()).sdp, 'q;h;f') });
  t.same(transceiver.sender.getParameters().encodings.map(({ rid }) => rid), ['q', 'h', 'f']);
});
test(SIMULCAST, 'webrtc-pc 4.4.1.5 step 4.6.10.2.8.2', 'an answer with fewer rids takes the others away', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('video', three);
  await t.offer(a, b);
  await a.setRemoteDescription({ type: 'answer', sdp: receiving((await b.createAnswer()).sdp, 'q;f') });
  t.same(transceiver.sender.getParameters().encodings.map(({ rid }) => rid), ['q', 'f']);
});
test(SIMULCAST, 'webrtc-pc 4.4.1.5 step 4.6.10.2.1', 'an offer to receive simulcast makes encodings', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('video', { direction: 'recvonly' });
  await b.setRemoteDescription({ type: 'offer', sdp: receiving((await a.createOffer()).sdp, '1;2') });
  const { encodings } = b.getTransceivers()[0].sender.getParameters();
  t.same(encodings.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]), [['1', 2], ['2', 1]]);
});
test(SIMULCAST, `${SET} 4.4`, 'a changed rid is an InvalidModificationError', async (t) => {
  const s = sender(t, 'video', three);
  const parameters = s.getParameters();
  parameters.encodings[0].rid = 'other';
  await t.rejects('InvalidModificationError', s.setParameters(parameters));
});
test(SIMULCAST, `${SET} 7`, 'each encoding is set by itself', async (t) => {
  const s = sender(t, 'video', three);
  const parameters = s.getParameters();
  parameters.encodings[1].active = false;
  await s.setParameters(parameters);
  t.same(s.getParameters().encodings.map(({ active }) => active), [true, false, true]);
});

// ---- codecs ----

const CODECS = 'codecs';
const PREFER = 'webrtc-pc 5.4 setCodecPreferences()';
for (const side of ['RTCRtpSender', 'RTCRtpReceiver']) {
  for (const kind of ['audio', 'video']) {
    test(CODECS, `webrtc-pc 5.2 getCapabilities(), 5.2.10`, `${side} has codecs and header extensions for ${kind}`, (t) => {
      const { codecs, headerExtensions } = globalThis[side].getCapabilities(kind);
      t.ok(codecs.length > 0, 'there is no codec');
      t.ok(headerExtensions.length > 0, 'there is no header extension');
      for (const { mimeType, clockRate } of codecs) {
        t.match(mimeType, new RegExp(`^${kind}/`), 'mimeType');
        t.ok(clockRate > 0, 'clockRate');
      }
    });
  }
  test(CODECS, 'webrtc-pc 5.2 getCapabilities()', `${side} has null for an unknown kind`, (t) => t.equal(globalThis[side].getCapabilities('x'), null));
}
const capable = (kind, name) => RTCRtpReceiver.getCapabilities(kind).codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `${kind}/${name}`);
test(CODECS, 'webrtc-pc 5.2.9; RFC 7874 3', 'opus is 48,000 Hz and two channels', (t) => {
  const [opus] = capable('audio', 'opus');
  t.equal(opus.clockRate, 48000, 'clockRate');
  t.equal(opus.channels, 2, 'channels');
});
test(CODECS, 'RFC 7742 5', 'VP8 is there', (t) => t.ok(capable('video', 'vp8').length === 1, 'it is not'));
test(CODECS, 'RFC 7742 5', 'H.264 is there, with packetization-mode and profile-level-id', (t) => {
  const list = capable('video', 'h264');
  t.ok(list.length > 0, 'it is not');
  for (const { sdpFmtpLine } of list) t.match(sdpFmtpLine, /profile-level-id=[0-9a-f]{6}/i, 'sdpFmtpLine');
});
test(CODECS, 'webrtc-pc 5.2.10', 'RTX stands once, without apt', (t) => {
  const list = capable('video', 'rtx');
  t.equal(list.length, 1, 'entries');
  t.equal(list[0].sdpFmtpLine, undefined, 'sdpFmtpLine');
});
test(CODECS, `${PREFER} 8`, 'one codec is offered alone', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('video').setCodecPreferences(capable('video', 'vp8'));
  const { sdp } = await pc.createOffer();
  t.same([...sdp.matchAll(/^a=rtpmap:\d+ (\S+)\//gm)].map(([, name]) => name.split('/')[0]), ['VP8']);
});
test(CODECS, `${PREFER} 8`, 'the order of the preferences is that of the offer', async (t) => {
  const pc = t.pc();
  const order = ['vp9', 'vp8'];
  pc.addTransceiver('video').setCodecPreferences(order.flatMap((name) => capable('video', name)[0] ?? []));
  const { sdp } = await pc.createOffer();
  const types = sdp.match(/^m=video \d+ \S+ (.*)\r$/m)[1].split(' ');
  t.equal(sdp.match(new RegExp(`a=rtpmap:${types[0]} (\\w+)`))[1], 'VP9', 'the first');
});
test(CODECS, `${PREFER} 4`, 'an empty list takes the preferences back', async (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('video');
  const before = (await pc.createOffer()).sdp.match(/^m=video.*$/m)[0];
  transceiver.setCodecPreferences(capable('video', 'vp8'));
  transceiver.setCodecPreferences([]);
  t.equal((await pc.createOffer()).sdp.match(/^m=video.*$/m)[0], before);
});
test(CODECS, `${PREFER} 7`, 'a codec that is not among the capabilities is an InvalidModificationError', (t) => {
  const transceiver = t.pc().addTransceiver('video');
  t.throws('InvalidModificationError', () => transceiver.setCodecPreferences([{ mimeType: 'video/nonesuch', clockRate: 90000 }]));
  t.throws('InvalidModificationError', () => transceiver.setCodecPreferences([{ ...capable('video', 'vp8')[0], clockRate: 1 }]));
});
test(CODECS, `${PREFER} 7`, 'a codec of the other kind is an InvalidModificationError', (t) => {
  t.throws('InvalidModificationError', () => t.pc().addTransceiver('video').setCodecPreferences(capable('audio', 'opus')));
});
test(CODECS, `${PREFER} 7`, 'RTX alone is an InvalidModificationError', (t) => {
  t.throws('InvalidModificationError', () => t.pc().addTransceiver('video').setCodecPreferences(capable('video', 'rtx')));
});
test(CODECS, `${PREFER} 5`, 'a codec that stands twice counts once', async (t) => {
  const pc = t.pc();
  const [vp8] = capable('video', 'vp8');
  pc.addTransceiver('video').setCodecPreferences([vp8, vp8]);
  t.equal((await pc.createOffer()).sdp.match(/^a=rtpmap:\d+ VP8/gm).length, 1);
});
test(CODECS, `${PREFER} 8`, 'all capabilities are taken, in any order', (t) => {
  const transceiver = t.pc().addTransceiver('video');
  transceiver.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs.reverse());
});
test(CODECS, `${PREFER}; RFC 9429 5.3.1`, 'the preferences of the answerer are those of the answer', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('video');
  await t.offer(a, b);
  b.getTransceivers()[0].setCodecPreferences(capable('video', 'vp8'));
  const { sdp } = await b.createAnswer();
  t.same([...sdp.matchAll(/^a=rtpmap:\d+ (\w+)/gm)].map(([, name]) => name), ['VP8']);
});

// ---- DTMF ----

const DTMF = 'DTMF';
test(DTMF, 'webrtc-pc 7.1', 'an audio sender has a DTMF sender, a video sender none', (t) => {
  t.ok(sender(t, 'audio').dtmf, 'audio has none');
  t.equal(sender(t, 'video').dtmf, null, 'of video');
});
async function dtmf(t) {
  const [a, b] = t.pair();
  const transceiver = a.addTransceiver(t.track('audio'));
  await t.negotiate(a, b);
  await t.connected(a);
  return transceiver.sender.dtmf;
}
test(DTMF, 'webrtc-pc 7.2 canInsertDTMF', 'canInsertDTMF is false before negotiation, then true', async (t) => {
  t.equal(sender(t, 'audio').dtmf.canInsertDTMF, false, 'before');
  t.equal((await dtmf(t)).canInsertDTMF, true, 'when connected');
});
test(DTMF, 'webrtc-pc 7.2 insertDTMF() 3', 'before negotiation it is an InvalidStateError', (t) => {
  const { dtmf: tones } = sender(t, 'audio');
  t.throws('InvalidStateError', () => tones.insertDTMF('1'));
});
test(DTMF, 'webrtc-pc 7.2 insertDTMF() 6', 'a character that is no tone is an InvalidCharacterError', async (t) => {
  const tones = await dtmf(t);
  t.throws('InvalidCharacterError', () => tones.insertDTMF('12x'));
});
test(DTMF, 'webrtc-pc 7.2 insertDTMF() 7', 'toneBuffer is what was inserted, in upper case', async (t) => {
  const tones = await dtmf(t);
  tones.insertDTMF('12ab#*,');
  t.equal(tones.toneBuffer, '12AB#*,');
});
test(DTMF, 'webrtc-pc 7.2 playout task', 'a tonechange tells each tone, and the end by an empty one', async (t) => {
  const tones = await dtmf(t);
  const heard = [];
  const end = new Promise((resolve) => {
    tones.ontonechange = ({ tone }) => { heard.push(tone); if (tone === '') resolve(); };
  });
  tones.insertDTMF('1#', 40, 30);
  await end;
  t.same(heard, ['1', '#', '']);
});
test(DTMF, 'webrtc-pc 7.2 insertDTMF() 10', 'an empty string stops', async (t) => {
  const tones = await dtmf(t);
  tones.insertDTMF('123');
  tones.insertDTMF('');
  t.equal(tones.toneBuffer, '');
});

// ---- sources ----

for (const name of ['getContributingSources', 'getSynchronizationSources'])
  test('sources', `webrtc-pc 5.3 ${name}()`, `${name}() is empty before anything came`, (t) => {
    t.same(t.pc().addTransceiver('audio').receiver[name](), []);
  });
