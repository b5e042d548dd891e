// setLocalDescription(), setRemoteDescription() and the attributes that tell of them.
import { test } from '../harness.mjs';

const AREA = 'descriptions';
const SLD = 'webrtc-pc 4.4.2 setLocalDescription()';
const SRD = 'webrtc-pc 4.4.2 setRemoteDescription()';
const SET = 'webrtc-pc 4.4.1.5 step';

function withChannel(t) {
  const pc = t.pc();
  pc.createDataChannel('');
  return pc;
}

async function offered(t) {
  const a = withChannel(t), b = t.pc();
  await t.offer(a, b);
  return [a, b];
}

for (const name of ['localDescription', 'currentLocalDescription', 'pendingLocalDescription', 'remoteDescription',
  'currentRemoteDescription', 'pendingRemoteDescription'])
  test(AREA, 'webrtc-pc 4.4.1.1 steps 17-20', `${name} of a new connection is null`, (t) => {
    t.equal(t.pc()[name], null, name);
  });

test(AREA, `${SET} 4.6.5.1`, 'a local offer is pending and not current', async (t) => {
  const pc = withChannel(t);
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  t.equal(pc.pendingLocalDescription.type, 'offer', 'type');
  t.equal(pc.currentLocalDescription, null, 'current');
  t.equal(pc.localDescription.type, 'offer', 'localDescription.type');
});

test(AREA, `${SET} 4.6.6.1`, 'a remote offer is pending and not current', async (t) => {
  const [, b] = await offered(t);
  t.equal(b.pendingRemoteDescription.type, 'offer', 'type');
  t.match(b.pendingRemoteDescription.sdp, /m=application/, 'sdp');
  t.equal(b.currentRemoteDescription, null, 'current');
});

test(AREA, `${SET} 4.6.5.2`, 'a local answer makes both descriptions current', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription(await b.createAnswer());
  t.equal(b.currentLocalDescription.type, 'answer', 'local');
  t.equal(b.currentRemoteDescription.type, 'offer', 'remote');
  t.equal(b.pendingLocalDescription, null, 'pending local');
  t.equal(b.pendingRemoteDescription, null, 'pending remote');
});

test(AREA, `${SET} 4.6.6.2`, 'a remote answer makes both descriptions current', async (t) => {
  const [a, b] = await offered(t);
  await t.answer(b, a);
  t.equal(a.currentLocalDescription.type, 'offer', 'local');
  t.equal(a.currentRemoteDescription.type, 'answer', 'remote');
  t.equal(a.pendingLocalDescription, null, 'pending local');
  t.equal(a.pendingRemoteDescription, null, 'pending remote');
});

test(AREA, `${SET} 4.6.5.3`, 'a local pranswer is pending beside the pending remote offer', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  t.equal(b.pendingLocalDescription.type, 'pranswer', 'local');
  t.equal(b.pendingRemoteDescription.type, 'offer', 'remote');
  t.equal(b.currentLocalDescription, null, 'current');
});

test(AREA, `${SET} 4.6.6.3`, 'a remote pranswer is pending beside the pending local offer', async (t) => {
  const [a, b] = await offered(t);
  const answer = await b.createAnswer();
  await a.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp });
  t.equal(a.pendingRemoteDescription.type, 'pranswer', 'remote');
  t.equal(a.pendingLocalDescription.type, 'offer', 'local');
  t.equal(a.currentRemoteDescription, null, 'current');
});

test(AREA, 'webrtc-pc 4.4.2 localDescription', 'localDescription is the pending one while there is one', async (t) => {
  const [a, b] = await offered(t);
  await t.answer(b, a);
  t.equal(a.localDescription.sdp, a.currentLocalDescription.sdp, 'localDescription when stable');
  a.addTransceiver('audio');
  await a.setLocalDescription(await a.createOffer());
  t.equal(a.localDescription.sdp, a.pendingLocalDescription.sdp, 'localDescription');
  t.noMatch(a.currentLocalDescription.sdp, /m=audio/, 'currentLocalDescription');
});

