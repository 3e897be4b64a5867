"""Makes the database stand as the code wants it, and the admin who may sign in."""

import os

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs once in each container, at its first boot."

    def handle(self, *args, **options):
        call_command("migrate", verbosity=0)
        admin, _ = get_user_model().objects.get_or_create(
            username="admin", defaults={"is_staff": True, "is_superuser": True}
        )
        admin.set_password(os.environ["ADMIN_PASSWORD"])
        admin.save()
