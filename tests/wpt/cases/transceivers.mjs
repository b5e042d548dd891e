// Transceivers: webrtc-pc 5.4, and what descriptions make of them.
import { test } from '../harness.mjs';

const AREA = 'transceivers';
const ADD = 'webrtc-pc 5.1 addTransceiver()';
const SET = 'webrtc-pc 4.4.1.5 step';
const CREATE = 'webrtc-pc 5.4 create an RTCRtpTransceiver';
const STOP = 'webrtc-pc 5.4 stop()';

for (const kind of ['audio', 'video']) {
  test(AREA, `${ADD} 4`, `addTransceiver('${kind}') makes one of that kind`, (t) => {
    const pc = t.pc();
    const transceiver = pc.addTransceiver(kind);
    t.ok(transceiver instanceof RTCRtpTransceiver, 'it is no RTCRtpTransceiver');
    t.equal(transceiver.receiver.track.kind, kind, 'kind');
    t.equal(pc.getTransceivers()[0], transceiver, 'the one of getTransceivers()');
  });
  test(AREA, `${ADD} 5`, `addTransceiver() with a ${kind} track takes its kind and sends it`, (t) => {
    const track = t.track(kind);
    const { sender, receiver } = t.pc().addTransceiver(track);
    t.equal(sender.track, track, 'the sender\'s track');
    t.equal(receiver.track.kind, kind, 'the receiver\'s kind');
  });
}
test(AREA, `${ADD} 4, Web IDL`, 'another kind is a TypeError', (t) => {
  for (const kind of ['', 'text', 'AUDIO']) t.throws('TypeError', () => t.pc().addTransceiver(kind));
});
test(AREA, `${ADD}, Web IDL`, 'no argument is a TypeError', (t) => t.throws('TypeError', () => t.pc().addTransceiver()));
test(AREA, `${ADD}, Web IDL`, 'an unknown direction is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().addTransceiver('audio', { direction: 'both' }));
});
test(AREA, `${ADD} 3`, 'direction stopped is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().addTransceiver('audio', { direction: 'stopped' }));
});
test(AREA, `${ADD}`, 'on a closed connection it is an InvalidStateError', (t) => {
  const pc = t.pc();
  pc.close();
  t.throws('InvalidStateError', () => pc.addTransceiver('audio'));
});
test(AREA, `${CREATE}`, 'the direction is sendrecv by default', (t) => t.equal(t.pc().addTransceiver('audio').direction, 'sendrecv'));
for (const direction of ['sendrecv', 'sendonly', 'recvonly', 'inactive'])
  test(AREA, `${ADD} 3`, `the direction ${direction} is kept`, (t) => {
    t.equal(t.pc().addTransceiver('audio', { direction }).direction, direction);
  });
test(AREA, `${CREATE} 6`, 'mid is null before a description', (t) => t.equal(t.pc().addTransceiver('audio').mid, null));
test(AREA, `${CREATE} 8`, 'currentDirection is null before a description', (t) => {
  t.equal(t.pc().addTransceiver('audio').currentDirection, null);
});
test(AREA, `webrtc-pc 5.2 create an RTCRtpSender`, 'a sender without a track has track null', (t) => {
  t.equal(t.pc().addTransceiver('audio').sender.track, null);
});
test(AREA, `webrtc-pc 5.3 create an RTCRtpReceiver 2`, 'the receiver\'s track is live and muted', (t) => {
  const { track } = t.pc().addTransceiver('video').receiver;
  t.equal(track.readyState, 'live', 'readyState');
  t.equal(track.muted, true, 'muted');
});
test(AREA, `webrtc-pc 5.3 create an RTCRtpReceiver 2`, 'ids of receivers\' tracks differ', (t) => {
  const pc = t.pc();
  t.different(pc.addTransceiver('audio').receiver.track.id, pc.addTransceiver('audio').receiver.track.id);
});
test(AREA, `${ADD} 9`, 'addTransceiver() always makes a new one', (t) => {
  const pc = t.pc();
  pc.addTransceiver('audio');
  pc.addTransceiver('audio');
  t.equal(pc.getTransceivers().length, 2);
});
test(AREA, `${ADD} 11`, 'addTransceiver() makes negotiation needed', async (t) => {
  const pc = t.pc();
  const needed = t.next(pc, 'negotiationneeded');
  pc.addTransceiver('audio');
  await needed;
});
test(AREA, 'webrtc-pc 5.1 getTransceivers()', 'they come in the order of their creation', (t) => {
  const pc = t.pc();
  const made = ['audio', 'video', 'audio'].map((kind) => pc.addTransceiver(kind));
  t.ok(pc.getTransceivers().every((each, i) => each === made[i]), 'the order differs');
});
test(AREA, 'webrtc-pc 5.1 getTransceivers()', 'a new connection has none', (t) => {
  const pc = t.pc();
  t.equal(pc.getTransceivers().length + pc.getSenders().length + pc.getReceivers().length, 0);
});
test(AREA, 'webrtc-pc 5.1 getSenders(), getReceivers()', 'senders and receivers are those of the transceivers', (t) => {
  const pc = t.pc();
  const { sender, receiver } = pc.addTransceiver('audio');
  t.equal(pc.getSenders()[0], sender, 'the sender');
  t.equal(pc.getReceivers()[0], receiver, 'the receiver');
});
test(AREA, 'webrtc-pc 5.4 sender, receiver', 'sender and receiver are the same objects each time', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  t.equal(transceiver.sender, transceiver.sender);
  t.equal(transceiver.receiver, transceiver.receiver);
});

