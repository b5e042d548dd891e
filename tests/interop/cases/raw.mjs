// Raw to raw with a page: the scene (scene.mjs) and its sound, both ways at once, encoded, sent and decoded by each end.
import { HEIGHT, RawPeer, WIDTH, answerOurs, both, judge } from './raw-call.mjs';
import { PageEnd } from './raw-page.mjs';
import { assertEqual, until } from './wait.mjs';

/**
 * Opens a call in which we offer, gives it to body() and closes it.
 * @param options.args    of raw_peer.c
 * @param options.tracks  as its call "tracks" takes them
 * @param options.wish    changes the page's encodings
 */
export async function withRawCall(world, { args, tracks, wish, change }, body) {
  const ours = await RawPeer.start(world, args);
  const pc = new world.RTCPeerConnection();
  const theirs = new PageEnd(pc, tracks.width ?? WIDTH, tracks.height ?? HEIGHT);
  try {
    await ours.do('tracks', tracks);
    await answerOurs(pc, ours, { prepare: () => theirs.send(pc, wish), ...change });
    await until(() => `connected (${pc.connectionState})`, () => pc.connectionState === 'connected');
    return await body(ours, theirs);
  } finally {
    theirs.stop();
    await ours.stop();
  }
}

const call = (options, limits) => (world) => withRawCall(world, options, async (ours, theirs) => {
  world.note(both(await judge(ours, theirs, limits)));
});

/** SVC both ways, in the mode that both encoders are told. */
const svc = (mode) => (world) => withRawCall(world, {
  tracks: { codec: 'VP9', encodings: [{ mode }] },
  wish: ([encoding]) => { encoding.scalabilityMode = mode; },
}, async (ours, theirs) => {
  const report = await judge(ours, theirs);
  const modeOf = (stats) => [...stats].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video').scalabilityMode;
  assertEqual(modeOf(Object.values(report.ours.stats)), mode, 'our mode');
  assertEqual(modeOf((await theirs.stats()).values()), mode, 'mode of the page');
  world.note(both(report));
});

const ROW = '19#*AD';

/** Telephone events in the middle of raw sound, both ways at once; behind them all is as if they had not been. */
const dtmf = (world) => withRawCall(world, { tracks: { codec: 'VP8' } }, async (ours, theirs) => {
  await judge(ours, theirs);
  await ours.do('begin');
  const { dtmf: sender } = theirs.pc.getSenders().find(({ track }) => track.kind === 'audio');
  const played = [];
  sender.ontonechange = ({ tone }) => played.push(tone);
  sender.insertDTMF(ROW, 120, 80);
  await ours.do('insertDTMF', { tones: ROW, duration: 120, gap: 80 });
  let heard;
  await until(() => `the row at our end (${heard})`, async () => {
    heard = (await ours.do('report')).tones;
    return heard === ROW && played.at(-1) === '';
  });
  world.note(both(await judge(ours, theirs)));
});

export const cases = {
  'l3t3-key': svc('L3T3_KEY'),
  l1t3: svc('L1T3'),
  dtmf,
  vp8: call({ tracks: { codec: 'VP8' } }),
  vp9: call({ tracks: { codec: 'VP9' } }),
  h264: call({ args: ['--openh264'], tracks: { codec: 'H264' } }),
};
