// One connection that lives through everything that an application may do to it, media checked after each step.
import { withSession } from './driven.mjs';
import { addSimulcast, comesBack, layersRun, setActive, simulcastCanvas } from './simulcast.mjs';
import { busyCanvas, camera } from './source.mjs';
import { assert, assertEqual, until } from './wait.mjs';

const MILD = 16;

const lines = ({ sdp }) => sdp.split('\r\n').filter((line) => line.startsWith('m='));
const ufrags = ({ sdp }) => [...sdp.matchAll(/^a=ice-ufrag:(.*)\r$/gm)].map(([, ufrag]) => ufrag);
const transceiverOf = (pc, mid) => pc.getTransceivers().find((each) => each.mid === mid);

/** The steps, in their order; each gets the session and what the steps before it keep, and leaves its media running. */
const steps = {
  async connect(session, kept) {
    const { pc } = session;
    kept.stream.getTracks().forEach((track) => pc.addTrack(track, kept.stream));
    kept.channel = await session.channel('beside it all');
    await session.theyOffer();
    await kept.channel.opened();
    for (const { mid } of pc.getTransceivers()) kept.flows[mid] = 'both';
    [kept.audio, kept.video] = pc.getTransceivers().map(({ mid }) => mid);
  },

  async 'they add a track'(session, kept) {
    const sender = session.pc.addTrack(kept.canvas.track, kept.stream);
    await session.theyOffer();
    kept.second = session.pc.getTransceivers().find((each) => each.sender === sender).mid;
    kept.flows[kept.second] = 'both';
  },

  async 'we add a track'(session, kept) {
    await session.ours.do('addTrack', { kind: 'video', track: 'ours', stream: 'our-stream' });
    await session.weOffer();
    kept.third = session.pc.getTransceivers().at(-1).mid;
    assertEqual(transceiverOf(session.pc, kept.third).currentDirection, 'recvonly', 'direction of the track that we added');
    await session.ours.do('route', { from: kept.video, to: kept.third });
    kept.flows[kept.third] = 'to them';
  },

  async 'they remove their track'(session, kept) {
    session.pc.removeTrack(transceiverOf(session.pc, kept.second).sender);
    await session.theyOffer();
    assertEqual(transceiverOf(session.pc, kept.second).currentDirection, 'recvonly', 'direction of the removed track');
    delete kept.flows[kept.second]; // we send there what comes in there
  },

  async 'we remove our track'(session, kept) {
    await session.ours.do('removeTrack', { mid: kept.third });
    await session.weOffer();
    assertEqual(transceiverOf(session.pc, kept.third).currentDirection, 'inactive', 'direction of the track that we removed');
    await session.ours.do('route', {});
    delete kept.flows[kept.third];
  },

  async 'they stop a transceiver and its m-line is reused'(session, kept) {
    await reuse(session, kept, kept.second, async (transceiver) => {
      transceiver.stop();
      await session.theyOffer();
    });
  },

  async 'we stop a transceiver and its m-line is reused'(session, kept) {
    const { mid, index } = { mid: kept.third, index: mLineOf(session.pc, kept.third) };
    await session.ours.do('stop', { mid });
    await session.weOffer();
    assert(lines(session.pc.currentLocalDescription)[index].startsWith('m=video 0 '), 'the m-line is not closed');
    assert(!transceiverOf(session.pc, mid), 'the browser still has the transceiver');
    await session.ours.do('addTransceiver', { kind: 'video', direction: 'sendonly', track: 'ours-again' });
    await session.weOffer();
    const fresh = session.pc.getTransceivers().at(-1).mid;
    assertEqual(mLineOf(session.pc, fresh), index, 'm-line of our new transceiver');
    await session.ours.do('route', { from: kept.video, to: fresh });
    kept.flows[fresh] = 'to them';
    kept.third = fresh;
  },

  async 'they change direction'(session, kept) {
    for (const [direction, flow] of [['sendonly', 'to us'], ['inactive', undefined], ['recvonly', undefined], ['sendrecv', 'both']]) {
      transceiverOf(session.pc, kept.second).direction = direction;
      await session.theyOffer();
      setFlow(kept, kept.second, flow);
      await session.flows(kept.flows);
    }
  },

  async 'we change direction'(session, kept) {
    for (const [direction, flow] of [['recvonly', 'to us'], ['inactive', undefined], ['sendonly', undefined], ['sendrecv', 'both']]) {
      await session.ours.do('direction', { mid: kept.second, direction });
      await session.weOffer();
      setFlow(kept, kept.second, flow);
      await session.flows(kept.flows);
    }
  },

  async 'they restart ICE'(session) {
    session.pc.restartIce();
    await restarted(session, () => session.theyOffer());
  },

  async 'we restart ICE'(session) {
    await session.ours.do('restartIce');
    await restarted(session, () => session.weOffer());
  },

  async 'offers collide, we are polite'(session, kept) {
    await collide(session, kept, true);
  },

  async 'offers collide, they are polite'(session, kept) {
    await collide(session, kept, false);
  },

  async 'they send three layers'(session, kept) {
    const transceiver = await addSimulcast(session, kept.large.track);
    const { mid, sender } = transceiver;
    kept.flows[mid] = 'both';
    await layersRun(session, mid);
    await setActive(sender, ['q', 'h']);
    await layersRun(session, mid, ['q', 'h']);
    await comesBack(session.pc, mid, 2);
    await session.flows(kept.flows);
    await setActive(sender, ['q', 'h', 'f']);
    await layersRun(session, mid);
    transceiver.stop();
    await session.theyOffer();
    delete kept.flows[mid];
  },

  async 'they roll back an offer'(session, kept) {
    const inUse = () => session.pc.getTransceivers().filter(({ mid }) => mid).length;
    const before = inUse();
    session.pc.addTransceiver('audio');
    await session.pc.setLocalDescription();
    await session.pc.setLocalDescription({ type: 'rollback' });
    assertEqual(session.pc.signalingState, 'stable', 'state after the rollback');
    await session.theyOffer();
    assertEqual(inUse(), before + 1, 'number of sections in use');
    assertEqual(kept.channel.raw.readyState, 'open', 'state of the channel');
  },

  async 'we roll back an offer'(session) {
    await session.ours.do('restartIce');
    await session.ours.do('local');
    await session.ours.do('rollback');
    await session.weOffer();
  },
};

