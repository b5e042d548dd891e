// Candidates: addIceCandidate(), RTCIceCandidate, icecandidate; gathering.
import { test } from '../harness.mjs';

const AREA = 'candidates';
const ADD = 'webrtc-pc 4.4.2 addIceCandidate()';
const CTOR = 'webrtc-pc 4.8.1 constructor';
const LINE = 'candidate:1905690388 1 udp 2113937151 192.0.2.77 58041 typ host generation 0 ufrag thatufrag';
const HOST = 'candidate:1905690388 1 udp 2113937151 192.0.2.77 58041 typ host';

async function remoteOffer(t) {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  a.addTransceiver('video');
  await t.offer(a, b);
  const [, ufrag] = a.localDescription.sdp.match(/a=ice-ufrag:(\S+)/);
  return { a, b, ufrag };
}

test(AREA, `${ADD} 4.1`, 'without a remote description it is an InvalidStateError', async (t) => {
  await t.rejects('InvalidStateError', t.pc().addIceCandidate({ candidate: HOST, sdpMid: '0' }));
});
test(AREA, `${ADD} 3`, 'on a closed connection it is an InvalidStateError', async (t) => {
  const pc = t.pc();
  pc.close();
  await t.rejects('InvalidStateError', pc.addIceCandidate({ candidate: HOST, sdpMid: '0' }));
});
test(AREA, `${ADD} 2`, 'neither sdpMid nor sdpMLineIndex is a TypeError', async (t) => {
  const { b } = await remoteOffer(t);
  await t.rejects('TypeError', b.addIceCandidate({ candidate: HOST }));
  await t.rejects('TypeError', b.addIceCandidate({ candidate: HOST, sdpMid: null, sdpMLineIndex: null }));
});
test(AREA, `${ADD} 4.2`, 'sdpMid chooses the section', async (t) => {
  const { b } = await remoteOffer(t);
  t.equal(await b.addIceCandidate({ candidate: HOST, sdpMid: '0' }), undefined);
});
test(AREA, `${ADD} 4.3`, 'sdpMLineIndex chooses the section', async (t) => {
  const { b } = await remoteOffer(t);
  t.equal(await b.addIceCandidate({ candidate: HOST, sdpMLineIndex: 0 }), undefined);
});
test(AREA, `${ADD} 4.2.1`, 'an unknown sdpMid is an OperationError', async (t) => {
  const { b } = await remoteOffer(t);
  await t.rejects('OperationError', b.addIceCandidate({ candidate: HOST, sdpMid: 'nothing' }));
});
test(AREA, `${ADD} 4.3.1`, 'an sdpMLineIndex out of range is an OperationError', async (t) => {
  const { b } = await remoteOffer(t);
  await t.rejects('OperationError', b.addIceCandidate({ candidate: HOST, sdpMLineIndex: 2 }));
});
test(AREA, `${ADD} 4.2`, 'with a good sdpMid the index is not looked at', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: HOST, sdpMid: '0', sdpMLineIndex: 77 });
});
test(AREA, `${ADD} 4.2`, 'an unknown sdpMid with a good index is refused', async (t) => {
  const { b } = await remoteOffer(t);
  await t.rejects('OperationError', b.addIceCandidate({ candidate: HOST, sdpMid: 'nothing', sdpMLineIndex: 0 }));
});
test(AREA, `${ADD} 4.4`, 'a ufrag of no description is an OperationError', async (t) => {
  const { b } = await remoteOffer(t);
  await t.rejects('OperationError', b.addIceCandidate({ candidate: HOST, sdpMid: '0', usernameFragment: 'nothing' }));
});
test(AREA, `${ADD} 4.4`, 'the ufrag of the description is taken', async (t) => {
  const { b, ufrag } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: HOST, sdpMid: '0', usernameFragment: ufrag });
});
for (const candidate of ['nonsense', 'candidate:1 1 udp', 'candidate:1 1 udp 1 192.0.2.77 99999999 typ host', 'candidate:x'])
  test(AREA, `${ADD} 4.6.1`, `'${candidate}' is an OperationError`, async (t) => {
    const { b } = await remoteOffer(t);
    await t.rejects('OperationError', b.addIceCandidate({ candidate, sdpMid: '0' }));
  });
