"""gunicorn's settings for a project that sandwich serves: gunicorn -c THIS mysite.wsgi

gunicorn gets its listening socket from systemd and reports to it. What this file changes:

* "systemctl start" succeeds when every worker has imported the application, the views of a Django
  project with it. gunicorn itself says READY=1 before any worker has begun to. Code that cannot be
  imported fails the start.
* A worker that is replaced later and then meets broken code does not end a master that serves.
* A worker that imports slowly is not taken for one that hangs in a request.
* No connection that was accepted is dropped at a stop, and none is kept open between requests.

The project's own settings file keeps its say, save in what systemd sees to: it overrides the
defaults that the unit gives in SANDWICH_* variables, and its server hooks run before those of this
file.

For gunicorn 20.1 to 26 and Python 3.7 or later. What is said here about gunicorn was read in its
sources and seen in all of these versions, unless a version is named.
"""

import errno
import faulthandler
import functools
import importlib.machinery
import importlib.util
import mmap
import os
import signal
import socket
import sys
import time

from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.config import KNOWN_SETTINGS, validate_callable
from gunicorn.errors import HaltServer
from gunicorn.workers import gthread

# As long as the unit's TimeoutStartSec=, less the time to say where an import hangs.
IMPORT_TIMEOUT = max(5, int(os.environ.get("SANDWICH_START_TIMEOUT", "90")) - 10)

# How long a worker that could not load the application waits before the next one tries.
RETRY_DELAY = 5

# One byte for each worker.
SLOTS = 4096


# The settings: defaults first, then the project's own, then what must be so.


def defaults():
    """Return the settings that the unit suggests and the project's own file may change."""
    suggested = {}
    for name in ("workers", "threads", "timeout", "graceful_timeout", "max_requests", "max_requests_jitter"):
        value = os.environ.get("SANDWICH_" + name.upper())
        if value:
            suggested[name] = int(value)
    if os.environ.get("SANDWICH_WORKER_CLASS"):
        suggested["worker_class"] = os.environ["SANDWICH_WORKER_CLASS"]
    if os.access("/dev/shm", os.W_OK):
        # Workers prove that they live by touching a file: on a busy disk that can block.
        suggested["worker_tmp_dir"] = "/dev/shm"
    if is_behind_proxy() and "FORWARDED_ALLOW_IPS" not in os.environ:
        # Nobody but the proxy can connect, and it overwrites what a visitor claims. gunicorn's own
        # workers trust a unix socket by themselves; uvicorn's would take every visit for plain HTTP,
        # and Django would refuse every form that comes over HTTPS.
        suggested["forwarded_allow_ips"] = "*"
    return suggested


def is_behind_proxy():
    """Return whether systemd gave unix sockets only."""
    families = set()
    for number in range(3, 3 + int(os.environ.get("LISTEN_FDS") or 0)):
        try:
            with socket.socket(fileno=os.dup(number)) as inherited:
                families.add(inherited.family)
        except OSError:
            pass
    return families == {socket.AF_UNIX}


def project_settings():
    """Return the settings of the project's own file, which is executed as gunicorn would."""
    path = os.environ.get("SANDWICH_GUNICORN_CONFIG")
    if not path:
        return {}
    loader = importlib.machinery.SourceFileLoader("__project_config__", path)
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    known = {setting.name for setting in KNOWN_SETTINGS}
    return {name: value for name, value in vars(module).items() if name in known}


def requirements():
    """Return the settings that hold whatever the project's own file says."""
    return {
        # systemd supervises this process, not a child of it.
        "daemon": False,
        # systemd knows the process, and the sandbox has no place for a file about it.
        "pidfile": None,
        # systemd has changed to the user already, and the sandbox lets nobody change again.
        "user": os.geteuid(),
        "group": os.getegid(),
        # An idle connection is closed at a stop, and a POST that is on its way is lost with it.
        "keepalive": 0,
        # The proxy counts the client's fields, and adds ten of its own at most.
        "limit_request_fields": PROJECT.get("limit_request_fields", 100) + 10,
        # gunicorn 25.1 and later open a control socket in the home directory.
        "control_socket_disable": True,
    }


def warn_of_ignored():
    """Say which of the project's own settings do not count. gunicorn itself binds nothing when it
    gets its socket from systemd."""
    theirs = ("bind", "daemon", "group", "pidfile", "user")
    ignored = [name for name in theirs if PROJECT.get(name) not in (None, False, "")]
    if ignored:
        path = os.environ["SANDWICH_GUNICORN_CONFIG"]
        print("%s: %s: systemd sees to that, ignoring" % (path, ", ".join(ignored)), file=sys.stderr, flush=True)


