from django.core.management.base import BaseCommand
from django.utils import timezone

from polls.models import Question


class Command(BaseCommand):
    help = "Adds a first question with its choices, once."

    def handle(self, *args, **options):
        question, new = Question.objects.get_or_create(
            question_text="What's new?", defaults={"pub_date": timezone.now()}
        )
        if new:
            for text in ["Not much", "The sky"]:
                question.choice_set.create(choice_text=text)
