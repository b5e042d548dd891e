// The example that serves a page with its offer in it: a browser opens it, answers and is answered.
import net from 'node:net';
import path from 'node:path';
import { Child } from './child.mjs';
import { assert, until } from '../cases/wait.mjs';

/** A port that nobody has at the moment. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function offerToPage(browser, { offerer, onStart }) {
  const port = await freePort();
  const lines = [];
  const child = new Child(path.join(path.dirname(offerer), '../examples/example-offer-to-page'), [String(port)],
    { onLine: (line) => lines.push(line) });
  onStart(child);
  await until('the page', async () => lines.some((line) => line.startsWith('open ')), 10000);
  const page = await browser.newPage('hidden');
  await page.goto(`http://127.0.0.1:${port}/`);
  const said = () => page.evaluate(() => document.getElementById('said').textContent);
  await until('an answer over the channel', async () => await said() !== 'connecting', 20000);
  const text = await said();
  assert(text === 'you said: hello from the page', `the page was told '${text}'`);
  await page.evaluate(() => { location.href = 'about:blank'; });
  await until('the end of the program', async () => !child.alive, 40000);
  await page.close();
  assert(lines.some((line) => line.startsWith('connected')), `the program said ${lines.join('; ')}`);
  return lines.at(-1);
}

export function examplesGroup(browser, missing, close) {
  return {
    name: `${browser.name}-examples`,
    offers: false,
    missing,
    close,
    cases: [{ name: 'offer-to-page', limit: () => 90, run: (context) => offerToPage(browser, context) }],
  };
}
