import os
import time

from django.conf import settings
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.urls import path

# Django imports views with the first request that needs them.
time.sleep(float(os.environ.get("SITE_VIEWS_SECONDS", "0")))
if (settings.BASE_DIR / "broken-views").exists():
    raise RuntimeError("the views are broken")


def hello(request):
    return HttpResponse("hello\n")


def slow(request):
    """Take two seconds, from the moment somebody opens the FIFO "begun" for reading."""
    open(settings.DATA_DIR / "begun", "w").close()
    time.sleep(2)
    return HttpResponse("slow\n")


def process(request):
    return JsonResponse({"pid": os.getpid(), "environment": dict(os.environ)})


def write(request):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS visits (at REAL)")
        cursor.execute("INSERT INTO visits VALUES (1)")
        cursor.execute("SELECT count(*) FROM visits")
        return HttpResponse("%d visits\n" % cursor.fetchone())


def readable(request):
    """Say which of the paths asked for this process can see and list or read."""
    return JsonResponse({name: os.access(name, os.R_OK) for name in request.GET.getlist("path")})


urlpatterns = [
    path("", hello),
    path("slow", slow),
    path("process", process),
    path("write", write),
    path("readable", readable),
]
