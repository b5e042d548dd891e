// Waiting for conditions. Runs in browsers and in Node: no import, no environment.

const POLL_MS = 20;

export function assert(condition, fact) {
  if (!condition) throw new Error(fact);
}

export function assertEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Polls until probe() gives something true and returns that; throws after ms milliseconds.
 * `what` completes the sentence "... not within N ms"; a function is called for it at the end.
 */
export async function until(what, probe, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() >= end) throw new Error(`${typeof what === 'function' ? what() : what} not within ${ms} ms`);
    await pause(POLL_MS);
  }
}

/** Watches for ms milliseconds that probe() never gives something true: for facts that must not happen. */
export async function never(what, probe, ms) {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    if (await probe()) throw new Error(what);
    await pause(POLL_MS);
  }
}

/** Calls sample() once a second for the given number of seconds: the window over which a rate is measured. */
export async function everySecond(seconds, sample) {
  for (let second = 1; second <= seconds; second++) {
    await pause(1000);
    await sample(second);
  }
}
