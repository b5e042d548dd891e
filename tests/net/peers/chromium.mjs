// Chromium, headless, as one end of a call: the code of w3c.mjs in an empty page.
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { load } from '../../interop/lib/paths.mjs';

const FLAGS = [
  '--no-sandbox', // the lab runs as root
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // With a media permission the page sees real addresses instead of .local names.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

const print = (line) => process.stdout.write(`${line}\n`);
const { chromium } = load('playwright-core');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: FLAGS });
const page = await browser.newPage();
const source = await readFile(fileURLToPath(new URL('w3c.mjs', import.meta.url)), 'utf8');

// A page of an origin, if only an imagined one: about:blank is given no permissions.
await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
await page.goto('http://localhost/');
await page.exposeFunction('print', print);
await page.addScriptTag({ type: 'module', content: `${source}
  window.take = makePeer(RTCPeerConnection, (event) => window.print(JSON.stringify(event)));` });
await page.waitForFunction(() => window.take);
createInterface({ input: process.stdin })
  .on('line', (line) => page.evaluate((order) => window.take(order), JSON.parse(line)).catch(() => {}))
  .on('close', async () => {
    await browser.close();
    process.exit();
  });
print(JSON.stringify({ event: 'ready' }));
