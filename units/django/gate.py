"""Says whether a release may serve: gate.py [MODULE:CALLABLE]

It runs in the release, as the project's user, before anything serves from it, and asks what
"manage.py check --deploy" does, whether the database has the release's migrations, and whether the
application can be imported. For Python 3.6 and Django 1.11 or later.

SANDWICH_UNMIGRATED  set: migrations that are not applied do not matter
SANDWICH_BACK_FROM   the release that serves, when this one, SANDWICH_BACK_TO, is to take over from it
                     again: then migrations of that one, which this one does not know, stand against it

Exit status: 0 it may serve, 1 it may not, 3 it may not because of migrations.
"""
import importlib
import io
import os
import sys
import traceback

RELEASE = os.getcwd()
MIGRATIONS = 3


def refuse(reason, status=1):
    sys.stdout.flush()
    print(reason.rstrip(), file=sys.stderr)
    sys.stderr.flush()
    sys.exit(status)


def check():
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    said = io.StringIO()
    try:
        call_command("check", deploy=True, fail_level="ERROR", stdout=said, stderr=said)
    except SystemCheckError as problem:
        refuse(said.getvalue() + str(problem))
    last = said.getvalue().strip().rsplit("\n", 1)[-1]
    print("check --deploy: " + (last or "no issues"))


def loader_of(connection):
    from django.db.migrations.loader import MigrationLoader

    return MigrationLoader(connection, ignore_no_migrations=True)


def migrations():
    from django.db import connection

    if connection.settings_dict.get("ENGINE", "").endswith(".dummy"):
        return
    loader = loader_of(connection)
    if os.environ.get("SANDWICH_BACK_FROM"):
        ahead(loader, os.environ["SANDWICH_BACK_FROM"])
    elif not os.environ.get("SANDWICH_UNMIGRATED"):
        behind(loader)


def behind(loader):
    """Refuse a release whose migrations are not all applied."""
    missing = []
    for target in loader.graph.leaf_nodes():
        for node in loader.graph.forwards_plan(target):
            if node not in loader.applied_migrations and node not in missing:
                missing.append(node)
    if missing:
        refuse(
            "The database lacks migrations of this release:\n%s\n"
            'Let the release block have the step ["manage.py", "migrate", "--noinput"], or deploy with --force.'
            % "\n".join("  %s %s" % node for node in missing),
            MIGRATIONS,
        )
    print("migrations: all are applied")


def ahead(loader, newer):
    """Refuse a release that does not know what the newer one did to the database."""
    commands = []
    for app in sorted(loader.migrated_apps):
        known = names_in(app, newer)
        for label, name in sorted(loader.applied_migrations):
            if label == app and name in known and (label, name) not in loader.disk_migrations:
                commands.append(command(loader, app))
                break
    if commands:
        refuse(
            "The database has migrations that this release does not know. In %s, which has them, run\n%s\n"
            "first, or roll back with --force."
            % (same_place(newer), "\n".join("  " + c for c in commands)),
            MIGRATIONS,
        )
    print("migrations: none is ahead of this release")


def same_place(release):
    """Return where in another release the directory is that this runs in."""
    inside = os.path.relpath(os.path.realpath(RELEASE), os.path.realpath(os.environ["SANDWICH_BACK_TO"]))
    return os.path.normpath(os.path.join(release, inside))


def command(loader, app):
    leaves = [name for label, name in loader.graph.leaf_nodes(app)]
    return "manage.py migrate %s %s" % (app, leaves[-1] if leaves else "zero")


def names_in(app, release):
    """Return the names of an app's migrations as they lie in another release."""
    from django.db.migrations.loader import MigrationLoader

    try:
        module = importlib.import_module(MigrationLoader.migrations_module(app)[0])
        here = os.path.dirname(os.path.realpath(module.__file__))
    except Exception:
        return set()
    root = os.path.realpath(os.environ["SANDWICH_BACK_TO"])
    if not here.startswith(root + os.sep):
        return set()  # both releases share it
    there = os.path.join(release, os.path.relpath(here, root))
    try:
        files = os.listdir(there)
    except OSError:
        return set()
    return {file[:-3] for file in files if file.endswith(".py") and not file.startswith("_")}


def application(name):
    module, _, attribute = name.partition(":")
    found = importlib.import_module(module)
    for part in attribute.split("(")[0].split("."):
        if part:
            found = getattr(found, part)
    print("%s can be imported" % name)


def main(args):
    sys.path[0] = RELEASE
    try:
        import django

        django.setup()
        check()
        migrations()
        for name in args:
            application(name)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
