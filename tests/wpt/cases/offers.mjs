// createOffer() and createAnswer(), and what RFC 9429 wants in their text.
import { test } from '../harness.mjs';

const AREA = 'offers and answers';
const OFFER = 'webrtc-pc 4.4.2 createOffer()';
const ANSWER = 'webrtc-pc 4.4.2 createAnswer()';

const sections = (sdp) => sdp.split(/(?=^m=)/m).slice(1);
const session = (sdp) => sdp.split(/^m=/m)[0];

function withMedia(t, ...kinds) {
  const pc = t.pc();
  for (const kind of kinds) kind === 'data' ? pc.createDataChannel('') : pc.addTransceiver(kind);
  return pc;
}

async function offerOf(t, ...kinds) {
  return (await withMedia(t, ...kinds).createOffer()).sdp;
}

async function answerTo(t, ...kinds) {
  const a = withMedia(t, ...kinds), b = t.pc();
  await t.offer(a, b);
  return (await b.createAnswer()).sdp;
}

test(AREA, `${OFFER} final steps 4`, 'an offer is a dictionary with type and sdp', async (t) => {
  const offer = await t.pc().createOffer();
  t.equal(offer.type, 'offer', 'type');
  t.equal(typeof offer.sdp, 'string', 'typeof sdp');
});

test(AREA, `${ANSWER} final steps 4`, 'an answer is a dictionary with type and sdp', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(await withMedia(t, 'audio').createOffer());
  const answer = await b.createAnswer();
  t.equal(answer.type, 'answer', 'type');
  t.equal(typeof answer.sdp, 'string', 'typeof sdp');
});

test(AREA, `${OFFER} 2`, 'createOffer() of a closed connection is refused', async (t) => {
  const pc = t.pc();
  pc.close();
  await t.rejects('InvalidStateError', pc.createOffer());
});

test(AREA, `${ANSWER} 2`, 'createAnswer() of a closed connection is refused', async (t) => {
  const pc = t.pc();
  pc.close();
  await t.rejects('InvalidStateError', pc.createAnswer());
});

test(AREA, `${OFFER} create 1`, 'createOffer() in have-remote-offer is refused', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(await withMedia(t, 'audio').createOffer());
  await t.rejects('InvalidStateError', b.createOffer());
});

test(AREA, `${OFFER} create 1`, 'createOffer() in have-local-pranswer is refused', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(await withMedia(t, 'audio').createOffer());
  await b.setLocalDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  await t.rejects('InvalidStateError', b.createOffer());
});

test(AREA, `${OFFER} create 1`, 'createOffer() in have-remote-pranswer is refused', async (t) => {
  const a = withMedia(t, 'audio'), b = t.pc();
  await t.offer(a, b);
  await a.setRemoteDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  await t.rejects('InvalidStateError', a.createOffer());
});

test(AREA, `${OFFER} create 1`, 'createOffer() in have-local-offer gives another offer', async (t) => {
  const pc = withMedia(t, 'audio');
  await pc.setLocalDescription();
  t.equal((await pc.createOffer()).type, 'offer');
});

test(AREA, `${ANSWER} create 1`, 'createAnswer() in stable is refused', async (t) => {
  await t.rejects('InvalidStateError', t.pc().createAnswer());
});

test(AREA, `${ANSWER} create 1`, 'createAnswer() in have-local-offer is refused', async (t) => {
  const pc = withMedia(t, 'audio');
  await pc.setLocalDescription();
  await t.rejects('InvalidStateError', pc.createAnswer());
});

test(AREA, `${ANSWER} create 1`, 'createAnswer() in have-local-pranswer gives another answer', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(await withMedia(t, 'audio').createOffer());
  await b.setLocalDescription({ type: 'pranswer', sdp: (await b.createAnswer()).sdp });
  t.equal((await b.createAnswer()).type, 'answer');
});

test(AREA, `${OFFER}`, 'createOffer() sets nothing', async (t) => {
  const pc = withMedia(t, 'audio', 'data');
  await pc.createOffer();
  t.equal(pc.signalingState, 'stable', 'the state');
  t.equal(pc.localDescription, null, 'localDescription');
  t.equal(pc.getTransceivers()[0].mid, null, 'mid');
  t.equal(pc.iceGatheringState, 'new', 'iceGatheringState');
});

