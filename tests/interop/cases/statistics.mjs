// Our statistics of a call against those that the browser has of the same call: what one sends the other receives.
import { Channel } from './channel.mjs';
import { withConnection } from './connect.mjs';
import { camera } from './source.mjs';
import { readStats } from './stats.mjs';
import { assert, everySecond, until } from './wait.mjs';

/** Both reports, ours from the offerer, as objects of records by id. */
async function bothReports({ pc, key, world }) {
  const [report, response] = await Promise.all([pc.getStats(), fetch(`${world.url}/offerer/${key}/stats`)]);
  assert(response.ok, `no statistics: ${response.status}`);
  return { theirs: Object.fromEntries(report), ours: await response.json() };
}

const ofType = (report, type) => Object.values(report).filter((record) => record.type === type);
const only = (report, type) => {
  const found = ofType(report, type);
  assert(found.length === 1, `${found.length} records of type ${type}`);
  return found[0];
};

/** Collects what differs, so that one run tells everything. */
class Comparison {
  constructor() {
    this.complaints = [];
    this.compared = 0;
  }

  equal(ours, theirs, what) {
    this.compared++;
    if (ours !== theirs) this.complaints.push(`${what} is ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`);
  }

  /** Within 10 %, or within `slack` where the quantity is so small that a tenth is noise. */
  near(ours, theirs, what, slack = 0) {
    this.compared++;
    if (!(Math.abs(ours - theirs) <= Math.max(0.1 * Math.abs(theirs), slack)))
      this.complaints.push(`${what} is ${ours}, theirs ${theirs}`);
  }

  true(fact, what) {
    this.compared++;
    if (!fact) this.complaints.push(what);
  }

  end(world) {
    if (this.complaints.length) throw new Error(this.complaints.join('; '));
    world.note?.(`${this.compared} comparisons`);
  }
}

/** members: names that have the same name on both sides, or [ours, theirs]. */
function equalMembers(check, ours, theirs, members, what) {
  for (const member of members) {
    const [mine, other] = Array.isArray(member) ? member : [member, member];
    check.equal(ours[mine], theirs[other], `${what} ${mine}`);
  }
}

/** The record that `id` of `record` names. */
function follow(report, record, id) {
  const found = report[record[id]];
  assert(found, `${record.type}.${id} names ${record[id]}, which is not there`);
  return found;
}

function compareCodec(check, ours, mine, theirs, other) {
  const [codec, same] = [follow(ours, mine, 'codecId'), follow(theirs, other, 'codecId')];
  check.equal(codec.mimeType.toLowerCase(), same.mimeType.toLowerCase(), `${mine.type} mimeType`);
  equalMembers(check, codec, same, ['payloadType', 'clockRate', 'channels', 'sdpFmtpLine'], `${mine.type} codec`);
}

/** What the browser sends and we receive. */
function compareIncoming(check, ours, theirs) {
  for (const sent of ofType(theirs, 'outbound-rtp').filter(({ packetsSent }) => packetsSent > 0)) {
    const received = ofType(ours, 'inbound-rtp').find(({ ssrc }) => ssrc === sent.ssrc);
    const what = `inbound ${sent.kind}`;
    assert(received, `we have no inbound-rtp of ssrc ${sent.ssrc}`);
    equalMembers(check, received, sent, ['kind', 'mid', ['packetsReceived', 'packetsSent'], ['bytesReceived', 'bytesSent'],
      ['headerBytesReceived', 'headerBytesSent'], 'nackCount'], what);
    if (sent.kind === 'video')
      equalMembers(check, received, sent, ['pliCount', 'firCount', 'rtxSsrc'], what);
    // Probes for bandwidth are packets of the RTX SSRC too, and the browser does not count them as retransmissions.
    check.true((received.retransmittedPacketsReceived ?? 0) >= sent.retransmittedPacketsSent, `${what} retransmissions`);
    compareCodec(check, ours, received, theirs, sent);
    const reported = follow(theirs, sent, 'remoteId'); // our receiver report, as it arrived there
    equalMembers(check, received, reported, ['packetsLost'], what);
    check.near(received.jitter, reported.jitter, `${what} jitter`, 0.001);
    const report = follow(ours, received, 'remoteId'); // the browser's sender report, as it arrived here
    check.near(report.packetsSent, sent.packetsSent, `${what} packetsSent by report`);
    check.near(report.bytesSent, sent.bytesSent, `${what} bytesSent by report`);
    check.true(Math.abs(report.remoteTimestamp - report.timestamp) < 1000, `${what} remoteTimestamp ${report.remoteTimestamp}`);
    check.equal(follow(ours, report, 'localId').id, received.id, `${what} localId of the report`);
  }
}

