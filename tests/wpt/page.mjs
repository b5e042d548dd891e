// The side of the runner that lives in a page: tracks, and the cases of one file.
import { cases, runCase } from './harness.mjs';

let audio;

/** A track that lives and needs no permission. */
function makeTrack(kind) {
  if (kind === 'audio') {
    audio ??= new AudioContext();
    const destination = audio.createMediaStreamDestination();
    const tone = audio.createOscillator();
    tone.connect(destination);
    tone.start();
    return destination.stream.getAudioTracks()[0];
  }
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  let frame = 0;
  const draw = () => {
    context.fillStyle = frame++ % 2 ? '#204060' : '#604020';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (frame < 600) setTimeout(draw, 50);
  };
  draw();
  return canvas.captureStream().getVideoTracks()[0];
}

/** Runs the chosen cases of one file; `chosen` are titles, or null for all. */
export async function runFile(file, chosen, limit) {
  await import(`./cases/${file}`);
  const results = [];
  for (const each of cases) {
    if (chosen && !chosen.includes(each.title)) continue;
    const started = performance.now();
    const reason = await runCase(each, { makeTrack }, limit);
    results.push({ area: each.area, cite: each.cite, title: each.title, reason, ms: performance.now() - started });
  }
  return results;
}
