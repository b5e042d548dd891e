// A small HTTP server between the drivers and the peer under test.
//
// For browsers it is the origin of the test page: POST /offer must come from the same origin. For the direction in
// which we answer it starts the offering program (WLK_OFFERER) and turns its JSON lines into requests.
//
//   GET  /                    an empty page
//   GET  /cases/NAME.mjs      the test cases as modules
//   POST /offer               handed on to the echo peer
//   POST /offerer[?media=1&with=rsa,max-compat]   starts an offerer: { key, sdp }
//   POST /offerer/KEY         { type: 'answer', sdp } for it
//   GET  /offerer/KEY/stats   its own statistics
//   DELETE /offerer/KEY       ends it
//   POST /driven              starts one that waits for calls: { key }
//   POST /driven/KEY          { do: ... }: a call; gives its answer
//   DELETE /driven/KEY        ends it
//   POST /raw                 { args: [...] }: starts raw_peer.c: { key }; POST /raw/KEY: a call of it; DELETE ends it
//   POST /negotiator[?bundle=POLICY]   starts a peer that negotiates at command: { key }
//   POST /negotiator/KEY      one step for it, answered by its line (negotiator.c); DELETE ends it
//   POST /limited             { address, port }: a path there whose rate is limited; gives its { port }
//   POST /limited/PORT        { bps }: the rate from there, 0 for none
//   POST /lossy               { address, port, every }: a path there that loses every Nth large packet (`every`); gives its { port }
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Child } from './child.mjs';
import { LimitedPath } from './limited.mjs';
import { LossyPath } from './lossy.mjs';
import { INTEROP } from './paths.mjs';
import { until } from '../cases/wait.mjs';

const OFFER_MS = 10000;
const EMPTY_PAGE = '<!doctype html><meta charset="utf-8"><title>test</title>';

/** What a case may ask of the offering program. */
const OFFERER_OPTIONS = ['rsa', 'max-compat'];

