// The page in a real browser, against a running demo house.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { House, ROOT, eventually, openBrowser } from './house.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SCREENSHOTS = join(ROOT, 'target/screenshots');
const PAGES = { rooms: '/', charts: '/chart', boards: '/boards', rules: '/rules', history: '/history' };

let house;
let browser;
// What the browser complained about, and where it asked for something.
const complaints = [];
const strangers = [];

before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  [house, browser] = await Promise.all([House.start(), openBrowser()]);
});

after(async () => {
  await browser?.close();
  await house?.stop();
});

// A page in a context of its own that listens for complaints.
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${path}: ${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(house.url)) strangers.push(request.url());
  });
  await page.goto(house.url + path);
  return page;
}

const values = (page) => page.locator('[data-thing] [data-text]').allInnerTexts();

// A switch of the demo and the topic that commands it.
async function someSwitch(page) {
  const tile = page.locator('[data-thing]:has(button[role=switch])').first();
  const topic = await tile.getAttribute('data-thing');
  return { tile, topic, button: tile.getByRole('switch') };
}

// Does `act`, which flips a switch, and follows it to the broker and back.
async function flips({ tile, topic, button }, act) {
  const before = await button.getAttribute('aria-checked');
  const wanted = before === 'true' ? 'off' : 'on';
  const message = await house.nextMessage(`${topic}/set`);
  await act();
  assert.equal(await message.payload(), wanted);
  await eventually('the command and its report on the page', async () => {
    const words = await tile.locator('[data-command]').innerText();
    return words.includes(wanted) && words.includes('reported');
  });
}

test('a value changes without a reload', async () => {
  const page = await open('/');
  await page.evaluate(() => (window.sameDocument = true));
  const first = await values(page);
  await eventually('another value', async () => String(await values(page)) !== String(first));
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await page.context().close();
});

test('what any MQTT client retains appears', async () => {
  const page = await open('/');
  await house.retain('home/attic/hygrometer', '61.5');
  await eventually('the new thing', async () =>
    (await page.locator('[data-thing="home/attic/hygrometer"]').innerText()).includes('61.5'),
  );
  await page.context().close();
});

test('a click on a switch is a command on the broker, and its report comes back', async () => {
  const page = await open('/');
  const chosen = await someSwitch(page);
  await flips(chosen, () => chosen.button.click());
  await page.context().close();
});

test('a switch is reached and pressed with the keyboard alone', async () => {
  const page = await open('/');
  const chosen = await someSwitch(page);
  const focused = () => chosen.button.evaluate((button) => button === document.activeElement);
  for (let presses = 0; presses < 100 && !(await focused()); presses++) {
    await page.keyboard.press('Tab');
  }
  assert.ok(await focused(), 'Tab does not reach the switch');
  await flips(chosen, () => page.keyboard.press('Space'));
  assert.ok(await focused(), 'the focus stays');
  await page.context().close();
});

test('without its script the page shows and switches all the same', async () => {
  const page = await open('/', { javaScriptEnabled: false });
  const shown = (await values(page)).filter((text) => text.trim() !== '–');
  assert.ok(shown.length >= 10, `only ${shown.length} values`);
  const { topic, button } = await someSwitch(page);
  const message = await house.nextMessage(`${topic}/set`);
  await button.click();
  assert.match(await message.payload(), /^(on|off)$/);
  await page.waitForLoadState();
  assert.equal(new URL(page.url()).pathname, '/');
  await page.context().close();
});

test('why a thing is as it is follows a click', async () => {
  const rooms = await open('/');
  const { topic } = await someSwitch(rooms);
  await rooms.context().close();
  const page = await open(topic.replace(/^home/, '/thing'));
  const chosen = await someSwitch(page);
  await flips(chosen, () => chosen.button.click());
  const why = page.locator('[data-why]');
  await eventually('the reason', async () => /page or through its API/.test(await why.innerText()));
  await page.context().close();
});

test('a list of rules leads to the page of each, without a script too', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await open('/rules', { javaScriptEnabled });
    const link = page.locator('.rule h2 a').first();
    const name = await link.innerText();
    await link.click();
    await page.locator('.traces > li').first().waitFor();
    assert.equal(await page.locator('h1').innerText(), name);
    await page.context().close();
  }
});

