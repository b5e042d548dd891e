// The scenarios of scripts/bench --media, and what is made of what the link and the judge saw.
import { rank } from './samples.mjs';

/**
 * schedule: "SECOND:KBPS:LOSS,..." (link.h); delay: one way [ms]; queue [ms]; from: where measuring begins [s].
 * `change` is when the network changes [s].
 */
export const scenarios = [
  { name: 'flat', words: '1 Mbit/s, RTT 50', schedule: '0:1000:0', delay: 25, queue: 100, seconds: 40, from: 10 },
  { name: 'fall', words: '3 Mbit/s, from 20 s on 0.6, RTT 50', schedule: '0:3000:0,20:600:0', delay: 25, queue: 100, seconds: 45, from: 10, change: 20 },
  { name: 'rise', words: '0.6 Mbit/s, from 15 s on 3, RTT 50', schedule: '0:600:0,15:3000:0', delay: 25, queue: 100, seconds: 45, from: 10, change: 15 },
  { name: 'loss5', words: '3 Mbit/s, 5 % lost each way, RTT 50', schedule: '0:3000:5', delay: 25, queue: 100, seconds: 40, from: 10 },
  { name: 'loss10', words: '3 Mbit/s, 10 % lost each way, RTT 100', schedule: '0:3000:10', delay: 50, queue: 100, seconds: 60, from: 10 },
  { name: 'loss30', words: '3 Mbit/s, 30 % lost each way until 30 s, RTT 100', schedule: '0:3000:30,30:3000:0', delay: 50, queue: 100, seconds: 45, from: 5, change: 30 },
];

const CLEAN_US = 20000;
const CLEAN_MS = 500;

