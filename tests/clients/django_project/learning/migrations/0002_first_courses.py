from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def add_courses(apps, schema_editor):
    course = apps.get_model("learning", "Course")
    course.objects.using(schema_editor.connection.alias).bulk_create(
        [course(title=f"Course {n}", seats=n, tags=["even"] if n % 2 == 0 else []) for n in range(10)]
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("learning", "0001_initial")]
    operations = [
        migrations.RunPython(add_courses, lambda apps, schema_editor: None),
        AddIndexConcurrently("course", models.Index(fields=["seats"], name="course_seats")),
    ]