test(AREA, 'webrtc-pc 4.4.2 remoteDescription', 'remoteDescription is the pending one while there is one', async (t) => {
  const [a, b] = await offered(t);
  await t.answer(b, a);
  t.equal(a.remoteDescription.sdp, a.currentRemoteDescription.sdp, 'remoteDescription when stable');
  await t.offer(b, a);
  t.equal(a.remoteDescription.sdp, a.pendingRemoteDescription.sdp, 'remoteDescription');
  t.equal(a.currentRemoteDescription.type, 'answer', 'the current one');
});

test(AREA, `${SET} 4.6.5.1`, 'a description is an RTCSessionDescription', async (t) => {
  const pc = withChannel(t);
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  t.ok(pc.localDescription instanceof RTCSessionDescription, 'it is of another class');
});

test(AREA, `${SLD} 4.1`, 'without a type it offers in stable', async (t) => {
  const pc = withChannel(t);
  t.equal(await pc.setLocalDescription(), undefined, 'the value');
  t.equal(pc.localDescription.type, 'offer');
});

test(AREA, `${SLD} 4.1`, 'without a type it offers again in have-local-offer', async (t) => {
  const pc = withChannel(t);
  await pc.setLocalDescription();
  pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.equal(pc.signalingState, 'have-local-offer');
  t.match(pc.localDescription.sdp, /m=audio/, 'the second offer');
});

test(AREA, `${SLD} 4.1`, 'without a type it answers in have-remote-offer', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription();
  t.equal(b.currentLocalDescription.type, 'answer');
});

test(AREA, `${SLD} 4.1`, 'without a type it answers in have-local-pranswer', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription({ type: 'pranswer' });
  await b.setLocalDescription();
  t.equal(b.signalingState, 'stable');
  t.equal(b.currentLocalDescription.type, 'answer');
});

test(AREA, `${SLD} 4.1`, 'without a type it is refused in have-remote-pranswer', async (t) => {
  const [a, b] = await offered(t);
  await a.setRemoteDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  await t.rejects('InvalidStateError', a.setLocalDescription());
});

for (const init of [undefined, {}, { sdp: '' }])
  test(AREA, `${SLD} 4.4.2`, `${JSON.stringify(init) ?? 'no argument'} makes an offer`, async (t) => {
    const pc = withChannel(t);
    await pc.setLocalDescription(init);
    t.equal(pc.signalingState, 'have-local-offer');
  });

test(AREA, `${SLD} 4.4.1`, 'an offer without text is the last created one', async (t) => {
  const pc = withChannel(t);
  const offer = await pc.createOffer();
  await pc.setLocalDescription({ type: 'offer' });
  t.equal(pc.localDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1], offer.sdp.match(/a=ice-ufrag:(\S+)/)[1], 'the ufrag');
});

test(AREA, `${SLD} 4.4.2`, 'an offer without text is made anew when the last one is out of date', async (t) => {
  const pc = withChannel(t);
  await pc.createOffer();
  pc.addTransceiver('audio');
  await pc.setLocalDescription({ type: 'offer' });
  t.match(pc.localDescription.sdp, /m=audio/, 'the offer');
});

test(AREA, `${SLD} 4.5.2`, 'an answer without text is made', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription({ type: 'answer' });
  t.equal(b.signalingState, 'stable');
});

test(AREA, `${SLD} 4.5.2`, 'a pranswer without text is made', async (t) => {
  const [, b] = await offered(t);
  await b.setLocalDescription({ type: 'pranswer' });
  t.equal(b.signalingState, 'have-local-pranswer');
  t.equal(b.pendingLocalDescription.type, 'pranswer');
});

test(AREA, `${SLD} 4.2`, 'an offer that was changed is refused', async (t) => {
  const pc = withChannel(t);
  const offer = await pc.createOffer();
  await t.rejects('InvalidModificationError', pc.setLocalDescription({ type: 'offer', sdp: `${offer.sdp}a=x-more\r\n` }));
  t.equal(pc.signalingState, 'stable');
});

