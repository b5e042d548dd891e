#!/usr/bin/python3
"""endings.py CALL ECHO: how wirelark-call ends: its exit codes, its words, and that the far end is told."""
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
import wave

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import media  # noqa: E402
from program import Program, Report, main, require, until  # noqa: E402

DONE, NOT_MADE, USAGE, NO_SIGNAL, NO_INPUT = range(5)
SMALL = ["--headless", "--size", "160x96", "--fps", "10"]


def ends(code, words, command, given=None, environment=None):
    """It ends by itself, with this code and these words."""
    with open(given or os.devnull) as stdin, Program(command, environment, stdin=stdin) as program:
        found = program.wait(40)
        require(found == code, f"{command[1:]} ends with {found}, not {code}")
        require(program.said(words), f"{command[1:]} does not say '{words}' but {program.err}")
        return program


def usage(call, _echo, _folder):
    ends(USAGE, "whom to call", [call])
    ends(USAGE, "--size has to be", [call, "--size", "big", "http://127.0.0.1:1"])
    ends(USAGE, "exclude each other", [call, "--listen", "0", "http://127.0.0.1:1"])
    with Program([call, "--help"]) as program:
        require(program.wait(10) == DONE and any("Exit status" in line for line in program.out), "--help")


def signalling(call, echo, folder):
    """URLs that refuse, and what is no description."""
    with Program([echo, "--port", "0"]) as peer:
        url = peer.url()
        ends(NO_SIGNAL, "refuses: 404", [call, *SMALL, url + "nowhere"])
    ends(NO_SIGNAL, "onnect", [call, *SMALL, "http://127.0.0.1:1/"])  # connection refused, in curl's words
    ends(NO_SIGNAL, "rotocol", [call, *SMALL, "ftp://127.0.0.1/offer"])
    ends(NO_SIGNAL, "is no port", [call, *SMALL, "--listen", "localhost:http"])
    text = os.path.join(folder, "text")
    with open(text, "w") as file:
        file.write("hello\n")
    ends(NO_SIGNAL, "no session description in one line", [call, *SMALL, "--answer"], text)
    ends(NO_SIGNAL, "no session description came", [call, *SMALL, "--offer"])
    with open(text, "w") as file:
        file.write(json.dumps({"type": "offer", "sdp": "v=0\r\n"}) + "\n")
    ends(NO_SIGNAL, "the offer is of no use", [call, *SMALL, "--answer"], text)


def inputs(call, _echo, folder):
    """Files and devices that were named have to be there."""
    url, wrong = "http://127.0.0.1:1", os.path.join(folder, "wrong")
    with open(wrong, "w") as file:
        file.write("not a film\n")
    ends(NO_INPUT, "not a Y4M file", [call, *SMALL, "--video-in", wrong, url])
    ends(NO_INPUT, "not a WAV file", [call, *SMALL, "--audio-in", wrong, url])
    ends(NO_INPUT, "No such file", [call, *SMALL, "--video-out", os.path.join(folder, "no/where"), url])
    ends(NO_INPUT, "this is no camera", [call, *SMALL, "--camera", "/dev/null", url])
    ends(NO_INPUT, "No such file", [call, *SMALL, "--camera", "/dev/video-none", url])


def post(url, body, kind="application/json", method="POST"):
    """The status and the text of a reply."""
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def listening(call, _echo, _folder):
    """Who listens refuses what is no offer, takes the next one, and is busy then."""
    with Program([call, *SMALL, "--listen", "0"]) as answerer:
        url = answerer.url() + "offer"
        require(post(url[:-1], b"{}")[0] == 404, "another path")
        require(post(url, None, method="GET")[0] == 405, "another method")
        require(post(url, b"{}", "text/plain")[0] == 415, "another type")
        require(post(url, b"{}")[0] == 400, "no offer")
        require(post(url, b"x" * (400 << 10))[0] == 413, "too much")
        status, words = post(url, json.dumps({"type": "offer", "sdp": "v=0\r\nm=x"}).encode())
        require(status == 400 and words.strip(), f"a bad description: {status} {words}")
        with Program([call, *SMALL, answerer.url()]) as caller:
            caller.wait_for_words("connected")
            require(post(url, b"{}")[0] == 503, "somebody else")
            caller.send(signal.SIGINT)
            require(caller.wait(10) == DONE, "the one who hangs up")
            answerer.wait_for_words("closed", 5)
            require(answerer.wait(10) == DONE, "the one who was hung up on")


