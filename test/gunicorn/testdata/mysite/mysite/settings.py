"""A Django project of one file, steered by its environment and by files beside it."""

import os
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("SITE_DATA", BASE_DIR / "db"))

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# A large application takes a while to import.
time.sleep(float(os.environ.get("SITE_IMPORT_SECONDS", "0")))

if (BASE_DIR / "broken").exists():
    raise RuntimeError("the site is broken")
