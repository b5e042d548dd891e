// The group that records: an echo peer of its own writes its sessions with the browser down, and wirelark-replay plays them again.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './child.mjs';
import { startEcho } from './echo.mjs';
import { Relay } from './relay.mjs';

const LIMIT = 90;
const RATES = ['--max-per-ip', '1000', '--max-rate', '1000'];

/** By name: [file, case] of what the browser does in one run of the echo peer. */
const SESSIONS = {
  'data': [['data', 'strings'], ['data', 'large'], ['data', 'twenty-channels']],
  'media': [['media', 'vp8']],
  'data-media-and-restart': [['data', 'strings'], ['media', 'everything'], ['ice', 'ice-restart']],
};

async function record(browser, echoProgram, session, seconds, file) {
  const { url, child } = await startEcho(echoProgram, [], RATES, { WLK_RECORD: file });
  const relay = new Relay(url);
  try {
    await relay.start();
    for (const [folder, name] of session) {
      await browser.runCase(relay.url, {
        file: folder,
        name,
        flavour: 'media',
        world: { direction: 'offer', seconds },
      });
    }
  } finally {
    await relay.stop();
    await child.stop('SIGINT');
  }
}

async function recordAndReplay(browser, session, { echoProgram, seconds }) {
  if (!echoProgram) throw new Error('needs an echo peer of its own: give --echo');
  const replay = path.resolve(path.dirname(echoProgram), '../replay/wirelark-replay');
  const folder = await mkdtemp(path.join(tmpdir(), 'wirelark-recording-'));
  try {
    await record(browser, echoProgram, session, Math.min(seconds, 5), path.join(folder, 'call'));
    const files = await readdir(folder);
    if (files.length !== 1) throw new Error(`${files.length} files were written`);
    const said = await run(replay, [path.join(folder, 'call')]); // throws what it says when it is not as recorded
    return said.split(': ').slice(2).join(': ');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `browser` is shared with the other groups of its name. */
export function recordingGroup(browser, missing, close) {
  return {
    name: `${browser.name}-recording`,
    offers: true,
    tries: 3, // the cases of media measure rates
    missing,
    close,
    cases: Object.entries(SESSIONS).map(([name, session]) => ({
      name,
      limit: () => LIMIT,
      run: (context) => recordAndReplay(browser, session, context),
    })),
  };
}
