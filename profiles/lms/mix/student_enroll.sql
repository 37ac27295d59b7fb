-- A student takes up a course.
\set student :first_student + random(1, :students) - 1
\set rank random_zipfian(1, :published_courses, 1.05) - 1
\set course 1 + (:rank * 7919) % :courses
insert into enrollments (student_id, course_id, status, price_paid_cents)
select :student, id, 'active', price_cents from courses where id = :course and is_published
    on conflict (student_id, course_id) do nothing;