/** What we send and the browser receives. */
function compareOutgoing(check, ours, theirs) {
  for (const sent of ofType(ours, 'outbound-rtp').filter(({ packetsSent }) => packetsSent > 0)) {
    const received = ofType(theirs, 'inbound-rtp').find(({ ssrc }) => ssrc === sent.ssrc);
    const what = `outbound ${sent.kind}`;
    assert(received, `the browser has no inbound-rtp of ssrc ${sent.ssrc}`);
    equalMembers(check, sent, received, ['kind', 'mid', ['packetsSent', 'packetsReceived'], ['bytesSent', 'bytesReceived'],
      ['headerBytesSent', 'headerBytesReceived']], what);
    check.equal(sent.nackCount, received.nackCount ?? 0, `${what} nackCount`); // it counts none for audio
    if (sent.kind === 'video') equalMembers(check, sent, received, ['pliCount', 'firCount'], what);
    check.equal(follow(ours, sent, 'mediaSourceId').trackIdentifier, received.trackIdentifier, `${what} track`);
    compareCodec(check, ours, sent, theirs, received);
    const reported = follow(ours, sent, 'remoteId');
    equalMembers(check, reported, received, ['packetsLost'], what);
    check.near(reported.jitter, received.jitter, `${what} jitter`, 0.002);
    check.near(reported.totalRoundTripTime / reported.roundTripTimeMeasurements, 0, `${what} round trip`, 0.02);
  }
}

function compareTransport(check, ours, theirs) {
  const [mine, other] = [only(ours, 'transport'), only(theirs, 'transport')];
  const opposite = { client: 'server', server: 'client', controlling: 'controlled', controlled: 'controlling' };
  equalMembers(check, mine, other, ['dtlsState', 'tlsVersion', 'dtlsCipher', 'srtpCipher'], 'transport');
  check.equal(mine.dtlsRole, opposite[other.dtlsRole], 'dtlsRole');
  check.equal(mine.iceRole, opposite[other.iceRole], 'iceRole');
  check.near(mine.packetsSent, other.packetsReceived, 'transport packetsSent');
  check.near(mine.packetsReceived, other.packetsSent, 'transport packetsReceived');
  check.near(mine.bytesSent, other.bytesReceived, 'transport bytesSent');
  check.near(mine.bytesReceived, other.bytesSent, 'transport bytesReceived');
  for (const [a, b] of [['local', 'remote'], ['remote', 'local']])
    equalMembers(check, follow(ours, mine, `${a}CertificateId`), follow(theirs, other, `${b}CertificateId`),
      ['fingerprint', 'fingerprintAlgorithm', 'base64Certificate'], `${a} certificate`);
  comparePair(check, ours, follow(ours, mine, 'selectedCandidatePairId'),
    theirs, follow(theirs, other, 'selectedCandidatePairId'));
}

function comparePair(check, ours, mine, theirs, other) {
  equalMembers(check, mine, other, ['state', 'nominated'], 'pair');
  // Checks of consent go on, so that one may have left between the two readings.
  check.near(mine.responsesReceived, other.responsesSent, 'pair responsesReceived', 2);
  check.near(mine.requestsSent, other.requestsReceived, 'pair requestsSent', 2);
  check.near(mine.requestsReceived, other.requestsSent, 'pair requestsReceived', 2);
  check.near(mine.responsesSent, other.responsesReceived, 'pair responsesSent', 2);
  check.near(mine.currentRoundTripTime, other.currentRoundTripTime, 'pair currentRoundTripTime', 0.005);
  check.near(mine.packetsSent, other.packetsReceived, 'pair packetsSent');
  check.near(mine.bytesReceived, other.bytesSent, 'pair bytesReceived');
  check.near(mine.lastPacketReceivedTimestamp, other.lastPacketSentTimestamp, 'pair lastPacketReceivedTimestamp', 0);
  for (const [a, b] of [['local', 'remote'], ['remote', 'local']]) {
    const [here, there] = [follow(ours, mine, `${a}CandidateId`), follow(theirs, other, `${b}CandidateId`)];
    equalMembers(check, here, there, ['port', 'protocol', 'usernameFragment'], `${a} candidate`);
    if (here.candidateType === there.candidateType)
      equalMembers(check, here, there, ['address', 'priority', 'foundation'], `${a} candidate`);
  }
}

function compareData(check, ours, theirs) {
  equalMembers(check, only(ours, 'peer-connection'), only(theirs, 'peer-connection'),
    ['dataChannelsOpened', 'dataChannelsClosed'], 'peer-connection');
  equalMembers(check, only(ours, 'data-channel'), only(theirs, 'data-channel'),
    ['label', 'protocol', 'dataChannelIdentifier', 'state', ['messagesSent', 'messagesReceived'],
      ['bytesSent', 'bytesReceived'], ['messagesReceived', 'messagesSent'], ['bytesReceived', 'bytesSent']], 'channel');
}