const mLineOf = (pc, mid) => pc.currentLocalDescription.sdp.split('\r\nm=').slice(1)
  .findIndex((section) => section.includes(`\r\na=mid:${mid}\r\n`));

function setFlow(kept, mid, flow) {
  if (flow) kept.flows[mid] = flow;
  else delete kept.flows[mid];
}

/** The transceiver is stopped, its m-line gets port 0, and a new one takes it with a mid of its own. */
async function reuse(session, kept, mid, stop) {
  const { pc } = session;
  const [index, count] = [mLineOf(pc, mid), lines(pc.currentLocalDescription).length];
  await stop(transceiverOf(pc, mid));
  assert(lines(pc.currentLocalDescription)[index].startsWith('m=video 0 '), 'the m-line is not closed');
  const { sender } = pc.addTransceiver(kept.canvas.track, { streams: [kept.stream] });
  await session.theyOffer();
  kept.second = pc.getTransceivers().find((each) => each.sender === sender).mid;
  assertEqual(mLineOf(pc, kept.second), index, 'm-line of the new transceiver');
  assertEqual(lines(pc.currentLocalDescription).length, count, 'number of m-lines');
  assert(kept.second !== mid, 'the mid is used twice');
  delete kept.flows[mid];
  kept.flows[kept.second] = 'both';
}

async function restarted({ pc, ours }, negotiate) {
  const [theirs, mine] = [ufrags(pc.currentLocalDescription)[0], ufrags(pc.currentRemoteDescription)[0]];
  await negotiate();
  assert(ufrags(pc.currentLocalDescription)[0] !== theirs, 'the browser kept its ufrag');
  assert(ufrags(pc.currentRemoteDescription)[0] !== mine, 'we kept our ufrag');
  await until('connected on both sides', async () => pc.connectionState === 'connected' &&
    (await ours.do('state')).connectionState === 'connected');
}

/** Both want another direction of the same section at once, and each restarts ICE besides. */
async function collide(session, kept, weArePolite) {
  transceiverOf(session.pc, kept.second).direction = 'sendonly';
  await session.ours.do('direction', { mid: kept.video, direction: 'recvonly' });
  await session.glare({ weArePolite });
  setFlow(kept, kept.second, 'to us');
  setFlow(kept, kept.video, 'to us');
  delete kept.flows[kept.third]; // fed by what is decoded of kept.video no more
  kept.flows[kept.third] = 'to them';
  await session.flows(kept.flows);
  transceiverOf(session.pc, kept.second).direction = 'sendrecv';
  await session.ours.do('direction', { mid: kept.video, direction: 'sendrecv' });
  await session.glare({ weArePolite });
  setFlow(kept, kept.second, 'both');
  setFlow(kept, kept.video, 'both');
}

async function wholeSession(world) {
  const kept = { stream: await camera(), canvas: busyCanvas(MILD), large: simulcastCanvas(), flows: {} };
  let at = '';
  try {
    await withSession(world, async (session) => {
      for (const [name, step] of Object.entries(steps)) {
        at = name;
        await step(session, kept);
        await session.flows(kept.flows);
        await kept.channel.roundTrip(name);
      }
      world.note(`${Object.keys(steps).length} steps, ${session.rounds} negotiations`);
    });
  } catch (error) {
    throw new Error(`${at}: ${error.message}`);
  } finally {
    kept.stream.getTracks().forEach((track) => track.stop());
    kept.canvas.stop();
    kept.large.stop();
  }
}

export const cases = {
  'whole-session': wholeSession,
};
