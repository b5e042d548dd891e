// Encoded frames: the example plays a file to the browser, and a small program takes the browser's frames and decodes them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, run } from './child.mjs';
import { assert, until } from '../cases/wait.mjs';

const FRAMES = 300; // of the file: 10 s
const ENOUGH = 120; // received frames

/** A program that prints an offer and takes an answer, each ended by a line with a dot. */
class OfferingProgram {
  constructor(command, args) {
    this.lines = [];
    let offer = [];
    this.offer = new Promise((resolve) => {
      this.child = new Child(command, args, {
        onLine: (line) => {
          if (!offer) this.lines.push(line);
          else if (line !== '.') offer.push(line.replace(/\r$/, ''));
          else { resolve(`${offer.join('\r\n')}\r\n`); offer = undefined; }
        },
      });
    });
  }

  answer(sdp) {
    this.child.process.stdin.write(`${sdp}.\n`);
  }
}

/** The offer with one codec and its RTX. (Chromium, answering, sends what the offer has first, whatever it prefers.) */
function onlyCodec(offer, codec) {
  const typesOf = (pattern) => [...offer.matchAll(pattern)].map((match) => match[1]);
  const kept = typesOf(new RegExp(`a=rtpmap:(\\d+) ${codec}/`, 'gi'));
  const rtx = kept.flatMap((type) => typesOf(new RegExp(`a=fmtp:(\\d+) apt=${type}\r`, 'g')));
  const types = [...kept, ...rtx];
  return offer.split('\r\n').map((line) => line.replace(/^(m=video \d+ \S+).*/, `$1 ${types.join(' ')}`))
    .filter((line) => !/^a=(rtpmap|fmtp|rtcp-fb):\d/.test(line) || types.includes(line.match(/:(\d+)/)[1]))
    .join('\r\n');
}

/** In the page: answer the offer, with a camera or without. */
async function answerInPage({ offer, sends }) {
  const pc = new RTCPeerConnection();
  window.pc = pc;
  pc.ontrack = ({ track }) => {
    const video = document.createElement('video');
    video.autoplay = video.muted = video.playsInline = true;
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
    video.play().catch(() => {});
  };
  await pc.setRemoteDescription({ type: 'offer', sdp: offer });
  const [transceiver] = pc.getTransceivers();
  if (sends) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    await transceiver.sender.replaceTrack(stream.getVideoTracks()[0]);
    transceiver.direction = 'sendonly';
  }
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
  return pc.localDescription.sdp;
}

async function framesDecoded() {
  for (const report of (await window.pc.getStats()).values())
    if (report.type === 'inbound-rtp') return { decoded: report.framesDecoded, received: report.framesReceived, width: report.frameWidth };
  return { decoded: 0 };
}

async function connect(browser, relay, program, codec, sends) {
  const page = await browser.newPage('media');
  await page.goto(`${relay.url}/`);
  program.answer(await page.evaluate(answerInPage, { offer: onlyCodec(await program.offer, codec), sends }));
  return page;
}

async function send(browser, { relay, onStart, programs }, codec) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'frames-'));
  try {
    const file = path.join(directory, 'moving.ivf');
    await run(programs.makeIvf, [file, codec, String(FRAMES)]);
    const program = new OfferingProgram(programs.player, [file]);
    onStart(program.child);
    const page = await connect(browser, relay, program, codec, false);
    const result = await until('the end of the file', async () => !program.child.alive && program.lines.at(-1), 40000);
    const { decoded, received, width } = await page.evaluate(framesDecoded);
    await page.close();
    assert(decoded >= 0.9 * FRAMES, `${decoded} frames of ${FRAMES} were decoded, ${received} came (${result}; ${program.child.complaint})`);
    assert(width === 320, `the picture is ${width} wide`);
    return `${decoded} of ${FRAMES} decoded`;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

async function receive(browser, { relay, onStart, programs }, codec) {
  const program = new OfferingProgram(programs.receiver, []);
  onStart(program.child);
  const page = await connect(browser, relay, program, codec, true);
  const counts = () => {
    const [name, ...numbers] = (program.lines.at(-1) ?? ' 0 0 0 0 0 0').split(' ');
    const [frames, keys, decoded, undecodable, width, height] = numbers.map(Number);
    return { name, frames, keys, decoded, undecodable, width, height };
  };
  await until(`${ENOUGH} frames`, async () => counts().frames >= ENOUGH || !program.child.alive, 40000);
  const { name, frames, keys, decoded, undecodable, width, height } = counts();
  await page.close();
  assert(name.toLowerCase() === codec, `codec ${name}`);
  assert(keys >= 1 && width > 0 && height > 0, `${keys} key frames, ${width}x${height}`);
  assert(undecodable === 0, `${undecodable} of ${frames} frames could not be decoded`);
  if (codec === 'vp8' || codec === 'vp9') assert(decoded === frames, `${decoded} of ${frames} were decoded`);
  return `${frames} frames, ${keys} key, ${width}x${height}`;
}

/** The programs stand beside the one that makes offers. */
function programsBeside(offerer) {
  const tests = path.dirname(offerer);
  return {
    player: path.join(tests, '../examples/example-encoded-frames'),
    receiver: path.join(tests, 'interop-frames'),
    makeIvf: path.join(tests, 'make_ivf'),
  };
}

export function framesGroup(browser, missing, close) {
  const cases = [['send', send, ['vp8', 'vp9']], ['receive', receive, ['vp8', 'vp9', 'h264', 'av1']]];
  return {
    name: `${browser.name}-frames`,
    offers: false,
    tries: 3, // a file is played in real time, and the page has to keep up
    missing,
    close,
    cases: cases.flatMap(([verb, body, codecs]) => codecs.map((codec) => ({
      name: `${verb}-${codec}`,
      limit: () => 60,
      run: (context) => body(browser, { ...context, programs: programsBeside(context.offerer) }, codec),
    }))),
  };
}