test(AREA, `${ADD} 4.6.3`, 'the candidate is in the remote description', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: HOST, sdpMid: '0' });
  t.ok(b.remoteDescription.sdp.includes(`a=${HOST}`), 'it is not in remoteDescription');
  t.ok(b.pendingRemoteDescription.sdp.includes(`a=${HOST}`), 'it is not in pendingRemoteDescription');
});
test(AREA, `${ADD} 4.6.3`, 'the candidate is in the section that it names', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: HOST, sdpMid: '1' });
  t.ok(b.remoteDescription.sdp.split(/^m=/m)[2].includes(`a=${HOST}`), 'it is not in the second section');
});
for (const end of [undefined, null, {}, { candidate: '' }, { candidate: '', sdpMid: '0' }, { candidate: '', sdpMLineIndex: 0 }])
  test(AREA, `${ADD} 4.5`, `${JSON.stringify(end) ?? 'no argument'} is the end of candidates`, async (t) => {
    const { b } = await remoteOffer(t);
    await b.addIceCandidate(end);
    t.match(b.remoteDescription.sdp, /^a=end-of-candidates\r$/m, 'remoteDescription');
  });
test(AREA, `${ADD} 4.5`, 'the end of candidates stands in each section', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate();
  t.equal(b.remoteDescription.sdp.match(/^a=end-of-candidates\r$/gm).length, 2, 'lines');
});
test(AREA, `${ADD}`, 'an RTCIceCandidate is taken', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate(new RTCIceCandidate({ candidate: HOST, sdpMid: '0' }));
});
test(AREA, `${ADD} 4`, 'it waits for the operations before it', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const offer = await a.createOffer();
  b.setRemoteDescription(offer);
  await b.addIceCandidate({ candidate: HOST, sdpMid: '0' });
});
test(AREA, `${ADD} 4.6.2`, 'an IPv6 candidate and one of TCP are taken', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: 'candidate:1 1 udp 2113937151 2001:db8::1 58041 typ host', sdpMid: '0' });
  await b.addIceCandidate({ candidate: 'candidate:2 1 tcp 2113937151 192.0.2.78 9 typ host tcptype active', sdpMid: '0' });
});
test(AREA, `${ADD} 4.6.2; RFC 8839 5.1`, 'unknown extensions are passed over', async (t) => {
  const { b } = await remoteOffer(t);
  await b.addIceCandidate({ candidate: `${HOST} new thing more stuff`, sdpMid: '0' });
});

// ---- RTCIceCandidate ----

test(AREA, `${CTOR} 1`, 'without sdpMid and sdpMLineIndex it is a TypeError', (t) => {
  t.throws('TypeError', () => new RTCIceCandidate());
  t.throws('TypeError', () => new RTCIceCandidate({ candidate: LINE }));
});
test(AREA, `${CTOR} 2`, 'the members of the dictionary are kept', (t) => {
  const candidate = new RTCIceCandidate({ candidate: LINE, sdpMid: 'audio', sdpMLineIndex: 1, usernameFragment: 'frag' });
  t.equal(candidate.candidate, LINE, 'candidate');
  t.equal(candidate.sdpMid, 'audio', 'sdpMid');
  t.equal(candidate.sdpMLineIndex, 1, 'sdpMLineIndex');
  t.equal(candidate.usernameFragment, 'frag', 'usernameFragment');
});
test(AREA, `${CTOR} 2`, 'the candidate is empty by default', (t) => t.equal(new RTCIceCandidate({ sdpMid: '' }).candidate, ''));
test(AREA, `${CTOR}, Web IDL`, 'sdpMLineIndex is an unsigned short', (t) => {
  t.equal(new RTCIceCandidate({ sdpMLineIndex: 0 }).sdpMid, null);
});
const PARTS = { foundation: '1905690388', component: 'rtp', priority: 2113937151, address: '192.0.2.77', protocol: 'udp', port: 58041, type: 'host',
  tcpType: null, relatedAddress: null, relatedPort: null };
