// The cases of wirelark-bench for the other stacks: same steps, same names in the report.
//
// A case has { media, start, ready, message, farUsage } for the near process and farMessage for the far one; `b` is the
// side of side.mjs.
import { cpuUs, nowUs } from './clock.mjs';
import { report } from './samples.mjs';

function bulk(size) {
  const total = (b) => Math.floor((b.options.mib * 2 ** 20) / size);
  const sendMore = (b) => {
    while (b.toSend > 0 && b.conn.canSend()) {
      b.conn.send(b.data);
      b.toSend--;
    }
  };

  return {
    start: (b) => b.offer(0),
    ready(b, conn) {
      b.conn = conn;
      b.askUsage();
    },
    drained: (b) => b.started && sendMore(b),
    farMessage(b, conn, data) {
      if ((data.byteLength ?? data.length) !== size) throw new Error('a message came in another size');
      if (++b.count < total(b)) return;
      b.latest = nowUs();
      b.tellUsage();
    },
    farUsage(b, { cpu, at }) {
      if (!b.started) {
        Object.assign(b, { data: Buffer.alloc(size), toSend: total(b), farCpu: cpu, nearCpu: cpuUs(), started: nowUs() });
        return sendMore(b);
      }
      const bytes = total(b) * size;
      const near = cpuUs() - b.nearCpu;
      return b.finish({
        bytes,
        mb_per_s: bytes / (at - b.started),
        cpu_s_per_gb: ((near + cpu - b.farCpu) * 1000) / bytes,
        near_cpu_s_per_gb: (near * 1000) / bytes,
      });
    },
  };
}

const WARM_UP = 200;
const pingpong = {
  start: (b) => b.offer(0),
  ready(b, conn) {
    Object.assign(b, { conn, times: [], rounds: b.options.count ?? 10000, round: 0, data: Buffer.alloc(64) });
    pingpong.ping(b);
  },
  ping(b) {
    b.sent = nowUs();
    b.conn.send(b.data);
  },
  message(b) {
    if (++b.round > WARM_UP) b.times.push(nowUs() - b.sent);
    b.ending = b.round === WARM_UP + b.rounds;
    if (b.round === WARM_UP || b.ending) b.askUsage();
    else pingpong.ping(b);
  },
  farMessage: (b, conn, data) => conn.send(data),
  farUsage(b, { cpu }) {
    if (!b.ending) {
      Object.assign(b, { farCpu: cpu, nearCpu: cpuUs(), started: nowUs() });
      return pingpong.ping(b);
    }
    return b.finish({
      per_s: (b.rounds * 1e6) / (nowUs() - b.started),
      cpu_us_each: (cpuUs() - b.nearCpu + cpu - b.farCpu) / b.rounds,
      ...report(b.times, 'round'),
    });
  },
};

function setup(atOnce) {
  return {
    start(b) {
      Object.assign(b, { total: b.options.count ?? (atOnce ? 100 : 200), times: [], made: 0 });
      b.askUsage();
    },
    ready(b, conn) {
      const opened = Math.max(conn.openHere, conn.openThere);
      b.times.push(opened - (atOnce ? b.started : conn.started));
      if (!atOnce) b.close(conn.n);
      if (b.times.length === b.total) {
        b.closeAll();
        b.askUsage();
      } else if (!atOnce) {
        b.offer(b.made++);
      }
    },
    farUsage(b, { cpu }) {
      if (!b.started) {
        Object.assign(b, { farCpu: cpu, nearCpu: cpuUs(), started: nowUs() });
        do b.offer(b.made++);
        while (atOnce && b.made < b.total);
        return;
      }
      b.finish({
        connections: b.total,
        ...report(b.times, 'setup'),
        cpu_ms_each: (cpuUs() - b.nearCpu + cpu - b.farCpu) / 1000 / b.total,
      });
    },
  };
}

const TICK_MS = 5;
const WARM_UP_US = 2e6;
const LAST_PACKETS_MS = 500;
const PAYLOAD = 1160;
const FRAME_PACKETS = 40;
const FLOOD_US = 2000; // of sending between two looks at what came
const rtp = (flood) => ({
  media: true,
  start: (b) => b.offer(0),
  ready(b, conn) {
    b.conn = conn;
    b.askUsage();
  },
  sendOne(b, now) {
    const packet = Buffer.alloc(12 + PAYLOAD);
    packet[0] = 0x80;
    packet[1] = 96 | (b.sent % FRAME_PACKETS === FRAME_PACKETS - 1 ? 0x80 : 0);
    packet.writeUInt16BE(b.sent & 0xffff, 2);
    packet.writeUInt32BE(Math.floor(((now - b.started) * 9) / 100) >>> 0, 4);
    packet.writeUInt32BE(4711, 8);
    b.conn.send(packet);
    b.sent++;
  },
  tick(b) {
    const now = nowUs();
    if (flood) while (nowUs() - now < FLOOD_US) this.sendOne(b, now);
    else for (const due = Math.floor(((now - b.started) * b.options.rate) / 1e6); b.sent < due; ) this.sendOne(b, now);
    if (b.phase === 'warming up' && !b.measured && now - b.started >= WARM_UP_US) {
      b.measured = now;
      b.askUsage();
    }
    if (b.phase === 'measuring' && now - b.measured >= b.options.seconds * 1e6) {
      b.phase = 'ended';
      setTimeout(() => b.askUsage(), LAST_PACKETS_MS);
    } else if (flood) setImmediate(() => this.tick(b));
    else setTimeout(() => this.tick(b), TICK_MS);
  },
  farMessage(b) {
    b.count++;
    b.latest = nowUs();
  },
  farUsage(b, { cpu, count, at }) {
    if (!b.phase) {
      Object.assign(b, { phase: 'warming up', sent: 0, started: nowUs() });
      return this.tick(b);
    }
    if (b.phase === 'warming up')
      return Object.assign(b, { phase: 'measuring', measured: at, farCount: count, farCpu: cpu, nearCpu: cpuUs() });
    return b.finish({
      sent: b.sent,
      received: count,
      per_s: ((count - b.farCount) * 1e6) / (at - b.measured),
      cpu_us_each: (cpuUs() - b.nearCpu + cpu - b.farCpu) / (count - b.farCount),
      lost_percent: 100 * (1 - count / b.sent),
    });
  },
});

export const cases = {
  setup: setup(false),
  setup100: setup(true),
  bulk: bulk(16384),
  'bulk-1k': bulk(1024),
  'bulk-64k': bulk(65536),
  pingpong,
  rtp: rtp(false),
  'rtp-flood': rtp(true),
};
