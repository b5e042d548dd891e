"""coturn, the STUN and TURN server of the lab, with a certificate of an authority made for the occasion."""
import os
import time

from .network import SERVER, SERVER6
from .process import Failure, Program, run

USER, PASSWORD, REALM = "lark", "a-password-for-the-lab", "lab.test"
PLAIN_PORT, TLS_PORT = 3478, 443


_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def make_authority(folder):
    """ca.key and ca.pem; gives the path of the latter."""
    certificate = os.path.join(folder, "ca.pem")
    run(["openssl", "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=Wirelark lab authority",
         "-keyout", os.path.join(folder, "ca.key"), "-out", certificate])
    return certificate


def _make_certificate(folder, ca_file):
    """turn.key and turn.pem, signed for the server's addresses."""
    path = lambda name: os.path.join(folder, name)
    with open(path("extensions"), "w") as file:
        file.write(f"subjectAltName=IP:{SERVER},IP:{SERVER6},DNS:turn.lab.test\n")
    run(["openssl", "req", *_NEW_KEY, "-subj", "/CN=turn.lab.test", "-keyout", path("turn.key"),
         "-out", path("turn.csr")])
    run(["openssl", "x509", "-req", "-in", path("turn.csr"), "-CA", ca_file,
         "-CAkey", ca_file.replace("ca.pem", "ca.key"), "-CAcreateserial", "-days", "2",
         "-extfile", path("extensions"), "-out", path("turn.pem")])


class Coturn(Program):
    """STUN and TURN over UDP and TCP on port 3478, over TLS and DTLS on port 443, with long-term credentials."""

    def __init__(self, network, folder, ca_file, delay=0, verbose=False):
        _make_certificate(folder, ca_file)
        path = lambda name: os.path.join(folder, name)
        host = network.add_server(delay)
        super().__init__(
            ["turnserver", "-n", "--no-cli", "--lt-cred-mech", "--user", f"{USER}:{PASSWORD}", "--realm", REALM,
             "--listening-ip", SERVER, "--listening-ip", SERVER6, "--relay-ip", SERVER, "--relay-ip", SERVER6,
             "--listening-port", str(PLAIN_PORT), "--tls-listening-port", str(TLS_PORT),
             "--cert", path("turn.pem"), "--pkey", path("turn.key"),
             "--userdb", path("turndb"), "--pidfile", path("turn.pid"), "--simple-log",
             "--log-file", path("turn.log") if verbose else "/dev/null", *(["--verbose"] if verbose else [])],
            namespace=host)
        self._wait_until_it_listens(network, host)

    def _wait_until_it_listens(self, network, host):
        end = time.monotonic() + 10
        while f"{SERVER}:{TLS_PORT}" not in network.execute(host, ["ss", "-Hltn"]):
            if time.monotonic() > end or not self.alive:
                raise Failure("coturn does not start")
            time.sleep(0.05)


def _servers(host):
    turn = lambda url: {"urls": url, "username": USER, "credential": PASSWORD}
    return {
        "stun": {"urls": f"stun:{host}:{PLAIN_PORT}"},
        "udp": turn(f"turn:{host}:{PLAIN_PORT}?transport=udp"),
        "tcp": turn(f"turn:{host}:{PLAIN_PORT}?transport=tcp"),
        "tcp-443": turn(f"turn:{host}:{TLS_PORT}?transport=tcp"),  # coturn sees by the first bytes that it is not TLS
        "tls": turn(f"turns:{host}:{TLS_PORT}?transport=tcp"),
        "dtls": turn(f"turns:{host}:{TLS_PORT}?transport=udp"),
    }


def ice_servers(*names, ipv6=False):
    """
    RTCIceServer entries for the lab's server: of "stun", "udp", "tcp", "tcp-443", "tls" and "dtls"; four of them when
    none is named.
    """
    all_servers = _servers(f"[{SERVER6}]" if ipv6 else SERVER)
    return [all_servers[name] for name in names or ("stun", "udp", "tcp", "tls")]
