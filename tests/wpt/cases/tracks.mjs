// addTrack(), removeTrack(), replaceTrack(), setStreams() and the track event: webrtc-pc 5.1, 5.2, 5.7.
import { test } from '../harness.mjs';

const AREA = 'tracks';
const ADD = 'webrtc-pc 5.1 addTrack()';
const REMOVE = 'webrtc-pc 5.1 removeTrack()';
const REPLACE = 'webrtc-pc 5.2 replaceTrack()';
const REMOTE = 'webrtc-pc 5.1.1';

test(AREA, `${ADD} 9`, 'addTrack() gives a sender of a new sendrecv transceiver', (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  const sender = pc.addTrack(track);
  t.ok(sender instanceof RTCRtpSender, 'it is no RTCRtpSender');
  t.equal(sender.track, track, 'track');
  const [transceiver] = pc.getTransceivers();
  t.equal(transceiver.sender, sender, 'the sender of the transceiver');
  t.equal(transceiver.direction, 'sendrecv', 'direction');
});
test(AREA, `${ADD} 5`, 'addTrack(): on a closed connection it is an InvalidStateError', (t) => {
  const pc = t.pc();
  pc.close();
  t.throws('InvalidStateError', () => pc.addTrack(t.track('audio')));
});
test(AREA, `${ADD} 7`, 'a track that is sent already is an InvalidAccessError', (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  pc.addTrack(track);
  t.throws('InvalidAccessError', () => pc.addTrack(track));
});
test(AREA, `${ADD} 7`, 'a track of addTransceiver() is sent already', (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  pc.addTransceiver(track);
  t.throws('InvalidAccessError', () => pc.addTrack(track));
});
test(AREA, `${ADD} 8`, 'a sender that never sent is used', (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio', { direction: 'recvonly' });
  const track = t.track('audio');
  t.equal(pc.addTrack(track), sender, 'the sender');
  t.equal(sender.track, track, 'track');
  t.equal(pc.getTransceivers()[0].direction, 'sendrecv', 'direction');
});
test(AREA, `${ADD} 8.4`, 'inactive becomes sendonly', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio', { direction: 'inactive' });
  pc.addTrack(t.track('audio'));
  t.equal(transceiver.direction, 'sendonly');
});
test(AREA, `${ADD} 8`, 'a sender of another kind is not used', (t) => {
  const pc = t.pc();
  pc.addTransceiver('video', { direction: 'recvonly' });
  pc.addTrack(t.track('audio'));
  t.equal(pc.getTransceivers().length, 2);
});
test(AREA, `${ADD} 8`, 'a sender that has sent is not used again', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'));
  await t.negotiate(a, b);
  a.removeTrack(sender);
  await t.negotiate(a, b);
  t.different(a.addTrack(t.track('audio')), sender);
});
test(AREA, `${ADD} 8`, 'a sender of a remote offer that never sent is used', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.offer(a, b);
  const [transceiver] = b.getTransceivers();
  t.equal(b.addTrack(t.track('audio')), transceiver.sender);
  t.equal(transceiver.direction, 'sendrecv');
});
test(AREA, `${ADD} 11`, 'addTrack(): it makes negotiation needed', async (t) => {
  const pc = t.pc();
  const needed = t.next(pc, 'negotiationneeded');
  pc.addTrack(t.track('audio'));
  await needed;
});
test(AREA, `${ADD}, Web IDL`, 'addTrack(): what is no track is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().addTrack('audio'));
  t.throws('TypeError', () => t.pc().addTrack());
});
test(AREA, `${ADD} 9`, 'the streams are in the offer', async (t) => {
  const pc = t.pc();
  const streams = [t.stream(), t.stream()];
  pc.addTrack(t.track('audio'), ...streams);
  const { sdp } = await pc.createOffer();
  for (const { id } of streams) t.ok(sdp.includes(`a=msid:${id}`), 'a stream is not in the offer');
});
test(AREA, `${ADD} 9`, 'a stream that is named twice counts once', async (t) => {
  const pc = t.pc();
  const stream = t.stream();
  pc.addTrack(t.track('audio'), stream, stream);
  t.equal((await pc.createOffer()).sdp.match(new RegExp(`^a=msid:${stream.id}`, 'gm')).length, 1, 'msid lines');
});

