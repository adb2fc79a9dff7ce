import os
import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from .mood import unless_it_fails
from .parts import parts, wanted

# Read when the code is: an answer says which code gave it.
RELEASE = (settings.BASE_DIR / "release").read_text().strip()


@unless_it_fails
def index(request):
    return HttpResponse("release %s\n" % RELEASE)


@unless_it_fails
def slow(request):
    time.sleep(float(request.GET.get("seconds", "2")))
    return HttpResponse("release %s\n" % RELEASE)


@unless_it_fails
def version(request):
    return JsonResponse({"release": RELEASE, "note": os.environ.get("SHOP_NOTE", ""), "pid": os.getpid()})


@unless_it_fails
def echo(request):
    """Says how many bytes came and repeats the id, so that a client can match answers to requests."""
    body = b"".join(iter(lambda: request.read(65536), b""))
    count(body.partition(b"\n")[0])
    return JsonResponse({"id": request.GET.get("id", ""), "length": len(body), "release": RELEASE})


def count(line):
    """One write to a file that is appended to: processes side by side and a SIGKILL lose no line."""
    if not os.environ.get("SHOP_IDS"):
        return
    file = os.open(os.environ["SHOP_IDS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, line[:100] + b"\n")
    os.close(file)


def headers(request):
    return JsonResponse({key: value for key, value in request.META.items() if isinstance(value, str)})


def stream(request):
    """So many parts in so many seconds. shop/asgi.py answers this and slow itself."""
    count, pause = wanted(request.GET)

    def slowly():
        for part in parts(count):
            yield part
            time.sleep(pause)

    return StreamingHttpResponse(slowly(), content_type="text/plain")


def boom(request):
    raise RuntimeError("boom, as asked")
