import os
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from .models import Entry

# Read when the code is: an answer says which code gave it.
RELEASE = (settings.BASE_DIR / "release").read_text().strip()


def index(request):
    return JsonResponse({"release": RELEASE, "entries": Entry.objects.count(), "dir": os.getcwd(), "pid": os.getpid()})


def health(request):
    return HttpResponse("well\n")


def add(request):
    Entry.objects.create(text="one more")
    return HttpResponse("added\n")


def lazy(request):
    """Imports a module of its own release when it is asked: its generation must not get another's."""
    from . import late

    same = "same" if late.RELEASE == RELEASE else "other"
    return HttpResponse("%s release %s\n" % (same, late.RELEASE), status=200 if same == "same" else 500)
