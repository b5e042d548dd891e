// The cases in a browser: a small web server with the case files, and a fresh page for each file.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Browser, within } from '../../interop/lib/browser.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const TYPES = { '.mjs': 'text/javascript', '.html': 'text/html' };
const PAGE = '<!doctype html><meta charset="utf-8"><title>conformance</title><link rel="icon" href="data:,">';

async function answer(request, response) {
  const name = new URL(request.url, 'http://localhost').pathname;
  if (name === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  const file = path.join(ROOT, path.normalize(name));
  try {
    if (!file.startsWith(ROOT + path.sep)) throw new Error('outside');
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'text/plain' }).end(await readFile(file));
  } catch {
    response.writeHead(404).end();
  }
}

export class BrowserTarget {
  constructor(name) {
    this.name = name;
    this.browser = new Browser(name);
  }

  async start() {
    this.server = createServer(answer);
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://localhost:${this.server.address().port}`;
  }

  async runFile(file, cases, limit) {
    const page = await this.browser.newPage(this.name === 'chromium' ? 'loopback' : 'media');
    try {
      await page.goto(`${this.url}/`);
      const running = page.evaluate(async ({ file, titles, limit }) => {
        const { runFile } = await import('/page.mjs');
        return runFile(file, titles, limit);
      }, { file, titles: cases.map(({ title }) => title), limit });
      return await within(running, limit * cases.length + 30000);
    } finally {
      await within(page.close(), 5000).catch(() => {});
    }
  }

  async version() {
    return (await this.browser.browser?.version?.())?.replace(/^\w+\//, '') ?? '';
  }

  async stop() {
    await this.browser.close();
    this.server.close();
  }
}