def slow_header(call, _echo, _folder):
    """R36: who sends a header byte by byte is cut off, and the listener goes on."""
    with Program([call, *SMALL, "--listen", "0"]) as answerer:
        url = answerer.url()
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) as connection:
            connection.settimeout(0.25)
            connection.sendall(b"POST /offer HTTP/1.1\r\n")

            def is_cut():
                try:
                    connection.sendall(b"x")
                    return not connection.recv(100)
                except TimeoutError:
                    return False
                except OSError:
                    return True

            until(is_cut, 12, "it is cut off")
        took = time.monotonic() - began
        require(3 < took < 9, f"the slow header lived for {took:.1f} s")
        require(post(url + "offer", b"{}")[0] == 400, "the next one is heard")


def interrupted(call, echo, folder):
    """Interrupting hangs up, tells the far end, and leaves whole files."""
    film, sound = os.path.join(folder, "out.y4m"), os.path.join(folder, "out.wav")
    with Program([echo, "--port", "0", "--stats", "1"]) as peer:
        command = [call, *SMALL, "--video-out", film, "--audio-out", sound, peer.url()]
        for number in (signal.SIGINT, signal.SIGTERM):
            with Program(command) as caller:
                caller.wait_for_words("connected")
                until(lambda: os.path.getsize(film) > 6 * 160 * 96 * 3 // 2, 20, "pictures come")
                caller.send(number)
                require(caller.wait(10) == DONE, f"signal {number}")
                require(Report(caller).shown >= 5, "the report counts them")
            require(len(media.read_film(film)) >= 5, "the film is whole")
            with wave.open(sound) as file:
                require(file.getnframes() * 2 + 44 == os.path.getsize(sound), "the head of the sound tells its length")
    with Program([call, *SMALL, "--listen", "0"]) as waiting:
        waiting.url()
        waiting.send(signal.SIGINT)
        require(waiting.wait(5) == NOT_MADE, "nobody called")


def nothing_in_common(call, _echo, folder):
    """Without a codec in common there is a call of sound alone; with neither there is none."""
    text = os.path.join(folder, "offer")
    with Program([call, *SMALL, "--listen", "0", "--codec", "VP8"]) as answerer:
        with Program([call, *SMALL, "--codec", "VP9", "--seconds", "1", answerer.url()]) as caller:
            require(caller.wait(20) == DONE, "a call of sound alone")
            require(caller.said("no pictures: ") and not caller.said("no sound: "), f"it says {caller.err}")
            require(Report(caller).shown == 0 and Report(caller).tone >= 60, "sound comes, and no picture")
        require(answerer.wait(10) == DONE and answerer.said("no pictures: "), "the one who listens")
    with open(text, "w") as stdout, Program([call, *SMALL, "--offer"]) as offerer:
        offerer.wait(20)
        offer = json.loads(offerer.out[0])
        offer["sdp"] = re.sub(r"(a=rtpmap:\d+) [^/]+", r"\1 nobody-has-this", offer["sdp"])
        stdout.write(json.dumps(offer) + "\n")
    program = ends(NOT_MADE, "no sound: ", [call, *SMALL, "--answer"], text)
    require(program.said("no pictures: "), "both are said")


def without_devices(call, echo, folder):
    """Without a screen and with sound devices that fail, tone and test picture take their place."""
    missing = os.path.join(folder, "no/where")
    environment = {"SDL_VIDEODRIVER": "x11", "DISPLAY": ":none", "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": missing,
                   "SDL_DISKAUDIOFILEIN": missing}
    with Program([echo, "--port", "0"]) as peer:
        program = ends(DONE, "no window: ", [call, "--size", "160x96", "--seconds", "2", "--camera", "none", peer.url()],
                       environment=environment)
    for words in ("no microphone", "a tone takes its place", "no loudspeaker"):
        require(program.said(words), f"it does not say '{words}' but {program.err}")
    report = Report(program)
    require(report.shown >= 10 and report.tone >= 70, f"{report.shown} pictures, {report.tone} % tone")
    with Program([call, "--devices"], environment) as devices:
        require(devices.wait(10) == DONE, "--devices")
        require(any("camera" in line for line in devices.out), f"it prints {devices.out}")


if __name__ == "__main__":
    main(usage, signalling, inputs, listening, slow_header, interrupted, nothing_in_common, without_devices)
