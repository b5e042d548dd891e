// The descriptions of tests/vectors/sdp, made by browsers: we answer each, and this browser accepts what we say.
//
// Nobody can be given an offer as its own that another one made, for it has the wrong fingerprint. So the browser makes an offer
// of the same m-lines, and the description takes its transport's lines: with them it is set as a local description, and our answer
// to it is applied. Then we offer from what was agreed, with new ICE credentials, and the browser answers that in a fresh connection.
import { Negotiator, isRejected, mediaSections, sections } from './negotiator.mjs';
import { assert, assertEqual } from './wait.mjs';

const lines = (text) => text.split(/\r?\n/).filter(Boolean);
const TRANSPORT = /^a=(ice-ufrag|ice-pwd|fingerprint|setup|candidate|end-of-candidates|rtcp|ice-options)(:|\r?$)/;

const directionOf = (section, session) =>
  (section.match(/^a=(sendrecv|sendonly|recvonly|inactive)/m) ?? session.match(/^a=(sendrecv|sendonly|recvonly|inactive)/m))?.[1] ?? 'sendrecv';

/** Nobody is to be found: this is about what is written. */
const withoutCandidates = (sdp) => sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');

/** The m-lines of a description, in a connection of this browser. */
function addSections(pc, sdp) {
  const [session, ...media] = sections(sdp);
  for (const section of media) {
    const kind = section.match(/^m=(\w+)/)[1];
    const rids = [...section.matchAll(/^a=rid:(\S+) send/gm)].map((match) => ({ rid: match[1] }));
    if (kind === 'application') pc.createDataChannel('corpus');
    else pc.addTransceiver(kind, { direction: directionOf(section, session), ...(rids.length && { sendEncodings: rids }) });
  }
}

/** Firefox writes feedback for payload types that its m-line does not list, and Chromium refuses that. */
function isOfListedType(section, line) {
  const type = line.match(/^a=rtcp-fb:(\d+) /)?.[1];
  return !type || section[0].split(' ').slice(3).includes(type);
}

/** The description with the transport's lines of an offer of this browser. */
function graft(sdp, own) {
  const [ownSession, ...ownMedia] = sections(own).map(lines);
  const [session, ...media] = sections(sdp).map((text) => lines(text).filter((line) => !TRANSPORT.test(line)));
  const origin = ownSession.find((line) => line.startsWith('o='));
  const shared = ownSession.filter((line) => TRANSPORT.test(line));
  const head = session.map((line) => (line.startsWith('o=') ? origin : line));
  const grafted = media.map((section, i) => [
    ...section.filter((line) => isOfListedType(section, line)), ...shared, ...ownMedia[i].filter((line) => TRANSPORT.test(line) && !/^a=(candidate|end-of)/.test(line)),
  ]);
  return `${[...head, ...grafted.flat()].join('\r\n')}\r\n`;
}

/** Our answer, applied to the description as a local offer of this browser. */
async function applyAnswer(world, sdp, answer) {
  const pc = new world.RTCPeerConnection();
  try {
    addSections(pc, sdp);
    const own = await pc.createOffer();
    await pc.setLocalDescription({ type: 'offer', sdp: graft(sdp, own.sdp) });
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    assertEqual(pc.signalingState, 'stable', 'signaling state');
  } finally {
    pc.close();
  }
}

/** Our offer of what was agreed, answered by this browser, and its answer taken by us. */
async function answerOffer(world, us) {
  const pc = new world.RTCPeerConnection();
  try {
    const { sdp } = await us.offer(true);
    await pc.setRemoteDescription({ type: 'offer', sdp: withoutCandidates(sdp) });
    await pc.setLocalDescription(await pc.createAnswer());
    await us.take(withoutCandidates(pc.localDescription.sdp));
    assertEqual(mediaSections(pc.localDescription.sdp).filter(isRejected).length, mediaSections(sdp).filter(isRejected).length,
      'm-lines that the browser rejects');
  } finally {
    pc.close();
  }
}

async function oneDescription(world, sdp) {
  const us = await Negotiator.start(world);
  try {
    const answer = await us.answer(withoutCandidates(sdp));
    assert(!mediaSections(answer.sdp).some(isRejected), 'we reject an m-line of it');
    await applyAnswer(world, sdp, withoutCandidates(answer.sdp));
    await answerOffer(world, us);
  } finally {
    us.close();
  }
}

async function corpus(world) {
  const refused = [];
  for (const { name, sdp } of world.descriptions)
    await oneDescription(world, sdp).catch((error) => refused.push(`${name}: ${error.message}`));
  world.note(`${world.descriptions.length - refused.length} of ${world.descriptions.length} descriptions`);
  assert(refused.length === 0, refused.join(' | '));
}

export const cases = { corpus };
