"""A real HTTP server on this machine that stands for a message gateway or a group robot: it keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Gateway:
    """Answers each POST with `status` and `answer`; `on_message` runs before the answer goes out."""

    def __init__(self, on_message: Callable[[], None] | None = None) -> None:
        self.status, self.answer = 200, {"errcode": 0}
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                gateway.bodies.append(json.loads(body))
                gateway.keys.append(self.headers.get("X-Idempotency-Key", ""))
                if on_message:
                    on_message()
                content = json.dumps(gateway.answer).encode()
                try:
                    self.send_response(gateway.status)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    pass  # the one who asked was killed meanwhile

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/send?key=abcdef0123456789"

    def times(self) -> Counter[str]:
        """How often each message came, by its key."""
        return Counter(self.keys)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
