-- lms: removes what data.sql made, and what a load test did as those users, and nothing else. Test data is every
-- user with an address in lms.example, the courses of such instructors and the enrollments of such students, with
-- all that hangs on them. Children first, so that no foreign key has to look for them row by row.

\set ON_ERROR_STOP on

begin;

create temporary table test_user on commit drop as
select id from users where email like '%@lms.example';
create temporary table test_course on commit drop as
select id from courses where instructor_id in (select id from test_user);
create temporary table test_enrollment on commit drop as
select id from enrollments
 where student_id in (select id from test_user) or course_id in (select id from test_course);
create temporary table test_lesson on commit drop as
select id from lessons where course_id in (select id from test_course);
analyze test_user, test_course, test_enrollment, test_lesson;

delete from course_reviews where enrollment_id in (select id from test_enrollment);
delete from certificates where enrollment_id in (select id from test_enrollment);
delete from quiz_attempts where enrollment_id in (select id from test_enrollment);
delete from lesson_progress where enrollment_id in (select id from test_enrollment);
delete from enrollments where id in (select id from test_enrollment);
delete from quiz_questions
 where quiz_id in (select id from quizzes where lesson_id in (select id from test_lesson));
delete from quizzes where lesson_id in (select id from test_lesson);
delete from lessons where id in (select id from test_lesson);
delete from courses where id in (select id from test_course);
delete from users where id in (select id from test_user);

commit;

vacuum (analyze);
