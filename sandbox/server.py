"""The emulator: moto with the patches beside this file, on loopback.

    server.py STATE_FILE PORT TOKEN

Takes PORT, or a free one where it is taken (0: any). Once it listens it writes to STATE_FILE, as JSON, its process id,
its port, TOKEN and when it started. GET /_landfall answers with TOKEN, so that a reader of STATE_FILE can tell it from
another process that has got its port since.
"""

import json
import os
import signal
import socket
import sys
import traceback
from collections import OrderedDict
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

# moto reads its settings when it is imported
os.environ["MOTO_ACCOUNT_ID"] = "123456789012"
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import patches
import recorder

HOST = "127.0.0.1"
KEPT_ANSWERS = 256


def listen(port):
    """A listening socket on the port, or on a free one where it is taken."""
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError:
        return socket.create_server((HOST, 0), backlog=128)


def answer(start_response, status, text):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


class Answers:
    """Answers that a client may have lost, by what the AWS SDKs call the invocation: all attempts of one call share it.
    A change is done once, however often its client asks, or a rule that was made would be there "already".
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """

    def __init__(self):
        self.kept = OrderedDict()

    def of(self, moto, environ):
        """Status, headers and body."""
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if invocation in self.kept:
            attempt = environ.get("HTTP_AMZ_SDK_REQUEST")
            print(f"{invocation} ({attempt}) is answered as before", file=sys.stderr, flush=True)
            return self.kept[invocation]
        answer = answer_of(moto, environ)
        if invocation is not None and environ["REQUEST_METHOD"] != "GET" and answer[0].startswith("2"):
            self.kept[invocation] = answer
            if len(self.kept) > KEPT_ANSWERS:
                self.kept.popitem(last=False)
        return answer


def answer_of(application, environ):
    """Status, headers and body of a WSGI application's answer."""
    started = []
    parts = application(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return (*started[-1], body)


def emulator(moto, token):
    """The WSGI application `moto`, which also says who it is, and says at once what it cannot do.

    It does one thing at a time: moto changes what it holds without heed of other threads, and then forgets that a rule
    was deleted, or that an item is there already.
    """
    one_at_a_time = Lock()
    answers = Answers()

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/_landfall":
            return answer(start_response, "200 OK", token)
        try:
            with one_at_a_time:
                status, headers, body = answers.of(moto, environ)
        except Exception:
            # moto lets it become a 500, which the provider would try again for ten minutes
            traceback.print_exc()
            return answer(start_response, "501 Not Implemented", "The emulator cannot do this; its log says why.")
        start_response(status, headers)
        return [body]

    return application


def write_state(file, port, token):
    """Writes the file in one step: a reader never sees half of it."""
    started_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"pid": os.getpid(), "port": port, "token": token, "startedAt": started_at}))
    new.replace(file)


def main(state_file, port, token):
    patches.apply()
    listener = listen(port)
    port = listener.getsockname()[1]
    app = recorder.around(emulator(DomainDispatcherApplication(create_backend_app), token))
    server = make_server(HOST, port, app, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sys.exit(0))
    write_state(state_file, port, token)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
