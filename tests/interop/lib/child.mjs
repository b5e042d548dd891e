// Child processes: started with a name, ended by their own pid, never left behind.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

const running = new Set();
/** What our programs (it is their log's form) said of packets that they could not read. Real counterparts send none such: one of the two is wrong. */
export const malformed = [];
const KILL_AFTER_MS = 3000;
const TAIL_LINES = 40;
const REASON = 'failed: ';

/** A running program; its lines of output go to onLine, the last lines of its errors are kept for reports. */
export class Child {
  constructor(command, args, { env, cwd, onLine } = {}) {
    this.tail = [];
    this.process = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this);
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lastLine = line;
      onLine?.(line);
    });
    createInterface({ input: this.process.stderr }).on('line', (line) => {
      this.tail.push(line);
      if (/^[EW] \S+: malformed /.test(line)) malformed.push(`${path.basename(command)}: ${line}`);
      if (this.tail.length > TAIL_LINES) this.tail.shift();
    });
    // Writing to a program that has just ended must not end us.
    this.process.stdin.on('error', () => {});
    /** Resolves to the exit code, to the name of the signal, or to an Error if the program did not start. */
    this.ended = new Promise((resolve) => {
      this.process.on('error', resolve);
      this.process.on('close', (code, signal) => resolve(code ?? signal));
    }).then((result) => {
      running.delete(this);
      this.result = result;
      return result;
    });
  }

  get alive() {
    return running.has(this);
  }

  /** Why the program failed: what it marks as its reason (libraries may chatter behind it), or its last words. */
  get complaint() {
    const reason = this.tail.findLast((line) => line.startsWith(REASON));
    return reason?.slice(REASON.length) ?? this.tail.findLast((line) => line.trim()) ?? '';
  }

  writeLine(value) {
    this.process.stdin.write(JSON.stringify(value) + '\n');
  }

  /** Asks the program to end, and makes it end a little later. */
  async stop(signal = 'SIGTERM') {
    if (!this.alive) return this.result;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), KILL_AFTER_MS);
    const result = await this.ended;
    clearTimeout(timer);
    return result;
  }
}

process.on('exit', () => {
  for (const child of running) child.process.kill('SIGKILL');
});

/** Runs a program to its end; throws its last complaint unless it exits with 0; gives its last line of output. */
export async function run(command, args, options) {
  const child = new Child(command, args, options);
  options?.onStart?.(child);
  const result = await child.ended;
  if (result !== 0) throw new Error(child.complaint || `${command} ended with ${result}`);
  return child.lastLine;
}