test(AREA, `${REMOVE} 9`, 'removeTrack() takes the track off at once', (t) => {
  const pc = t.pc();
  const sender = pc.addTrack(t.track('audio'));
  pc.removeTrack(sender);
  t.equal(sender.track, null);
});
test(AREA, `${REMOVE} 10`, 'sendrecv becomes recvonly', (t) => {
  const pc = t.pc();
  pc.removeTrack(pc.addTrack(t.track('audio')));
  t.equal(pc.getTransceivers()[0].direction, 'recvonly');
});
test(AREA, `${REMOVE} 11`, 'sendonly becomes inactive', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver(t.track('audio'), { direction: 'sendonly' });
  pc.removeTrack(transceiver.sender);
  t.equal(transceiver.direction, 'inactive');
});
test(AREA, `${REMOVE} 3`, 'removeTrack(): on a closed connection it is an InvalidStateError', (t) => {
  const pc = t.pc();
  const sender = pc.addTrack(t.track('audio'));
  pc.close();
  t.throws('InvalidStateError', () => pc.removeTrack(sender));
});
test(AREA, `${REMOVE} 4`, 'a sender of another connection is an InvalidAccessError', (t) => {
  const sender = t.pc().addTrack(t.track('audio'));
  t.throws('InvalidAccessError', () => t.pc().removeTrack(sender));
});
test(AREA, `${REMOVE} 7`, 'a second time it does nothing', (t) => {
  const pc = t.pc();
  const sender = pc.addTrack(t.track('audio'));
  pc.removeTrack(sender);
  pc.removeTrack(sender);
  t.equal(pc.getTransceivers()[0].direction, 'recvonly');
});
test(AREA, `${REMOVE} 7`, 'a sender without a track keeps its direction', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  pc.removeTrack(transceiver.sender);
  t.equal(transceiver.direction, 'sendrecv');
});
test(AREA, `${REMOVE} 8`, 'the sender of a stopped transceiver is left alone', (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  const transceiver = pc.addTransceiver(track);
  transceiver.stop();
  pc.removeTrack(transceiver.sender);
  t.equal(transceiver.direction, 'stopped', 'direction');
});
test(AREA, `${REMOVE} 12`, 'removeTrack(): it makes negotiation needed', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'));
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  a.removeTrack(sender);
  await needed;
});
test(AREA, `${REMOVE}`, 'the transceiver stays', (t) => {
  const pc = t.pc();
  const sender = pc.addTrack(t.track('audio'));
  pc.removeTrack(sender);
  t.equal(pc.getSenders()[0], sender);
});
test(AREA, `${REMOVE}, Web IDL`, 'removeTrack(): what is no sender is a TypeError', (t) => t.throws('TypeError', () => t.pc().removeTrack(null)));

test(AREA, `${REPLACE} 7`, 'replaceTrack() before negotiation changes the track', async (t) => {
  const { sender } = t.pc().addTransceiver('audio');
  const track = t.track('audio');
  t.equal(await sender.replaceTrack(track), undefined, 'the value');
  t.equal(sender.track, track, 'track');
});
test(AREA, `${REPLACE} 7`, 'the track changes in a task of its own', async (t) => {
  const { sender } = t.pc().addTransceiver('audio');
  const done = sender.replaceTrack(t.track('audio'));
  t.equal(sender.track, null, 'track at once');
  await done;
});
test(AREA, `${REPLACE} 5`, 'replaceTrack(): a track of another kind is a TypeError', async (t) => {
  await t.rejects('TypeError', t.pc().addTransceiver('audio').sender.replaceTrack(t.track('video')));
});
test(AREA, `${REPLACE} 6`, 'replaceTrack(): on a stopped transceiver it is an InvalidStateError', async (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  transceiver.stop();
  await t.rejects('InvalidStateError', transceiver.sender.replaceTrack(null));
});
test(AREA, `${REPLACE} 6`, 'replaceTrack(): on a closed connection it is an InvalidStateError', async (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio');
  pc.close();
  await t.rejects('InvalidStateError', sender.replaceTrack(null));
});
test(AREA, `${REPLACE} 7`, 'null takes the track off', async (t) => {
  const transceiver = t.pc().addTransceiver(t.track('audio'));
  await transceiver.sender.replaceTrack(null);
  t.equal(transceiver.sender.track, null, 'track');
  t.equal(transceiver.direction, 'sendrecv', 'direction');
});
test(AREA, `${REPLACE}`, 'it needs no negotiation', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'));
  await t.negotiate(a, b);
  const seen = t.record(a, 'negotiationneeded');
  await sender.replaceTrack(t.track('audio'));
  await sender.replaceTrack(null);
  await t.quiet(a);
  t.same(seen, []);
});
test(AREA, `${REPLACE}`, 'it is chained behind other operations', async (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio');
  const order = [];
  await Promise.all([pc.createOffer().then(() => order.push('offer')), sender.replaceTrack(t.track('audio')).then(() => order.push('track'))]);
  t.same(order, ['offer', 'track']);
});