PROJECT = project_settings()
warn_of_ignored()
globals().update(defaults())
globals().update(PROJECT)
globals().update(requirements())


# What the master knows about its workers.


class Board:
    """Which workers have loaded the application, and what systemd was told about it.

    A worker marks itself in memory that it shares with the master and wakes the master; all else
    belongs to the master. A HUP executes this file again, but the board stays.
    """

    def __init__(self, notify_socket):
        self.notify_socket = notify_socket
        self.marks = mmap.mmap(-1, SLOTS)
        self.ready = False
        self.halting = False
        self.status = ""
        self.reloads = 0
        self.replaced = 0

    def reload(self, server):
        """Begin anew with the workers that are forked from now on: the others are replaced."""
        self.reloads += 1
        self.replaced = server.worker_age

    def assign(self, server, worker):
        """Give a worker that is about to be forked a mark of its own."""
        taken = {other.sandwich_slot for other in server.WORKERS.values()}
        worker.sandwich_slot = next(slot for slot in range(SLOTS) if slot not in taken)
        self.marks[worker.sandwich_slot] = 0

    def mark(self, worker):
        """Say, in the worker, that it has loaded the application."""
        self.marks[worker.sandwich_slot] = 1
        # The master looks at its workers at this signal, whether or not one has ended.
        os.kill(worker.ppid, signal.SIGCHLD)

    def has_loaded(self, worker):
        return self.marks[worker.sandwich_slot] == 1

    def serves(self, server):
        """Return whether a worker, also one that is being replaced, has loaded the application."""
        return any(map(self.has_loaded, list(server.WORKERS.values())))

    def loaded(self, server):
        """Return how many workers, since the last reload, have loaded the application."""
        return sum(self.has_loaded(worker) for worker in list(server.WORKERS.values()) if worker.age > self.replaced)

    def tell(self, server):
        """Tell systemd how many workers have loaded, and READY=1 the first time that all have."""
        if self.halting:
            return
        loaded, wanted = self.loaded(server), server.num_workers
        # Whoever asked for a reload reads in this line when it is done.
        status = "%d of %d workers have loaded %s" % (loaded, wanted, server.proc_name)
        if self.reloads:
            status += " (reload %d)" % self.reloads
        if not self.ready and loaded >= wanted:
            self.ready = True
            self.notify("READY=1", "STATUS=" + status)
        elif status != self.status:
            self.notify("STATUS=" + status)
        self.status = status

    def notify(self, *lines):
        """Send lines to systemd (sd_notify(3))."""
        if not self.notify_socket:
            return
        address = self.notify_socket
        if address[0] == "@":
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
            s.connect(address)
            s.sendall("\n".join(lines).encode())


def board():
    """Return the board of this process, or of the master that forked it."""
    if not hasattr(Arbiter, "sandwich"):
        # gunicorn does not take this one away, and the application's children have no use for it.
        os.environ.pop("LISTEN_FDNAMES", None)
        # gunicorn must not find this one: it would say READY=1 at once.
        Arbiter.sandwich = Board(os.environ.pop("NOTIFY_SOCKET", None))
    return Arbiter.sandwich


# The server hooks. Each runs the project's own hook of that name first.


def after_project(hook):
    """Return a hook that runs the project's own hook of the same name, then this one."""
    if PROJECT.get(hook.__name__) is None:
        return hook
    # A hook may also be named as "module.function".
    own = validate_callable(-1)(PROJECT[hook.__name__])

    @functools.wraps(hook)
    def both(*args):
        own(*args)
        hook(*args)

    return both


@after_project
def on_reload(server):
    """In the master, at a HUP, before it forks new workers."""
    board().reload(server)


@after_project
def pre_fork(server, worker):
    """In the master, before each worker."""
    board().assign(server, worker)


@after_project
def post_fork(server, worker):
    """In the worker, before it loads the application: say where the import hangs, should it."""
    faulthandler.dump_traceback_later(IMPORT_TIMEOUT, exit=False)


@after_project
def post_worker_init(worker):
    """In the worker, when it has loaded the application and is about to accept."""
    for prepare in (import_views, import_engines):
        try:
            prepare()
        except Exception:
            # The first visitor meets it, too, and Django says what it thinks of it then.
            pass
    faulthandler.cancel_dump_traceback_later()
    board().mark(worker)


def import_views():
    """Import what the URLs lead to. Django leaves that to the first request of each worker, which in
    a large project waits for seconds, after every restart."""
    if is_django():
        from django.urls import get_resolver

        get_resolver().url_patterns


