-- A quiz: the questions of a lesson's quiz, then the answers. A quiz follows every fourth lesson.
\set enrollment 1 + :enrollments - random_zipfian(1, :enrollments, 1.05)
\set position 4 * random(1, 2)
\set score 20 * random(0, 5)
select z.id, z.title, z.time_limit_seconds, q.position, q.prompt, q.choices
  from quizzes z join quiz_questions q on q.quiz_id = z.id
 where z.lesson_id = (select l.id from lessons l join enrollments e on e.course_id = l.course_id
                       where e.id = :enrollment and l.position = :position)
 order by q.position;
insert into quiz_attempts (enrollment_id, quiz_id, attempt_number, answers, score, passed, submitted_at)
select e.id, z.id, 1 + (select count(*) from quiz_attempts a where a.quiz_id = z.id and a.enrollment_id = e.id),
       '[0, 1, 2, 3, 0]', :score, :score >= z.passing_score, now()
  from enrollments e
  join lessons l on l.course_id = e.course_id and l.position = :position
  join quizzes z on z.lesson_id = l.id
 where e.id = :enrollment
    on conflict do nothing;
