// What came of the scene and of its sound on their way: likeness, delay, order, spectrum, lip-sync. As tests/interop/raw_watch.c
// does it at our end. Runs in browsers and in Node.
import { MOMENTS, Scene, ssim } from './scene.mjs';

export const SOUND = { rate: 48000, tone: 440, beep: 2400, beepMs: 60, beepEvery: 30, toneLevel: 5000 / 32768, beepLevel: 9000 / 32768 };

const KEPT = 12;
const KEEP_EVERY = 11;
const STEP = SOUND.rate / 400;
const WINDOW = SOUND.rate / 10;
const QUIET_STEPS = 80;
const PAIR_MS = 400;

/** The value below which this part of them lies. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.round(part * (sorted.length - 1))] : 0;
}

/** Amplitude of a sine in samples (Goertzel). */
function amplitude(samples, hertz, rate) {
  let [re, im] = [0, 0];
  const step = (2 * Math.PI * hertz) / rate;
  for (let i = 0; i < samples.length; i++) {
    re += samples[i] * Math.cos(step * i);
    im += samples[i] * Math.sin(step * i);
  }
  return (2 * Math.hypot(re, im)) / samples.length;
}

/** Of pictures of this size; `scale`: they are as much smaller than the scene that was drawn. */
export class Measures {
  constructor(width, height, scale = 1) {
    Object.assign(this, { width, height, scale });
    this.begin();
  }

  /** What was measured before does not count. */
  begin() {
    Object.assign(this, { shown: 0, unread: 0, backward: 0, delays: [], kept: [], flashes: [], beeps: [], tones: [], aways: [], sizes: new Set() });
    Object.assign(this, { step: [], window: [], quiet: 0, last: undefined });
  }

  /**
   * A picture is shown at `at`, the wall clock in milliseconds. Some are kept: `planes()` gives the luma, and U and V, at the same size.
   */
  picture(mark, width, height, at, planes) {
    this.shown++;
    this.sizes.add(`${width}x${height}`);
    if (!mark) {
      this.unread++;
      return;
    }
    if (this.last !== undefined && mark.number < this.last) this.backward++; // the same one again is no fault: a key frame may show it
    this.last = mark.number;
    const late = ((at - mark.moment) % MOMENTS + MOMENTS) % MOMENTS;
    this.delays.push(late > MOMENTS / 2 ? late - MOMENTS : late);
    if (mark.number % SOUND.beepEvery === 0) this.flashes.push(at);
    if (this.kept.length < KEPT && this.shown % KEEP_EVERY === 0 && width === this.width && height === this.height)
      this.kept.push({ ...mark, ...planes() });
  }

  /** Samples from -1 to 1, of which the first is heard at `at`. */
  sound(samples, at) {
    for (let i = 0; i < samples.length; i++) {
      this.step.push(samples[i]);
      if (this.step.length < STEP) continue;
      this.hearStep(this.step, at + (1000 * (i + 1 - STEP)) / SOUND.rate);
      this.step = [];
    }
  }

  hearStep(step, at) {
    const isBeep = amplitude(step, SOUND.beep, SOUND.rate) > SOUND.beepLevel / 3;
    if (isBeep && this.quiet >= QUIET_STEPS) this.beeps.push(at);
    this.quiet = isBeep ? 0 : this.quiet + 1;
    // The spectrum is that of the time between beeps, well behind one.
    if (this.quiet < QUIET_STEPS / 4) {
      this.window = [];
      return;
    }
    this.window.push(...step);
    if (this.window.length < WINDOW) return;
    this.tones.push(amplitude(this.window, SOUND.tone, SOUND.rate));
    let away = 0;
    for (let hertz = 700; hertz < 12000; hertz = Math.floor((hertz * 3) / 2)) away = Math.max(away, amplitude(this.window, hertz, SOUND.rate));
    this.aways.push(away);
    this.window = [];
  }

  lips() {
    const apart = this.beeps.map((beep) => this.flashes.map((flash) => beep - flash)
      .reduce((best, each) => (Math.abs(each) < Math.abs(best) ? each : best), PAIR_MS)).filter((each) => Math.abs(each) < PAIR_MS);
    return { pairs: apart.length, median: quantile(apart, 0.5), worst: apart.reduce((worst, each) => (Math.abs(each) > Math.abs(worst) ? each : worst), 0) };
  }

  report() {
    const { width, height } = this;
    const scene = new Scene(width * this.scale, height * this.scale);
    const likes = [];
    let colour = 0;
    for (const { number, moment, luma, u, v } of this.kept) {
      scene.draw(number, moment);
      likes.push(ssim(shrink(scene, this.scale), luma, width, height));
      if (this.scale > 1) continue;
      const planes = scene.colour();
      [u, v].forEach((plane, i) => { colour = Math.max(colour, colourError(planes[i], plane, width, height)); });
    }
    return {
      pictures: {
        shown: this.shown,
        unread: this.unread,
        backward: this.backward,
        sizes: [...this.sizes].join(),
        compared: likes.length,
        ssim: likes.reduce((sum, like) => sum + like, 0) / likes.length,
        ssimMin: Math.min(...likes),
        colour,
        delay: quantile(this.delays, 0.5),
        delayP95: quantile(this.delays, 0.95),
      },
      sound: {
        tone: 32768 * quantile(this.tones, 0.5),
        away: 32768 * quantile(this.aways, 0.5),
        windows: this.tones.length,
        beeps: this.beeps.length,
      },
      lips: this.lips(),
    };
  }
}

/** The luma of a scene that is scaled down: the mean of each square of n by n pixels. */
function shrink({ luma, width, height }, n) {
  if (n === 1) return luma;
  const small = new Uint8Array((width / n) * (height / n));
  for (let y = 0, at = 0; y < height / n; y++) {
    for (let x = 0; x < width / n; x++, at++) {
      let sum = (n * n) / 2;
      for (let i = 0; i < n * n; i++) sum += luma[(y * n + Math.floor(i / n)) * width + x * n + (i % n)];
      small[at] = sum / (n * n);
    }
  }
  return small;
}

/** Mean difference; `shown` is as large as the picture, or as the plane of colour. */
function colourError(plane, shown, width, height) {
  const full = shown.length === width * height ? 2 : 1;
  let sum = 0;
  for (let y = 0, at = 0; y < height / 2; y++)
    for (let x = 0; x < width / 2; x++, at++) sum += Math.abs(plane[at] - shown[full * y * (width / 2) * full + full * x]);
  return sum / plane.length;
}