test(AREA, `${SLD} 4.2`, 'an offer of another connection is refused', async (t) => {
  const pc = withChannel(t);
  const other = await withChannel(t).createOffer();
  await t.rejects('InvalidModificationError', pc.setLocalDescription(other));
});

test(AREA, `${SLD} 4.2`, 'an offer that is not the last one created is refused', async (t) => {
  const pc = withChannel(t);
  const old = await pc.createOffer();
  pc.addTransceiver('audio');
  await pc.createOffer();
  await t.rejects('InvalidModificationError', pc.setLocalDescription(old));
});

test(AREA, `${SLD} 4.3`, 'an answer that was changed is refused', async (t) => {
  const [, b] = await offered(t);
  const answer = await b.createAnswer();
  await t.rejects('InvalidModificationError', b.setLocalDescription({ type: 'answer', sdp: `${answer.sdp}a=x-more\r\n` }));
  t.equal(b.signalingState, 'have-remote-offer');
});

test(AREA, `${SLD} 4.3`, 'a pranswer that was changed is refused', async (t) => {
  const [, b] = await offered(t);
  const answer = await b.createAnswer();
  await t.rejects('InvalidModificationError', b.setLocalDescription({ type: 'pranswer', sdp: `${answer.sdp}a=x-more\r\n` }));
});

test(AREA, `${SLD} 4.3`, 'the text of an offer is no answer', async (t) => {
  const [a, b] = await offered(t);
  await t.rejects('InvalidModificationError', b.setLocalDescription({ type: 'answer', sdp: a.localDescription.sdp }));
});

test(AREA, `${SET} 4.6.5.2`, 'after an answer the last created offer is forgotten', async (t) => {
  const a = withChannel(t), b = t.pc();
  const offer = await a.createOffer();
  await a.setLocalDescription(offer);
  await b.setRemoteDescription(offer);
  await t.answer(b, a);
  await t.rejects('InvalidModificationError', a.setLocalDescription(offer));
});

test(AREA, `${SLD} 4.6`, 'the same offer may be set twice', async (t) => {
  const pc = withChannel(t);
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  await pc.setLocalDescription(offer);
  t.equal(pc.signalingState, 'have-local-offer');
});

test(AREA, `${SLD}, Web IDL`, 'an unknown type of a local description is a TypeError', async (t) => {
  await t.rejects('TypeError', t.pc().setLocalDescription({ type: 'counteroffer' }));
});

test(AREA, `${SRD}, Web IDL`, 'an unknown type of a remote description is a TypeError', async (t) => {
  await t.rejects('TypeError', t.pc().setRemoteDescription({ type: 'counteroffer', sdp: '' }));
});

test(AREA, `${SRD}, Web IDL`, 'a missing type is a TypeError', async (t) => {
  await t.rejects('TypeError', t.pc().setRemoteDescription({ sdp: 'v=0\r\n' }));
});

test(AREA, `${SRD}, Web IDL`, 'no description is a TypeError', async (t) => {
  await t.rejects('TypeError', t.pc().setRemoteDescription());
});

for (const [what, sdp] of Object.entries({
  'an empty offer': '',
  'text that is no SDP': 'not a description',
  'a description without version': 'o=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n',
  'a description without origin': 'v=0\r\ns=-\r\nt=0 0\r\n',
  'an m-line without port': 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio\r\n',
  'a line without an equals sign': 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nhello\r\n',
}))
  test(AREA, `${SET} 4.5.3`, `${what} is a syntax error`, async (t) => {
    const pc = t.pc();
    const error = await t.rejects('OperationError', pc.setRemoteDescription({ type: 'offer', sdp }));
    t.ok(error instanceof RTCError, 'it is no RTCError');
    t.equal(error.errorDetail, 'sdp-syntax-error', 'errorDetail');
    t.equal(pc.signalingState, 'stable', 'the state');
    t.equal(pc.remoteDescription, null, 'remoteDescription');
  });