test(AREA, 'webrtc-pc 5.2 setStreams() 5', 'setStreams() changes the next offer and makes negotiation needed', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'));
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  const stream = t.stream();
  sender.setStreams(stream);
  await needed;
  t.ok((await a.createOffer()).sdp.includes(`a=msid:${stream.id}`), 'the stream is not in the offer');
});
test(AREA, 'webrtc-pc 5.2 setStreams() 3', 'setStreams() on a closed connection is an InvalidStateError', (t) => {
  const pc = t.pc();
  const sender = pc.addTrack(t.track('audio'));
  pc.close();
  t.throws('InvalidStateError', () => sender.setStreams());
});
test(AREA, 'webrtc-pc 5.2 setStreams() 4', 'setStreams() reaches the far end', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'), t.stream());
  await t.negotiate(a, b);
  const stream = t.stream();
  sender.setStreams(stream);
  const event = t.next(b, 'track');
  await t.negotiate(a, b);
  t.equal((await event).streams[0].id, stream.id);
});

// ---- the track event ----

async function trackEvent(t, add) {
  const a = t.pc(), b = t.pc();
  add(a);
  const event = t.next(b, 'track');
  await t.offer(a, b);
  return { a, b, event: await event };
}

test(AREA, `${REMOTE} track`, 'a remote offer tells its track', async (t) => {
  const { b, event } = await trackEvent(t, (a) => a.addTransceiver('audio'));
  t.ok(event instanceof RTCTrackEvent, 'it is no RTCTrackEvent');
  const [transceiver] = b.getTransceivers();
  t.equal(event.transceiver, transceiver, 'transceiver');
  t.equal(event.receiver, transceiver.receiver, 'receiver');
  t.equal(event.track, transceiver.receiver.track, 'track');
});
test(AREA, `${REMOTE} track`, 'without streams the list is empty', async (t) => {
  const { event } = await trackEvent(t, (a) => a.addTransceiver('audio'));
  t.equal(event.streams.length, 0);
});
test(AREA, `${REMOTE} set the associated remote streams`, 'a stream is made with the id of the far end, and holds the track', async (t) => {
  const stream = t.stream();
  const { event } = await trackEvent(t, (a) => a.addTrack(t.track('audio'), stream));
  t.equal(event.streams.length, 1, 'streams');
  t.equal(event.streams[0].id, stream.id, 'id');
  t.equal(event.streams[0].getTracks()[0], event.track, 'its track');
});
test(AREA, `${REMOTE} set the associated remote streams`, 'two streams of a track are both told', async (t) => {
  const streams = [t.stream(), t.stream()];
  const { event } = await trackEvent(t, (a) => a.addTrack(t.track('audio'), ...streams));
  t.same(event.streams.map(({ id }) => id), streams.map(({ id }) => id));
});
test(AREA, `${REMOTE} set the associated remote streams`, 'two tracks of a stream share it', async (t) => {
  const a = t.pc(), b = t.pc();
  const stream = t.stream();
  a.addTrack(t.track('audio'), stream);
  a.addTrack(t.track('video'), stream);
  const events = [];
  b.ontrack = (event) => events.push(event);
  await t.offer(a, b);
  t.equal(events.length, 2, 'events');
  t.equal(events[0].streams[0], events[1].streams[0], 'the stream');
  t.equal(events[0].streams[0].getTracks().length, 2, 'its tracks');
});
test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.18', 'track events come before the promise is fulfilled, and after signalingstatechange', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const order = [];
  b.ontrack = () => order.push('track');
  b.onsignalingstatechange = () => order.push('state');
  await b.setRemoteDescription(await a.createOffer()).then(() => order.push('done'));
  t.same(order, ['state', 'track', 'done']);
});
test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.18', 'they come in the order of the sections', async (t) => {
  const a = t.pc(), b = t.pc();
  for (const kind of ['video', 'audio', 'video']) a.addTransceiver(kind);
  const kinds = [];
  b.ontrack = ({ track }) => kinds.push(track.kind);
  await t.offer(a, b);
  t.same(kinds, ['video', 'audio', 'video']);
});
for (const direction of ['recvonly', 'inactive'])
  test(AREA, `${REMOTE} process remote tracks 3`, `a ${direction} offer tells no track`, async (t) => {
    const a = t.pc(), b = t.pc();
    a.addTransceiver('audio', { direction });
    const seen = t.record(b, 'track');
    await t.offer(a, b);
    await t.quiet(b);
    t.same(seen, []);
  });
