"""The tables of conftest.py's school."""

from django.db import models


class Teacher(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "pages"
        db_table = "teachers"
        managed = False


class Course(models.Model):
    title = models.TextField()
    seats = models.IntegerField()
    teacher = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="courses")
    students = models.ManyToManyField("Student", through="Enrollment", related_name="courses")

    class Meta:
        app_label = "pages"
        db_table = "courses"
        managed = False


class Lesson(models.Model):
    name = models.TextField()
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="lessons")
    author = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="lessons")

    class Meta:
        app_label = "pages"
        db_table = "lessons"
        managed = False


class Student(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "pages"
        db_table = "students"
        managed = False


class Enrollment(models.Model):
    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    student = models.ForeignKey(Student, on_delete=models.CASCADE)

    class Meta:
        app_label = "pages"
        db_table = "enrollments"
        managed = False