test(AREA, `${SET} 4.5.3`, 'a syntax error names its line', async (t) => {
  const good = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
  const error = await t.rejects('OperationError', t.pc().setRemoteDescription({ type: 'offer', sdp: `${good}hello\r\n` }));
  t.equal(error.sdpLineNumber, 5, 'sdpLineNumber');
});

async function mungedOffer(t, pattern, replacement) {
  const a = t.pc();
  a.addTransceiver('audio');
  const { sdp } = await a.createOffer();
  t.match(sdp, pattern, 'the offer');
  return { type: 'offer', sdp: sdp.replace(pattern, replacement) };
}

test(AREA, `${SET} 4.5.6`, 'an offer without ice-ufrag is refused', async (t) => {
  const b = t.pc();
  await t.rejects('InvalidAccessError', b.setRemoteDescription(await mungedOffer(t, /a=ice-ufrag:.*\r\n/g, '')));
  t.equal(b.signalingState, 'stable');
});

test(AREA, `${SET} 4.5.6`, 'an offer without ice-pwd is refused', async (t) => {
  await t.rejects('InvalidAccessError', t.pc().setRemoteDescription(await mungedOffer(t, /a=ice-pwd:.*\r\n/g, '')));
});

test(AREA, `${SET} 4.5.6`, 'an offer without fingerprint is refused', async (t) => {
  await t.rejects('InvalidAccessError', t.pc().setRemoteDescription(await mungedOffer(t, /a=fingerprint:.*\r\n/g, '')));
});

test(AREA, `${SET} 4.5.4`, 'an offer without rtcp-mux is refused', async (t) => {
  await t.rejects('InvalidAccessError', t.pc().setRemoteDescription(await mungedOffer(t, /a=rtcp-mux\r\n/g, '')));
});

test(AREA, `${SET} 4.5.6`, 'an answer with fewer m-lines is refused', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.offer(a, b);
  const { sdp } = await b.createAnswer();
  await t.rejects('InvalidAccessError', a.setRemoteDescription({ type: 'answer', sdp: sdp.slice(0, sdp.indexOf('m=')) }));
  t.equal(a.signalingState, 'have-local-offer');
});

test(AREA, `${SET} 4.5.6`, 'an answer whose m-line is of another kind is refused', async (t) => {
  const a = t.pc(), b = t.pc(), c = t.pc();
  a.addTransceiver('audio');
  c.addTransceiver('video');
  await t.offer(a, b);
  await b.setLocalDescription(await b.createAnswer());
  const d = t.pc();
  await d.setRemoteDescription(await c.createOffer());
  await t.rejects('InvalidAccessError', a.setRemoteDescription(await d.createAnswer()));
});

test(AREA, `${SET} 4.5.6`, 'an offer with a mid twice is refused', async (t) => {
  const a = t.pc();
  a.addTransceiver('audio');
  a.addTransceiver('audio');
  const { sdp } = await a.createOffer();
  const munged = sdp.replace(/a=mid:1/, 'a=mid:0').replace('BUNDLE 0 1', 'BUNDLE 0');
  await t.rejects('InvalidAccessError', t.pc().setRemoteDescription({ type: 'offer', sdp: munged }));
});

test(AREA, `${SRD} 3`, 'it gives undefined', async (t) => {
  t.equal(await t.pc().setRemoteDescription(await withChannel(t).createOffer()), undefined);
});

test(AREA, `${SRD} 1`, 'an RTCSessionDescription is taken as well as a dictionary', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(new RTCSessionDescription(await withChannel(t).createOffer()));
  t.equal(b.signalingState, 'have-remote-offer');
});

test(AREA, `${SET} 4.5`, 'a refused description leaves the earlier ones', async (t) => {
  const [a, b] = await offered(t);
  await t.answer(b, a);
  const before = a.remoteDescription.sdp;
  await t.rejects('OperationError', a.setRemoteDescription({ type: 'offer', sdp: 'nonsense' }));
  t.equal(a.remoteDescription.sdp, before, 'remoteDescription.sdp');
  t.equal(a.signalingState, 'stable');
});

