// In the audio thread of a page: hands what is heard, and when, to the page. `globalThis` has what the specification of AudioWorklet gives.

const OFFSETS = 64;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.offsets = [];
  }

  /** The wall clock at the start of this block: blocks are rendered several at once, so a single look at it is some milliseconds off. */
  moment() {
    this.offsets.push(Date.now() - 1000 * currentTime);
    if (this.offsets.length > OFFSETS) this.offsets.shift();
    return 1000 * currentTime + [...this.offsets].sort((a, b) => a - b)[this.offsets.length >> 1];
  }

  process([[samples]]) {
    if (samples) this.port.postMessage({ samples: samples.slice(), at: this.moment() });
    return true;
  }
}

registerProcessor('ear', Ear);
