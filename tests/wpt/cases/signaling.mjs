// Signalling states: RFC 9429 3.2 walked edge by edge, and what webrtc-pc says around it.
import { test } from '../harness.mjs';

const AREA = 'signaling';
const STATES = ['stable', 'have-local-offer', 'have-remote-offer', 'have-local-pranswer', 'have-remote-pranswer'];

// From state, side and type to the next state; what is not here is refused.
const EDGES = {
  'stable local offer': 'have-local-offer',
  'stable remote offer': 'have-remote-offer',
  'have-local-offer local offer': 'have-local-offer',
  'have-local-offer remote answer': 'stable',
  'have-local-offer remote pranswer': 'have-remote-pranswer',
  'have-local-offer local rollback': 'stable',
  // Implicit rollback (webrtc-pc 4.4.2 setRemoteDescription() 3.1).
  'have-local-offer remote offer': 'have-remote-offer',
  'have-remote-offer remote offer': 'have-remote-offer',
  'have-remote-offer local answer': 'stable',
  'have-remote-offer local pranswer': 'have-local-pranswer',
  'have-remote-offer remote rollback': 'stable',
  'have-local-pranswer local pranswer': 'have-local-pranswer',
  'have-local-pranswer local answer': 'stable',
  'have-remote-pranswer remote pranswer': 'have-remote-pranswer',
  'have-remote-pranswer remote answer': 'stable',
};

/** A connection in that state, and an offer and an answer of its far end. */
async function reach(t, state) {
  const pc = t.pc(), other = t.pc();
  pc.createDataChannel('');
  other.createDataChannel('');
  const offer = await other.createOffer();
  if (state.startsWith('have-remote-offer') || state === 'have-local-pranswer') {
    await pc.setRemoteDescription(offer);
    if (state === 'have-local-pranswer') await pc.setLocalDescription({ type: 'pranswer', sdp: (await pc.createAnswer()).sdp });
    return { pc, offer, answer: await answerTo(t, offer) };
  }
  const own = await pc.createOffer();
  const answer = await answerTo(t, own);
  if (state !== 'stable') await pc.setLocalDescription(own);
  if (state === 'have-remote-pranswer') await pc.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp });
  return { pc, offer, answer };
}

async function answerTo(t, offer) {
  const far = t.pc();
  await far.setRemoteDescription(offer);
  return far.createAnswer();
}

function description(side, type, { offer, answer }) {
  if (type === 'rollback' || side === 'local') return { type };
  return { type, sdp: type === 'offer' ? offer.sdp : answer.sdp };
}

const setter = { local: 'setLocalDescription', remote: 'setRemoteDescription' };

for (const from of STATES) {
  for (const side of ['local', 'remote']) {
    for (const type of ['offer', 'pranswer', 'answer', 'rollback']) {
      const to = EDGES[`${from} ${side} ${type}`];
      if (to) {
        test(AREA, 'RFC 9429 3.2; webrtc-pc 4.3.1', `${from}: a ${side} ${type} leads to ${to}`, async (t) => {
          const world = await reach(t, from);
          t.equal(world.pc.signalingState, from, 'the state before');
          await world.pc[setter[side]](description(side, type, world));
          t.equal(world.pc.signalingState, to, 'the state');
        });
      } else {
        test(AREA, 'RFC 9429 3.2; webrtc-pc 4.4.1.5 steps 2 and 4.5.2', `${from}: a ${side} ${type} is refused and changes nothing`,
          async (t) => {
            const world = await reach(t, from);
            await t.rejects('InvalidStateError', world.pc[setter[side]](description(side, type, world)));
            t.equal(world.pc.signalingState, from, 'the state');
          });
      }
    }
  }
}

for (const side of ['local', 'remote']) {
  for (const type of ['offer', 'pranswer', 'answer', 'rollback']) {
    test(AREA, 'webrtc-pc 4.4.1.2 step 2', `closed: a ${side} ${type} is refused`, async (t) => {
      const world = await reach(t, 'stable');
      world.pc.close();
      await t.rejects('InvalidStateError', world.pc[setter[side]](description(side, type, world)));
      t.equal(world.pc.signalingState, 'closed', 'the state');
    });
  }
}

