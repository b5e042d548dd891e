// Transports, states of the connection, close(): webrtc-pc 4.3, 4.4.2, 5.5, 5.6, 6.1.
import { test } from '../harness.mjs';

const DTLS = 'DTLS transport';
const ICE = 'ICE transport';
const SCTP = 'SCTP transport';
const STATES = 'connection states';
const CLOSE = 'close';
const CLOSING = 'webrtc-pc 4.4.2 close()';

// ---- DTLS ----

test(DTLS, 'webrtc-pc 5.2 transport', 'a sender has no transport before a description', (t) => {
  const { sender, receiver } = t.pc().addTransceiver('audio');
  t.equal(sender.transport, null, 'sender.transport');
  t.equal(receiver.transport, null, 'receiver.transport');
});
test(DTLS, 'webrtc-pc 4.4.1.5 step 4.6.10.1.1.6', 'a local offer gives sender and receiver one transport', async (t) => {
  const pc = t.pc();
  const { sender, receiver } = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.ok(sender.transport instanceof RTCDtlsTransport, 'it is no RTCDtlsTransport');
  t.equal(receiver.transport, sender.transport, 'receiver.transport');
});
test(DTLS, 'webrtc-pc 5.5', 'a new transport is new, and has no certificates', async (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.equal(sender.transport.state, 'new', 'state');
  t.same(sender.transport.getRemoteCertificates(), []);
});
test(DTLS, 'webrtc-pc 5.5 state', 'it goes through connecting to connected', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.negotiate(a, b);
  const { transport } = a.sctp;
  const states = [];
  transport.onstatechange = () => states.push(transport.state);
  await t.connected(a);
  await t.when(transport, 'statechange', () => transport.state === 'connected');
  t.equal(states.at(-1), 'connected');
});
test(DTLS, 'webrtc-pc 5.5 getRemoteCertificates()', 'the certificate is the far end\'s, in DER', async (t) => {
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' });
  const { b } = await t.connectedPair({ certificates: [certificate] });
  const [der] = b.sctp.transport.getRemoteCertificates();
  t.ok(der instanceof ArrayBuffer, 'it is no ArrayBuffer');
  const digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', der))].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  t.equal(digest, certificate.getFingerprints().find(({ algorithm }) => algorithm === 'sha-256').value);
});
test(DTLS, `${CLOSING} 3.8`, 'close() closes it', async (t) => {
  const { a } = await t.connectedPair();
  const { transport } = a.sctp;
  a.close();
  t.equal(transport.state, 'closed');
});
test(DTLS, 'webrtc-pc 5.5 state; RFC 5246 7.2.1', 'close() of the far end closes it', async (t) => {
  const { a, b } = await t.connectedPair();
  const { transport } = a.sctp;
  b.close();
  await t.when(transport, 'statechange', () => transport.state === 'closed');
});
test(DTLS, 'RFC 9143 7', 'bundled sections share it', async (t) => {
  const { a, b } = await t.connectedPair();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  t.equal(a.getSenders()[0].transport, a.sctp.transport);
});
test(DTLS, 'webrtc-pc 5.5', 'it is the same object each time', async (t) => {
  const { a } = await t.connectedPair();
  t.equal(a.sctp.transport, a.sctp.transport);
});

// ---- ICE ----

test(ICE, 'webrtc-pc 5.5 iceTransport', 'the DTLS transport has one', async (t) => {
  const { a } = await t.connectedPair();
  const { iceTransport } = a.sctp.transport;
  t.ok(iceTransport instanceof RTCIceTransport, 'it is no RTCIceTransport');
  t.equal(iceTransport, a.sctp.transport.iceTransport, 'the object');
});
test(ICE, 'webrtc-pc 5.6 role; RFC 8445 6.1.1', 'the offerer controls', async (t) => {
  const { a, b } = await t.connectedPair();
  t.equal(a.sctp.transport.iceTransport.role, 'controlling', 'the offerer');
  t.equal(b.sctp.transport.iceTransport.role, 'controlled', 'the answerer');
});
test(ICE, 'webrtc-pc 5.6 role; RFC 8445 6.1.1', 'a later offer of the other side does not turn the roles', async (t) => {
  const { a, b } = await t.connectedPair();
  await t.negotiate(b, a);
  t.equal(a.sctp.transport.iceTransport.role, 'controlling');
});
test(ICE, 'webrtc-pc 5.6 component', 'its component is RTP', async (t) => {
  const { a } = await t.connectedPair();
  t.equal(a.sctp.transport.iceTransport.component, 'rtp');
});
test(ICE, 'webrtc-pc 5.6 state', 'it ends connected or completed', async (t) => {
  const { a } = await t.connectedPair();
  t.match(a.sctp.transport.iceTransport.state, /^(connected|completed)$/, 'state');
});
test(ICE, 'webrtc-pc 5.6 gatheringState', 'its gathering ends complete', async (t) => {
  const { a } = await t.connectedPair();
  await t.gathered(a);
  t.equal(a.sctp.transport.iceTransport.gatheringState, 'complete');
});
for (const [which, side] of Object.entries({ getLocalCandidates: 'localDescription', getRemoteCandidates: 'remoteDescription' }))
  test(ICE, `webrtc-pc 5.6 ${which}()`, `${which}() gives RTCIceCandidates of the description`, async (t) => {
    const { a } = await t.connectedPair();
    const list = a.sctp.transport.iceTransport[which]();
    t.ok(list.length > 0, 'there are none');
    for (const candidate of list) {
      t.ok(candidate instanceof RTCIceCandidate, 'it is no RTCIceCandidate');
      t.ok(a[side].sdp.includes(` ${candidate.port} `), 'it is not in the description');
    }
  });
