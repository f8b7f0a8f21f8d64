#!/usr/bin/env python3
"""Checks that `zoo pull` and the hub's own client share a cache: what one has fetched, the other finds offline.

    check_hub.py ZOO WEIGHTS

ZOO is the command, WEIGHTS a .safetensors file that stands for a model's. Needs huggingface_hub. A server on loopback
answers as the hub does: metadata by one host, the bytes of large files by another.
"""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading

REPOSITORY = "timm/small.test"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIGURATION = json.dumps(
    {"architecture": "resnet50", "pretrained_cfg": {"input_size": [3, 64, 64], "license": "apache-2.0"}}
).encode()


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """`files` by path: bytes, headers, and the status."""

    def __init__(self, answers):
        self.answers, self.requests = answers, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(handler):
                self.requests.append((handler.command, handler.path, dict(handler.headers)))
                status, headers, body = answers.get(
                    handler.path, (404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b"")
                )
                start = handler.headers.get("Range")
                if status == 200 and start:
                    first = int(start.removeprefix("bytes=").split("-")[0])
                    headers = headers | {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
                    status, body = 206, body[first:]
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                if handler.command == "GET":
                    handler.wfile.write(body)

            do_GET = do_HEAD = respond

            def log_message(handler, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def by_python(home, environment, name):
    """The path that the hub's client gives for a file."""
    program = f"from huggingface_hub import hf_hub_download as d; print(d({REPOSITORY!r}, {name!r}))"
    result = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"HF_HOME": home} | environment, capture_output=True, text=True
    )
    if result.returncode != 0:
        sys.exit(f"huggingface_hub does not find {name}: {result.stderr.strip().splitlines()[-1]}")
    return result.stdout.strip()


def by_zoo(zoo, home, environment, *arguments):
    """What `zoo pull` says of the source."""
    result = subprocess.run(
        [zoo, "pull", f"hf://{REPOSITORY}", "--json", "--no-verify", "--force", "-o", f"{home}/out.zoo", *arguments],
        env=os.environ | {"HF_HOME": home, "ZOO_CACHE": f"{home}/zoo"} | environment,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        sys.exit(f"zoo pull fails: {result.stderr.strip()}")
    return json.loads(result.stdout)["source"]


def check(text, holds):
    print(f"  {'ok' if holds else 'FAILED'}  {text}")
    if not holds:
        sys.exit(1)


def main(zoo, path):
    import huggingface_hub

    with open(path, "rb") as file:
        weights = file.read()
    tag = hashlib.sha256(weights).hexdigest()
    storage = Server({f"/{tag}": (200, {"ETag": f'"{tag}"'}, weights)})
    known = {"X-Repo-Commit": COMMIT}
    address = f"http://localhost:{storage.server_address[1]}/{tag}"
    large = known | {"X-Linked-ETag": f'"{tag}"', "X-Linked-Size": str(len(weights)), "Location": address}
    small = known | {"ETag": f'"{git_hash(CONFIGURATION)}"'}
    answers = {}
    for revision in ("main", COMMIT):
        answers[f"/{REPOSITORY}/resolve/{revision}/model.safetensors"] = (302, large, b"")
        answers[f"/{REPOSITORY}/resolve/{revision}/config.json"] = (200, small, CONFIGURATION)
    hub = Server(answers)
    online = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}", "HF_HUB_DISABLE_XET": "1"}
    offline = {"HF_HUB_OFFLINE": "1"}

    print(f"huggingface_hub {huggingface_hub.__version__}")
    with tempfile.TemporaryDirectory() as home:
        print("fetched by zoo pull:")
        source = by_zoo(zoo, home, online, "--allow-host", "localhost")
        check(f"zoo pull has it from {source['origin']}, checked by {source['trust']}", source["origin"] == "network")
        for name, content in (("model.safetensors", weights), ("config.json", CONFIGURATION)):
            found = by_python(home, offline, name)
            with open(found, "rb") as file:
                check(f"huggingface_hub finds {os.path.relpath(found, home)} offline", file.read() == content)
        requests = len(storage.requests)
        by_python(home, online, "model.safetensors")
        check("and does not fetch it again online", len(storage.requests) == requests)
    with tempfile.TemporaryDirectory() as home:
        print("fetched by huggingface_hub:")
        for name in ("model.safetensors", "config.json"):
            by_python(home, online, name)
        source = by_zoo(zoo, home, offline)
        check(f"zoo pull finds {os.path.relpath(source['path'], home)} offline", source["origin"] == "hub-cache")
        check(f"and checks it by {source['trust']}", source["sha256"] == tag and source["trust"] == "sha256")
        check(f"and finds its configuration: licence {source['licence']}", source["licence"] == "apache-2.0")
        requests = len(storage.requests)
        by_zoo(zoo, home, online)
        check("and does not fetch it again online", len(storage.requests) == requests)
    with tempfile.TemporaryDirectory() as home:
        print("damaged in the cache:")
        blob = os.path.realpath(by_python(home, online, "model.safetensors"))
        with open(blob, "r+b") as file:
            file.seek(len(weights) // 2)
            file.write(b"damage")
        source = by_zoo(zoo, home, online, "--allow-host", "localhost")
        check(f"zoo pull fetches it again: {source['origin']}", source["origin"] == "network" and source["sha256"] == tag)
        with open(by_python(home, offline, "model.safetensors"), "rb") as file:
            check("and huggingface_hub has the whole file", file.read() == weights)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
