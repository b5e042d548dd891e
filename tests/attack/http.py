#!/usr/bin/env python3
"""R36: hostile and careless HTTP against the echo peer, on loopback. http.py ECHO_PROGRAM VECTORS_DIR

Every case ends with a valid offer that has to be answered, so that nothing which came before did lasting harm.
"""
import json
import os
import re
import socket
import subprocess
import sys
import time

OFFER = None


class Echo:
    """The program under test, on a free port, with its arguments."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAM, '--port', '0', *arguments], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = int(re.search(r':(\d+)/$', self.url).group(1))

    def connect(self, source='127.0.0.1', timeout=20):
        return socket.create_connection(('127.0.0.1', self.port), timeout, (source, 0))

    def stop(self):
        self.process.send_signal(2)
        return self.process.wait(10)


def read_reply(connection):
    """Status, headers and body; status 0 when the server closed without a word."""
    data = b''
    while b'\r\n\r\n' not in data:
        more = connection.recv(65536)
        if not more:
            return 0, {}, data
        data += more
    head, body = data.split(b'\r\n\r\n', 1)
    lines = head.decode('latin-1').split('\r\n')
    headers = {k.lower(): v for k, v in (line.split(': ', 1) for line in lines[1:] if ': ' in line)}
    length = int(headers.get('content-length', 0))
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return int(lines[0].split()[1]), headers, body


def request(echo, method, path, body=b'', headers=None, source='127.0.0.1'):
    if isinstance(body, str):
        body = body.encode()
    lines = [f'{method} {path} HTTP/1.1', 'Host: x', 'Connection: close']
    given = {'Content-Length': str(len(body)), **(headers or {})}
    lines += [f'{k}: {v}' for k, v in given.items() if v is not None]
    with echo.connect(source) as connection:
        connection.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode() + body)
        return read_reply(connection)


def post_offer(echo, body, content_type='application/json', source='127.0.0.1'):
    return request(echo, 'POST', '/offer', body, {'Content-Type': content_type}, source)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_alive(echo, source='127.0.0.9'):
    status, _, body = post_offer(echo, json.dumps({'type': 'offer', 'sdp': OFFER}), source=source)
    check(status == 200, f'a valid offer got {status} {body[:200]!r}')
    return json.loads(body)


# ---- cases ----

def bad_bodies(echo):
    sdp = OFFER
    bodies = [
        b'', b'{', b'[]', b'null', b'"offer"', b'{}', b'\xff\xfe\x00', b'{"type":"offer"}', b'{"type":"offer","sdp":5}',
        b'{"type":"answer","sdp":"v=0"}', b'{"type":"offer","sdp":""}', b'{"type":"offer","sdp":"hello"}',
        json.dumps({'type': 'offer', 'sdp': re.sub('a=fingerprint.*\r\n', '', sdp)}).encode(),
        json.dumps({'type': 'offer', 'sdp': re.sub('a=ice-ufrag.*\r\n', '', sdp)}).encode(),
        json.dumps({'type': 'offer', 'sdp': re.sub('a=ice-pwd.*\r\n', 'a=ice-pwd:short\r\n', sdp)}).encode(),
        json.dumps({'type': 'offer', 'sdp': sdp.replace('a=setup:actpass', 'a=setup:holdconn')}).encode(),
        json.dumps({'type': 'offer', 'sdp': sdp, 'id': 5}).encode(),
        json.dumps({'type': 'offer', 'sdp': sdp, 'channels': {}}).encode(),
        json.dumps({'type': 'offer', 'sdp': sdp, 'channels': [{'id': 70000, 'label': 'x'}]}).encode(),
        json.dumps({'type': 'offer', 'sdp': sdp, 'channels': [5]}).encode(),
        b'{"type":"offer","type":"offer","sdp":"v=0"}',
        b'[' * 100000,
    ]
    for body in bodies:
        status, _, reply = post_offer(echo, body)
        check(400 <= status < 500 and reply.strip(), f'{body[:60]!r} got {status} {reply[:100]!r}')
    for cut in range(10, len(sdp), 97):
        status, _, reply = post_offer(echo, json.dumps({'type': 'offer', 'sdp': sdp[:cut]}), source=f'127.0.1.{cut % 250 + 1}')
        check(status == 200 or 400 <= status < 500, f'an offer cut at {cut} got {status}')


def reason_names_the_line(echo):
    broken = re.sub('a=fingerprint:sha-256 .*', 'a=fingerprint:sha-256 12:34', OFFER)
    status, _, reply = post_offer(echo, json.dumps({'type': 'offer', 'sdp': broken}))
    check(400 <= status < 500 and b'line ' in reply, f'{status} {reply!r}')


def unknown_session(echo):
    status, _, _ = post_offer(echo, json.dumps({'type': 'offer', 'sdp': OFFER, 'id': '0' * 32}))
    check(status == 404, status)


def methods_and_types(echo):
    for method, path, headers, expected in [
            ('GET', '/offer', {}, 405), ('PUT', '/offer', {}, 405), ('POST', '/', {}, 405), ('GET', '/nothing', {}, 404),
            ('GET', '/../etc/passwd', {}, 404), ('GET', '/%2e%2e/%2e%2e/etc/passwd', {}, 404), ('GET', '/whip', {}, 405),
            ('POST', '/offer', {'Content-Type': 'text/plain'}, 415), ('POST', '/offer', {}, 415),
            ('POST', '/whip', {'Content-Type': 'application/json'}, 415), ('DELETE', '/whip/' + '0' * 32, {}, 404),
            ('GET', '/whip/' + '0' * 32, {}, 405), ('DELETE', '/whip', {}, 405), ('BREW', '/offer', {}, 405)]:
        status, _, _ = request(echo, method, path, b'', headers)
        check(status == expected, f'{method} {path} {headers}: {status}, not {expected}')
    status, headers, _ = request(echo, 'OPTIONS', '/whip')
    check(200 <= status < 300 and headers.get('accept-post') == 'application/sdp', f'OPTIONS: {status} {headers}')
    status, headers, body = request(echo, 'GET', '/')
    check(status == 200 and headers['content-type'].startswith('text/html') and b'id="start"' in body, 'the page')
    check('access-control-allow-origin' not in headers, 'no wildcard CORS')


def whip_life(echo):
    status, headers, answer = request(echo, 'POST', '/whip', WHIP_OFFER, {'Content-Type': 'application/sdp'})
    check(status == 201 and headers['content-type'] == 'application/sdp', f'{status} {answer[:200]!r}')
    check(re.fullmatch('/whip/[0-9a-f]{32}', headers['location']) and headers['etag'], headers)
    check(b'a=recvonly' in answer and b'a=sendrecv' not in answer, 'the answer is recvonly')
    status, _, reply = request(echo, 'POST', '/whip', 'nonsense', {'Content-Type': 'application/sdp'}, source='127.0.0.8')
    check(status in (400, 422) and reply.strip(), f'bad SDP: {status}')
    check(request(echo, 'DELETE', headers['location'])[0] in (200, 204), 'DELETE')
    check(request(echo, 'DELETE', headers['location'])[0] in (404, 410), 'DELETE again')


def too_large(echo):
    status, _, _ = post_offer(echo, json.dumps({'type': 'offer', 'sdp': 'x' * (400 * 1024)}))
    check(status == 413, f'400 KiB of JSON got {status}')
    with echo.connect() as connection:
        connection.sendall(b'POST /offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n')
        check(read_reply(connection)[0] == 413, 'a promised 100 GB')
    with echo.connect() as connection:
        connection.sendall(b'POST /offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
        try:
            for _ in range(400):
                connection.sendall(b'400\r\n' + b'x' * 1024 + b'\r\n')
            connection.sendall(b'0\r\n\r\n')
            status = read_reply(connection)[0]
        except OSError:
            status = 413  # it hung up on us, which says the same
        check(status in (413, 0), f'400 KiB in chunks got {status}')


def large_header(echo):
    with echo.connect() as connection:
        try:
            connection.sendall(b'GET / HTTP/1.1\r\nHost: x\r\nX-Long: ' + b'a' * 20000 + b'\r\n\r\n')
            status = read_reply(connection)[0]
        except OSError:
            status = 0
        check(status in (0, 400, 413, 414, 431), f'20 KB of header got {status}')


def length_and_chunked(echo):
    with echo.connect() as connection:
        connection.sendall(b'POST /offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n'
                           b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
        check(read_reply(connection)[0] == 400, 'both lengths')


def closed_within(connection, seconds, trickle):
    """How long the server lets a client go on that sends |trickle| every half second."""
    start = time.monotonic()
    connection.settimeout(0.5)
    while time.monotonic() - start < seconds:
        try:
            connection.sendall(trickle)
            if connection.recv(1000) == b'':
                return time.monotonic() - start
        except socket.timeout:
            continue
        except OSError:
            return time.monotonic() - start
    return None


def slow_header(echo):
    with echo.connect('127.0.0.2') as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nX-Slow: ')
        took = closed_within(connection, 12, b'a')
        check(took is not None and 3 < took < 8, f'the slow header lived for {took} s')


def slow_body(echo):
    with echo.connect('127.0.0.3') as connection:
        connection.sendall(b'POST /offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n')
        took = closed_within(connection, 17, b'a')
        check(took is not None and 7 < took < 14, f'the slow body lived for {took} s')


def slowloris(echo):
    crowd = []
    try:
        for i in range(200):
            connection = echo.connect(f'127.0.2.{i % 20 + 1}')
            connection.sendall(b'POST /offer HTTP/1.1\r\nX-S')
            crowd.append(connection)
        start = time.monotonic()
        check_alive(echo)
        check(time.monotonic() - start < 2, 'an honest offer had to wait')
    finally:
        for connection in crowd:
            connection.close()


def per_address_limit(echo):
    crowd = [echo.connect('127.0.0.4') for _ in range(16)]
    try:
        with echo.connect('127.0.0.4') as one_more:
            one_more.settimeout(3)
            try:
                one_more.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
                refused = one_more.recv(100) == b''
            except OSError:
                refused = True
            check(refused, 'the 17th connection of one address was served')
    finally:
        for connection in crowd:
            connection.close()


def rate_limit(echo):
    body = json.dumps({'type': 'offer', 'sdp': OFFER})
    got = [post_offer(echo, body, source='127.0.0.5')[0] for _ in range(25)]
    check(got[:5] == [200] * 5 and 429 in got, f'25 offers in a row got {got}')


def pipelined_and_split(echo):
    """The same request in any split of its bytes gets the same reply."""
    body = json.dumps({'type': 'offer', 'sdp': OFFER}).encode()
    whole = (f'POST /offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n'
             'Connection: close\r\n\r\n').encode() + body
    for step in (1, 7, 100, 1000):
        with echo.connect('127.0.0.6') as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(whole), step):
                connection.sendall(whole[i:i + step])
            check(read_reply(connection)[0] == 200, f'in pieces of {step}')


def session_limit():
    echo = Echo('--max-sessions', '3', '--max-rate', '1000')
    try:
        body = json.dumps({'type': 'offer', 'sdp': OFFER})
        got = [post_offer(echo, body)[0] for _ in range(5)]
        check(got == [200, 200, 200, 503, 503], got)
    finally:
        check(echo.stop() == 0, 'SIGINT ends it cleanly')


def bearer_token():
    echo = Echo('--token', 'correct horse')
    headers = {'Content-Type': 'application/sdp'}
    try:
        for value in (None, 'Bearer wrong', 'Bearer correct horsf', 'Bearer correct hors', 'Basic correct horse', 'Bearer '):
            status, _, _ = request(echo, 'POST', '/whip', WHIP_OFFER, {**headers, 'Authorization': value})
            check(status == 401, f'{value!r} got {status}')
        good = {**headers, 'Authorization': 'Bearer correct horse'}
        status, reply, _ = request(echo, 'POST', '/whip', WHIP_OFFER, good)
        check(status == 201, f'the right token got {status}')
        check(request(echo, 'DELETE', reply['location'])[0] == 401, 'DELETE without the token')
        check(request(echo, 'DELETE', reply['location'], b'', {'Authorization': 'Bearer correct horse'})[0] == 200, 'DELETE')
    finally:
        echo.stop()


def loopback_only_on_loopback():
    echo = Echo('--no-loopback')
    try:
        answer = check_alive(echo)['sdp']
        check(not re.search(r'candidate:.* (127\.|::1 )', answer), 'a loopback candidate in spite of --no-loopback')
    finally:
        echo.stop()


def stop_with_sessions():
    echo = Echo('--max-rate', '1000')
    for _ in range(10):
        check_alive(echo)
    start = time.monotonic()
    check(echo.stop() == 0 and time.monotonic() - start < 2, 'SIGINT with ten sessions')


SHARED = [bad_bodies, reason_names_the_line, unknown_session, methods_and_types, whip_life, too_large, large_header,
          length_and_chunked, slow_header, slow_body, slowloris, per_address_limit, rate_limit, pipelined_and_split]
OWN = [session_limit, bearer_token, loopback_only_on_loopback, stop_with_sessions]


def main():
    global OFFER, WHIP_OFFER
    passed = failed = 0
    with open(os.path.join(VECTORS, 'sdp/chromium.dc.offer.sdp'), newline='') as file:
        OFFER = file.read()
    with open(os.path.join(VECTORS, 'sdp/chromium.sendonly.offer.sdp'), newline='') as file:
        WHIP_OFFER = file.read()
    echo = Echo()
    for case in SHARED + OWN:
        try:
            if case in SHARED:
                case(echo)
                check_alive(echo)
            else:
                case()
            print(f'ok R36 {case.__name__}')
            passed += 1
        except Exception as problem:  # each case says what is wrong; the others go on
            print(f'FAIL R36 {case.__name__}: {problem!r}')
            failed += 1
        if echo.process.poll() is not None:
            print(f'FAIL R36 the echo peer ended with {echo.process.returncode}')
            failed += 1
            break
    check(echo.stop() == 0, 'SIGINT')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


PROGRAM, VECTORS = sys.argv[1:3]
sys.exit(main())
