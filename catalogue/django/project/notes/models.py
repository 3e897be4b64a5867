from django.db import models


class Note(models.Model):
    """What a visitor left in the book."""

    name = models.CharField(max_length=40)
    text = models.TextField(max_length=500)
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-written_at"]

    def __str__(self):
        return f"{self.name}: {self.text[:40]}"