test(AREA, 'webrtc-pc 4.4.1.1 step 12', 'a new connection is stable', (t) => {
  t.equal(t.pc().signalingState, 'stable');
});

test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.13', 'signalingstatechange comes once for each change, before the promise', async (t) => {
  const { pc } = await reach(t, 'stable');
  const order = [];
  pc.onsignalingstatechange = () => order.push(pc.signalingState);
  await pc.setLocalDescription().then(() => order.push('done'));
  t.same(order, ['have-local-offer', 'done']);
});

test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.13', 'no signalingstatechange when the state stays', async (t) => {
  const { pc } = await reach(t, 'have-local-offer');
  const seen = t.record(pc, 'signalingstatechange');
  await pc.setLocalDescription(await pc.createOffer());
  await t.quiet(pc);
  t.same(seen, []);
});

test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.13', 'the event is a plain Event that neither bubbles nor can be cancelled', async (t) => {
  const { pc } = await reach(t, 'stable');
  const next = t.next(pc, 'signalingstatechange');
  await pc.setLocalDescription();
  const event = await next;
  t.equal(event.target, pc, 'the target');
  t.equal(event.bubbles, false, 'bubbles');
  t.equal(event.cancelable, false, 'cancelable');
});

test(AREA, 'webrtc-pc 4.4.2 setRemoteDescription() 3.1', 'a colliding offer passes through stable', async (t) => {
  const { pc, offer } = await reach(t, 'have-local-offer');
  const states = [];
  pc.onsignalingstatechange = () => states.push(pc.signalingState);
  await pc.setRemoteDescription(offer);
  t.equal(states.at(-1), 'have-remote-offer', 'the last state told');
  t.equal(pc.pendingLocalDescription, null, 'pendingLocalDescription');
});

test(AREA, 'webrtc-pc 4.4.1.2', 'the state does not change before a task has run', async (t) => {
  const { pc } = await reach(t, 'stable');
  const done = pc.setLocalDescription();
  t.equal(pc.signalingState, 'stable', 'the state at once');
  await done;
  t.equal(pc.signalingState, 'have-local-offer', 'the state at the end');
});

test(AREA, 'webrtc-pc 4.4.2 close() 3.3', 'close() makes the state closed without an event', async (t) => {
  const { pc } = await reach(t, 'stable');
  const seen = t.record(pc, 'signalingstatechange');
  pc.close();
  t.equal(pc.signalingState, 'closed');
  await t.turn();
  t.same(seen, []);
});

test(AREA, 'RFC 9429 3.2', 'a whole exchange on both sides', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  const states = [];
  a.onsignalingstatechange = () => states.push(`a ${a.signalingState}`);
  b.onsignalingstatechange = () => states.push(`b ${b.signalingState}`);
  await t.negotiate(a, b);
  t.same(states, ['a have-local-offer', 'b have-remote-offer', 'b stable', 'a stable']);
});

test(AREA, 'RFC 9429 4.1.10.1', 'pranswer, pranswer and answer on both sides', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.offer(a, b);
  const answer = await b.createAnswer();
  await b.setLocalDescription({ type: 'pranswer', sdp: answer.sdp });
  await a.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp });
  await a.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp });
  t.equal(a.signalingState, 'have-remote-pranswer');
  await b.setLocalDescription({ type: 'answer', sdp: answer.sdp });
  await a.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  t.equal(a.signalingState, 'stable');
  t.equal(b.signalingState, 'stable');
});

test(AREA, 'RFC 9429 3.2', 'both sides may offer in turn', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await t.negotiate(a, b);
  await t.negotiate(b, a);
  t.equal(a.signalingState, 'stable');
  t.equal(b.signalingState, 'stable');
});
