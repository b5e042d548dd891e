// getStats(): webrtc-pc 8, webrtc-stats.
import { test } from '../harness.mjs';

const AREA = 'statistics';
const GET = 'webrtc-pc 8.2 getStats()';
const of = (report, type) => [...report.values()].filter((each) => each.type === type);

async function mediaPair(t) {
  const [a, b] = t.pair();
  a.addTrack(t.track('audio'), t.stream());
  const channel = a.createDataChannel('stats', { protocol: 'p' });
  const open = t.next(channel, 'open');
  await t.negotiate(a, b);
  await open;
  return { a, b, channel };
}

test(AREA, `${GET} 4`, 'a new connection has a report', async (t) => {
  const report = await t.pc().getStats();
  t.equal(of(report, 'peer-connection').length, 1, 'peer-connection records');
});
test(AREA, 'webrtc-pc 8.3', 'a report is a map of ids to records', async (t) => {
  const { a } = await t.connectedPair();
  const report = await a.getStats();
  t.ok(report.size > 3, 'it is small');
  for (const [id, record] of report) {
    t.equal(record.id, id, 'id');
    t.equal(typeof record.type, 'string', 'typeof type');
    t.equal(typeof record.timestamp, 'number', 'typeof timestamp');
  }
});
test(AREA, 'webrtc-pc 8.4 timestamp', 'timestamps are of this moment', async (t) => {
  const before = Date.now();
  for (const { timestamp } of (await t.pc().getStats()).values())
    t.ok(Math.abs(timestamp - before) < 10000, `${timestamp} is far from ${before}`);
});
test(AREA, `${GET} 3`, 'null and no selector mean all', async (t) => {
  const { a } = await t.connectedPair();
  t.equal((await a.getStats(null)).size, (await a.getStats()).size, 'size');
});
test(AREA, `${GET}, Web IDL`, 'what is no track is a TypeError', async (t) => t.rejects('TypeError', t.pc().getStats('audio')));
test(AREA, `${GET} 3`, 'a track of nobody is an InvalidAccessError', async (t) => t.rejects('InvalidAccessError', t.pc().getStats(t.track('audio'))));
test(AREA, `${GET} 3`, 'a track that two senders have is an InvalidAccessError', async (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  pc.addTransceiver(track);
  pc.addTransceiver(track);
  await t.rejects('InvalidAccessError', pc.getStats(track));
});
test(AREA, `${GET} 3`, 'a sender\'s track selects', async (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  pc.addTrack(track);
  t.ok(await pc.getStats(track), 'there is no report');
});
test(AREA, `${GET} 3`, 'a receiver\'s track selects', async (t) => {
  const pc = t.pc();
  t.ok(await pc.getStats(pc.addTransceiver('audio').receiver.track), 'there is no report');
});
test(AREA, 'webrtc-pc 8.5 stats selection', 'the report of a receiver has no records of sending', async (t) => {
  const { a } = await mediaPair(t);
  const report = await a.getTransceivers()[0].receiver.getStats();
  t.equal(of(report, 'outbound-rtp').length + of(report, 'data-channel').length, 0);
});
test(AREA, 'webrtc-pc 8.5 stats selection', 'the report of a sender has no channels', async (t) => {
  const { a } = await mediaPair(t);
  t.equal(of(await a.getSenders()[0].getStats(), 'data-channel').length, 0);
});
test(AREA, 'webrtc-stats 2.1', 'ids stay from report to report', async (t) => {
  const { a } = await t.connectedPair();
  const [x, y] = [await a.getStats(), await a.getStats()];
  t.equal(of(x, 'transport')[0].id, of(y, 'transport')[0].id, 'the id of the transport');
});

async function record(t, type, choose = () => true) {
  const { a } = await mediaPair(t);
  const found = of(await a.getStats(), type).find(choose);
  t.ok(found, `there is no ${type}`);
  return { a, found };
}

