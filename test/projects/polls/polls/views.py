import csv
from urllib.parse import quote

from django.conf import settings
from django.db.models import F
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views import generic

from .models import Attachment, Choice, Question


class IndexView(generic.ListView):
    template_name = "polls/index.html"
    context_object_name = "latest_question_list"

    def get_queryset(self):
        return Question.objects.filter(pub_date__lte=timezone.now()).order_by("-pub_date")[:5]


class DetailView(generic.DetailView):
    model = Question
    template_name = "polls/detail.html"


class ResultsView(generic.DetailView):
    model = Question
    template_name = "polls/results.html"


class UploadView(generic.CreateView):
    model = Attachment
    fields = ["file"]
    template_name = "polls/upload.html"
    success_url = reverse_lazy("polls:upload")
    extra_context = {"attachments": Attachment.objects.order_by("-pk")}


def vote(request, question_id):
    question = get_object_or_404(Question, pk=question_id)
    try:
        choice = question.choice_set.get(pk=request.POST["choice"])
    except (KeyError, Choice.DoesNotExist):
        context = {"question": question, "error_message": "You didn't select a choice."}
        return render(request, "polls/detail.html", context)
    choice.votes = F("votes") + 1
    choice.save()
    return HttpResponseRedirect(reverse("polls:results", args=(question.id,)))


def export(request, pk):
    """The votes as a file that the front sends: as django-sendfile2 does for nginx and for Apache."""
    question = get_object_or_404(Question, pk=pk)
    path = settings.BASE_DIR / "private" / f"votes of {question.pk}.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([c.choice_text, c.votes] for c in question.choice_set.all())
    response = HttpResponse(content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="{path.name}"'
    if "path" in request.GET:
        response["X-Sendfile"] = str(path)
    else:
        response["X-Accel-Redirect"] = quote(f"/protected/{path.name}")
    return response
