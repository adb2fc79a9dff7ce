"""What new code may be like."""
import os
import signal
import threading
import time

from django.conf import settings
from django.http import HttpResponseServerError


def broken():
    """It cannot be imported."""
    raise ImportError("no such sandwich")


def hangs():
    """Its import never ends."""
    threading.Event().wait()


def dies():
    """It takes the whole server down one second after its import."""
    # gunicorn writes "ready" before or after: the second is long enough for it.
    threading.Timer(1, os.kill, (os.getppid(), signal.SIGKILL)).start()


def fails():
    """It answers every request with 500."""


moods = {mood.__name__: mood for mood in (broken, hangs, dies, fails)}

try:
    MOOD = (settings.BASE_DIR / "mood").read_text().strip()
except FileNotFoundError:
    MOOD = ""

time.sleep(float(os.environ.get("SHOP_IMPORT_SECONDS", "0")))
if os.environ.get("SHOP_BROKEN"):
    raise ImportError(os.environ["SHOP_BROKEN"])
if MOOD:
    moods[MOOD]()


def unless_it_fails(view):
    def answer(request):
        return HttpResponseServerError("as its mood is\n") if MOOD == "fails" else view(request)

    return answer
