// A second reference echo peer, on libwebrtc: for what pion cannot do (messages above 64 KiB, libdatachannel's INIT,
// an offer with a=setup:active). Video and audio come back decoded and encoded again.
//
//   libwebrtc.mjs --port N              serves POST /offer and prints its URL
//   libwebrtc.mjs --offerer [--media]   makes the offer, as JSON lines
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { load } from '../lib/paths.mjs';

const { RTCPeerConnection } = load('@roamhq/wrtc');
const GATHER_MS = 3000;
const BUFFER_HIGH = 4 << 20;
const CLOSE_AFTER_ECHO_MS = 200;

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '0' }, offerer: { type: 'boolean' }, media: { type: 'boolean' } },
});

class Session {
  constructor() {
    this.pc = new RTCPeerConnection();
    this.pc.ondatachannel = ({ channel }) => this.echo(channel);
  }

  echo(channel) {
    channel.binaryType = 'arraybuffer';
    const queue = [];
    const flush = () => {
      try {
        while (queue.length > 0 && channel.bufferedAmount < BUFFER_HIGH) channel.send(queue.shift());
      } catch {
        return; // closed meanwhile
      }
      // This package's bufferedamountlow event does not always come.
      if (queue.length > 0 && channel.readyState === 'open') setTimeout(flush, 5);
    };
    channel.onmessage = ({ data }) => {
      if (queue.push(data) === 1) flush();
      if (channel.protocol === 'x-echo-open') this.echo(this.pc.createDataChannel(data));
      if (channel.protocol === 'x-echo-close') setTimeout(() => channel.close(), CLOSE_AFTER_ECHO_MS);
    };
    return channel;
  }

  async answer({ sdp, channels = [] }) {
    for (const { id, label, ordered } of channels)
      this.echo(this.pc.createDataChannel(label, { id, ordered, negotiated: true }));
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    this.returnTracks();
    return this.describe(await this.pc.createAnswer());
  }

  offer(media) {
    if (media) for (const kind of ['audio', 'video']) this.pc.addTransceiver(kind);
    this.returnTracks();
    const channel = this.echo(this.pc.createDataChannel('offerer'));
    channel.onopen = () => channel.send('hello');
    return this.pc.createOffer().then((offer) => this.describe(offer));
  }

  returnTracks() {
    for (const { sender, receiver, stopped } of this.pc.getTransceivers())
      if (!stopped && !sender.track) sender.replaceTrack(receiver.track);
    for (const transceiver of this.pc.getTransceivers()) if (!transceiver.stopped) transceiver.direction = 'sendrecv';
  }

  async describe(description) {
    await this.pc.setLocalDescription(description);
    await new Promise((resolve) => {
      const check = () => this.pc.iceGatheringState === 'complete' && resolve();
      this.pc.addEventListener('icegatheringstatechange', check);
      setTimeout(resolve, GATHER_MS);
      check();
    });
    const { type, sdp } = this.pc.localDescription;
    return { type, sdp };
  }
}

const sessions = [];

async function handle(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const offer = JSON.parse(Buffer.concat(parts));
  if (offer.id && !sessions[offer.id - 1]) return response.writeHead(404).end('no such session');
  const id = offer.id ?? String(sessions.push(new Session()));
  const answer = await sessions[id - 1].answer(offer);
  return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ...answer, id }));
}

async function makeOffer() {
  const session = new Session();
  const print = (value) => console.log(JSON.stringify(value));
  session.pc.onconnectionstatechange = () => print({ event: session.pc.connectionState });
  print(await session.offer(options.media));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => session.pc.setRemoteDescription(JSON.parse(line)));
  lines.on('close', () => process.exit(0));
}

if (options.offerer) {
  await makeOffer();
} else {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.writeHead(400).end(error.message));
  });
  server.listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
}
