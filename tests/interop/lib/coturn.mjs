// coturn on loopback: STUN and TURN over UDP and TCP on one port, over TLS on another, with a certificate that an
// authority of our own signed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Child, run } from './child.mjs';
import { freePort } from './echo.mjs';
import { until } from '../cases/wait.mjs';

const START_MS = 10000;
const USER = 'lark';
const PASSWORD = 'a-password-for-the-tests';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Coturn {
  static async start() {
    const server = new Coturn();
    server.folder = await mkdtemp(path.join(tmpdir(), 'wlk-coturn-'));
    await server.makeCertificates();
    server.port = await freePort();
    do server.tlsPort = await freePort();
    while (server.tlsPort === server.port);
    server.child = new Child('turnserver', ['-n', '--no-cli', '--simple-log', '--log-file', '/dev/null',
      '--lt-cred-mech', '--user', `${USER}:${PASSWORD}`, '--realm', 'lark.test', '--allow-loopback-peers',
      '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(server.port),
      '--tls-listening-port', String(server.tlsPort), '--cert', server.file('turn.pem'),
      '--pkey', server.file('turn.key'), '--userdb', server.file('turndb'), '--pidfile', server.file('pid')]);
    await until(() => `coturn listening (${server.child.complaint})`, () => {
      if (!server.child.alive) throw new Error(`coturn ended with ${server.child.result}: ${server.child.complaint}`);
      return answers(server.tlsPort);
    }, START_MS);
    return server;
  }

  file(name) {
    return path.join(this.folder, name);
  }

  get caFile() {
    return this.file('ca.pem');
  }

  async makeCertificates() {
    await writeFile(this.file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    await run('openssl', ['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', '/CN=Wirelark test authority',
      '-keyout', this.file('ca.key'), '-out', this.caFile]);
    await run('openssl', ['req', ...NEW_KEY, '-subj', '/CN=localhost', '-keyout', this.file('turn.key'),
      '-out', this.file('turn.csr')]);
    await run('openssl', ['x509', '-req', '-in', this.file('turn.csr'), '-CA', this.caFile,
      '-CAkey', this.file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', this.file('names'),
      '-out', this.file('turn.pem')]);
  }

  /** The URL of the server over "udp", "tcp" or "tls". */
  url(transport) {
    return transport === 'tls' ? `turns:127.0.0.1:${this.tlsPort}?transport=tcp` :
      `turn:127.0.0.1:${this.port}?transport=${transport}`;
  }

  /** The same as an RTCIceServer. */
  iceServer(transport) {
    return { urls: this.url(transport), username: USER, credential: PASSWORD };
  }

  /** The same as options of the echo peer. */
  echoFlags(transport) {
    return ['--turn', this.url(transport), '--user', USER, '--pass', PASSWORD, '--turn-ca', this.caFile,
      '--relay-only'];
  }

  async stop() {
    await this.child?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