for (const [name, value] of Object.entries(PARTS))
  test(AREA, `${CTOR} 4`, `${name} of a host candidate is read`, (t) => {
    t.equal(new RTCIceCandidate({ candidate: HOST, sdpMid: '0' })[name], value, name);
  });
const SRFLX = 'candidate:2 2 udp 1677729535 203.0.113.5 4000 typ srflx raddr 192.0.2.1 rport 5000';
for (const [name, value] of Object.entries({ component: 'rtcp', type: 'srflx', relatedAddress: '192.0.2.1', relatedPort: 5000 }))
  test(AREA, `${CTOR} 4`, `${name} of a server-reflexive candidate is read`, (t) => {
    t.equal(new RTCIceCandidate({ candidate: SRFLX, sdpMid: '0' })[name], value, name);
  });
for (const tcpType of ['active', 'passive', 'so'])
  test(AREA, `${CTOR} 4; RFC 6544 4.5`, `tcptype ${tcpType} is read`, (t) => {
    const candidate = new RTCIceCandidate({ candidate: `candidate:3 1 tcp 100 192.0.2.1 9 typ host tcptype ${tcpType}`, sdpMid: '0' });
    t.equal(candidate.protocol, 'tcp', 'protocol');
    t.equal(candidate.tcpType, tcpType, 'tcpType');
  });
for (const name of ['foundation', 'component', 'priority', 'address', 'protocol', 'port', 'type'])
  test(AREA, `${CTOR} 3`, `${name} of what is no candidate is null`, (t) => {
    t.equal(new RTCIceCandidate({ candidate: 'nonsense', sdpMid: '0' })[name], null, name);
  });
test(AREA, 'webrtc-pc 4.8.1 toJSON()', 'toJSON() gives the dictionary', (t) => {
  const json = JSON.parse(JSON.stringify(new RTCIceCandidate({ candidate: HOST, sdpMid: 'a', sdpMLineIndex: 2, usernameFragment: 'u' })));
  t.equal(json.candidate, HOST, 'candidate');
  t.equal(json.sdpMid, 'a', 'sdpMid');
  t.equal(json.sdpMLineIndex, 2, 'sdpMLineIndex');
  t.equal(json.usernameFragment, 'u', 'usernameFragment');
});
test(AREA, 'webrtc-pc 4.8.2', 'RTCPeerConnectionIceEvent holds a candidate', (t) => {
  const candidate = new RTCIceCandidate({ candidate: HOST, sdpMid: '0' });
  t.equal(new RTCPeerConnectionIceEvent('icecandidate', { candidate }).candidate, candidate);
  t.equal(new RTCPeerConnectionIceEvent('icecandidate').candidate, null);
});

// ---- gathering ----

async function gathering(t) {
  const pc = t.pc();
  pc.createDataChannel('');
  const events = [];
  pc.addEventListener('icecandidate', (event) => events.push(event));
  const gathered = t.gathered(pc);
  await pc.setLocalDescription();
  await gathered;
  await t.quiet(pc);
  return { pc, events };
}

