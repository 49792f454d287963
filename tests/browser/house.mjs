// A running demo house and a browser to look at it with.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import { chromium } from 'playwright-core';

export const ROOT = new URL('../../', import.meta.url).pathname;
const HEARTH = process.env.HEARTH ?? join(ROOT, 'target/debug/hearth');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const run = promisify(execFile);

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Asks until there is an answer; 30 s is several times what a slow computer needs.
export async function eventually(what, ask, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const answer = await ask().catch(() => undefined);
    if (answer) return answer;
    await pause(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

// `hearth demo` on a folder and ports of its own.
export class House {
  static async start() {
    const house = new House();
    house.folder = await mkdtemp(join(tmpdir(), 'hearth-browser-'));
    [house.mqtt, house.http] = [await freePort(), await freePort()];
    house.url = `http://127.0.0.1:${house.http}`;
    const listen = ['--mqtt', `127.0.0.1:${house.mqtt}`, '--http', `127.0.0.1:${house.http}`];
    house.process = spawn(HEARTH, ['demo', ...listen, '--data', join(house.folder, 'data')], {
      cwd: house.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, RUST_LOG: 'warn', NO_COLOR: '1' },
    });
    house.exit = once(house.process, 'exit');
    await eventually('the demo house', () => house.isLivedIn());
    return house;
  }

  // Adds a rule with a fault to the config; the answer takes it out again.
  async spoilRules() {
    const file = join(this.folder, 'data', 'hearth.toml');
    const sound = await readFile(file, 'utf8');
    const rule = '[[rule]]\nname = "Fault"\nwhen = { topic = "x" }\nthen = [{ stop = true }]\n';
    await writeFile(file, `${sound}\n${rule}`);
    return () => writeFile(file, sound);
  }

  async isLivedIn() {
    return (await this.things()).filter((thing) => thing.value !== null).length >= 10;
  }

  async things() {
    return (await (await fetch(`${this.url}/api/things`)).json()).things;
  }

  async rules() {
    return (await (await fetch(`${this.url}/api/rules`)).json()).rules;
  }

  async boards() {
    return (await (await fetch(`${this.url}/api/boards`)).json()).boards;
  }

  // The next message on a topic, as Debian's own client sees it. Resolves to
  // an object, so that a caller can act before it waits for the message.
  async nextMessage(topic) {
    // Line by line, because a pipe would hold back the word of the subscription.
    const client = spawn('stdbuf', [
      ...['-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', String(this.mqtt)],
      ...['-t', topic, '-C', '1', '-R', '-W', '30', '-d'],
    ]);
    let printed = '';
    client.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
    const exit = once(client, 'exit');
    await eventually('the subscription', async () => printed.includes('SUBACK'));
    const payload = async () => {
      await exit;
      return printed.trimEnd().split('\n').findLast((line) => !line.includes('DISCONNECT'));
    };
    return { payload };
  }

  // The page shows what is retained: the state of the house.
  async retain(topic, payload) {
    const where = ['-h', '127.0.0.1', '-p', String(this.mqtt)];
    await run('mosquitto_pub', [...where, '-r', '-t', topic, '-m', payload]);
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.exit;
    await rm(this.folder, { recursive: true, force: true });
  }
}

// Debian's Chromium, with everything off that would speak to the internet.
export function openBrowser() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
