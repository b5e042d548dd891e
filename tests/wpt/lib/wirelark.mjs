// The cases over the binding, in this process.
import { runCase } from '../harness.mjs';

export class WirelarkTarget {
  name = 'wirelark';

  async start() {
    ({ world: this.world } = await import('../webrtc.mjs'));
  }

  async runFile(file, cases, limit) {
    const results = [];
    for (const each of cases) {
      const started = performance.now();
      const reason = await runCase(each, this.world, limit);
      results.push({ area: each.area, cite: each.cite, title: each.title, reason, ms: performance.now() - started });
    }
    return results;
  }

  async version() {
    return '';
  }

  async stop() {
    this.world.end();
  }
}
