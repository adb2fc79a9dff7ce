import os
import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

time.sleep(float(os.environ.get("SHOP_IMPORT_SECONDS", "0")))
if os.environ.get("SHOP_BROKEN"):
    raise ImportError(os.environ["SHOP_BROKEN"])
# Read when the code is: an answer says which code gave it.
RELEASE = (settings.BASE_DIR / "release").read_text().strip()


def index(request):
    return HttpResponse("release %s\n" % RELEASE)


def slow(request):
    time.sleep(float(request.GET.get("seconds", "2")))
    return HttpResponse("release %s\n" % RELEASE)


def echo(request):
    """Says how many bytes came and repeats the id, so that a client can match answers to requests."""
    length = sum(len(part) for part in iter(lambda: request.read(65536), b""))
    return JsonResponse({"id": request.GET.get("id", ""), "length": length, "release": RELEASE})


def headers(request):
    return JsonResponse({key: value for key, value in request.META.items() if isinstance(value, str)})


def stream(request):
    """Five parts, a fifth of a second apart."""

    def parts():
        for number in range(5):
            yield "part %d\n" % number
            time.sleep(0.2)

    return StreamingHttpResponse(parts(), content_type="text/plain")


def boom(request):
    raise RuntimeError("boom, as asked")
