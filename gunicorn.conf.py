"""gunicorn's settings, for `make run` and for production alike. WEB_CONCURRENCY sets the number of workers."""

import os

from gunicorn.glogging import Logger


class QuietLogger(Logger):
    """Leaves static files out of the access log."""

    def access(self, resp, req, environ, request_time):
        if not req.path.startswith("/static/"):
            super().access(resp, req, environ, request_time)


host = os.environ.get("HOST", "127.0.0.1")
bind = f"[{host}]:{os.environ.get('PORT', '8000')}" if ":" in host else f"{host}:{os.environ.get('PORT', '8000')}"
wsgi_app = "outreach.wsgi"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 60
graceful_timeout = 4
keepalive = 5
# heartbeats must not wait for a disk
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
accesslog = "-"
# path without query: a search there may be somebody's name
access_log_format = "%(m)s %(U)s %(s)s %(B)sB %(M)sms"
logger_class = QuietLogger
loglevel = "warning"
control_socket_disable = True  # it would lie in the home folder, one for all copies