// ---- direction ----

test(AREA, 'webrtc-pc 5.4 direction setter 4', 'setting the direction shows at once', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.direction = 'recvonly';
  t.equal(transceiver.direction, 'recvonly');
});
test(AREA, 'webrtc-pc 5.4 direction setter, Web IDL', 'an unknown direction changes nothing', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.direction = 'both';
  t.equal(transceiver.direction, 'sendrecv');
});
test(AREA, 'webrtc-pc 5.4 direction setter 3', 'setting the direction of a stopped one is an InvalidStateError', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.stop();
  t.throws('InvalidStateError', () => { transceiver.direction = 'recvonly'; });
});
test(AREA, 'webrtc-pc 5.4 direction setter', 'setting the direction of a closed connection is an InvalidStateError', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  pc.close();
  t.throws('InvalidStateError', () => { transceiver.direction = 'recvonly'; });
});
test(AREA, 'webrtc-pc 5.4 direction setter 3', 'stopped cannot be set', (t) => {
  t.throws('TypeError', () => { t.pc().addTransceiver('audio').direction = 'stopped'; });
});
test(AREA, 'webrtc-pc 5.4 direction', 'the direction changes nothing until it is negotiated', async (t) => {
  const [a, b] = [t.pc(), t.pc()];
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  const before = transceiver.currentDirection;
  transceiver.direction = 'inactive';
  t.equal(transceiver.currentDirection, before, 'currentDirection');
  await t.negotiate(a, b);
  t.equal(transceiver.currentDirection, 'inactive', 'currentDirection in the end');
});