test(AREA, 'webrtc-pc 4.8.2 icecandidate', 'host candidates are told', async (t) => {
  const { events } = await gathering(t);
  t.ok(events.some(({ candidate }) => candidate?.candidate.includes('typ host')), 'there is none');
});
test(AREA, 'webrtc-pc 4.8.2 icecandidate', 'a candidate names its section and its ufrag', async (t) => {
  const { pc, events } = await gathering(t);
  const { candidate } = events[0];
  t.equal(candidate.sdpMLineIndex, 0, 'sdpMLineIndex');
  t.ok(pc.localDescription.sdp.includes(`a=mid:${candidate.sdpMid}`), 'the mid is not in the description');
  t.ok(pc.localDescription.sdp.includes(`a=ice-ufrag:${candidate.usernameFragment}`), 'the ufrag is not in the description');
});
test(AREA, 'webrtc-pc 4.8.1.2', 'each candidate is in the local description', async (t) => {
  const { pc, events } = await gathering(t);
  const port = (line) => line.split(' ').slice(4, 6).join(' ');
  for (const { candidate } of events)
    if (candidate?.candidate) t.ok(pc.localDescription.sdp.includes(port(candidate.candidate)), 'one is missing');
});
test(AREA, 'webrtc-pc 4.4.1.4 step 6', 'null comes last, after complete', async (t) => {
  const { events } = await gathering(t);
  t.equal(events.at(-1).candidate, null, 'the last');
  t.equal(events.filter(({ candidate }) => candidate === null).length, 1, 'nulls');
});
test(AREA, 'webrtc-pc 5.6.1; 4.8.2', 'an empty candidate ends the generation before null', async (t) => {
  const { events } = await gathering(t);
  t.equal(events.at(-2).candidate?.candidate, '', 'the last but one');
});
test(AREA, 'webrtc-pc 4.3.2', 'gathering goes new, gathering, complete', async (t) => {
  const pc = t.pc();
  pc.createDataChannel('');
  const states = [pc.iceGatheringState];
  pc.onicegatheringstatechange = () => states.push(pc.iceGatheringState);
  const gathered = t.gathered(pc);
  await pc.setLocalDescription();
  await gathered;
  t.same(states, ['new', 'gathering', 'complete']);
});
test(AREA, 'RFC 9429 4.1.10', 'no candidate is told before the description is set', async (t) => {
  const pc = t.pc();
  pc.createDataChannel('');
  const order = [];
  pc.onicecandidate = () => order.push('candidate');
  const gathered = t.gathered(pc);
  await pc.setLocalDescription().then(() => order.push('set'));
  await gathered;
  t.equal(order[0], 'set');
});
test(AREA, 'webrtc-pc 4.3.2', 'a remote offer alone gathers nothing', async (t) => {
  const { b } = await remoteOffer(t);
  await t.quiet(b);
  t.equal(b.iceGatheringState, 'new');
});
test(AREA, 'RFC 9429 4.1.10', 'a description without sections gathers nothing', async (t) => {
  const pc = t.pc();
  await pc.setLocalDescription();
  await t.quiet(pc);
  t.equal(pc.iceGatheringState, 'new');
});
test(AREA, 'webrtc-pc 4.4.2 canTrickleIceCandidates', 'canTrickleIceCandidates is null, then true', async (t) => {
  const { a, b } = await remoteOffer(t);
  t.equal(a.canTrickleIceCandidates, null, 'without a remote description');
  t.equal(b.canTrickleIceCandidates, true, 'with one');
});
test(AREA, 'webrtc-pc 4.4.2 canTrickleIceCandidates', 'canTrickleIceCandidates is false without ice-options trickle', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const { sdp } = await a.createOffer();
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replace(/a=ice-options:.*\r\n/g, '') });
  t.equal(b.canTrickleIceCandidates, false);
});
test(AREA, 'webrtc-pc 4.8.1.3; RFC 8838 16', 'descriptions that waited for gathering are enough', async (t) => {
  const a = t.pc(), b = t.pc();
  const channel = a.createDataChannel('');
  const open = t.next(channel, 'open');
  let gathered = t.gathered(a);
  await a.setLocalDescription();
  await gathered;
  await b.setRemoteDescription(a.localDescription);
  gathered = t.gathered(b);
  await b.setLocalDescription();
  await gathered;
  await a.setRemoteDescription(b.localDescription);
  await open;
});