test(ICE, 'webrtc-pc 5.6 getSelectedCandidatePair()', 'the selected pair is of both lists', async (t) => {
  const { a, b } = await t.connectedPair();
  const pair = a.sctp.transport.iceTransport.getSelectedCandidatePair();
  t.ok(pair.local instanceof RTCIceCandidate && pair.remote instanceof RTCIceCandidate, 'they are no RTCIceCandidates');
  t.ok(b.localDescription.sdp.includes(` ${pair.remote.port} `), 'the remote one is not the far end\'s');
});
test(ICE, 'webrtc-pc 5.6 getSelectedCandidatePair()', 'there is no selected pair before the checks', async (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.equal(sender.transport.iceTransport.getSelectedCandidatePair(), null);
});
test(ICE, 'webrtc-pc 5.6 getLocalParameters()', 'the local parameters are those of the description', async (t) => {
  const { a } = await t.connectedPair();
  const { usernameFragment, password } = a.sctp.transport.iceTransport.getLocalParameters();
  t.ok(a.localDescription.sdp.includes(`a=ice-ufrag:${usernameFragment}\r\n`), 'usernameFragment');
  t.ok(a.localDescription.sdp.includes(`a=ice-pwd:${password}\r\n`), 'password');
});
test(ICE, 'webrtc-pc 5.6 getRemoteParameters()', 'the remote parameters are those of the description', async (t) => {
  const { a } = await t.connectedPair();
  const { usernameFragment, password } = a.sctp.transport.iceTransport.getRemoteParameters();
  t.ok(a.remoteDescription.sdp.includes(`a=ice-ufrag:${usernameFragment}\r\n`), 'usernameFragment');
  t.ok(a.remoteDescription.sdp.includes(`a=ice-pwd:${password}\r\n`), 'password');
});
test(ICE, 'webrtc-pc 5.6 getRemoteParameters()', 'there are no remote parameters without a remote description', async (t) => {
  const pc = t.pc();
  const { sender } = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  t.equal(sender.transport.iceTransport.getRemoteParameters(), null);
});
test(ICE, 'webrtc-pc 5.6.1', 'selectedcandidatepairchange and statechange are told', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.offer(a, b);
  await b.setLocalDescription(await b.createAnswer());
  const { iceTransport } = b.sctp.transport;
  const pair = t.next(iceTransport, 'selectedcandidatepairchange'), state = t.next(iceTransport, 'statechange');
  await a.setRemoteDescription(b.localDescription);
  await Promise.all([pair, state]);
});
test(ICE, `${CLOSING} 3.9`, 'close() closes it', async (t) => {
  const { a } = await t.connectedPair();
  const { iceTransport } = a.sctp.transport;
  a.close();
  t.equal(iceTransport.state, 'closed');
});

// ---- SCTP ----