test(AREA, 'RFC 9429 5.10', 'a new remote offer takes the place of the pending one', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await b.setRemoteDescription(await a.createOffer());
  a.addTransceiver('video');
  await b.setRemoteDescription(await a.createOffer());
  t.match(b.pendingRemoteDescription.sdp, /m=video/, 'the pending offer');
  t.equal(b.getTransceivers().length, 2, 'transceivers');
});

test(AREA, 'RFC 9429 5.2.2', 'a later offer has the same session id and a higher version', async (t) => {
  const [a, b] = await offered(t);
  const [, id, version] = a.localDescription.sdp.match(/o=\S+ (\d+) (\d+)/);
  await t.answer(b, a);
  a.addTransceiver('audio');
  await a.setLocalDescription();
  const [, nextId, nextVersion] = a.localDescription.sdp.match(/o=\S+ (\d+) (\d+)/);
  t.equal(nextId, id, 'the session id');
  t.ok(BigInt(nextVersion) > BigInt(version), `the version ${nextVersion} is not above ${version}`);
});

// RTCSessionDescription.

test(AREA, 'webrtc-pc 4.6.2 constructor', 'RTCSessionDescription keeps type and sdp', (t) => {
  const description = new RTCSessionDescription({ type: 'answer', sdp: 'v=0' });
  t.equal(description.type, 'answer', 'type');
  t.equal(description.sdp, 'v=0', 'sdp');
});

test(AREA, 'webrtc-pc 4.6.2 constructor', 'the sdp of RTCSessionDescription is empty by default', (t) => {
  t.equal(new RTCSessionDescription({ type: 'rollback' }).sdp, '', 'sdp');
});

test(AREA, 'webrtc-pc 4.6.2 RTCSessionDescriptionInit', 'RTCSessionDescription needs its type', (t) => {
  t.throws('TypeError', () => new RTCSessionDescription({ sdp: '' }));
  t.throws('TypeError', () => new RTCSessionDescription());
  t.throws('TypeError', () => new RTCSessionDescription({ type: 'nothing' }));
});

test(AREA, 'webrtc-pc 4.6.2 toJSON()', 'RTCSessionDescription becomes its dictionary in JSON', (t) => {
  t.same(JSON.parse(JSON.stringify(new RTCSessionDescription({ type: 'offer', sdp: 'x' }))), { type: 'offer', sdp: 'x' });
});

// The operations chain.

test(AREA, 'webrtc-pc 4.4.1.2 step 6', 'operations run in the order of their calls', async (t) => {
  const pc = withChannel(t);
  const order = [];
  await Promise.all([
    pc.createOffer().then(() => order.push(1)),
    pc.setLocalDescription().then(() => order.push(2)),
    pc.createOffer().then(() => order.push(3)),
  ]);
  t.same(order, [1, 2, 3]);
});

test(AREA, 'webrtc-pc 4.4.1.2 step 7', 'a failed operation does not stop the chain', async (t) => {
  const pc = withChannel(t);
  const bad = pc.createAnswer();
  const good = pc.createOffer();
  await t.rejects('InvalidStateError', bad);
  t.equal((await good).type, 'offer');
});

test(AREA, 'webrtc-pc 4.4.1.2', 'what a call needs is looked at when its turn comes', async (t) => {
  const b = t.pc();
  const offer = await withChannel(t).createOffer();
  b.setRemoteDescription(offer);
  const answer = await b.createAnswer();
  t.equal(answer.type, 'answer');
});

test(AREA, 'webrtc-pc 4.4.1.2 step 7.1', 'what waits in the chain of a closed connection never settles', async (t) => {
  const pc = withChannel(t);
  const first = pc.createOffer();
  const second = pc.setLocalDescription();
  pc.close();
  await t.unsettled(first);
  await t.unsettled(second);
});

test(AREA, 'webrtc-pc 4.4.1.2', 'the chains of two connections are their own', async (t) => {
  const a = withChannel(t), b = withChannel(t);
  const [x, y] = await Promise.all([a.createOffer(), b.createOffer()]);
  t.different(x.sdp, y.sdp, 'the offers');
});
