"""A project without a database, made to be restarted under load.

SHOP_IMPORT_SECONDS  how long importing the application takes
SHOP_BROKEN          importing the application fails with this message
"""
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "a key for a site that only tests visit"
DEBUG = False
ALLOWED_HOSTS = ["shop.example"]
INSTALLED_APPS = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
ASGI_APPLICATION = "shop.asgi.application"
DATABASES = {}
USE_TZ = True
# The body that /echo counts may be larger than a form's.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
