// The peer under test: our echo peer, or the reference in its place.
import { createServer } from 'node:net';
import path from 'node:path';
import { Child, run } from './child.mjs';
import { BUILD, INTEROP } from './paths.mjs';
import { until } from '../cases/wait.mjs';

const START_MS = 15000;
const PION_ENV = {
  // Debian's golang packages lie in this GOPATH, without modules and without the version in the import path.
  GO111MODULE: 'off',
  GOPATH: '/usr/share/gocode',
  GOCACHE: path.join(BUILD, 'gocache'),
  GOFLAGS: '',
};

/** Compiles a Go program of this folder and returns its path. */
export async function buildGo(folder) {
  const program = path.join(BUILD, folder.replaceAll('/', '-'));
  const source = path.join(INTEROP, folder);
  await run('sh', ['-c', 'go build -o "$0" "$1"/*.go', program, source], { env: PION_ENV });
  return program;
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the echo peer on a free port; gives { url, child }. Rates are raised: a test is one very busy address. */
export async function startEcho(program, args = [], flags = ['--max-per-ip', '1000', '--max-rate', '1000'], env = {}) {
  let url;
  const child = new Child(program, [...args, '--port', String(await freePort()), ...flags], {
    env,
    onLine(line) {
      url ??= line.match(/https?:\/\/[^\s"']+/)?.[0];
      if (process.env.WLK_ECHO_VERBOSE) console.error(`echo: ${line}`);
    },
  });
  await until(() => `URL printed by ${program} (${child.complaint})`, () => {
    if (!child.alive) throw new Error(`${program} ended with ${child.result}: ${child.complaint}`);
    return url;
  }, START_MS);
  return { url: url.replace(/\/$/, ''), child };
}