test(AREA, `${OFFER} final steps 2`, 'a transceiver that is added meanwhile is in the offer', async (t) => {
  const pc = withMedia(t, 'audio');
  const promise = pc.createOffer();
  pc.addTransceiver('video');
  t.match((await promise).sdp, /m=video/, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1', 'an offer without anything has no m-section', async (t) => {
  t.equal(sections((await t.pc().createOffer()).sdp).length, 0, 'm-sections');
});

test(AREA, 'RFC 9429 5.2.1', 'm-sections come in the order of the transceivers, data last', async (t) => {
  const sdp = await offerOf(t, 'data', 'video', 'audio', 'video');
  t.same(sections(sdp).map((each) => each.match(/m=(\w+)/)[1]), ['video', 'audio', 'video', 'application']);
});

for (const [what, pattern] of Object.entries({
  'v=0 first': /^v=0\r\n/,
  'o= with an address of no one': /^o=\S+ \d+ \d+ IN IP4 \S+\r$/m,
  's=-': /^s=-\r$/m,
  't=0 0': /^t=0 0\r$/m,
}))
  test(AREA, 'RFC 9429 5.2.1', `an offer has ${what}`, async (t) => {
    t.match(await offerOf(t, 'audio'), pattern, 'the offer');
  });

test(AREA, 'RFC 9429 5.2.1', 'the session id fits 62 bits', async (t) => {
  const [, id] = (await offerOf(t, 'audio')).match(/^o=\S+ (\d+)/m);
  t.ok(BigInt(id) < 2n ** 63n, `the id ${id} is too large`);
});

test(AREA, 'RFC 9429 5.1.2', 'media has the profile UDP/TLS/RTP/SAVPF', async (t) => {
  for (const section of sections(await offerOf(t, 'audio', 'video')))
    t.match(section, /^m=\w+ \d+ UDP\/TLS\/RTP\/SAVPF /, 'the m-line');
});

test(AREA, 'RFC 9429 5.1.2; RFC 8841', 'data has the profile UDP/DTLS/SCTP and webrtc-datachannel', async (t) => {
  t.match(await offerOf(t, 'data'), /^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\r$/m, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8841', 'data has a=sctp-port', async (t) => {
  t.match(await offerOf(t, 'data'), /^a=sctp-port:\d+\r$/m, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8841', 'data has a=max-message-size', async (t) => {
  t.match(await offerOf(t, 'data'), /^a=max-message-size:\d+\r$/m, 'the offer');
});

for (const [what, pattern] of Object.entries({
  'a mid': /^a=mid:\S+\r$/m,
  'an ice-ufrag': /^a=ice-ufrag:[A-Za-z0-9+/]{4,256}\r$/m,
  'an ice-pwd': /^a=ice-pwd:[A-Za-z0-9+/]{22,256}\r$/m,
  'a fingerprint': /^a=fingerprint:sha-(256|384|512) [0-9A-F:]+\r$/mi,
  'setup actpass': /^a=setup:actpass\r$/m,
}))
  test(AREA, 'RFC 9429 5.2.1', `each section of an offer has ${what}`, async (t) => {
    const sdp = await offerOf(t, 'audio', 'video', 'data');
    const head = session(sdp);
    for (const section of sections(sdp)) t.match(head + section, pattern, 'the section');
  });

for (const [what, pattern] of Object.entries({
  'rtcp-mux': /^a=rtcp-mux\r$/m,
  'a direction': /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m,
  'an rtpmap': /^a=rtpmap:\d+ \S+\/\d+/m,
  'an msid': /^a=msid:\S+/m,
  'c=IN IP4 0.0.0.0': /^c=IN IP4 0\.0\.0\.0\r$/m,
}))
  test(AREA, 'RFC 9429 5.2.1', `each media section of an offer has ${what}`, async (t) => {
    for (const section of sections(await offerOf(t, 'audio', 'video'))) t.match(section, pattern, 'the section');
  });

test(AREA, 'RFC 9429 5.2.1', 'video has rtcp-rsize', async (t) => {
  t.match(sections(await offerOf(t, 'video'))[0], /^a=rtcp-rsize\r$/m, 'the section');
});

test(AREA, 'RFC 9429 5.2.1', 'mids are at most three characters', async (t) => {
  for (const [, mid] of (await offerOf(t, 'audio', 'video', 'data')).matchAll(/^a=mid:(\S+)/gm))
    t.ok(mid.length <= 3, `the mid ${mid} is long`);
});

test(AREA, 'RFC 9429 5.2.1', 'mids differ', async (t) => {
  const mids = [...(await offerOf(t, 'audio', 'video', 'data', 'audio')).matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid);
  t.equal(new Set(mids).size, 4, 'different mids');
});

test(AREA, 'RFC 9429 5.2.1', 'all sections are in one BUNDLE group', async (t) => {
  const sdp = await offerOf(t, 'audio', 'video', 'data');
  const mids = [...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid);
  t.equal(session(sdp).match(/^a=group:BUNDLE (.*)\r$/m)[1], mids.join(' '), 'the group');
});

test(AREA, 'RFC 9429 5.2.1', 'trickle is announced', async (t) => {
  t.match(await offerOf(t, 'audio'), /^a=ice-options:.*\btrickle\b.*\r$/m, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8445 10', 'ice2 is announced', async (t) => {
  t.match(await offerOf(t, 'audio'), /^a=ice-options:.*\bice2\b.*\r$/m, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8830', 'msid names the stream', async (t) => {
  const pc = t.pc();
  const stream = t.stream();
  pc.addTransceiver('audio', { streams: [stream] });
  t.ok((await pc.createOffer()).sdp.includes(`a=msid:${stream.id}`), 'the stream is not in the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8830', 'msid is - without a stream', async (t) => {
  t.match(await offerOf(t, 'audio'), /^a=msid:- ?/m, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 8830', 'there is an msid for each stream', async (t) => {
  const pc = t.pc();
  const streams = [t.stream(), t.stream()];
  pc.addTransceiver('audio', { streams });
  const { sdp } = await pc.createOffer();
  for (const { id } of streams) t.ok(sdp.includes(`a=msid:${id}`), 'a stream is not in the offer');
});

for (const direction of ['recvonly', 'inactive'])
  test(AREA, 'RFC 9429 5.2.1', `a ${direction} section has no msid`, async (t) => {
    const pc = t.pc();
    pc.addTransceiver('audio', { direction });
    t.noMatch((await pc.createOffer()).sdp, /^a=msid:/m, 'the offer');
  });

for (const direction of ['sendrecv', 'sendonly', 'recvonly', 'inactive'])
  test(AREA, 'RFC 9429 5.2.1', `a ${direction} transceiver is offered so`, async (t) => {
    const pc = t.pc();
    pc.addTransceiver('video', { direction });
    t.match((await pc.createOffer()).sdp, new RegExp(`^a=${direction}\\r$`, 'm'), 'the offer');
  });

test(AREA, 'RFC 9429 5.2.1', 'opus is offered', async (t) => {
  t.match(await offerOf(t, 'audio'), /^a=rtpmap:\d+ opus\/48000\/2\r$/mi, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 7742 5', 'VP8 is offered', async (t) => {
  t.match(await offerOf(t, 'video'), /^a=rtpmap:\d+ VP8\/90000\r$/mi, 'the offer');
});

test(AREA, 'RFC 9429 5.2.1; RFC 4588', 'VP8 is offered with RTX', async (t) => {
  const sdp = await offerOf(t, 'video');
  const [, type] = sdp.match(/^a=rtpmap:(\d+) VP8\/90000/mi);
  t.match(sdp, new RegExp(`^a=fmtp:\\d+ apt=${type}\\r$`, 'm'), 'the offer');
});

for (const feedback of ['nack', 'nack pli', 'ccm fir'])
  test(AREA, 'RFC 9429 5.2.1; RFC 8834 5.1', `VP8 is offered with ${feedback}`, async (t) => {
    const sdp = await offerOf(t, 'video');
    const [, type] = sdp.match(/^a=rtpmap:(\d+) VP8\/90000/mi);
    t.match(sdp, new RegExp(`^a=rtcp-fb:(${type}|\\*) ${feedback}\\r$`, 'm'), 'the offer');
  });

test(AREA, 'RFC 9429 5.2.1; RFC 9143 15', 'the mid header extension is offered', async (t) => {
  for (const section of sections(await offerOf(t, 'audio', 'video')))
    t.match(section, /^a=extmap:\d+(\/\w+)? urn:ietf:params:rtp-hdrext:sdes:mid\r$/m, 'the section');
});

test(AREA, 'RFC 9429 5.2.2', 'a later offer keeps mids and order', async (t) => {
  const a = withMedia(t, 'audio', 'data'), b = t.pc();
  await t.negotiate(a, b);
  a.addTransceiver('video');
  const list = sections((await a.createOffer()).sdp);
  t.same(list.map((each) => each.match(/m=(\w+)/)[1]), ['audio', 'application', 'video']);
});

test(AREA, 'RFC 9429 5.2.2', 'a later offer keeps the ICE credentials', async (t) => {
  const a = withMedia(t, 'audio'), b = t.pc();
  await t.negotiate(a, b);
  const credentials = (sdp) => sdp.match(/a=ice-(ufrag|pwd):\S+/g).join();
  t.equal(credentials((await a.createOffer()).sdp), credentials(a.localDescription.sdp), 'the credentials');
});

test(AREA, 'RFC 9429 5.2.2', 'a later offer keeps payload types', async (t) => {
  const a = withMedia(t, 'audio', 'video'), b = t.pc();
  await t.negotiate(a, b);
  const type = (sdp) => sdp.match(/^a=rtpmap:(\d+) VP8/mi)[1];
  t.equal(type((await a.createOffer()).sdp), type(a.currentLocalDescription.sdp), 'the type of VP8');
});

test(AREA, 'RFC 9429 5.2.3.3', 'iceRestart makes new credentials', async (t) => {
  const a = withMedia(t, 'audio'), b = t.pc();
  await t.negotiate(a, b);
  const [, old] = a.localDescription.sdp.match(/a=ice-ufrag:(\S+)/);
  const offer = await a.createOffer({ iceRestart: true });
  t.different(offer.sdp.match(/a=ice-ufrag:(\S+)/)[1], old, 'the ufrag');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer has as many sections as the offer', async (t) => {
  t.same(sections(await answerTo(t, 'audio', 'video', 'data')).map((each) => each.match(/m=(\w+)/)[1]),
    ['audio', 'video', 'application']);
});

test(AREA, 'RFC 9429 5.3.1', 'an answer takes over the mids', async (t) => {
  const a = withMedia(t, 'audio', 'data'), b = t.pc();
  await t.offer(a, b);
  const mids = (sdp) => [...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid).join();
  t.equal(mids((await b.createAnswer()).sdp), mids(a.localDescription.sdp), 'the mids');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer chooses a DTLS role', async (t) => {
  const sdp = await answerTo(t, 'audio');
  t.match(sdp, /^a=setup:(active|passive)\r$/m, 'the answer');
  t.noMatch(sdp, /actpass/, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1; RFC 8842 5.3', 'an answerer is active when it may be', async (t) => {
  t.match(await answerTo(t, 'audio'), /^a=setup:active\r$/m, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer bundles what was offered so', async (t) => {
  t.match(await answerTo(t, 'audio', 'video'), /^a=group:BUNDLE \S+ \S+\r$/m, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer does not bundle what was not offered so', async (t) => {
  const a = withMedia(t, 'audio'), b = t.pc();
  const { sdp } = await a.createOffer();
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replace(/a=group:BUNDLE.*\r\n/, '') });
  t.noMatch((await b.createAnswer()).sdp, /a=group:BUNDLE/, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer to sendrecv without a track is recvonly', async (t) => {
  t.match(await answerTo(t, 'audio'), /^a=recvonly\r$/m, 'the answer');
});

for (const [offered, answered] of Object.entries({ sendonly: 'recvonly', recvonly: 'sendonly', sendrecv: 'sendrecv', inactive: 'inactive' }))
  test(AREA, 'RFC 9429 5.3.1', `${offered} is answered with ${answered} by who wants all`, async (t) => {
    const a = t.pc(), b = t.pc();
    a.addTransceiver('audio', { direction: offered });
    await t.offer(a, b);
    b.getTransceivers()[0].direction = 'sendrecv';
    t.match((await b.createAnswer()).sdp, new RegExp(`^a=${answered}\\r$`, 'm'), 'the answer');
  });

test(AREA, 'RFC 9429 5.3.1', 'codecs of an answer are among those offered, with the same payload types', async (t) => {
  const a = withMedia(t, 'video'), b = t.pc();
  await t.offer(a, b);
  const maps = (sdp) => new Set(sdp.match(/^a=rtpmap:\d+ \S+/gm));
  const offered = maps(a.localDescription.sdp);
  for (const map of maps((await b.createAnswer()).sdp)) t.ok(offered.has(map), `${map} was not offered`);
});

test(AREA, 'RFC 9429 5.3.1', 'header extensions of an answer are among those offered', async (t) => {
  const a = withMedia(t, 'video'), b = t.pc();
  await t.offer(a, b);
  const maps = (sdp) => new Set(sdp.match(/^a=extmap:\d+\S* \S+/gm));
  const offered = maps(a.localDescription.sdp);
  for (const map of maps((await b.createAnswer()).sdp)) t.ok(offered.has(map), `${map} was not offered`);
});

test(AREA, 'RFC 9429 5.3.1', 'a section without a common codec is rejected', async (t) => {
  const a = withMedia(t, 'audio', 'data'), b = t.pc();
  const { sdp } = await a.createOffer();
  const munged = sdp.replace(/^m=audio.*\r$/m, 'm=audio 9 UDP/TLS/RTP/SAVPF 120\r')
    .replace(/^a=(rtpmap|fmtp|rtcp-fb):.*\r\n/gm, '').replace(/(a=mid:0\r\n)/, '$1a=rtpmap:120 nonesuch/8000\r\n');
  await b.setRemoteDescription({ type: 'offer', sdp: munged });
  t.match((await b.createAnswer()).sdp, /^m=audio 0 /m, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1', 'an offered section with port 0 outside a bundle is answered with port 0', async (t) => {
  const a = withMedia(t, 'audio', 'data'), b = t.pc();
  const { sdp } = await a.createOffer();
  const munged = sdp.replace(/^m=audio \d+/m, 'm=audio 0').replace(/BUNDLE 0 1/, 'BUNDLE 1');
  await b.setRemoteDescription({ type: 'offer', sdp: munged });
  t.match((await b.createAnswer()).sdp, /^m=audio 0 /m, 'the answer');
});

test(AREA, 'RFC 9429 5.3.1', 'an answer without changes is the same again', async (t) => {
  const b = t.pc();
  await b.setRemoteDescription(await withMedia(t, 'audio').createOffer());
  const strip = (sdp) => sdp.replace(/^o=.*$/m, '').replace(/^a=candidate.*\r\n/gm, '');
  t.equal(strip((await b.createAnswer()).sdp), strip((await b.createAnswer()).sdp), 'the answer');
});

test(AREA, 'RFC 9429 5.2.2', 'the answerer of before may offer', async (t) => {
  const a = withMedia(t, 'audio', 'data'), b = t.pc();
  await t.negotiate(a, b);
  const { sdp } = await b.createOffer();
  t.same(sections(sdp).map((each) => each.match(/m=(\w+)/)[1]), ['audio', 'application']);
  t.match(sdp, /^a=setup:actpass\r$/m, 'the offer');
});

test(AREA, `${OFFER} options`, 'offerToReceive options of nobody change nothing', async (t) => {
  const pc = t.pc();
  t.equal(sections((await pc.createOffer({})).sdp).length, 0, 'm-sections');
});