export function rowsOf({ name }) {
  const special = {
    fall: [['clean_s', 'queue under 20 ms for half a second after [s]'], ['fall_dropped', 'packets the queue dropped after the fall'],
      ['lowest_mbps', 'lowest second from 5 s after it on [Mbit/s]']],
    rise: [['rise_s', '80 % of the new rate in one second after [s]']],
    loss30: [['lossy_fps', 'pictures a second under loss'], ['lossy_beeps', 'beeps heard under loss [%]'],
      ['back_ssim', 'SSIM 5 to 15 s after the loss']],
  };
  return [
    ['used', 'used of the rate'],
    ['queue_p50', 'queue delay, median [ms]'],
    ['queue_p95', 'queue delay, p95 [ms]'],
    ['dropped', 'dropped by the queue [%]'],
    ...(special[name] ?? []),
    ['fps', 'pictures shown a second'],
    ['freezes', 'freezes'],
    ['longest_gap', 'longest time without a new picture [ms]'],
    ['delay_p50', 'camera to screen, median [ms]'],
    ['delay_p95', 'camera to screen, p95 [ms]'],
    ['psnr', 'PSNR, mean [dB]'],
    ['ssim', 'SSIM, mean'],
    ['ssim_p5', 'SSIM, p5'],
    ['concealed', 'sound concealed [%]'],
    ['sound_p50', 'microphone to ear, median [ms]'],
    ['sound_p95', 'microphone to ear, p95 [ms]'],
    ['cpu_s', 'CPU of both ends, with the bench [s]'],
  ];
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => (values.length > 0 ? sum(values) / values.length : undefined);

const quantile = (values, percent) => rank(values.toSorted((x, y) => x - y), percent);

/** [{ at, kbps, loss }] of a schedule, times in ms. */
function steps({ schedule }) {
  return schedule.split(',').map((step) => {
    const [at, kbps, loss] = step.split(':').map(Number);
    return { at: at * 1000, kbps, loss };
  });
}

/** Bits that the network could have carried between two moments [ms]. */
function capacity(scenario, from, to) {
  const list = steps(scenario);
  return sum(list.map(({ at, kbps }, i) => {
    const end = list[i + 1]?.at ?? Infinity;
    return kbps * Math.max(0, Math.min(to, end) - Math.max(from, at));
  }));
}

const bits = (packets, from, to) => 8 * sum(packets.filter(([ms, , waited]) => waited >= 0 && ms >= from && ms < to).map(([, bytes]) => bytes));

/** When no packet waited for more than CLEAN_US for half a second, after `from` [s since]. */
function cleanAfter(packets, from) {
  let since = from;
  for (const [ms, , waited] of packets) {
    if (ms < from) continue;
    if (ms - since >= CLEAN_MS) return (since - from) / 1000;
    if (waited > CLEAN_US || waited === -1) since = ms;
  }
  return undefined;
}

function lowestSecond(packets, from, to) {
  let lowest = Infinity;
  for (let at = from; at + 1000 <= to; at += 100) lowest = Math.min(lowest, bits(packets, at, at + 1000) / 1e6);
  return lowest;
}

/** The end of the first second that carried `kbps` [s since `from`]. */
function reachedAfter(packets, from, to, kbps) {
  for (let at = from; at + 1000 <= to; at += 100) if (bits(packets, at, at + 1000) / 1000 >= kbps) return (at + 1000 - from) / 1000;
  return undefined;
}

/** W3C webrtc-stats freezeCount: longer than three times the mean of the last 30 pictures, or 150 ms more than it. */
function freezesIn(shown, from, to) {
  const times = [from, ...shown, to];
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  let count = 0;
  gaps.forEach((gap, i) => {
    const last = gaps.slice(Math.max(0, i - 30), i);
    if (last.length >= 5 && gap > Math.max(3 * mean(last), mean(last) + 150)) count++;
  });
  return { count, longest: Math.max(...gaps) };
}

export function figuresOf(scenario, packets, seen, ended) {
  const from = scenario.from * 1000;
  const to = scenario.seconds * 1000;
  const change = scenario.change * 1000;
  const within = (list) => list.filter(([ms]) => ms >= from && ms < to);
  const waits = within(packets).filter(([, , waited]) => waited >= 0).map(([, , waited]) => waited / 1000);
  const shown = within(seen.shown);
  const freezes = freezesIn(shown.map(([ms]) => ms), from, to);
  const quality = within(seen.quality);
  const delays = shown.map(([, delay]) => delay);
  const beeps = within(seen.beeps).map(([, delay]) => delay);
  const figures = {
    used: bits(packets, from, to) / capacity(scenario, from, to),
    queue_p50: quantile(waits, 50),
    queue_p95: quantile(waits, 95),
    dropped: (100 * within(packets).filter(([, , waited]) => waited === -1).length) / within(packets).length,
    lost: within(packets).filter(([, , waited]) => waited === -2).length,
    fps: (shown.length * 1000) / (to - from),
    freezes: freezes.count,
    longest_gap: freezes.longest,
    delay_p50: quantile(delays, 50),
    delay_p95: quantile(delays, 95),
    psnr: mean(quality.map(([, psnr]) => psnr)),
    ssim: mean(quality.map(([, , ssim]) => ssim)),
    ssim_p5: quantile(quality.map(([, , ssim]) => ssim), 5),
    concealed: ended.samples > 0 ? (100 * ended.concealed) / ended.samples : undefined,
    sound_p50: quantile(beeps, 50),
    sound_p95: quantile(beeps, 95),
    beeps: beeps.length,
    cpu_s: ended.cpu_s,
  };
  if (scenario.name === 'fall') {
    figures.clean_s = cleanAfter(packets, change);
    figures.fall_dropped = packets.filter(([ms, , waited]) => ms >= change && waited === -1).length;
    figures.lowest_mbps = lowestSecond(packets, change + 5000, to);
  } else if (scenario.name === 'rise') {
    figures.rise_s = reachedAfter(packets, change, to, 0.8 * steps(scenario).at(-1).kbps);
  } else if (scenario.name === 'loss30') {
    figures.lossy_fps = (seen.shown.filter(([ms]) => ms >= from && ms < change).length * 1000) / (change - from);
    figures.lossy_beeps = (100 * seen.beeps.filter(([ms]) => ms >= from && ms < change).length) / ((change - from) / 1000);
    figures.back_ssim = mean(seen.quality.filter(([ms]) => ms >= change + 5000 && ms < change + 15000).map(([, , ssim]) => ssim));
  }
  return figures;
}

