// The page that the echo peer serves, used as a person would: click, watch, type.
import { assert, assertEqual, until } from '../cases/wait.mjs';

const TEXT = 'hello from the page';

/** `page` is Playwright's or Puppeteer's: goto, click, type, evaluate and screenshot are alike. */
export async function pageCase(page, url, screenshot) {
  await page.goto(`${url}/`);
  await page.click('#start');
  const stateText = () => page.evaluate(() => document.querySelector('#state')?.textContent);
  await until("#state 'connected'", async () => (await stateText()) === 'connected', 15000);

  const remote = () => page.evaluate(() => {
    const video = document.querySelector('video#remote');
    return { width: video.videoWidth, time: video.currentTime };
  });
  await until('picture in video#remote', async () => (await remote()).width > 0, 15000);
  const { time } = await remote();
  await until('video#remote plays on', async () => (await remote()).time > time + 1, 10000);

  await sendMessage(page);
  const log = () => page.evaluate(() => document.querySelector('#log').textContent);
  // Once as sent and once as echoed.
  await until('the message and its echo in #log', async () => (await log()).split(TEXT).length > 2, 10000);
  assertEqual(await stateText(), 'connected', '#state at the end');
  if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
}

async function sendMessage(page) {
  const selector = await page.evaluate(() => {
    const box = document.querySelector('#message, form input[type=text], input[type=text], input:not([type])');
    if (box && !box.id) box.id = 'message-under-test';
    return box && `#${box.id}`;
  });
  assert(selector, 'the page has no box to type a message');
  await page.click(selector);
  await page.keyboard.type(TEXT);
  await page.keyboard.press('Enter');
}

/** The page fits a phone: nothing is wider than the screen. */
export async function phoneCase(page, url, screenshot) {
  const size = { width: 390, height: 844 };
  await (page.setViewportSize ? page.setViewportSize(size) : page.setViewport(size));
  await page.goto(`${url}/`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(width <= size.width, `the page is ${width} pixels wide on a screen of ${size.width}`);
  if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
}
