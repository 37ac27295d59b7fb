-- A course's page: the course and its instructor, its lessons, its latest reviews.
\set rank random_zipfian(1, :published_courses, 1.05) - 1
\set course 1 + (:rank * 7919) % :courses
select c.*, u.full_name, u.bio, u.avatar_url
  from courses c join users u on u.id = c.instructor_id
 where c.id = :course and c.is_published;
select id, position, title, kind, duration_seconds, is_preview from lessons where course_id = :course order by position;
select rating, comment, created_at from course_reviews where course_id = :course order by enrollment_id desc limit 5;
