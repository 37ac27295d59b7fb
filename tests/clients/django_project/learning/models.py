from django.contrib.postgres.fields import ArrayField
from django.db import models


class Student(models.Model):
    name = models.CharField(max_length=80)
    email = models.EmailField(unique=True)
    joined = models.DateTimeField(auto_now_add=True)
    profile = models.JSONField(default=dict)

    class Meta:
        app_label = "learning"


class Course(models.Model):
    title = models.CharField(max_length=100, db_index=True)
    seats = models.IntegerField(default=0)
    tags = ArrayField(models.CharField(max_length=20), default=list)
    students = models.ManyToManyField(Student, through="Enrollment", related_name="courses")

    class Meta:
        app_label = "learning"
        indexes = [models.Index(fields=["seats"], name="course_seats")]
        constraints = [models.CheckConstraint(check=models.Q(seats__gte=0), name="seats_not_negative")]


class Enrollment(models.Model):
    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    progress = models.DecimalField(max_digits=5, decimal_places=2, default=0)

    class Meta:
        app_label = "learning"
        constraints = [models.UniqueConstraint(fields=["student", "course"], name="enrolled_once")]
