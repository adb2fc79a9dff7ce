"""A project without a database, made to be restarted under load.

SHOP_HOST            the host name it answers to
SHOP_IMPORT_SECONDS  how long importing the application takes
SHOP_BROKEN          importing the application fails with this message
SHOP_NOTE            /version repeats it
SHOP_IDS             a file that gets a line for each body that /echo has read: the body's first line

A file "mood" beside manage.py, read when the code is, spoils the processes that start from then on
and no others: see moods in shop/mood.py.
"""
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "a key for a site that only tests visit"
DEBUG = False
ALLOWED_HOSTS = [os.environ.get("SHOP_HOST", "shop.example")]
INSTALLED_APPS = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
ASGI_APPLICATION = "shop.asgi.application"
DATABASES = {}
USE_TZ = True
# The body that /echo counts may be larger than a form's.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