/** Members of ours that this browser does not show in this call; all but `rid` are in webrtc-stats. */
const OURS_ALONE = {
  'inbound-rtp': ['rid', 'retransmittedPacketsReceived', 'retransmittedBytesReceived', 'nackCount'],
  'remote-candidate': ['relatedAddress', 'relatedPort', 'tcpType'],
  'local-candidate': ['relatedAddress', 'relatedPort', 'tcpType', 'url'],
  'candidate-pair': ['availableIncomingBitrate'],
};

/** Members of the browser's that need frames at our end, or raw media (docs/stats.md), or are none of webrtc-stats. */
const THEIRS_ALONE = {
  rtp: /^mediaType$/, // of all streams; the former name of kind
  'inbound-rtp': /^(frames?[A-Z]|keyFrames|total|jitterBuffer|qpSum|freeze|pause|decoder|powerEfficient|playoutId|audioLevel|concea|silent|inserted|removed|estimated|fec|goog|contentType|playout|delayed|relative|interruption|jitterBufferFlushes|packetsReceivedWith|packetsDiscarded|hugeFrames|minPlayout|corruption)/,
  'outbound-rtp': /^(frame|keyFrames|total|huge|qp|psnr|quality|encoder|powerEfficient|target|scalabilityMode|contentType|packetsSentWith)/,
  'remote-inbound-rtp': /^(packetsReceived|packetsWith)/,
  'remote-outbound-rtp': /^(roundTripTime)$/,
  'media-source': /^(audioLevel|total|width|height|frame|echo)/,
  'candidate-pair': /^(available|writable|priority)/,
  'local-candidate': /^(ip|isRemote|networkType|networkAdapterType|vpn)$/,
  'remote-candidate': /^(ip|isRemote|networkType)$/,
  transport: /^(ccfb|rtcp)/,
};

const isTheirsAlone = (type, name) =>
  THEIRS_ALONE[type]?.test(name) || (type.endsWith('-rtp') && THEIRS_ALONE.rtp.test(name));

/** Each member of theirs is one of ours, or listed as one that we cannot have; and the other way round. */
function compareNames(check, ours, theirs) {
  const names = (report, type) => new Set(ofType(report, type).flatMap((record) => Object.keys(record)));
  for (const type of new Set(Object.values(theirs).map((record) => record.type))) {
    if (type === 'media-playout') continue;
    const [mine, other] = [names(ours, type), names(theirs, type)];
    check.true(mine.size > 0, `we have no ${type}`);
    for (const name of other)
      if (!mine.has(name)) check.true(isTheirsAlone(type, name), `we have no ${type}.${name}`);
    for (const name of mine)
      if (!other.has(name)) check.true(OURS_ALONE[type]?.includes(name), `the browser has no ${type}.${name}`);
  }
}

/** Bits a second of a counter between two readings of both sides. */
function compareRates(check, before, after) {
  for (const sent of ofType(after.theirs, 'outbound-rtp')) {
    const earlier = before.theirs[sent.id];
    const [mine, mineBefore] = [after, before].map(({ ours }) =>
      ofType(ours, 'inbound-rtp').find(({ ssrc }) => ssrc === sent.ssrc));
    if (!earlier || !mineBefore) continue;
    const rate = (now, then, member) => (8000 * (now[member] - then[member])) / (now.timestamp - then.timestamp);
    check.near(rate(mine, mineBefore, 'bytesReceived'), rate(sent, earlier, 'bytesSent'), `${sent.kind} bit rate`);
  }
}

async function sameCall(world) {
  const stream = await camera();
  const check = new Comparison();
  try {
    await withConnection(world, {
      media: true,
      prepare(pc) {
        for (const track of stream.getTracks()) pc.addTrack(track, stream);
      },
    }, async (connection) => {
      const { pc } = connection;
      await connection.connected();
      const channel = await until('the channel of the offerer', () => connection.incoming[0]);
      await channel.next();
      await channel.roundTrip('some text');
      await channel.roundTrip(new Uint8Array(1000));
      await until('echoed media', async () => {
        const { inbound } = await readStats(pc);
        return inbound.video?.framesDecoded > 15 && inbound.audio?.packetsReceived > 50;
      }, 15000);
      const before = await bothReports(connection);
      await everySecond(5, () => {});
      compareRates(check, before, await bothReports(connection));
      // At rest: nothing is sent, what was sent has arrived, and reports about all of it have crossed.
      await Promise.all(pc.getSenders().map((sender) => sender.replaceTrack(null)));
      await everySecond(8, () => {});
      const { ours, theirs } = await bothReports(connection);
      compareNames(check, ours, theirs);
      compareIncoming(check, ours, theirs);
      compareOutgoing(check, ours, theirs);
      compareTransport(check, ours, theirs);
      compareData(check, ours, theirs);
    });
  } finally {
    stream.getTracks().forEach((track) => track.stop());
  }
  check.end(world);
}

export const cases = {
  'same-call': sameCall,
};
