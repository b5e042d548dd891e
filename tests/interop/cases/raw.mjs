// Raw to raw with a page: the scene (scene.mjs) and its sound, both ways at once, encoded, sent and decoded by each end.
import { HEIGHT, RawPeer, WIDTH, answerOurs, both, judge } from './raw-call.mjs';
import { PageEnd } from './raw-page.mjs';
import { assertEqual, until } from './wait.mjs';

/**
 * Opens a call in which we offer, gives it to body() and closes it.
 * @param options.args    of raw_peer.c
 * @param options.tracks  as its call "tracks" takes them
 * @param options.wish    changes the page's encodings
 * @param options.hint    of the content of the page's track
 * @param options.End     the kind of page
 */
export async function withRawCall(world, { args, tracks, wish, hint, change, End = PageEnd }, body) {
  const ours = await RawPeer.start(world, args);
  const pc = new world.RTCPeerConnection();
  const theirs = new End(pc, tracks.width ?? WIDTH, tracks.height ?? HEIGHT, hint);
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

/** Chromium takes the noise out of what a camera gives before it codes it as VP8 or H.264, unless details are what matters: then what is compared is what was drawn. */
const DETAIL = { hint: 'detail' };

const call = (options, limits) => (world) => withRawCall(world, options, async (ours, theirs) => {
  world.note(both(await judge(ours, theirs, limits)));
});

/** SVC both ways, in the mode that both encoders are told; `theirMode` is what the page makes of it. */
const svc = (mode, theirMode = mode, limits = {}) => (world) => withRawCall(world, {
  tracks: { codec: 'VP9', encodings: [{ mode }] },
  wish: ([encoding]) => { encoding.scalabilityMode = mode; },
}, async (ours, theirs) => {
  const modeOf = (stats) => [...stats].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')?.scalabilityMode;
  const report = await judge(ours, theirs, limits);
  assertEqual(modeOf(Object.values(report.ours.stats)), mode, 'our mode');
  assertEqual(modeOf((await theirs.stats()).values()), theirMode, 'mode of the page');
  world.note(both(report));
});

/** Chromium sends no spatial layer below 240x135, so two of this size, and gives them 700 kbit/s together whatever the path bears: what that is good for. */
const TWO_LAYERS = { ours: { ssim: 0.92 } };

const ROW = '19#*AD';

/** Telephone events in the middle of raw sound, both ways at once; behind them all is as if they had not been. */
const dtmf = (world) => withRawCall(world, { ...DETAIL, tracks: { codec: 'VP8' } }, async (ours, theirs) => {
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

/** A page whose camera lies on its side: its pictures are to be turned by whoever shows them. */
class TurnedEnd extends PageEnd {
  show() {
    const stream = super.show();
    const [track] = stream.getVideoTracks();
    const generator = new MediaStreamTrackGenerator({ kind: 'video' });
    const writer = generator.writable.getWriter();
    const lying = new OffscreenCanvas(this.height, this.width);
    const pen = lying.getContext('2d');
    pen.translate(0, this.width);
    pen.rotate(-Math.PI / 2);
    const turn = async (reader) => {
      for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
        pen.drawImage(value, 0, 0);
        await writer.write(new VideoFrame(lying, { timestamp: value.timestamp, rotation: 90 }));
        value.close();
      }
    };
    turn(new MediaStreamTrackProcessor({ track }).readable.getReader()).catch(() => {});
    stream.removeTrack(track);
    stream.addTrack(Object.assign(generator, { contentHint: this.hint }));
    return stream;
  }
}

const turned = (world) => withRawCall(world, { ...DETAIL, tracks: { codec: 'VP8' }, End: TurnedEnd }, async (ours, theirs) => {
  const report = await judge(ours, theirs);
  assertEqual(report.ours.pictures.turned, report.ours.pictures.shown, 'pictures that are to be turned');
  world.note(both(report));
});

export const cases = {
  turned,
  'l3t3-key': svc('L3T3_KEY', 'L2T3_KEY', TWO_LAYERS),
  l1t3: svc('L1T3'),
  dtmf,
  vp8: call({ ...DETAIL, tracks: { codec: 'VP8' } }),
  vp9: call({ tracks: { codec: 'VP9' } }),
  h264: call({ ...DETAIL, args: ['--openh264'], tracks: { codec: 'H264' } }),
};
