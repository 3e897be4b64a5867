from django.forms import ModelForm
from django.shortcuts import redirect, render

from .models import Note


class NoteForm(ModelForm):
    class Meta:
        model = Note
        fields = ["name", "text"]


def page(request):
    """The newest notes, and a form for one more."""
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("page")
    return render(request, "notes/page.html", {"form": form, "notes": Note.objects.all()[:50]})
