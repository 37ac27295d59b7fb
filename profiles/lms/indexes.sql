-- lms: the indexes that the platform's own pages need. Built after the data: one sort instead of a million inserts.

begin;

create index courses_by_instructor on courses (instructor_id);
create index courses_published on courses (is_published) where is_published = true;
create index published_courses_by_category on courses (category) where is_published = true;

create index enrollments_by_student_and_status on enrollments (student_id, status);
create index enrollments_by_course_and_status on enrollments (course_id, status);
create index active_enrollments_by_progress on enrollments (progress_percentage) where status = 'active';

create index lesson_progress_by_enrollment on lesson_progress (enrollment_id);
create index lesson_progress_by_lesson_and_status on lesson_progress (lesson_id, status);

create index quizzes_by_lesson on quizzes (lesson_id);

commit;
