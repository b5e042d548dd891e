// Rollback, negotiationneeded, perfect negotiation and restartIce().
import { test } from '../harness.mjs';

const ROLLBACK = 'rollback';
const SET = 'webrtc-pc 4.4.1.5 step';

async function localOffer(t) {
  const pc = t.pc();
  const transceiver = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  return { pc, transceiver };
}

async function remoteOffer(t) {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  a.createDataChannel('');
  await t.offer(a, b);
  return { a, b };
}

test(ROLLBACK, `${SET} 4.6.11.3`, 'a local rollback forgets the offer', async (t) => {
  const { pc } = await localOffer(t);
  await pc.setLocalDescription({ type: 'rollback' });
  t.equal(pc.signalingState, 'stable', 'the state');
  t.equal(pc.pendingLocalDescription, null, 'pendingLocalDescription');
  t.equal(pc.localDescription, null, 'localDescription');
});
test(ROLLBACK, `${SET} 4.6.11.3`, 'a remote rollback forgets the offer', async (t) => {
  const { b } = await remoteOffer(t);
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.signalingState, 'stable', 'the state');
  t.equal(b.pendingRemoteDescription, null, 'pendingRemoteDescription');
  t.equal(b.remoteDescription, null, 'remoteDescription');
});
test(ROLLBACK, `${SET} 4.6.11.2.1`, 'a local rollback takes the mid back', async (t) => {
  const { pc, transceiver } = await localOffer(t);
  await pc.setLocalDescription({ type: 'rollback' });
  t.equal(transceiver.mid, null, 'mid');
  t.equal(pc.getTransceivers()[0], transceiver, 'the transceiver');
});
test(ROLLBACK, `${SET} 4.6.11.2.7`, 'a remote rollback takes transceivers of the offer away', async (t) => {
  const { b } = await remoteOffer(t);
  const [transceiver] = b.getTransceivers();
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.getTransceivers().length, 0, 'transceivers');
  t.equal(transceiver.direction, 'stopped', 'direction');
  t.equal(transceiver.receiver.track.readyState, 'ended', 'its track');
});
test(ROLLBACK, `${SET} 4.6.11.2.7`, 'one that a track was added to stays', async (t) => {
  const { b } = await remoteOffer(t);
  const [transceiver] = b.getTransceivers();
  b.addTrack(t.track('audio'));
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.getTransceivers()[0], transceiver, 'the transceiver');
  t.equal(transceiver.mid, null, 'mid');
});
test(ROLLBACK, `${SET} 4.6.11.2.7`, 'one that a track was added to and removed from stays', async (t) => {
  const { b } = await remoteOffer(t);
  b.removeTrack(b.addTrack(t.track('audio')));
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.getTransceivers().length, 1);
});
test(ROLLBACK, `${SET} 4.6.11.2.7`, 'replaceTrack() does not keep one', async (t) => {
  const { b } = await remoteOffer(t);
  await b.getTransceivers()[0].sender.replaceTrack(t.track('audio'));
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.getTransceivers().length, 0);
});
test(ROLLBACK, `${SET} 4.6.11.2.1`, 'one that was there before the remote offer stays and loses its mid', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  b.addTrack(t.track('audio'));
  const [own] = b.getTransceivers();
  await t.offer(a, b);
  t.ok(own.mid !== null, 'it was not associated');
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(b.getTransceivers()[0], own, 'the transceiver');
  t.equal(own.mid, null, 'mid');
});
test(ROLLBACK, `${SET} 4.6.11.2.1`, 'a negotiated one keeps its mid', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  const { mid } = transceiver;
  a.addTransceiver('video');
  await a.setLocalDescription();
  await a.setLocalDescription({ type: 'rollback' });
  t.equal(transceiver.mid, mid, 'mid');
  t.equal(transceiver.currentDirection, 'sendonly', 'currentDirection');
});
test(ROLLBACK, `${SET} 4.6.11.3`, 'the current descriptions come back', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  a.addTransceiver('video');
  await a.setLocalDescription();
  t.match(a.localDescription.sdp, /m=video/, 'the pending offer');
  await a.setLocalDescription({ type: 'rollback' });
  t.noMatch(a.localDescription.sdp, /m=video/, 'the offer in the end');
});
test(ROLLBACK, `${SET} 4.6.11.2.6`, 'rolling back an offer that stopped sending tells the track again', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver(t.track('audio'), { streams: [t.stream()] });
  await t.negotiate(a, b);
  transceiver.direction = 'inactive';
  await b.setRemoteDescription(await a.createOffer());
  const seen = t.record(b, 'track');
  await b.setRemoteDescription({ type: 'rollback' });
  t.same(seen, ['track']);
});
test(ROLLBACK, `${SET} 4.6.11.2.6`, 'rolling back an offer takes its track out of the stream', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTrack(t.track('audio'), t.stream());
  const told = t.next(b, 'track');
  await t.offer(a, b);
  const { streams: [stream] } = await told;
  await b.setRemoteDescription({ type: 'rollback' });
  t.equal(stream.getTracks().length, 0);
});
test(ROLLBACK, `${SET} 2`, 'nothing can be rolled back in stable', async (t) => {
  const pc = t.pc();
  await t.rejects('InvalidStateError', pc.setLocalDescription({ type: 'rollback' }));
  await t.rejects('InvalidStateError', pc.setRemoteDescription({ type: 'rollback' }));
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'the text of a rollback is not looked at', async (t) => {
  const { pc } = await localOffer(t);
  await pc.setLocalDescription({ type: 'rollback', sdp: 'whatever' });
  t.equal(pc.signalingState, 'stable');
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'after a rollback one may offer again', async (t) => {
  const { pc } = await localOffer(t);
  const b = t.pc();
  await pc.setLocalDescription({ type: 'rollback' });
  await t.negotiate(pc, b);
  t.equal(pc.getTransceivers()[0].currentDirection, 'sendonly');
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'after a remote rollback one may offer', async (t) => {
  const { a, b } = await remoteOffer(t);
  await b.setRemoteDescription({ type: 'rollback' });
  await a.setLocalDescription({ type: 'rollback' });
  b.addTransceiver('video');
  await t.negotiate(b, a);
  t.same(b.localDescription.sdp.match(/^m=\w+/gm), ['m=video']);
});
test(ROLLBACK, 'webrtc-pc 4.4.2 setRemoteDescription() 3.1', 'a colliding offer rolls back implicitly', async (t) => {
  const { a } = await remoteOffer(t);
  const c = t.pc();
  c.addTransceiver('video');
  await a.setRemoteDescription(await c.createOffer());
  t.equal(a.signalingState, 'have-remote-offer', 'the state');
  t.equal(a.pendingLocalDescription, null, 'pendingLocalDescription');
  t.equal(a.getTransceivers()[0].mid, null, 'mid of its own');
});
test(ROLLBACK, 'webrtc-pc 4.4.2 setRemoteDescription() 3.1', 'a bad colliding offer is refused', async (t) => {
  const { a } = await remoteOffer(t);
  await t.rejects('OperationError', a.setRemoteDescription({ type: 'offer', sdp: 'nonsense' }));
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'a rolled back offer can be set again by the far end', async (t) => {
  const { a, b } = await remoteOffer(t);
  await b.setRemoteDescription({ type: 'rollback' });
  await b.setRemoteDescription(a.localDescription);
  await t.answer(b, a);
  t.equal(a.signalingState, 'stable');
  t.equal(b.getTransceivers().length, 1, 'transceivers');
});
test(ROLLBACK, `${SET} 4.6.11.2.2`, 'a local rollback takes the transport back', async (t) => {
  const { pc, transceiver } = await localOffer(t);
  t.ok(transceiver.sender.transport, 'there was no transport');
  await pc.setLocalDescription({ type: 'rollback' });
  t.equal(transceiver.sender.transport, null, 'sender.transport');
  t.equal(transceiver.receiver.transport, null, 'receiver.transport');
});
test(ROLLBACK, `${SET} 4.6.13`, 'one signalingstatechange tells of a rollback', async (t) => {
  const { pc } = await localOffer(t);
  const seen = t.record(pc, 'signalingstatechange');
  await pc.setLocalDescription({ type: 'rollback' });
  await t.quiet(pc);
  t.same(seen, ['signalingstatechange']);
});
test(ROLLBACK, `${SET} 4.6.12.2`, 'after a rollback negotiation is needed again', async (t) => {
  const { pc } = await localOffer(t);
  const needed = t.next(pc, 'negotiationneeded');
  await pc.setLocalDescription({ type: 'rollback' });
  await needed;
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'stop() of one is not rolled back', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  transceiver.stop();
  await a.setLocalDescription();
  await a.setLocalDescription({ type: 'rollback' });
  t.equal(transceiver.direction, 'stopped');
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'a direction is not rolled back', async (t) => {
  const { pc, transceiver } = await localOffer(t);
  transceiver.direction = 'recvonly';
  await pc.setLocalDescription({ type: 'rollback' });
  t.equal(transceiver.direction, 'recvonly');
});
test(ROLLBACK, 'RFC 9429 4.1.10.2', 'a data channel outlives a rollback', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  await a.setLocalDescription();
  await a.setLocalDescription({ type: 'rollback' });
  t.equal(channel.readyState, 'connecting');
  const open = t.next(channel, 'open');
  await t.negotiate(a, b);
  await open;
});
test(ROLLBACK, 'RFC 9429 5.7', 'a connection that is up stays up through a rollback', async (t) => {
  const { a, channel, far } = await t.connectedPair();
  a.addTransceiver('audio');
  await a.setLocalDescription();
  await a.setLocalDescription({ type: 'rollback' });
  const message = t.next(far, 'message');
  channel.send('x');
  t.equal((await message).data, 'x');
});

// ---- negotiationneeded ----

const NEEDED = 'negotiation needed';
const UPDATE = 'webrtc-pc 4.7.3';

const NO_EVENT = {
  'a new connection': () => {},
  'setConfiguration()': (pc) => pc.setConfiguration({}),
  'createOffer()': (pc) => pc.createOffer(),
  'close()': (pc) => { pc.addTransceiver('audio'); pc.close(); },
};
for (const [what, act] of Object.entries(NO_EVENT))
  test(NEEDED, `${UPDATE} check`, `${what} needs none`, async (t) => {
    const pc = t.pc();
    const seen = t.record(pc, 'negotiationneeded');
    await act(pc);
    await t.quiet(pc);
    t.same(seen, []);
  });

test(NEEDED, `${UPDATE} update 5.7`, 'the event comes in a task of its own', async (t) => {
  const pc = t.pc();
  const seen = t.record(pc, 'negotiationneeded');
  pc.addTransceiver('audio');
  t.same(seen, [], 'at once');
  await null;
  t.same(seen, [], 'in the same task');
  await t.quiet(pc);
  t.same(seen, ['negotiationneeded'], 'later');
});
test(NEEDED, `${UPDATE} update 5.5`, 'several changes make one event', async (t) => {
  const pc = t.pc();
  const seen = t.record(pc, 'negotiationneeded');
  pc.addTransceiver('audio');
  pc.addTransceiver('video');
  pc.createDataChannel('');
  await t.quiet(pc);
  pc.addTransceiver('audio');
  await t.quiet(pc);
  t.same(seen, ['negotiationneeded']);
});
test(NEEDED, `${UPDATE} update 5.2`, 'there is none while an offer is out', async (t) => {
  const pc = t.pc();
  pc.addTransceiver('audio');
  await t.quiet(pc);
  await pc.setLocalDescription();
  const seen = t.record(pc, 'negotiationneeded');
  pc.addTransceiver('video');
  await t.quiet(pc);
  t.same(seen, []);
});
test(NEEDED, `${SET} 4.6.12.2`, 'what came while an offer was out is told when stable', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.offer(a, b);
  a.addTransceiver('video');
  const order = [];
  a.onnegotiationneeded = () => order.push('needed');
  a.onsignalingstatechange = () => order.push('state');
  const needed = t.next(a, 'negotiationneeded');
  await t.answer(b, a);
  order.push('done');
  await needed;
  t.same(order, ['state', 'done', 'needed']);
});
test(NEEDED, `${UPDATE} check 5`, 'a negotiated connection needs none', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  a.createDataChannel('');
  await t.quiet(a);
  const seen = t.record(a, 'negotiationneeded');
  await t.negotiate(a, b);
  await t.quiet(a);
  t.same(seen, []);
});
test(NEEDED, `${UPDATE} check 5.2`, 'the answerer needs none', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  const seen = t.record(b, 'negotiationneeded');
  await t.negotiate(a, b);
  await t.quiet(b);
  t.same(seen, []);
});
for (const direction of ['sendonly', 'recvonly', 'inactive'])
  test(NEEDED, `${UPDATE} check 5.3.2`, `a new direction ${direction} needs one`, async (t) => {
    const a = t.pc(), b = t.pc();
    const transceiver = a.addTransceiver(t.track('audio'));
    await t.offer(a, b);
    b.getTransceivers()[0].direction = 'sendrecv';
    await t.answer(b, a);
    const needed = t.next(a, 'negotiationneeded');
    transceiver.direction = direction;
    await needed;
  });
test(NEEDED, `${UPDATE} check 5.3.2`, 'the same direction again needs none', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  const seen = t.record(a, 'negotiationneeded');
  transceiver.direction = transceiver.direction;
  await t.quiet(a);
  t.same(seen, []);
});
test(NEEDED, `${UPDATE} update 5.3`, 'a wish that is taken back in the same task needs none', async (t) => {
  const a = t.pc(), b = t.pc();
  const transceiver = a.addTransceiver('audio');
  await t.negotiate(a, b);
  const seen = t.record(a, 'negotiationneeded');
  transceiver.direction = 'inactive';
  transceiver.direction = 'sendrecv';
  await t.quiet(a);
  t.same(seen, []);
});
test(NEEDED, `${UPDATE} check 5.3.3`, 'the answerer who wants to send what it only received needs one', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const needed = t.next(b, 'negotiationneeded');
  b.getTransceivers()[0].direction = 'sendrecv';
  await needed;
});
test(NEEDED, `${UPDATE} check 5.1`, 'stopping one that was never negotiated needs one', async (t) => {
  const pc = t.pc();
  const seen = t.record(pc, 'negotiationneeded');
  pc.addTransceiver('audio').stop();
  await t.quiet(pc);
  t.same(seen, ['negotiationneeded']);
});
test(NEEDED, `${UPDATE} check 3`, 'restartIce() needs one', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  a.restartIce();
  await needed;
});
test(NEEDED, `${UPDATE} check 4`, 'the first channel beside media needs one', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  a.createDataChannel('');
  await needed;
});
test(NEEDED, `${UPDATE} update 4`, 'the event waits until the chain is empty', async (t) => {
  const pc = t.pc();
  const order = [];
  pc.onnegotiationneeded = () => order.push('needed');
  const needed = t.next(pc, 'negotiationneeded');
  const offer = pc.createOffer().then(() => order.push('offer'));
  pc.addTransceiver('audio');
  await Promise.all([offer, needed]);
  t.same(order, ['offer', 'needed']);
});
test(NEEDED, `${UPDATE} update 5.6`, 'after an exchange the next change needs one again', async (t) => {
  const a = t.pc(), b = t.pc();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  const needed = t.next(a, 'negotiationneeded');
  a.addTransceiver('video');
  await needed;
});
test(NEEDED, `${UPDATE} update 5.7`, 'an offer may be made in its handler', async (t) => {
  const [a, b] = t.pair();
  const done = new Promise((resolve, reject) => {
    a.onnegotiationneeded = () => t.negotiate(a, b).then(resolve, reject);
  });
  a.createDataChannel('');
  await done;
  t.equal(a.signalingState, 'stable');
});

