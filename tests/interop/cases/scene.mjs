// The moving picture that goes through other stacks, drawn and read as tests/support/scene.c does: the same luma, pixel for pixel.
// Runs in browsers and in Node.

const TILE = 256;
const COLUMNS = 20;
const BITS = 2 * COLUMNS;
const CUT = 90; // pictures
const [WHITE, BLACK] = [220, 30];
const CHECK = 10;
export const MOMENTS = 2 ** 20; // milliseconds

const triangle = (a, period) => (a % period < period / 2 ? a % period : period - (a % period));

function bounce(n, range) {
  const at = n % (2 * range);
  return at < range ? at : 2 * range - at;
}

/** The nibbles of a mark: 4 of the number, 5 of the moment, and one that makes the xor of all ten CHECK. */
function nibbles(number, moment) {
  const list = [0, 4, 8, 12].map((shift) => (number >> shift) & 15).concat([0, 4, 8, 12, 16].map((shift) => (moment >> shift) & 15));
  return [...list, list.reduce((sum, nibble) => sum ^ nibble, CHECK)];
}

let madeTile;

function tile() {
  if (madeTile) return madeTile;
  madeTile = new Uint8Array(TILE * TILE);
  for (let y = 0; y < TILE; y++) {
    for (let x = 0; x < TILE; x++) {
      let noise = Math.imul(x, 2654435761) ^ Math.imul(y, 2246822519);
      noise = Math.imul(noise ^ (noise >>> 15), 2654435761);
      madeTile[y * TILE + x] = 70 + (triangle(x, 256) >> 2) + (triangle(y, 128) >> 2) + (((x >> 4) ^ (y >> 4)) & 1) * 20 + (noise >>> 31);
    }
  }
  return madeTile;
}

export class Scene {
  constructor(width, height) {
    Object.assign(this, { width, height, luma: new Uint8Array(width * height) });
  }

  /** @param moment the wall clock in milliseconds; what is drawn is its rest modulo MOMENTS */
  draw(number, moment) {
    this.number = number % 65536;
    this.ground();
    for (let i = 0; i < 3; i++) this.disc(i);
    this.mark(nibbles(this.number, moment % MOMENTS));
  }

  ground() {
    const scene = Math.floor(this.number / CUT);
    const dx = [1, TILE - 2, 3, 0][scene % 4] * this.number;
    const dy = [1, 0, TILE - 1, 2][scene % 4] * this.number;
    const light = scene % 2 ? 40 : 0;
    const source = tile();
    for (let y = 0, at = 0; y < this.height; y++) {
      const row = ((y + dy) % TILE) * TILE;
      for (let x = 0; x < this.width; x++) this.luma[at++] = source[row + ((x + dx) & (TILE - 1))] + light;
    }
  }

  disc(i) {
    const { width, height, number } = this;
    const bottom = (height / 8) * 7;
    const r = Math.floor(height / (6 + 2 * i));
    const cx = r + bounce(number * (5 + 2 * i), width - 2 * r);
    const cy = r + bounce(number * (3 + i), bottom - 2 * r);
    for (let dy = -r; dy < r; dy++)
      for (let dx = -r; dx < r; dx++)
        if (dx * dx + dy * dy < r * r) this.luma[(cy + dy) * width + cx + dx] = 190 - 50 * i + ((dx + dy + 1024) >> 3) - 128;
  }

