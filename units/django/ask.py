"""Says what sandwich needs to know about a Django project, as one line of JSON between markers.

Runs on Python 3.6 and later. Whatever the settings print goes to standard error.
"""
import json
import os
import signal
import sys
import traceback
import warnings

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
        "channels": bool({"channels", "daphne"} & set(read("INSTALLED_APPS", texts, []))),
        "debug": read("DEBUG", flag, False),
        "sqlite_dirs": read("DATABASES", sqlite_dirs, {}),
        "cache_dirs": read("CACHES", cache_dirs, {}),
        "log_dirs": read("LOGGING", log_dirs, {}),
        "data_upload_max": read("DATA_UPLOAD_MAX_MEMORY_SIZE", number, 0),
        "proxy_ssl_header": read("SECURE_PROXY_SSL_HEADER", flag, None),
        "secret_weak": read("SECRET_KEY", weak, ""),
        "conn_max_age": read("DATABASES", conn_max_age, {}),
        "ssl_redirect": read("SECURE_SSL_REDIRECT", flag, False),
        "csrf_trusted_origins": read("CSRF_TRUSTED_ORIGINS", texts, []),
    }


def weak(name, key):
    """A key that Django made for a tutorial, or that somebody could guess (security.W009)."""
    if isinstance(key, bytes):
        key = key.decode("latin-1")
    return len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-")


def conn_max_age(name, databases):
    ages = [database.get("CONN_MAX_AGE", 0) for database in values(databases)]
    return -1 if None in ages else max([int(age) for age in ages] or [0])


def in_time(seconds, do):
    """Return what do gives, or fail when it takes longer."""
    def late(number, frame):
        raise TimeoutError("no answer within %d seconds" % seconds)

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        return do()
    finally:
        signal.alarm(0)


def no_new_file(connection):
    """SQLite would create a database that is not there."""
    file = str(connection.settings_dict.get("NAME") or "")
    if connection.vendor == "sqlite" and ":memory:" not in file and not file.startswith("file:") and not os.path.exists(file):
        raise OSError("unable to open database file: %s is not there" % file)


def database_failures(connections):
    failures = []
    for alias in list(connections)[:LIMIT]:
        try:
            no_new_file(connections[alias])
            in_time(5, connections[alias].ensure_connection)
        except BaseException as problem:
            failures.append([alias, str(connections[alias].vendor), " ".join(str(problem).split())[:500]])
    return failures


def pending_migrations(connections, broken):
    from django.db.migrations.executor import MigrationExecutor
    pending = []
    for alias in connections:
        if alias in broken:
            continue
        executor = MigrationExecutor(connections[alias])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if alias == "default":
            pending += ["%s.%s" % (migration.app_label, migration.name) for migration, backwards in plan]
    return pending[:LIMIT]


def first_page():
    """Return the status of the first page and the traceback of what made it fail."""
    from django.test import Client
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = in_time(15, lambda: Client().get(
                "/", HTTP_HOST=DOMAIN, SERVER_NAME=DOMAIN, HTTP_X_FORWARDED_PROTO="https", secure=True))
        return answer.status_code, ""
    except BaseException as problem:
        lines = traceback.format_exception(type(problem), problem, problem.__traceback__)
        return 500, "".join(lines)[-8000:]


def examination():
    """What shows only when the project is set up and used."""
    django.setup()
    from django.db import connections
    failures = database_failures(connections)
    found = {"databases": [" | ".join(failure) for failure in failures]}
    try:
        found["pending"] = in_time(20, lambda: pending_migrations(connections, [failure[0] for failure in failures]))
    except BaseException as problem:
        notes.append("the migrations could not be read: %s" % type(problem).__name__)
    found["page"], found["page_traceback"] = first_page()
    return found


python = ".".join(str(part) for part in sys.version_info[:3])
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "@SETTINGS@"
DOMAIN = "@DOMAIN@"

try:
    import django
except BaseException as problem:
    failed("django", problem)

try:
    from django.conf import settings
    settings.DEBUG
    answer = facts(settings)
    if DOMAIN:
        answer.update(examination())
except BaseException as problem:
    failed("settings", problem)

answer.update({
    "python": python,
    "django": django.get_version(),
    "gunicorn": version_of("gunicorn") if has("gunicorn") else "",
    "uvicorn": version_of("uvicorn") if has("uvicorn") else "",
})
say(answer)
