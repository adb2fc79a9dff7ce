"""A project with a database, migrations, a queue and a periodic command, made to be deployed.

LEDGER_HOST  the host name it answers to
LEDGER_DB    the SQLite database; all releases share it
"""
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "a key for a site that only tests visit, long enough for its checks: 0123456789"
DEBUG = False
ALLOWED_HOSTS = [os.environ.get("LEDGER_HOST", "ledger.example")]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "entries"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "ledger.urls"
WSGI_APPLICATION = "ledger.wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("LEDGER_DB", "/srv/ledger/shared/db.sqlite3"),
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = str(BASE_DIR / "static")