  mark(list) {
    const { width, height } = this;
    const middle = (height / 16) * 15;
    for (let y = (height / 8) * 7; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const bit = Math.floor((x * COLUMNS) / width) + (y < middle ? 0 : COLUMNS);
        this.luma[y * width + x] = (list[bit >> 2] >> (bit & 3)) & 1 ? WHITE : BLACK;
      }
    }
  }

  /** The two planes of colour, each a quarter of the picture: [U, V]. */
  colour() {
    const across = Math.floor(this.number / CUT) % 2;
    this.planes ??= [0, 1].map((way) => this.makeColour(way));
    return this.planes[across];
  }

  makeColour(across) {
    const [width, height] = [this.width / 2, this.height / 2];
    const planes = [new Uint8Array(width * height), new Uint8Array(width * height)];
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const inMark = y >= (height / 8) * 7;
        planes[across][at] = inMark ? 128 : 112 + Math.floor((x * 32) / width);
        planes[1 - across][at] = inMark ? 128 : 144 - Math.floor((y * 32) / height);
      }
    }
    return planes;
  }

  i420() {
    const data = new Uint8ClampedArray((this.width * this.height * 3) / 2);
    const [u, v] = this.colour();
    data.set(this.luma);
    data.set(u, this.luma.length);
    data.set(v, this.luma.length + u.length);
    return data;
  }

  /** Fills the bytes of an ImageData: ITU-R BT.601, limited range, as encoders of pictures of this size take it back. */
  toRgba(rgba) {
    const { width, height, luma } = this;
    const [u, v] = this.colour();
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const c = (y >> 1) * (width >> 1) + (x >> 1);
        const base = 1.164 * (luma[at] - 16);
        rgba[4 * at] = base + 1.596 * (v[c] - 128);
        rgba[4 * at + 1] = base - 0.813 * (v[c] - 128) - 0.391 * (u[c] - 128);
        rgba[4 * at + 2] = base + 2.018 * (u[c] - 128);
        rgba[4 * at + 3] = 255;
      }
    }
  }

  /** The checksum by which the implementations are held against each other. */
  sum() {
    return this.luma.reduce((sum, value) => (Math.imul(sum, 31) + value) >>> 0, 0);
  }
}

/** The luma of RGBA bytes. */
export function lumaOf(rgba) {
  const luma = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < luma.length; i++) luma[i] = 16.5 + 0.25679 * rgba[4 * i] + 0.50413 * rgba[4 * i + 1] + 0.09791 * rgba[4 * i + 2];
  return luma;
}

/** U and V of RGBA bytes, at full size. */
export function colourOf(rgba) {
  const [u, v] = [new Uint8Array(rgba.length / 4), new Uint8Array(rgba.length / 4)];
  for (let i = 0; i < u.length; i++) {
    const [r, g, b] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    u[i] = 128.5 - 0.14822 * r - 0.29099 * g + 0.43922 * b;
    v[i] = 128.5 + 0.43922 * r - 0.36779 * g - 0.07143 * b;
  }
  return [u, v];
}

/** The { number, moment } in the bar; undefined where it cannot be read. `bright(x, y)` looks at a point of it, 0 to 1 both ways. */
export function readMark(bright) {
  const list = Array(BITS / 4).fill(0);
  for (let bit = 0; bit < BITS; bit++)
    if (bright(((bit % COLUMNS) + 0.5) / COLUMNS, bit < COLUMNS ? 0.25 : 0.75)) list[bit >> 2] |= 1 << (bit & 3);
  const value = (nibblesOf) => nibblesOf.reduceRight((sum, nibble) => sum * 16 + nibble, 0);
  if (list.reduce((sum, nibble) => sum ^ nibble, 0) !== CHECK) return undefined;
  return { number: value(list.slice(0, 4)), moment: value(list.slice(4, 9)) };
}

/** From a luma plane. */
export function readPlane(luma, width, height, stride = width) {
  const threshold = (WHITE + BLACK) / 2;
  return readMark((x, y) => luma[Math.floor(height * (7 + y) / 8) * stride + Math.floor(x * width)] > threshold);
}

/** Structural similarity of two planes of the same size: mean over blocks of 8 by 8. */
export function ssim(a, b, width, height) {
  let sum = 0;
  let count = 0;
  for (let top = 0; top + 8 <= height; top += 8)
    for (let left = 0; left + 8 <= width; left += 8, count++) sum += blockSsim(a, b, width, top * width + left);
  return sum / count;
}

function blockSsim(a, b, width, start) {
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let y = 0; y < 8; y++) {
    for (let at = start + y * width, end = at + 8; at < end; at++) {
      sumA += a[at];
      sumB += b[at];
      sumAA += a[at] * a[at];
      sumBB += b[at] * b[at];
      sumAB += a[at] * b[at];
    }
  }
  const [meanA, meanB] = [sumA / 64, sumB / 64];
  const [varA, varB] = [sumAA / 64 - meanA * meanA, sumBB / 64 - meanB * meanB];
  const both = sumAB / 64 - meanA * meanB;
  return ((2 * meanA * meanB + 6.5025) * (2 * both + 58.5225)) / ((meanA * meanA + meanB * meanB + 6.5025) * (varA + varB + 58.5225));
}
