"""Says what sandwich needs to know about a Django project, as one line of JSON between markers.

Runs on Python 3.6 and later. Whatever the settings print goes to standard error.
"""
import json
import os
import sys
import traceback

answer_fd = os.dup(1)
os.dup2(2, 1)
MARK = "@@sandwich-answer@@"
LIMIT = 200
notes = []


def say(answer):
    answer["notes"] = notes
    line = "\n" + MARK + json.dumps(answer) + MARK + "\n"
    data = line.encode("ascii")
    while data:
        data = data[os.write(answer_fd, data):]
    sys.stdout.flush()
    os._exit(0)


def version_of(module):
    try:
        found = __import__(module)
    except Exception as problem:
        notes.append("%s cannot be imported: %s" % (module, type(problem).__name__))
        return ""
    except SystemExit:
        return ""
    return str(getattr(found, "__version__", "unknown"))


def has(module):
    try:
        import importlib.util
        return importlib.util.find_spec(module) is not None
    except Exception:
        return False


def failed(kind, problem):
    lines = traceback.format_exception(type(problem), problem, problem.__traceback__)
    reason = traceback.format_exception_only(type(problem), problem)[-1].strip()
    say({
        "failed": kind,
        "reason": reason[-2000:],
        "missing": str(getattr(problem, "name", None) or ""),
        "traceback": "".join(lines)[-8000:],
        "python": python,
    })


def text(name, value):
    if value is None:
        return ""
    try:
        value = os.fspath(value)
    except TypeError:
        value = str(value)
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    return value


def path(name, value):
    value = text(name, value)
    return os.path.abspath(value) if value else ""


def setting(settings, name, read, default):
    try:
        return read(name, getattr(settings, name, default))
    except Exception as problem:
        notes.append("%s could not be read: %s" % (name, type(problem).__name__))
        return default


def texts(name, value):
    if isinstance(value, str):
        value = [value]
    return [str(item) for item in list(value or [])[:LIMIT]]


def flag(name, value):
    return bool(value)


def number(name, value):
    return int(value or 0)


def values(mapping):
    return [item for item in list(dict(mapping or {}).values())[:LIMIT] if isinstance(item, dict)]


def sqlite_dirs(name, databases):
    found = []
    for database in values(databases):
        engine, file = str(database.get("ENGINE", "")), text("NAME", database.get("NAME"))
        memory = not file or ":memory:" in file or file.startswith("file:")
        if engine.rsplit(".", 1)[-1] in ("sqlite3", "spatialite") and not memory:
            found.append(os.path.dirname(os.path.abspath(file)))
    return found


def cache_dirs(name, caches):
    found = []
    for cache in values(caches):
        if str(cache.get("BACKEND", "")).endswith("FileBasedCache") and cache.get("LOCATION"):
            found.append(path("LOCATION", cache.get("LOCATION")))
    return found


def log_dirs(name, logging):
    found = []
    for handler in values(dict(logging or {}).get("handlers")):
        if handler.get("filename"):
            found.append(os.path.dirname(path("filename", handler.get("filename"))))
    return found


def facts(settings):
    def read(name, how, default=None):
        return setting(settings, name, how, default)

    return {
        "wsgi": read("WSGI_APPLICATION", text),
        "asgi": read("ASGI_APPLICATION", text),
        "static_url": read("STATIC_URL", text),
        "static_root": read("STATIC_ROOT", path),
        "staticfiles": "django.contrib.staticfiles" in read("INSTALLED_APPS", texts, []),
        "media_url": read("MEDIA_URL", text),
        "media_root": read("MEDIA_ROOT", path),
        "allowed_hosts": read("ALLOWED_HOSTS", texts, []),
        "debug": read("DEBUG", flag, False),
        "sqlite_dirs": read("DATABASES", sqlite_dirs, {}),
        "cache_dirs": read("CACHES", cache_dirs, {}),
        "log_dirs": read("LOGGING", log_dirs, {}),
        "data_upload_max": read("DATA_UPLOAD_MAX_MEMORY_SIZE", number, 0),
        "proxy_ssl_header": read("SECURE_PROXY_SSL_HEADER", flag, None),
        "csrf_trusted_origins": read("CSRF_TRUSTED_ORIGINS", texts, []),
    }


python = ".".join(str(part) for part in sys.version_info[:3])
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "@SETTINGS@"

try:
    import django
except BaseException as problem:
    failed("django", problem)

try:
    from django.conf import settings
    settings.DEBUG
    answer = facts(settings)
except BaseException as problem:
    failed("settings", problem)

answer.update({
    "python": python,
    "django": django.get_version(),
    "gunicorn": version_of("gunicorn") if has("gunicorn") else "",
    "uvicorn": version_of("uvicorn") if has("uvicorn") else "",
})
say(answer)