const WISHES = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const sends = (direction) => direction.startsWith('send');
const receives = (direction) => direction.endsWith('recv') || direction === 'recvonly';
const both = (send, receive) => (send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive');
for (const offered of WISHES)
  for (const answered of WISHES)
    test(AREA, `${SET} 4.6.10, currentDirection`, `${offered} offered and ${answered} answered`, async (t) => {
      const a = t.pc(), b = t.pc();
      const ours = a.addTransceiver('audio', { direction: offered });
      await t.offer(a, b);
      const [theirs] = b.getTransceivers();
      theirs.direction = answered;
      await t.answer(b, a);
      const send = sends(offered) && receives(answered), receive = receives(offered) && sends(answered);
      t.equal(ours.currentDirection, both(send, receive), 'the offerer\'s');
      t.equal(theirs.currentDirection, both(receive, send), 'the answerer\'s');
      t.equal(ours.direction, offered, 'the wish stays');
    });

// ---- descriptions ----

test(AREA, `${SET} 4.6.10.1.1.2`, 'a local offer gives the mid', async (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.ok(transceiver.mid !== null, 'there is no mid');
  t.ok(pc.localDescription.sdp.includes(`a=mid:${transceiver.mid}`), 'it is not in the offer');
});
test(AREA, `${SET} 4.6.10`, 'currentDirection stays null with an offer alone', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.offer(a, b);
  t.equal(transceiver.currentDirection, null, 'the offerer\'s');
  t.equal(b.getTransceivers()[0].currentDirection, null, 'the answerer\'s');
});
test(AREA, `${SET} 4.6.10, pranswer`, 'a pranswer sets currentDirection', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.offer(a, b);
  await b.setLocalDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  t.equal(b.getTransceivers()[0].currentDirection, 'recvonly', 'the answerer\'s');
  await a.setRemoteDescription(b.localDescription);
  t.equal(transceiver.currentDirection, 'sendonly', 'the offerer\'s');
});
test(AREA, `${SET} 4.6.10.2.7.3`, 'a remote offer makes one that is recvonly', async (t) => {
  const a = t.pc(), b = t.pc();
  const { mid } = await withMid(t, a);
  await b.setRemoteDescription(a.localDescription);
  const [transceiver] = b.getTransceivers();
  t.equal(transceiver.direction, 'recvonly', 'direction');
  t.equal(transceiver.mid, mid, 'mid');
  t.equal(transceiver.sender.track, null, 'sender.track');
});
async function withMid(t, pc) {
  const transceiver = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  return transceiver;
}
test(AREA, `${SET} 4.6.10.2.7`, 'there is one for each media section of the offer, none for data', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  a.createDataChannel('');
  a.addTransceiver('video');
  await t.offer(a, b);
  t.same(b.getTransceivers().map(({ receiver }) => receiver.track.kind), ['audio', 'video']);
});
test(AREA, 'RFC 9429 5.10', 'an offer does not take one of addTransceiver()', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const own = b.addTransceiver('audio');
  await t.offer(a, b);
  t.equal(b.getTransceivers().length, 2, 'transceivers');
  t.equal(own.mid, null, 'mid of its own');
});
test(AREA, 'RFC 9429 5.10', 'an offer takes one of addTrack()', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  b.addTrack(t.track('audio'));
  const [own] = b.getTransceivers();
  await t.offer(a, b);
  t.equal(b.getTransceivers().length, 1, 'transceivers');
  t.ok(own.mid !== null, 'there is no mid');
});
test(AREA, 'RFC 9429 5.10', 'an offer does not take one of another kind', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('video');
  b.addTrack(t.track('audio'));
  await t.offer(a, b);
  t.equal(b.getTransceivers().length, 2, 'transceivers');
});
test(AREA, 'RFC 9429 5.10', 'a recvonly section of an offer takes one of addTrack() too', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio', { direction: 'recvonly' });
  b.addTrack(t.track('audio'));
  await t.offer(a, b);
  t.equal(b.getTransceivers().length, 1, 'transceivers');
});
test(AREA, 'RFC 9429 5.10', 'a sendonly section of an offer does not take one of addTrack()', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio', { direction: 'sendonly' });
  b.addTrack(t.track('audio'));
  await t.offer(a, b);
  t.equal(b.getTransceivers().length, 2, 'transceivers');
});
test(AREA, 'RFC 9429 5.10', 'a later offer finds the same ones', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const [before] = b.getTransceivers();
  a.addTransceiver('video');
  await t.negotiate(a, b);
  t.equal(b.getTransceivers()[0], before, 'the first');
  t.equal(b.getTransceivers().length, 2, 'transceivers');
});
test(AREA, 'RFC 9429 5.10', 'a mid of the offer that is long is taken', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const { sdp } = await a.createOffer();
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replaceAll(/a=mid:\S+/g, 'a=mid:a-long-name').replace(/BUNDLE .*/, 'BUNDLE a-long-name') });
  t.equal(b.getTransceivers()[0].mid, 'a-long-name');
});
test(AREA, 'RFC 9429 5.10', 'an offer without mids still makes transceivers', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const { sdp } = await a.createOffer();
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replaceAll(/a=mid:\S+\r\n/g, '').replace(/a=group:BUNDLE .*\r\n/, '') });
  t.equal(b.getTransceivers().length, 1, 'transceivers');
  t.ok(b.getTransceivers()[0].mid !== null, 'there is no mid');
});

// ---- stopping ----

