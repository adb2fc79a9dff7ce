import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()

# Django imports views with the first request; a cold start is to be paid before it.
import shop.urls  # noqa: E402,F401
