// Our side of a negotiation, told step by step what to do (negotiator.c), for cases about descriptions alone.
import { assert, until } from './wait.mjs';

export class Negotiator {
  static async start(world, bundle) {
    const { key } = await post(world, `/negotiator${bundle ? `?bundle=${bundle}` : ''}`, {});
    return new Negotiator(world, key);
  }

  constructor(world, key) {
    this.world = world;
    this.key = key;
  }

  /** One step; throws with our reason when it is refused. */
  async step(step) {
    const reply = await post(this.world, `/negotiator/${this.key}`, step);
    assert(!reply.error, `we refuse '${step.do}': ${reply.error}`);
    return reply;
  }

  offer(restart = false) {
    return this.step({ do: 'offer', restart });
  }

  /** Our answer to an offer of theirs. */
  async answer(sdp) {
    await this.step({ do: 'remote', type: 'offer', sdp });
    return this.step({ do: 'answer' });
  }

  take(sdp) {
    return this.step({ do: 'remote', type: 'answer', sdp });
  }

  async connected() {
    let connection;
    await until(() => `connected here (${connection})`, async () => {
      ({ connection } = await this.step({ do: 'state' }));
      return connection === 'connected';
    });
  }

  close() {
    fetch(`${this.world.url}/negotiator/${this.key}`, { method: 'DELETE' }).catch(() => {});
  }
}

async function post(world, path, body) {
  const response = await fetch(world.url + path, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  assert(response.ok, `POST ${path}: ${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

/** The m-sections of a description, the first being the session's lines. */
export const sections = (sdp) => sdp.split(/(?=^m=)/m);
export const mediaSections = (sdp) => sections(sdp).slice(1);
export const isRejected = (section) => /^m=\w+ 0 /.test(section) && !/^a=bundle-only/m.test(section);