test(AREA, `${STOP} 4`, 'stop() shows in the direction at once, not in currentDirection', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  transceiver.stop();
  t.equal(transceiver.direction, 'stopped', 'direction');
  t.different(transceiver.currentDirection, 'stopped', 'currentDirection');
});
test(AREA, 'webrtc-pc 5.4 stop sending and receiving 5', 'stop() ends the receiver\'s track', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.stop();
  t.equal(transceiver.receiver.track.readyState, 'ended');
});
test(AREA, 'webrtc-pc 5.4 stop sending and receiving', 'stop() leaves the sender\'s track alive', (t) => {
  const track = t.track('audio');
  t.pc().addTransceiver(track).stop();
  t.equal(track.readyState, 'live');
});
test(AREA, `${STOP} 2`, 'stop() of a closed connection is an InvalidStateError', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  pc.close();
  t.throws('InvalidStateError', () => transceiver.stop());
});
test(AREA, `${STOP} 3`, 'stop() twice does nothing', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.stop();
  transceiver.stop();
  t.equal(transceiver.direction, 'stopped');
});
test(AREA, `${STOP} 5`, 'stop() of a negotiated one makes negotiation needed', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  transceiver.stop();
  await needed;
});
test(AREA, 'webrtc-pc 4.4.2 createOffer(); RFC 9429 5.2.1', 'one that was stopped before any offer is not offered', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('audio').stop();
  pc.addTransceiver('video');
  t.noMatch((await pc.createOffer()).sdp, /m=audio/, 'the offer');
});
test(AREA, 'webrtc-pc 4.4.2 createOffer(); RFC 9429 5.2.2', 'one that is stopping is offered with port 0', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  transceiver.stop();
  t.match((await a.createOffer()).sdp, /^m=audio 0 /m, 'the offer');
});
test(AREA, `${SET} 4.6.10.2.14`, 'a rejected section stops the far end\'s transceiver', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  const [theirs] = b.getTransceivers();
  transceiver.stop();
  await t.negotiate(a, b);
  t.equal(theirs.direction, 'stopped', 'direction');
  t.equal(theirs.currentDirection, 'stopped', 'currentDirection');
  t.equal(theirs.receiver.track.readyState, 'ended', 'readyState');
});
test(AREA, `${SET} 4.6.12.1`, 'a stopped one is gone once the answer is set', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  transceiver.stop();
  t.equal(a.getTransceivers().length, 1, 'transceivers while stopping');
  await t.negotiate(a, b);
  t.equal(a.getTransceivers().length, 0, 'transceivers of the offerer');
  t.equal(b.getTransceivers().length, 0, 'transceivers of the answerer');
  t.equal(transceiver.currentDirection, 'stopped', 'currentDirection');
});
test(AREA, `${SET} 4.6.12.1`, 'the mid of a stopped one that was negotiated away is null', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  transceiver.stop();
  await t.negotiate(a, b);
  t.equal(transceiver.mid, null);
});
test(AREA, 'webrtc-pc 5.1 getSenders()', 'a stopped one\'s sender and receiver are not listed', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  transceiver.stop();
  await t.negotiate(a, b);
  t.equal(a.getSenders().length + a.getReceivers().length, 0);
});
test(AREA, 'RFC 9429 5.2.2', 'the section of a stopped one is used again', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  const { mid } = transceiver;
  transceiver.stop();
  await t.negotiate(a, b);
  const second = a.addTransceiver('video');
  await t.negotiate(a, b);
  const list = a.localDescription.sdp.match(/^m=\w+/gm);
  t.same(list, ['m=video', 'm=application']);
  t.different(second.mid, mid, 'the new mid');
  t.equal(b.getTransceivers().length, 1, 'transceivers of the far end');
});
test(AREA, 'RFC 9429 5.2.2', 'a section is not used again before its stopping was answered', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  a.createDataChannel('');
  await t.negotiate(a, b);
  transceiver.stop();
  a.addTransceiver('audio');
  t.same((await a.createOffer()).sdp.match(/^m=\w+ \d/gm).map((line) => line.slice(2, 9)), ['audio 0', 'applica', 'audio 9']);
});
test(AREA, 'webrtc-pc 4.4.2 createAnswer(); RFC 9429 5.3.1', 'stop() before an answer waits for the next offer', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.offer(a, b);
  b.getTransceivers()[0].stop();
  const needed = t.next(b, 'negotiationneeded');
  await t.answer(b, a);
  t.equal(transceiver.direction, 'sendrecv', 'direction');
  await needed;
  await t.negotiate(b, a);
  t.equal(transceiver.direction, 'stopped', 'direction in the end');
});
test(AREA, 'webrtc-pc 5.4 stopping', 'one that was stopped cannot be started', async (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  transceiver.stop();
  await t.rejects('InvalidStateError', transceiver.sender.replaceTrack(t.track('audio')));
});