test(AREA, `${REMOTE} process remote tracks 2`, 'the same offer again tells no track again', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const seen = t.record(b, 'track');
  await t.negotiate(a, b);
  await t.quiet(b);
  t.same(seen, []);
});
test(AREA, `${REMOTE} process remote tracks 3`, 'sending that begins again is told again', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  transceiver.direction = 'inactive';
  await t.negotiate(a, b);
  transceiver.direction = 'sendonly';
  const event = t.next(b, 'track');
  await t.negotiate(a, b);
  t.equal((await event).transceiver, b.getTransceivers()[0]);
});
test(AREA, `${REMOTE}, answer`, 'an answer that sends tells its track to the offerer', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.offer(a, b);
  b.addTrack(t.track('audio'), t.stream());
  const event = t.next(a, 'track');
  await t.answer(b, a);
  t.equal((await event).transceiver, a.getTransceivers()[0]);
});
test(AREA, `${REMOTE}, answer`, 'an answer that does not send tells nothing', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const seen = t.record(a, 'track');
  await t.negotiate(a, b);
  await t.quiet(a);
  t.same(seen, []);
});
test(AREA, `${REMOTE} process the removal of a remote track`, 'a track that is no longer sent is muted and leaves its stream', async (t) => {
  const a = t.pc(), b = t.pc();
  const sender = a.addTrack(t.track('audio'), t.stream());
  const told = t.next(b, 'track');
  await t.negotiate(a, b);
  const { track, streams: [stream] } = await told;
  a.removeTrack(sender);
  await t.negotiate(a, b);
  t.equal(track.muted, true, 'muted');
  t.equal(track.readyState, 'live', 'readyState');
  t.equal(stream.getTracks().length, 0, 'tracks of the stream');
});
test(AREA, `${REMOTE} addtrack`, 'a second track of a stream fires addtrack at it', async (t) => {
  const a = t.pc(), b = t.pc();
  const stream = t.stream();
  a.addTrack(t.track('audio'), stream);
  const told = t.next(b, 'track');
  await t.negotiate(a, b);
  const { streams: [remote] } = await told;
  const added = t.next(remote, 'addtrack');
  a.addTrack(t.track('video'), stream);
  await t.negotiate(a, b);
  t.equal((await added).track.kind, 'video');
});
test(AREA, 'webrtc-pc 5.7 RTCTrackEvent', 'RTCTrackEvent needs receiver, track and transceiver', (t) => {
  const transceiver = t.pc().addTransceiver('audio');
  const { receiver } = transceiver;
  const event = new RTCTrackEvent('track', { receiver, track: receiver.track, transceiver });
  t.equal(event.streams.length, 0, 'streams');
  t.throws('TypeError', () => new RTCTrackEvent('track', { receiver, track: receiver.track }));
  t.throws('TypeError', () => new RTCTrackEvent('track', { receiver, transceiver }));
  t.throws('TypeError', () => new RTCTrackEvent('track', { track: receiver.track, transceiver }));
});
