// Chromium and Firefox behind one small interface: a fresh page for each case, in a browser started as the case needs.
import { load } from './paths.mjs';
import { Speaker } from './speaker.mjs';

const CLOSE_MS = 5000;

const CHROMIUM_FLAGS = [
  '--no-sandbox', // the tests run as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream=fps=30',
];

// With |speaker| sound is played at the pace of a device: Firefox's own substitute for one falls behind.
// With a media permission Chromium shows real addresses, without it .local names; Firefox hides them always.
const FLAVOURS = {
  chromium: {
    hidden: [],
    media: ['--use-fake-ui-for-media-stream'],
    loopback: ['--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection'],
    anyCertificate: ['--use-fake-ui-for-media-stream', '--ignore-certificate-errors'],
  },
  firefox: { hidden: {}, media: {}, speaker: { 'media.cubeb.force_mock_context': false } },
};

// Nothing here touches rates or encoders: those are measured with the preferences that every user has.
const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // Without an audio device an AudioContext would never start.
  'media.cubeb.force_mock_context': true,
};

async function launch(name, flavour, env) {
  const special = FLAVOURS[name][flavour];
  if (name === 'chromium')
    return load('playwright-core').chromium.launch({
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: [...CHROMIUM_FLAGS, ...special],
    });
  return load('puppeteer-core').launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    env: { ...process.env, ...env },
    extraPrefsFirefox: { ...FIREFOX_PREFS, ...special },
  });
}

export class Browser {
  constructor(name) {
    this.name = name;
  }

  /** A new page; the browser stays while the flavour does. */
  async newPage(flavour) {
    if (this.flavour !== flavour) await this.close();
    this.flavour = flavour;
    if (flavour === 'speaker') this.speaker ??= await Speaker.start();
    this.browser ??= await launch(this.name, flavour, this.speaker?.env);
    return this.browser.newPage();
  }

  /** Runs one case of cases/FILE.mjs in a fresh page of the relay; gives the case's note. */
  async runCase(relayUrl, { file, name, flavour, world }) {
    const page = await this.newPage(flavour);
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    try {
      await page.goto(`${relayUrl}/`);
      return await page.evaluate(async ({ file, name, world }) => {
        const notes = [];
        const { cases } = await import(`/cases/${file}.mjs`);
        await cases[name]({ ...world, url: '', RTCPeerConnection, RTCRtpReceiver, note: (text) => notes.push(text) });
        return notes.join(', ');
      }, { file, name, world: { ...world, stack: this.name, reusesIds: true } });
    } catch (error) {
      throw new Error([firstLine(error.message), ...complaints].join('; '));
    } finally {
      await within(page.close(), CLOSE_MS).catch(() => {});
    }
  }

  async close() {
    const browser = this.browser;
    this.browser = undefined;
    if (browser) await within(browser.close(), CLOSE_MS).catch(() => browser.process?.()?.kill('SIGKILL'));
    await this.speaker?.stop();
    this.speaker = undefined;
  }
}

const firstLine = (text) => text.replace(/^(page\.evaluate: )?(Error: )?/, '').split('\n')[0];

export function within(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