// ---- perfect negotiation: webrtc-pc 10.7 ----

const PERFECT = 'perfect negotiation';

/** The example of the standard, in our words: one side gives way, the other ignores. */
function perfect(t, pc, polite, send) {
  const state = { making: false, ignoring: false, settingAnswer: false, errors: [] };
  pc.onnegotiationneeded = async () => {
    try {
      state.making = true;
      await pc.setLocalDescription();
      send({ description: pc.localDescription });
    } catch (error) {
      state.errors.push(error);
    } finally {
      state.making = false;
    }
  };
  pc.onicecandidate = ({ candidate }) => { if (candidate) send({ candidate }); };
  return {
    state,
    async receive({ description, candidate }) {
      try {
        if (description) {
          const isReady = !state.making && (pc.signalingState === 'stable' || state.settingAnswer);
          const collides = description.type === 'offer' && !isReady;
          state.ignoring = !polite && collides;
          if (state.ignoring) return;
          state.settingAnswer = description.type === 'answer';
          await pc.setRemoteDescription(description);
          state.settingAnswer = false;
          if (description.type === 'offer') {
            await pc.setLocalDescription();
            send({ description: pc.localDescription });
          }
        } else {
          await pc.addIceCandidate(candidate).catch((error) => { if (!state.ignoring) throw error; });
        }
      } catch (error) {
        state.errors.push(error);
      }
    },
  };
}

