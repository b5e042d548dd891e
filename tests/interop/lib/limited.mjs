// A UDP path of a limited rate from one end to the other: what is sent to its port goes to `target`, and what comes from there waits
// in a queue of at most a quarter of a second.
import { createSocket } from 'node:dgram';

const QUEUE_MS = 250;
const HEADERS = 28; // bytes of IPv4 and UDP

export class LimitedPath {
  /** @param target { address, port } */
  static async open(target) {
    const path = Object.assign(new LimitedPath(), { bps: 0, free: 0, lost: 0 });
    path.front = createSocket('udp4');
    path.back = createSocket('udp4');
    path.front.on('message', (packet, { address, port }) => {
      path.client = { address, port };
      path.back.send(packet, target.port, target.address);
    });
    path.back.on('message', (packet) => path.toClient(packet));
    await Promise.all([path.front, path.back].map((socket) => new Promise((resolve) => socket.bind(0, resolve))));
    return path;
  }

  /** Bits a second from now on; 0: as fast as they come. */
  limit(bps) {
    this.bps = bps;
  }

  toClient(packet) {
    if (!this.client) return;
    const now = performance.now();
    const send = () => !this.closed && this.front.send(packet, this.client.port, this.client.address);
    if (!this.bps) return send();
    if (this.free - now > QUEUE_MS) {
      this.lost++;
      return;
    }
    this.free = Math.max(this.free, now) + ((packet.length + HEADERS) * 8000) / this.bps;
    setTimeout(send, this.free - now);
  }

  get port() {
    return this.front.address().port;
  }

  close() {
    this.closed = true;
    this.front.close();
    this.back.close();
  }
}
