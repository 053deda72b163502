"""A hub of networks on this machine."""

import functools
import hashlib
import http.server
import threading
from contextlib import contextmanager


class Hub(http.server.SimpleHTTPRequestHandler):
    """Serves files as the hub does, with the checksum of large ones in a header."""

    def do_GET(self):
        self.path = self.path.replace("/resolve/main", "")
        super().do_GET()

    def end_headers(self):
        if self.path.endswith(".safetensors"):
            self.send_header("X-Linked-Etag", f'"{self.server.checksum}"')
        super().end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder, monkeypatch):
    """A hub of the files in ``folder``: a function that puts one there and returns its checksum."""
    handler = functools.partial(Hub, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def put(repository, file, content):
            path = folder / repository / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            server.checksum = hashlib.sha256(content).hexdigest()
            return server.checksum

        put.server = server
        yield put
        server.shutdown()
