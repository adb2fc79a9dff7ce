"""As little as a Django project with a database, static files and uploads can be: it loads quickly."""
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "a key for a site that only tests visit, and long enough"
ALLOWED_HOSTS = [".test"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "tiny"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "tiny.urls"
WSGI_APPLICATION = "tiny.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db" / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"