// The members that webrtc-pc 8.6 makes mandatory, as far as they exist at rest.
const MEMBERS = {
  'peer-connection': ['dataChannelsOpened', 'dataChannelsClosed'],
  'data-channel': ['label', 'protocol', 'dataChannelIdentifier', 'state', 'messagesSent', 'bytesSent', 'messagesReceived', 'bytesReceived'],
  transport: ['bytesSent', 'bytesReceived', 'selectedCandidatePairId', 'localCertificateId', 'remoteCertificateId', 'dtlsState', 'dtlsCipher',
    'tlsVersion', 'iceRole', 'iceState', 'selectedCandidatePairChanges', 'packetsSent', 'packetsReceived', 'iceLocalUsernameFragment', 'dtlsRole',
    'srtpCipher'],
  'candidate-pair': ['transportId', 'localCandidateId', 'remoteCandidateId', 'state', 'nominated', 'bytesSent', 'bytesReceived',
    'totalRoundTripTime', 'currentRoundTripTime', 'requestsReceived', 'requestsSent', 'responsesReceived', 'responsesSent', 'packetsSent',
    'packetsReceived'],
  'local-candidate': ['transportId', 'address', 'port', 'protocol', 'candidateType', 'priority', 'foundation', 'usernameFragment'],
  'remote-candidate': ['transportId', 'address', 'port', 'protocol', 'candidateType', 'priority'],
  certificate: ['fingerprint', 'fingerprintAlgorithm', 'base64Certificate'],
};
for (const [type, members] of Object.entries(MEMBERS))
  for (const member of members)
    test(AREA, `webrtc-pc 8.6; webrtc-stats, ${type}`, `${type} has ${member}`, async (t) => {
      const { found } = await record(t, type, ({ state }) => type !== 'candidate-pair' || state === 'succeeded');
      t.ok(found[member] !== undefined, `there is no ${member}`);
    });

test(AREA, 'webrtc-stats, peer-connection', 'channels that opened and closed are counted', async (t) => {
  const { a, channel } = await t.channelPair();
  const count = async () => of(await a.getStats(), 'peer-connection')[0];
  t.equal((await count()).dataChannelsOpened, 1, 'dataChannelsOpened');
  t.equal((await count()).dataChannelsClosed, 0, 'dataChannelsClosed');
  const closed = t.next(channel, 'close');
  channel.close();
  await closed;
  await t.until(async () => (await count()).dataChannelsClosed === 1);
});
test(AREA, 'webrtc-stats, data-channel', 'messages and bytes are counted on both sides', async (t) => {
  const { a, b, channel, other } = await t.channelPair('counted');
  const three = new Promise((resolve) => { let n = 0; other.onmessage = () => { if (++n === 3) resolve(); }; });
  for (const text of ['a', 'bc', 'def']) channel.send(text);
  await three;
  const [sent] = of(await a.getStats(), 'data-channel'), [got] = of(await b.getStats(), 'data-channel');
  t.equal(sent.messagesSent, 3, 'messagesSent');
  t.equal(sent.bytesSent, 6, 'bytesSent');
  t.equal(got.messagesReceived, 3, 'messagesReceived');
  t.equal(got.bytesReceived, 6, 'bytesReceived');
  t.equal(sent.label, 'counted', 'label');
  t.equal(sent.state, 'open', 'state');
});
test(AREA, 'webrtc-stats, transport', 'its ids are those of other records', async (t) => {
  const { a, found } = await record(t, 'transport');
  const report = await a.getStats();
  t.equal(report.get(found.selectedCandidatePairId)?.type, 'candidate-pair', 'selectedCandidatePairId');
  t.equal(report.get(found.localCertificateId)?.type, 'certificate', 'localCertificateId');
  t.equal(report.get(found.remoteCertificateId)?.type, 'certificate', 'remoteCertificateId');
});
test(AREA, 'webrtc-stats, candidate-pair', 'its ids are those of candidates', async (t) => {
  const { a, found } = await record(t, 'candidate-pair');
  const report = await a.getStats();
  t.equal(report.get(found.localCandidateId)?.type, 'local-candidate', 'localCandidateId');
  t.equal(report.get(found.remoteCandidateId)?.type, 'remote-candidate', 'remoteCandidateId');
});
test(AREA, 'webrtc-stats, certificate', 'the fingerprint is that of the description', async (t) => {
  const { a } = await mediaPair(t);
  const report = await a.getStats();
  const { fingerprint } = report.get(of(report, 'transport')[0].localCertificateId);
  t.ok(a.localDescription.sdp.toUpperCase().includes(fingerprint.toUpperCase()), 'it is not');
});
test(AREA, 'webrtc-stats, transport', 'dtlsState is connected and tlsVersion DTLS 1.2 or later', async (t) => {
  const { found } = await record(t, 'transport');
  t.equal(found.dtlsState, 'connected', 'dtlsState');
  t.match(found.tlsVersion, /^FEF[CD]$/i, 'tlsVersion');
});
test(AREA, 'webrtc-stats 2.2', 'counters do not fall', async (t) => {
  const { a, channel, other } = await t.channelPair();
  const [before] = of(await a.getStats(), 'transport');
  const message = t.next(other, 'message');
  channel.send(new Uint8Array(1000));
  await message;
  // A browser may answer with a report of a moment ago.
  let last = before.bytesSent;
  await t.until(async () => {
    const [now] = of(await a.getStats(), 'transport');
    t.ok(now.bytesSent >= last, `it went from ${last} to ${now.bytesSent}`);
    last = now.bytesSent;
    return last >= before.bytesSent + 1000;
  });
});

