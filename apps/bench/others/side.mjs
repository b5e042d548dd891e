// One case with another stack: two Node processes, as wirelark-bench has two; prints one line of JSON.
//
//   side.mjs --stack libdatachannel|libwebrtc --case NAME [--mib N] [--count N] [--rate N] [--seconds N]
//
// CPU time is that of all threads of both processes, so it includes Node's part in passing messages on.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { cpuUs, nowUs } from './clock.mjs';
import { stacks } from './stacks.mjs';

const { values } = parseArgs({
  options: {
    stack: { type: 'string' },
    case: { type: 'string' },
    mib: { type: 'string', default: '256' },
    count: { type: 'string' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '3' },
    timeout: { type: 'string', default: '120' },
    far: { type: 'boolean', default: false },
  },
});

class Side {
  constructor(options, line, near) {
    Object.assign(this, { options, line, near, what: cases[options.case], count: 0, latest: 0, conns: new Map() });
    this.Connection = stacks[options.stack]();
    line.on('message', (message) => this.take(message));
  }

  say(message) {
    if (this.line.connected) this.line.send(message);
  }

  connect(n, offers) {
    const conn = new this.Connection({
      offers,
      media: this.what.media,
      signal: (signal) => this.say({ n, signal }),
      open: () => this.opened(n),
      message: (data) => (this.near ? this.what.message : this.what.farMessage)?.(this, this.conns.get(n), data),
      drained: () => this.what.drained?.(this),
    });
    this.conns.set(n, conn);
    return conn;
  }

  offer(n) {
    const started = nowUs();
    Object.assign(this.connect(n, true), { n, started });
  }

  opened(n) {
    const conn = this.conns.get(n);
    if (!conn) return;
    conn.openHere = nowUs();
    if (this.near) this.checkReady(conn);
    else this.say({ n, open: conn.openHere });
  }

  checkReady(conn) {
    if (conn.openHere && conn.openThere) this.what.ready(this, conn);
  }

  close(n) {
    this.say({ n, close: true });
    this.forget(n);
  }

  closeAll() {
    for (const n of [...this.conns.keys()]) this.close(n);
  }

  forget(n) {
    this.conns.get(n)?.close();
    this.conns.delete(n);
  }

  take({ n, signal, open, close, ask, usage }) {
    const conn = this.conns.get(n);
    if (signal && (conn || !this.near)) (conn ?? this.connect(n, false)).take(signal);
    else if (open && conn) {
      conn.openThere = open;
      this.checkReady(conn);
    } else if (close) this.forget(n);
    else if (ask) this.tellUsage();
    else if (usage) this.what.farUsage(this, usage);
  }

  askUsage() {
    this.say({ ask: true });
  }

  tellUsage() {
    this.say({ usage: { cpu: cpuUs(), count: this.count, at: this.latest } });
  }

  finish(figures) {
    const rounded = Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(6))]);
    process.stdout.write(JSON.stringify({ stack: this.options.stack, case: this.options.case, ...Object.fromEntries(rounded) }) + '\n',
      () => process.exit(0));
  }
}

const number = (text) => (text === undefined ? undefined : Number(text));
const options = { ...values };
for (const name of ['mib', 'count', 'rate', 'seconds', 'timeout']) options[name] = number(values[name]);
if (!cases[options.case] || !stacks[options.stack]) {
  console.error('side.mjs: --stack and --case name what is measured');
  process.exit(2);
}

function fail(error) {
  console.error(`${options.stack}, ${options.case}: ${error.message ?? error}`);
  process.exit(1);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

if (options.far) {
  new Side(options, process, false);
  process.on('disconnect', () => process.exit(0));
  process.send({ ready: true });
} else {
  const far = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--far']);
  far.on('exit', () => fail('the far process ended'));
  setTimeout(() => fail('not done in time'), options.timeout * 1000).unref();
  far.once('message', () => {
    const near = new Side(options, far, true);
    near.what.start(near);
  });
}