def import_engines():
    """Import the database and template engines, which are left to the first request as well. Nothing
    is connected to."""
    if is_django():
        from django.db import connections
        from django.template import engines

        for alias in connections:
            connections[alias]
        engines.all()


def is_django():
    """Return whether the application is Django's, and complete."""
    registry = sys.modules.get("django.apps")
    return registry is not None and registry.apps.ready


@after_project
def worker_exit(server, worker):
    """In a worker that ends: one that could not load the application keeps its place for a while,
    so that the master of the others does not try again in a tight loop."""
    code = getattr(sys.exc_info()[1], "code", None)
    others_serve = board().ready and any(board().marks[:])
    if others_serve and code in (Arbiter.WORKER_BOOT_ERROR, Arbiter.APP_LOAD_ERROR):
        until = time.monotonic() + RETRY_DELAY
        while worker.alive and time.monotonic() < until:
            time.sleep(0.1)


# Repairs. Each is made once: a HUP executes this file again in the same process.


def repair_reaping():
    """Let a failing worker end the master at once while it starts, and never while it serves.

    gunicorn raises HaltServer for the first worker that could not load the application, and leaves
    others that failed in the same moment unreaped: up to 24 it then waits graceful_timeout for
    them. It also halts a master whose other workers serve.
    """
    reap = Arbiter.reap_workers

    def reap_workers(self):
        failure = None
        while True:
            try:
                reap(self)
                break
            except HaltServer as e:
                failure = failure or e
        forget_reaped(self)
        board().tell(self)
        if failure is None or board().halting:
            return
        if board().ready and board().serves(self):
            self.log.error("A new worker could not load the application; the other workers go on.")
            return
        board().halting = True
        raise failure

    Arbiter.reap_workers = reap_workers


def forget_reaped(server):
    """Drop the workers that were reaped when HaltServer was raised, which gunicorn keeps up to 25."""
    for pid, worker in list(server.WORKERS.items()):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            server.WORKERS.pop(pid)
            worker.tmp.close()


def repair_timeout():
    """Hold a worker that imports to IMPORT_TIMEOUT: "timeout" is meant for requests."""
    murder = Arbiter.murder_workers

    def murder_workers(self):
        for worker in list(self.WORKERS.values()):
            if not board().has_loaded(worker) and loading_since(worker) < IMPORT_TIMEOUT:
                worker.tmp.notify()
        board().tell(self)
        murder(self)

    Arbiter.murder_workers = murder_workers


def loading_since(worker):
    """Return for how many seconds the master has known the worker."""
    if not hasattr(worker, "sandwich_first_seen"):
        worker.sandwich_first_seen = time.monotonic()
    return time.monotonic() - worker.sandwich_first_seen


def repair_stopping():
    """Give a stop the time that graceful_timeout promises, also when the project's own settings
    promise more than the unit knows of. A worker that still imports serves nobody: it ends now."""
    stop_workers = Arbiter.stop

    def stop(self, graceful=True):
        board().halting = True
        if graceful:
            for pid, worker in list(self.WORKERS.items()):
                if not board().has_loaded(worker):
                    self.kill_worker(pid, signal.SIGQUIT)
            board().notify(
                "STATUS=Waiting for the requests in progress",
                "EXTEND_TIMEOUT_USEC=%d" % ((self.cfg.graceful_timeout + 5) * 1000000),
            )
        stop_workers(self, graceful)

    Arbiter.stop = stop


def repair_setuid():
    """Leave out a change to the user and group that the process has already: gunicorn 20.1 asks the
    kernel even then, which the sandbox refuses."""
    change = util.set_owner_process

    def set_owner_process(uid, gid, initgroups=False):
        if initgroups or uid != os.geteuid() or gid != os.getegid():
            change(uid, gid, initgroups)

    util.set_owner_process = set_owner_process


def repair_gthread():
    """Hand an accepted connection to the thread pool at once.

    gunicorn 21 to 23 first wait until it is readable, and close what still waits at a stop: about
    one request was lost at each restart under 200 requests a second. A stopping worker leaves
    connections to the next process, in the queue.
    """
    worker_class = gthread.ThreadWorker
    if not hasattr(worker_class, "on_client_socket_readable") or hasattr(worker_class, "wait_for_and_dispatch_events"):
        return

    def accept(self, server, listener):
        if not self.alive:
            return
        try:
            connection, client = listener.accept()
        except OSError as e:
            if e.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(gthread.TConn(self.cfg, connection, client, server))

    worker_class.accept = accept


if not hasattr(Arbiter, "sandwich"):
    board()
    repair_reaping()
    repair_timeout()
    repair_stopping()
    repair_setuid()
    repair_gthread()