function perfectPair(t) {
  const a = t.pc(), b = t.pc();
  const sides = {};
  const post = (to) => {
    let last = Promise.resolve();
    return (message) => { last = last.then(() => t.turn()).then(() => { sides[to].receive(message); }); };
  };
  sides.a = perfect(t, a, true, post('b'));
  sides.b = perfect(t, b, false, post('a'));
  return { a, b, errors: () => [...sides.a.state.errors, ...sides.b.state.errors].map(String) };
}

async function agree(t, ...connections) {
  for (const pc of connections) await t.when(pc, 'signalingstatechange', () => pc.signalingState === 'stable' && pc.remoteDescription);
  for (const pc of connections) await t.connected(pc);
}

for (const who of ['polite', 'impolite'])
  test(PERFECT, 'webrtc-pc 10.7', `the ${who} side alone begins`, async (t) => {
    const { a, b, errors } = perfectPair(t);
    (who === 'polite' ? a : b).createDataChannel('');
    await agree(t, a, b);
    t.same(errors(), []);
  });
test(PERFECT, 'webrtc-pc 10.7', 'both begin at once', async (t) => {
  const { a, b, errors } = perfectPair(t);
  a.createDataChannel('');
  b.createDataChannel('');
  await agree(t, a, b);
  t.same(errors(), []);
});
test(PERFECT, 'webrtc-pc 10.7', 'both add media at once', async (t) => {
  const { a, b, errors } = perfectPair(t);
  a.addTransceiver('audio');
  b.addTransceiver('video');
  await agree(t, a, b);
  await t.when(a, 'signalingstatechange', () => a.getTransceivers().length === 2 && a.getTransceivers().every(({ currentDirection }) => currentDirection));
  await t.when(b, 'signalingstatechange', () => b.getTransceivers().length === 2 && b.getTransceivers().every(({ currentDirection }) => currentDirection));
  t.same(errors(), []);
});
test(PERFECT, 'webrtc-pc 10.7', 'both add media at once when connected, ten times', async (t) => {
  const { a, b, errors } = perfectPair(t);
  a.createDataChannel('');
  await agree(t, a, b);
  for (let i = 1; i <= 10; i++) {
    a.addTransceiver('audio');
    b.addTransceiver('audio');
    const all = (pc) => pc.signalingState === 'stable' && pc.getTransceivers().filter(({ currentDirection }) => currentDirection).length === 2 * i;
    await t.when(a, 'signalingstatechange', () => all(a));
    await t.when(b, 'signalingstatechange', () => all(b));
  }
  t.same(errors(), []);
});
test(PERFECT, 'webrtc-pc 10.7', 'both restart ICE at once', async (t) => {
  const { a, b, errors } = perfectPair(t);
  a.createDataChannel('');
  await agree(t, a, b);
  const ufrag = (pc) => pc.localDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1];
  const before = [ufrag(a), ufrag(b)];
  a.restartIce();
  b.restartIce();
  const changed = (pc, old) => pc.signalingState === 'stable' && ufrag(pc) !== old;
  await t.when(a, 'signalingstatechange', () => changed(a, before[0]));
  await t.when(b, 'signalingstatechange', () => changed(b, before[1]));
  t.same(errors(), []);
});

