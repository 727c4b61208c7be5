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
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

# moto reads its settings when it is imported
os.environ["MOTO_ACCOUNT_ID"] = "123456789012"
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import patches

HOST = "127.0.0.1"


def listen(port):
    """A listening socket on the port, or on a free one where it is taken."""
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError:
        return socket.create_server((HOST, 0), backlog=128)


def answer(start_response, status, text):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def emulator(moto, token):
    """The WSGI application `moto`, which also says who it is, and says at once what it cannot do.

    It does one thing at a time: moto changes what it holds without heed of other threads, and then forgets that a rule
    was deleted, or that an item is there already.
    """
    one_at_a_time = Lock()

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/_landfall":
            return answer(start_response, "200 OK", token)
        try:
            with one_at_a_time:
                return moto(environ, start_response)
        except Exception:
            # moto lets it become a 500, which the provider would try again for ten minutes
            traceback.print_exc()
            return answer(start_response, "501 Not Implemented", "The emulator cannot do this; its log says why.")

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
    app = emulator(DomainDispatcherApplication(create_backend_app), token)
    server = make_server(HOST, port, app, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sys.exit(0))
    write_state(state_file, port, token)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