test('a button begins what takes time, and the page shows it at once', async () => {
  const page = await open('/rule/good-night');
  await page.locator('#press').click();
  await page.locator('.pending li', { hasText: 'waits 20s' }).waitFor();
  const newest = page.locator('.traces > li').first();
  await eventually('the trace', async () => /button was pressed/.test(await newest.innerText()));
  await page.context().close();
});

test('a rule is turned off and on, with a script and without', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await open('/rule/good-night', { javaScriptEnabled });
    const rule = page.locator('#enabled');
    for (const on of ['false', 'true']) {
      // Without a script, the answer is another page.
      const answered = javaScriptEnabled || page.waitForNavigation();
      await rule.click();
      await answered;
      await eventually(`enabled = ${on}, script: ${javaScriptEnabled}`, async () => {
        if (!javaScriptEnabled) await page.reload();
        return (await rule.getAttribute('aria-checked')) === on;
      });
    }
    await page.context().close();
  }
});

test('rules with a fault are refused on the page, and those from before hold on', async () => {
  const before = (await house.rules()).length;
  const page = await open('/rules');
  const mend = await house.spoilRules();
  const refused = page.locator('.refused');
  await refused.waitFor();
  assert.match(await refused.innerText(), /needs one of `is`/);
  await page.setViewportSize({ width: 390, height: 900 });
  await page.screenshot({ path: join(SCREENSHOTS, 'rules-refused-390.png'), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} px wide`);
  assert.equal((await house.rules()).length, before);
  await mend();
  await eventually('all is well again', async () => (await refused.count()) === 0);
  await page.context().close();
});

test('without its script a chart leads through time and to other things', async () => {
  const path = await chartedThing();
  const page = await open(path, { javaScriptEnabled: false });
  const follow = async (name) => {
    await page.getByRole('link', { name, exact: true }).click();
    return new URL(page.url());
  };
  assert.equal((await follow('Day')).searchParams.get('span'), 'day');
  assert.ok((await follow('← Earlier')).searchParams.get('from') < new Date().toISOString());
  assert.ok((await follow('Closer')).searchParams.get('to') < new Date().toISOString());
  await page.locator('input[type=date]').fill('2026-03-29');
  await page.getByRole('combobox', { name: 'How long' }).selectOption('week');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('Week of Monday 23 March 2026').waitFor();
  await follow('Now');
  await follow('Compare with others');
  assert.equal(new URL(page.url()).pathname, '/chart');
  await page.getByRole('button', { name: 'Draw' }).click();
  assert.equal(new URL(page.url()).searchParams.getAll('t').length, 2);
  assert.equal(await page.locator('.legend li').count(), 2);
  await page.locator('.legend .drop').first().click();
  assert.equal(new URL(page.url()).searchParams.getAll('t').length, 1);
  await page.context().close();
});

test('what is ticked on the page of the history is drawn together, without a script too', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await open('/history', { javaScriptEnabled });
    const boxes = page.locator('.pick input[type=checkbox]');
    await eventually('series', async () => (await boxes.count()) >= 3 || !(await page.reload()));
    for (const nth of [0, 2]) await boxes.nth(nth).check();
    await page.getByRole('button', { name: 'Draw together' }).click();
    await page.locator('.legend').waitFor();
    const address = new URL(page.url());
    assert.equal(address.pathname, '/chart');
    assert.equal(address.searchParams.getAll('t').length, 2);
    assert.equal(await page.locator('.legend li').count(), 2);
    await page.context().close();
  }
});

test('charts are found from the navigation, and begin with what is ticked', async () => {
  const page = await open('/', { javaScriptEnabled: false });
  await page.getByRole('link', { name: 'Charts', exact: true }).click();
  for (const nth of [0, 1]) await page.locator('.rooms-of input').nth(nth).check();
  await page.getByRole('button', { name: 'Draw' }).click();
  assert.equal(new URL(page.url()).searchParams.getAll('t').length, 2);
  await page.context().close();
});

test('figures of the history go on by themselves, and what is ticked stays', async () => {
  const page = await open('/history');
  await page.evaluate(() => (window.sameDocument = true));
  const box = page.locator('.pick input[type=checkbox]').first();
  await eventually('series', async () => (await box.count()) || !(await page.reload()));
  await page.evaluate(() => (window.sameDocument = true));
  await box.check();
  const figures = page.locator('#figures');
  const before = await figures.innerText();
  await eventually('other figures', async () => (await figures.innerText()) !== before);
  assert.ok(await box.isChecked());
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await page.context().close();
});

test('a chart says its values under the pointer and with the arrow keys', async () => {
  const page = await open(await sharedChart());
  await eventually('readings', async () => {
    await page.reload();
    return (await page.locator('.chart tbody tr').count()) > 3;
  });
  await page.locator('svg.chart:visible').first().hover();
  const told = page.locator('.mark p');
  const labels = await page.locator('.legend li a:not(.drop)').allInnerTexts();
  for (const label of labels) assert.ok((await told.innerText()).includes(label), label);
  await page.locator('h1').hover();
  assert.equal(await told.count(), 0);
  await page.context().close();
});

test('the arrow keys walk through the values of a chart, newest first', async () => {
  const page = await open(await chartedThing());
  const rows = page.locator('.chart tbody tr');
  await eventually('readings', async () => (await page.reload()) && (await rows.count()) > 3);
  // What is said of the thing meanwhile is nothing for its chart.
  const first = await page.locator('.value').innerText();
  await eventually('news', async () => (await page.locator('.value').innerText()) !== first);
  const told = page.locator('.mark p');
  const slider = page.getByRole('slider', { name: 'Values of the chart' });
  await slider.focus();
  assert.ok((await told.innerText()).startsWith(await rows.last().locator('td').first().innerText()));
  const newest = await slider.getAttribute('aria-valuetext');
  // The page may be put together anew meanwhile, and the slider with it; the focus stays.
  await eventually('an older value', async () => {
    await page.keyboard.press('ArrowLeft');
    const said = await slider.getAttribute('aria-valuetext');
    const shown = (await told.innerText()).split('\n')[0];
    return said < newest && said.startsWith(shown);
  });
  await page.context().close();
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    test(`${colorScheme} at ${width} px: fits, and anyone can use it`, async () => {
      const look = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true };
      const paths = {
        ...PAGES,
        thing: await chartedThing(),
        chart: await sharedChart(),
        board: await someBoard(),
        rule: await someRule(),
      };
      for (const [name, path] of Object.entries(paths)) {
        const page = await open(path, look);
        for (const table of await page.locator('.chart summary').all()) await table.click();
        const file = join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path: file, fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path} is ${wide} px wide`);
        assert.deepEqual(await barriers(page), [], path);
        await page.context().close();
      }
    });
  }
}