test(SCTP, 'webrtc-pc 6.1 sctp', 'sctp is null before it is negotiated', async (t) => {
  const a = t.pc(), b = t.pc();
  a.createDataChannel('');
  t.equal(a.sctp, null, 'at first');
  await t.offer(a, b);
  t.equal(a.sctp, null, 'with an offer');
});
test(SCTP, 'webrtc-pc 4.4.1.5 step 4.6.9.1', 'an answer makes it, connecting', async (t) => {
  const a = t.pc(), b = t.pc();
  a.createDataChannel('');
  await t.negotiate(a, b);
  t.ok(a.sctp instanceof RTCSctpTransport, 'it is no RTCSctpTransport');
  t.equal(a.sctp.state, 'connecting', 'state');
  t.ok(b.sctp instanceof RTCSctpTransport, 'the answerer\'s is no RTCSctpTransport');
});
test(SCTP, 'webrtc-pc 6.1', 'media alone makes none', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  t.equal(a.sctp, null);
});
test(SCTP, 'webrtc-pc 6.1.1.3', 'it becomes connected, with an event', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.negotiate(a, b);
  await t.when(a.sctp, 'statechange', () => a.sctp.state === 'connected');
});
test(SCTP, 'webrtc-pc 6.1.1.3', 'maxChannels is null, then a number', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.negotiate(a, b);
  t.equal(a.sctp.maxChannels, null, 'before');
  await t.when(a.sctp, 'statechange', () => a.sctp.state === 'connected');
  t.ok(a.sctp.maxChannels > 0 && a.sctp.maxChannels <= 65535, `it is ${a.sctp.maxChannels}`);
});
async function maxMessageSize(t, replacement) {
  const a = t.pc(), b = t.pc();
  a.createDataChannel('');
  const { sdp } = await a.createOffer();
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replace(/a=max-message-size:\d+\r\n/, replacement) });
  await b.setLocalDescription();
  return b.sctp.maxMessageSize;
}
test(SCTP, 'webrtc-pc 6.1.1.2; RFC 8841 6.1', 'maxMessageSize is what the far end says', async (t) => {
  t.equal(await maxMessageSize(t, 'a=max-message-size:12345\r\n'), 12345);
});
test(SCTP, 'webrtc-pc 6.1.1.2; RFC 8841 6.1', 'without max-message-size it is 65,536', async (t) => t.equal(await maxMessageSize(t, ''), 65536));
test(SCTP, 'webrtc-pc 6.1.1.2', 'with 0 it is what we can send', async (t) => {
  t.ok(await maxMessageSize(t, 'a=max-message-size:0\r\n') >= 262144, 'it is small');
});
test(SCTP, `${CLOSING} 3.7`, 'close() closes it', async (t) => {
  const { a } = await t.connectedPair();
  const { sctp } = a;
  a.close();
  t.equal(sctp.state, 'closed');
});
test(SCTP, 'webrtc-pc 6.1 transport', 'its transport is an RTCDtlsTransport', async (t) => {
  const { a } = await t.connectedPair();
  t.ok(a.sctp.transport instanceof RTCDtlsTransport, 'it is none');
});

// ---- states ----

for (const name of ['connectionState', 'iceConnectionState', 'iceGatheringState'])
  test(STATES, 'webrtc-pc 4.4.1.1 steps 13-15', `${name} is new at first`, (t) => t.equal(t.pc()[name], 'new', name));
test(STATES, 'webrtc-pc 4.3.3', 'connectionState goes new, connecting, connected', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  const states = [a.connectionState];
  a.onconnectionstatechange = () => states.push(a.connectionState);
  await t.negotiate(a, b);
  await t.connected(a);
  t.same(states, ['new', 'connecting', 'connected']);
});
test(STATES, 'webrtc-pc 4.3.4', 'iceConnectionState goes through checking', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  const states = [];
  a.oniceconnectionstatechange = () => states.push(a.iceConnectionState);
  await t.negotiate(a, b);
  await t.connected(a);
  t.equal(states[0], 'checking', 'the first');
  t.match(states.at(-1), /^(connected|completed)$/, 'the last');
});
test(STATES, 'webrtc-pc 4.3.3', 'an offer alone leaves the states new', async (t) => {
  const pc = t.pc();
  pc.createDataChannel('');
  await pc.setLocalDescription();
  await t.quiet(pc);
  t.equal(pc.connectionState, 'new', 'connectionState');
  t.equal(pc.iceConnectionState, 'new', 'iceConnectionState');
});
test(STATES, 'webrtc-pc 4.3.3', 'both sides connect', async (t) => {
  const [a, b] = t.pair();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  await Promise.all([t.connected(a), t.connected(b)]);
});
test(STATES, 'webrtc-pc 4.4.1.3', 'a second exchange changes no state', async (t) => {
  const { a, b } = await t.connectedPair();
  await t.connected(a);
  const seen = t.record(a, 'connectionstatechange');
  await t.negotiate(a, b);
  await t.quiet(a);
  t.same(seen, []);
});
test(STATES, 'RFC 9429 4.1.10.1', 'a pranswer is enough to connect', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.offer(a, b);
  await b.setLocalDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  await a.setRemoteDescription(b.localDescription);
  await Promise.all([t.connected(a), t.connected(b)]);
  t.equal(a.signalingState, 'have-remote-pranswer');
});
test(STATES, 'RFC 8445 7.3.1.1', 'two that offered to others and answered each other connect', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  b.createDataChannel('');
  await a.setLocalDescription();
  await b.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await t.answer(b, a);
  await Promise.all([t.connected(a), t.connected(b)]);
});
// ---- close ----