// ---- classes: webrtc-pc 11, 4.8.3 ----

const CLASSES = 'errors and events';
for (const errorDetail of ['data-channel-failure', 'dtls-failure', 'fingerprint-failure', 'sctp-failure', 'sdp-syntax-error'])
  test(CLASSES, 'webrtc-pc 11.1 constructor', `an RTCError may be of ${errorDetail}`, (t) => {
    const error = new RTCError({ errorDetail }, 'why');
    t.equal(error.errorDetail, errorDetail, 'errorDetail');
    t.equal(error.message, 'why', 'message');
    t.equal(error.name, 'OperationError', 'name');
    t.ok(error instanceof DOMException, 'it is no DOMException');
  });
test(CLASSES, 'webrtc-pc 11.1 constructor', 'an RTCError needs a known errorDetail', (t) => {
  t.throws('TypeError', () => new RTCError());
  t.throws('TypeError', () => new RTCError({ errorDetail: 'nothing' }, ''));
});
for (const member of ['sdpLineNumber', 'sctpCauseCode', 'receivedAlert', 'sentAlert'])
  test(CLASSES, 'webrtc-pc 11.1', `${member} of an RTCError is kept, and null by default`, (t) => {
    t.equal(new RTCError({ errorDetail: 'dtls-failure', [member]: 5 }, '')[member], 5, member);
    t.equal(new RTCError({ errorDetail: 'dtls-failure' }, '')[member], null, `${member} by default`);
  });
test(CLASSES, 'webrtc-pc 11.2', 'an RTCErrorEvent holds its error', (t) => {
  const error = new RTCError({ errorDetail: 'sctp-failure' }, '');
  t.equal(new RTCErrorEvent('error', { error }).error, error);
  t.throws('TypeError', () => new RTCErrorEvent('error'));
});
test(CLASSES, 'webrtc-pc 4.4.2', 'handlers are null at first, and take functions', (t) => {
  const pc = t.pc();
  for (const name of ['negotiationneeded', 'icecandidate', 'icecandidateerror', 'signalingstatechange', 'iceconnectionstatechange',
    'icegatheringstatechange', 'connectionstatechange', 'track', 'datachannel']) {
    t.equal(pc[`on${name}`], null, `on${name}`);
    const handler = () => {};
    pc[`on${name}`] = handler;
    t.equal(pc[`on${name}`], handler, `on${name}`);
  }
});