// The address of a thing with numbers, and so with a chart, that a board reports.
async function chartedThing() {
  const things = await house.things();
  const { topic } = things.find((thing) => typeof thing.value === 'number' && thing.board);
  return topic.replace(/^home/, '/thing');
}

// The address of a chart of several things: numbers of two units, and a switch.
async function sharedChart() {
  const things = await house.things();
  const topics = [
    ...things.filter((thing) => typeof thing.value === 'number').slice(0, 3),
    ...things.filter((thing) => typeof thing.value === 'boolean').slice(0, 2),
  ].map((thing) => `t=${thing.topic}`);
  return `/chart?${topics.join('&')}`;
}

// The address of a board, with a pin map if there is such a board.
async function someBoard() {
  const boards = await house.boards();
  const { name } = boards.find((board) => board.firmware === 'hearth') ?? boards[0];
  return `/board/${name}`;
}

// The address of a rule that has decided something.
async function someRule() {
  const rules = await eventually('a rule that decided something', async () => {
    const decided = (await house.rules()).filter((rule) => rule.last);
    return decided.length > 0 && decided;
  });
  return `/rule/${encodeURIComponent(rules[0].rule)}`;
}

// What axe finds against WCAG 2 levels A and AA.
async function barriers(page) {
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() =>
    window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

test('no complaint in the console, no request to anyone else', () => {
  assert.deepEqual(complaints, []);
  assert.deepEqual(strangers, []);
});

// The last test: it ends the house.
test('values turn stale when the connection goes', async () => {
  const page = await open('/');
  const look = () =>
    page.locator('[data-text]').first().evaluate((value) => {
      const { color, opacity } = getComputedStyle(value.closest('[data-thing]'));
      const own = getComputedStyle(value);
      return [color, opacity, own.color, own.opacity].join();
    });
  const fresh = await look();
  assert.ok(await page.locator('#lost').isHidden());
  await house.stop();
  await page.locator('#lost').waitFor({ state: 'visible', timeout: 30_000 });
  await eventually('values that look old', async () => (await look()) !== fresh);
});