for (const name of ['signalingState', 'connectionState', 'iceConnectionState'])
  test(CLOSE, `${CLOSING} 3`, `${name} is closed at once`, (t) => {
    const pc = t.pc();
    pc.close();
    t.equal(pc[name], 'closed', name);
  });
for (const name of ['signalingState', 'connectionState', 'iceConnectionState'])
  test(CLOSE, `${CLOSING} 3`, `${name} of a connection that was up is closed at once, without an event`, async (t) => {
    const { a } = await t.connectedPair();
    const seen = t.record(a, 'signalingstatechange', 'connectionstatechange', 'iceconnectionstatechange');
    a.close();
    t.equal(a[name], 'closed', name);
    for (let i = 0; i < 5; i++) await t.turn();
    t.same(seen, []);
  });
test(CLOSE, `${CLOSING} 1`, 'close() twice does nothing', (t) => {
  const pc = t.pc();
  pc.close();
  t.equal(pc.close(), undefined);
});
test(CLOSE, `${CLOSING} 3.4`, 'transceivers are stopped', (t) => {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  pc.close();
  t.equal(transceiver.direction, 'stopped', 'direction');
  t.equal(transceiver.receiver.track.readyState, 'ended', 'its track');
});
test(CLOSE, `${CLOSING} 3.4`, 'a negotiated transceiver\'s currentDirection is stopped', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  a.close();
  t.equal(transceiver.currentDirection, 'stopped');
});
test(CLOSE, `${CLOSING} 3.11`, 'transceivers, senders and receivers are no longer listed', (t) => {
  const pc = t.pc();
  pc.addTransceiver('audio');
  pc.close();
  t.equal(pc.getTransceivers().length, 0, 'transceivers');
  t.equal(pc.getSenders().length, 0, 'senders');
});
test(CLOSE, `${CLOSING}`, 'descriptions stay', async (t) => {
  const { a } = await t.connectedPair();
  a.close();
  t.ok(a.localDescription && a.remoteDescription, 'they are gone');
});
test(CLOSE, `${CLOSING}`, 'the sender\'s track lives on', (t) => {
  const pc = t.pc();
  const track = t.track('audio');
  pc.addTransceiver(track);
  pc.close();
  t.equal(track.readyState, 'live');
});
test(CLOSE, `${CLOSING} 3.6`, 'no message comes after close()', async (t) => {
  const { b, channel, other } = await t.channelPair();
  const seen = t.record(other, 'message');
  channel.send('x');
  b.close();
  await t.quiet();
  t.same(seen, []);
});
for (const name of ['createOffer', 'createAnswer', 'setLocalDescription', 'addIceCandidate'])
  test(CLOSE, 'webrtc-pc 4.4.1.2 step 2', `${name}() after close() is an InvalidStateError`, async (t) => {
    const pc = t.pc();
    pc.close();
    await t.rejects('InvalidStateError', pc[name]());
  });
test(CLOSE, 'webrtc-pc 4.4.2 getConfiguration()', 'getConfiguration() works after close()', (t) => {
  const pc = t.pc({ iceTransportPolicy: 'relay' });
  pc.close();
  t.equal(pc.getConfiguration().iceTransportPolicy, 'relay');
});
test(CLOSE, 'webrtc-pc 4.4.1.5 step 4.6.1', 'close() in a signalingstatechange handler is heard', async (t) => {
  const pc = t.pc();
  pc.createDataChannel('');
  pc.onsignalingstatechange = () => pc.close();
  const changed = t.next(pc, 'signalingstatechange');
  pc.setLocalDescription().catch(() => {});
  await changed;
  t.equal(pc.signalingState, 'closed');
});
test(CLOSE, `${CLOSING}`, 'close() in a message handler is heard', async (t) => {
  const { b, channel, other } = await t.channelPair();
  const message = t.next(other, 'message').then(() => b.close());
  channel.send('x');
  await message;
  t.equal(other.readyState, 'closed');
});
test(CLOSE, 'webrtc-pc 8.2 getStats()', 'getStats() works after close()', async (t) => {
  const { a } = await t.connectedPair();
  a.close();
  t.ok((await a.getStats()).size > 0, 'the report is empty');
});