export class Relay {
  constructor(echoUrl, offerer) {
    this.echoUrl = echoUrl;
    this.offerer = offerer;
    this.offerers = new Map();
    this.negotiators = new Map();
    this.paths = [];
    this.server = createServer((request, response) => {
      this.handle(request, response).catch((error) => {
        response.writeHead(502);
        response.end(error.message);
      });
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  async handle(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const name = pathname.match(/^\/cases\/([\w-]+\.mjs)$/)?.[1];
    const key = pathname.match(/^\/offerer\/(\d+)$/)?.[1];
    const driven = pathname.match(/^\/driven\/(\d+)$/)?.[1];
    const measured = pathname.match(/^\/offerer\/(\d+)\/stats$/)?.[1];

    if (pathname === '/') return send(response, 200, 'text/html', EMPTY_PAGE);
    if (name) return send(response, 200, 'text/javascript', await readFile(path.join(INTEROP, 'cases', name)));
    if (pathname === '/offer') return this.handOn(request, response);
    if (pathname === '/offerer') return sendJson(response, await this.startOfferer(searchParams.has('media'), searchParams.get('with') ?? ''));
    const raw = pathname.match(/^\/raw(?:\/(\d+))?$/);
    if (raw) return this.handleRaw(request, response, raw[1]);
    const negotiator = pathname.match(/^\/negotiator(?:\/(\d+))?$/);
    if (negotiator) return this.negotiate(request, response, negotiator[1], searchParams.get('bundle'));
    if (measured) return sendJson(response, await this.stats(this.offerers.get(measured)));
    const limited = pathname.match(/^\/limited(?:\/(\d+))?$/);
    if (limited) return sendJson(response, await this.limitPath(limited[1], JSON.parse(await body(request))));
    if (pathname === '/lossy') return sendJson(response, await this.openLossy(JSON.parse(await body(request))));
    if (pathname === '/driven') return sendJson(response, this.startDriven());
    if ((key ?? driven) && request.method === 'DELETE') return this.endOfferer(key ?? driven, response);
    if (driven) return sendJson(response, await this.call(this.offerers.get(driven), JSON.parse(await body(request))));
    if (key) return this.answer(key, JSON.parse(await body(request)), response);
    return send(response, 404, 'text/plain', 'not here');
  }

  async handOn(request, response) {
    const reply = await fetch(`${this.echoUrl}/offer`, {
      method: request.method,
      headers: { 'Content-Type': request.headers['content-type'] ?? '' },
      body: await body(request),
    });
    send(response, reply.status, reply.headers.get('content-type') ?? 'text/plain', await reply.text());
  }

  async startOfferer(media, wanted) {
    const [program, ...args] = this.offerer.split(' ');
    args.push(...OFFERER_OPTIONS.filter((name) => wanted.split(',').includes(name)).map((name) => `--${name}`));
    const key = String(this.offerers.size + 1);
    const lines = [];
    const child = new Child(program, media ? [...args, '--media'] : args, {
      onLine: (line) => lines.push(JSON.parse(line)),
    });
    child.lines = lines;
    this.offerers.set(key, child);
    const offer = await until(() => `offer from ${program} (${child.complaint})`, () => {
      if (!child.alive) throw new Error(`${program} ended with ${child.result}: ${child.complaint}`);
      return lines.find((line) => line.type === 'offer');
    }, OFFER_MS);
    return { key, sdp: offer.sdp };
  }

  async openLossy({ address, port, every }) {
    const lossy = await LossyPath.open({ address, port }, every);
    this.paths.push(lossy);
    return { port: lossy.port };
  }

  async limitPath(port, wish) {
    if (port) {
      this.paths.find((each) => each.port === Number(port)).limit(wish.bps);
      return {};
    }
    const limited = await LimitedPath.open(wish);
    this.paths.push(limited);
    return { port: limited.port };
  }

  startDriven() {
    const [program, ...args] = this.offerer.split(' ');
    return this.startCalled(program, [...args, '--driven']);
  }

  async handleRaw(request, response, key) {
    if (request.method === 'DELETE') return this.endOfferer(key, response);
    const wish = JSON.parse(await body(request));
    if (!key) return sendJson(response, this.startCalled(this.programBeside('interop-raw'), wish.args));
    return sendJson(response, await this.call(this.offerers.get(key), wish));
  }

  /** A program that answers each line, a call, by one. */
  startCalled(program, args) {
    const key = String(this.offerers.size + 1);
    const child = new Child(program, args, {
      onLine(line) {
        const { id, ...answer } = JSON.parse(line);
        child.calls.get(id)?.(answer);
        child.calls.delete(id);
      },
    });
    child.calls = new Map();
    this.offerers.set(key, child);
    return { key };
  }

  call(child, call) {
    const id = (child.lastCall = (child.lastCall ?? 0) + 1);
    return new Promise((resolve, reject) => {
      child.calls.set(id, resolve);
      child.ended.then((result) => reject(new Error(`the driven peer ended with ${result}: ${child.complaint}`)));
      child.writeLine({ ...call, id });
    });
  }

  async negotiate(request, response, key, bundle) {
    if (request.method === 'DELETE') {
      await end(this.negotiators.get(key));
      return sendJson(response, {});
    }
    if (!key) return sendJson(response, { key: this.startNegotiator(bundle) });
    const child = this.negotiators.get(key);
    const seen = child.lines.length;
    child.writeLine(JSON.parse(await body(request)));
    await until(() => `answer of the negotiator (${child.complaint})`, () => {
      if (!child.alive) throw new Error(`the negotiator ended with ${child.result}: ${child.complaint}`);
      return child.lines.length > seen;
    }, OFFER_MS);
    return sendJson(response, child.lines[seen]);
  }

  programBeside(name) {
    return path.join(path.dirname(this.offerer.split(' ')[0]), name);
  }

  startNegotiator(bundle) {
    const program = this.programBeside('interop-negotiator');
    const key = String(this.negotiators.size + 1);
    const lines = [];
    const child = new Child(program, bundle ? ['--bundle', bundle] : [], { onLine: (line) => lines.push(JSON.parse(line)) });
    child.lines = lines;
    this.negotiators.set(key, child);
    return key;
  }

  async stats(child) {
    const seen = child.lines.length;
    child.writeLine({ type: 'stats' });
    const line = await until('statistics of the offerer',
      () => child.lines.slice(seen).find(({ type }) => type === 'stats'), OFFER_MS);
    return line.report;
  }

  answer(key, answer, response) {
    this.offerers.get(key).writeLine(answer);
    sendJson(response, {});
  }

  async endOfferer(key, response) {
    sendJson(response, {});
    await end(this.offerers.get(key));
  }

  async stop() {
    await Promise.all([...this.offerers.values(), ...this.negotiators.values()].map((child) => child.stop()));
    this.paths.forEach((each) => each.close());
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** End of input is the sign to close: a program that does not end by itself is ended. */
async function end(child) {
  child?.process.stdin.end();
  await until('end of the program', () => !child?.alive, 3000).catch(() => child.stop());
}

function send(response, status, type, content) {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(content);
}

function sendJson(response, value) {
  send(response, 200, 'application/json', JSON.stringify(value));
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
