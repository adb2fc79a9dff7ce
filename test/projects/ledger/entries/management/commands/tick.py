import os
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Adds a line to the file tick below LEDGER_DONE, then takes its time, or fails."""

    def add_arguments(self, parser):
        parser.add_argument("--seconds", type=float, default=0)
        parser.add_argument("--fail", action="store_true")

    def handle(self, seconds, fail, **options):
        with open(Path(os.environ["LEDGER_DONE"]) / "tick", "a") as f:
            f.write("tick\n")
        self.stdout.write("ticked")
        time.sleep(seconds)
        if fail:
            raise CommandError("the clock has stopped")
