// A UDP path that loses large packets on their way to one end: what is sent to its port goes to `target`, and answers come back.
import { createSocket } from 'node:dgram';

const LARGE = 200; // bytes; checks, handshakes and feedback get through

export class LossyPath {
  /** @param target { address, port }; every `every`th large packet towards it is lost */
  static async open(target, every) {
    const path = new LossyPath();
    path.front = createSocket('udp4');
    path.back = createSocket('udp4');
    path.large = path.lost = 0;
    path.front.on('message', (packet, { address, port }) => {
      path.client = { address, port };
      if (packet.length >= LARGE && ++path.large % every === 0) path.lost++;
      else path.back.send(packet, target.port, target.address);
    });
    path.back.on('message', (packet) => {
      if (path.client) path.front.send(packet, path.client.port, path.client.address);
    });
    await Promise.all([path.front, path.back].map((socket) => new Promise((resolve) => socket.bind(0, resolve))));
    return path;
  }

  get port() {
    return this.front.address().port;
  }

  close() {
    this.front.close();
    this.back.close();
  }
}