// ---- restartIce() ----

const RESTART = 'restart';
const RESTART_ICE = 'webrtc-pc 4.4.2 restartIce()';
const ufrags = (sdp) => [...new Set([...sdp.matchAll(/a=ice-ufrag:(\S+)/g)].map(([, ufrag]) => ufrag))].join();

async function negotiated(t) {
  const [a, b] = t.pair();
  a.addTransceiver('audio');
  await t.negotiate(a, b);
  return [a, b];
}

test(RESTART, `${RESTART_ICE} 2-3`, 'the next offer has new credentials', async (t) => {
  const [a] = await negotiated(t);
  const before = ufrags(a.localDescription.sdp);
  a.restartIce();
  t.different(ufrags((await a.createOffer()).sdp), before, 'the ufrag');
});
test(RESTART, `${RESTART_ICE} 1`, 'before an offer it does nothing', async (t) => {
  const pc = t.pc();
  const seen = t.record(pc, 'negotiationneeded');
  t.equal(pc.restartIce(), undefined, 'the value');
  await t.quiet(pc);
  t.same(seen, []);
});
test(RESTART, `${RESTART_ICE}`, 'on a closed connection it does nothing', (t) => {
  const pc = t.pc();
  pc.close();
  t.equal(pc.restartIce(), undefined);
});
test(RESTART, `${SET} 4.6.6.2`, 'one exchange is enough', async (t) => {
  const [a, b] = await negotiated(t);
  a.restartIce();
  await t.negotiate(a, b);
  const before = ufrags(a.localDescription.sdp);
  t.equal(ufrags((await a.createOffer()).sdp), before, 'the ufrag');
});
test(RESTART, `${SET} 4.6.6.2`, 'the wish outlives a rollback', async (t) => {
  const [a] = await negotiated(t);
  const before = ufrags(a.currentLocalDescription.sdp);
  a.restartIce();
  await a.setLocalDescription();
  await a.setLocalDescription({ type: 'rollback' });
  t.different(ufrags((await a.createOffer()).sdp), before, 'the ufrag');
});
test(RESTART, `${SET} 4.6.5.2`, 'an answer to a restart has new credentials', async (t) => {
  const [a, b] = await negotiated(t);
  const before = ufrags(b.localDescription.sdp);
  await a.setLocalDescription(await a.createOffer({ iceRestart: true }));
  await b.setRemoteDescription(a.localDescription);
  t.different(ufrags((await b.createAnswer()).sdp), before, 'the ufrag');
});
test(RESTART, 'RFC 9429 5.3.1', 'an answer without a restart keeps the credentials', async (t) => {
  const [a, b] = await negotiated(t);
  const before = ufrags(b.localDescription.sdp);
  await t.offer(a, b);
  t.equal(ufrags((await b.createAnswer()).sdp), before, 'the ufrag');
});
test(RESTART, `${RESTART_ICE} 3`, 'the event comes again after a remote offer without a restart', async (t) => {
  const [a, b] = await negotiated(t);
  await t.quiet(a);
  await t.offer(b, a);
  a.restartIce();
  const needed = t.next(a, 'negotiationneeded');
  await t.answer(a, b);
  await needed;
});
test(RESTART, `${RESTART_ICE} 2`, 'a restart by the far end fulfils the wish', async (t) => {
  const [a, b] = await negotiated(t);
  const before = ufrags(a.localDescription.sdp);
  a.restartIce();
  await b.setLocalDescription(await b.createOffer({ iceRestart: true }));
  await a.setRemoteDescription(b.localDescription);
  await t.answer(a, b);
  const after = ufrags(a.localDescription.sdp);
  t.different(after, before, 'the ufrag');
  t.equal(ufrags((await a.createOffer()).sdp), after, 'the ufrag of the next offer');
});
test(RESTART, 'RFC 8445 2.4', 'data crosses after a restart', async (t) => {
  const { a, b, channel, far } = await t.connectedPair();
  a.restartIce();
  await t.negotiate(a, b);
  await t.gathered(a);
  const message = t.next(far, 'message');
  channel.send('still');
  t.equal((await message).data, 'still');
});
test(RESTART, 'webrtc-pc 4.3.2', 'a restart gathers again', async (t) => {
  const [a, b] = await negotiated(t);
  await t.gathered(a);
  const states = [];
  a.onicegatheringstatechange = () => states.push(a.iceGatheringState);
  await a.setLocalDescription(await a.createOffer({ iceRestart: true }));
  await t.when(a, 'icegatheringstatechange', () => states.at(-1) === 'complete');
  t.same(states, ['gathering', 'complete']);
});
