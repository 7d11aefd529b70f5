"""The road between the phone and the server, with weather: a proxy that can lose what it carries."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
from collections import Counter

# what may be lost: whatever else is asked for only shows that the phone is offline
PRECIOUS = (b"POST /phone/sync", b"PUT /phone/photo")


class Road:
    """Listens on `port` and carries everything to `server_port`. `weather`: clear, lossy or offline."""

    def __init__(self, server_port: int, chance: random.Random) -> None:
        self.server_port = server_port
        self.chance = chance
        self.weather = "clear"
        self.losses: Counter[str] = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.weather = "offline"
        self.listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            if self.weather == "offline":
                return
            with socket.create_connection(("127.0.0.1", self.server_port), 2) as server:
                server.settimeout(60)
                self._between(client, server)
        except OSError:
            pass  # the server is down, or one side went away
        finally:
            # reset, not a polite end: the phone must not take half an answer for a whole one
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        answer_is_lost = False
        while self.weather != "offline":
            ready, _, _ = select.select([client, server], [], [], 0.5)
            if client in ready:
                data = client.recv(65536)
                if not data:
                    return
                if self.weather == "lossy" and data.startswith(PRECIOUS):
                    throw = self.chance.random()
                    if throw < 0.25:
                        self.losses["request lost"] += 1
                        return
                    answer_is_lost = throw < 0.5
                server.sendall(data)
            if server in ready:
                data = server.recv(65536)
                if not data:
                    return
                if answer_is_lost:  # the server has committed: it answers after that
                    self.losses["answer lost"] += 1
                    return
                client.sendall(data)
