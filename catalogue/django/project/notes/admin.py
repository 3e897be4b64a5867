from django.contrib import admin

from .models import Note


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    list_display = ["written_at", "name", "text"]
    search_fields = ["name", "text"]
    date_hierarchy = "written_at"
