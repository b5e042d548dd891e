// A loudspeaker for a browser that takes its time from one: a PulseAudio of our own, whose only device plays nothing, at the pace of a clock.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from './child.mjs';

export const PROGRAM = '/usr/bin/pulseaudio';

const LATENCY_MS = 10;
const START_MS = 10000;
const LOOK_MS = 20;

export class Speaker {
  static async start() {
    const speaker = new Speaker();
    speaker.folder = await mkdtemp(path.join(tmpdir(), 'wirelark-speaker-'));
    speaker.socket = path.join(speaker.folder, 'native');
    const options = ['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disallow-exit',
      '-L', 'module-null-sink rate=48000', '-L', `module-native-protocol-unix auth-anonymous=1 socket=${speaker.socket}`];
    speaker.child = new Child(PROGRAM, options, { env: { HOME: speaker.folder, XDG_RUNTIME_DIR: speaker.folder } });
    const end = Date.now() + START_MS;
    while (!existsSync(speaker.socket)) {
      if (!speaker.child.alive || Date.now() > end) throw new Error(`no loudspeaker: ${speaker.child.complaint}`);
      await pause(LOOK_MS);
    }
    return speaker;
  }

  /** What a program that is to play here has in its environment. */
  get env() {
    return { PULSE_SERVER: `unix:${this.socket}`, PULSE_LATENCY_MSEC: String(LATENCY_MS) };
  }

  async stop() {
    await this.child.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
