-- lms: data for tests, demonstrations and measurements. Run by psql, on the empty tables of schema.sql.
--
-- Every value is a hash of the row's number and the seed, so the same seed, size and date give the same rows,
-- whatever the plan or the server. Skewed as real use is: few courses have most enrollments, few students most
-- of the activity, and most dates are recent. Every test user has an address in lms.example, a name nobody can own
-- (RFC 2606, https://www.rfc-editor.org/rfc/rfc2606): cleanup.sql finds test data by it.
--
--   psql -v seed=7 -v users=25000 -v courses=600 -v as_of=2025-01-31 -f data.sql
--
-- seed      any integer; default 1
-- users     accounts: 10 administrators, one in fifty an instructor, the others students; default 25000
-- courses   default 600, 20 lessons each on average; no multiple of 7919 (see pg_temp.course_at)
-- as_of     the day on which the data ends; default today (UTC)

\set ON_ERROR_STOP on
\if :{?seed}
\else
  \set seed 1
\endif
\if :{?users}
\else
  \set users 25000
\endif
\if :{?courses}
\else
  \set courses 600
\endif
\if :{?as_of}
\else
  select (now() at time zone 'UTC')::date as as_of \gset
\endif

begin;
set local time zone 'UTC';
set local synchronous_commit = off;
set local work_mem = '256MB';
set local jit = off;

-- The rows are consistent by construction; a superuser need not have each foreign key looked up a million times.
select set_config('session_replication_role', 'replica', true)
  from pg_roles where rolname = current_user and rolsuper \g /dev/null

-- A number in [0, 1) for the row `id` and the use `use`: the hash's upper 53 bits, as many as a double holds.
create function pg_temp.u(id bigint, use integer) returns double precision
language sql immutable parallel safe
return ((hashint8extended(id, :seed::bigint * 1000 + use) >> 11) & 9007199254740991)
       / 9007199254740992.0::double precision;

-- A moment between `earliest` and the end of the data, the more likely the later it is.
create function pg_temp.recently(earliest timestamptz, u double precision) returns timestamptz
language sql immutable parallel safe
return date_trunc('second', :'as_of'::timestamptz - (:'as_of'::timestamptz - earliest) * (u * u));

-- The course of a popularity rank (0: most popular). The mix uses the same formula: 7919 is prime, so ranks map one
-- to one onto course numbers and the popular courses lie scattered over the table, as they do in real life.
create function pg_temp.course_at(rank integer) returns bigint
language sql immutable parallel safe
return 1 + (rank::bigint * 7919) % :courses;

\echo users
insert into users (id, email, full_name, password_hash, role, bio, avatar_url, locale, time_zone, is_active,
                   last_login_at, created_at, updated_at)
select id,
       role || id || '@lms.example',
       (array['Ada','Amir','Ana','Ben','Chen','Clara','Deniz','Elif','Emma','Farid','Grace','Hana','Igor','Ines',
              'Jonas','Kofi','Lea','Luca','Maya','Mehmet','Mina','Nadia','Noah','Olga','Omar','Paul','Priya','Rosa',
              'Samir','Sofia','Tariq','Yuki'])[1 + floor(pg_temp.u(id, 1) * 32)::int] || ' ' ||
       (array['Adeyemi','Bauer','Costa','Demir','Eriksen','Fischer','Garcia','Haddad','Ivanova','Jansen','Kaya','Kim',
              'Lopez','Mensah','Meyer','Nguyen','Novak','Okafor','Patel','Rossi','Sato','Schmidt','Silva','Singh',
              'Tanaka','Weber','Wong','Yilmaz'])[1 + floor(pg_temp.u(id, 2) * 28)::int],
       '$2b$12$' || substr(encode(sha256(int8send(hashint8extended(id, :seed))), 'base64'), 1, 53),
       role,
       case when role = 'instructor' then 'Teaches on the platform since ' || to_char(created_at, 'YYYY') || '.' end,
       case when pg_temp.u(id, 3) < 0.6 then '/uploads/avatars/' || id || '.webp' end,
       (array['en','en','en','de','tr','es','fr','pt'])[1 + floor(pg_temp.u(id, 4) * 8)::int],
       (array['UTC','Europe/Berlin','Europe/Istanbul','America/New_York','Asia/Kolkata'])
         [1 + floor(pg_temp.u(id, 5) * 5)::int],
       pg_temp.u(id, 6) < 0.97,
       case when pg_temp.u(id, 7) < 0.93 then pg_temp.recently(created_at, pg_temp.u(id, 8) ^ 2) end,
       created_at,
       created_at
  from (select id,
               case when id <= 10 then 'admin' when id <= 10 + :users / 50 then 'instructor' else 'student' end as role,
               pg_temp.recently(:'as_of'::timestamptz - interval '4 years', pg_temp.u(id, 9)) as created_at
          from generate_series(1, :users) id) as account;

\echo courses
-- The last 15 % by popularity are drafts. An instructor with a low number teaches more courses.
create temporary table course_rank on commit drop as
select pg_temp.course_at(rank) as course_id, rank, rank < :courses * 85 / 100 as is_published
  from generate_series(0, :courses - 1) rank;

insert into courses (id, instructor_id, title, slug, summary, description, category, level, language, price_cents,
                     thumbnail_url, is_published, published_at, created_at, updated_at)
select id,
       11 + floor(:users / 50 * pg_temp.u(id, 21) ^ 2)::int,
       topic || ', part ' || id,
       replace(lower(topic), ' ', '-') || '-' || id,
       'What you need to know about ' || lower(topic) || ', with exercises and a certificate.',
       repeat('In this part of ' || lower(topic) || ' you follow short videos, read the notes, practise with '
              'exercises and take a quiz after every fourth lesson. ', 3 + floor(pg_temp.u(id, 22) * 8)::int),
       (array['programming','data','design','business','languages','marketing','music','photography','health',
              'mathematics','science','writing'])[1 + floor(12 * pg_temp.u(id, 23) ^ 1.6)::int],
       (array['beginner','beginner','intermediate','advanced'])[1 + floor(pg_temp.u(id, 24) * 4)::int],
       (array['en','en','en','de','tr'])[1 + floor(pg_temp.u(id, 25) * 5)::int],
       (array[0, 0, 1900, 2900, 4900, 9900])[1 + floor(pg_temp.u(id, 26) * 6)::int],
       '/uploads/courses/' || id || '.webp',
       is_published,
       case when is_published then created_at + interval '14 days' * pg_temp.u(id, 27) end,
       created_at,
       created_at
  from (select course_id as id, is_published,
               (array['Python','SQL','Data Analysis','Web Design','Project Management','Spanish','Turkish',
                      'German','Marketing','Piano','Photography','Nutrition','Algebra','Statistics','Physics',
                      'Creative Writing'])
                 [1 + floor(pg_temp.u(course_id, 28) * 16)::int] as topic,
               pg_temp.recently(:'as_of'::timestamptz - interval '3 years', pg_temp.u(course_id, 29))
                 - interval '14 days' as created_at
          from course_rank) as course
 order by id;

\echo lessons
insert into lessons (course_id, position, title, kind, body, video_url, duration_seconds, is_preview, created_at,
                     updated_at)
select course.id,
       position,
       'Lesson ' || position,
       kind,
       case when kind <> 'video'
            then repeat('Read this carefully and try it yourself before you go on. ',
                        4 + floor(30 * pg_temp.u(n, 32))::int) end,
       case when kind = 'video' then '/uploads/videos/' || course.id || '/' || position || '.mp4' end,
       120 + floor(1500 * pg_temp.u(n, 33) ^ 2)::int,
       position <= 2,
       course.created_at,
       course.created_at
  from courses course
 cross join lateral generate_series(1, 8 + floor(25 * pg_temp.u(course.id, 31))::int) position
 cross join lateral (select course.id * 100 + position as n) number
 cross join lateral (select case when position % 4 = 0 then 'exercise'
                                 when pg_temp.u(n, 34) < 0.7 then 'video' else 'article' end as kind) as chosen
 order by course.id, position;

create temporary table course_size on commit drop as
select course_id, count(*)::int as lessons, min(id) as first_lesson from lessons group by course_id;
analyze course_size;

\echo quizzes
insert into quizzes (lesson_id, title, passing_score, time_limit_seconds, created_at, updated_at)
select id, 'Quiz after lesson ' || position, 60, 600, created_at, created_at
  from lessons where kind = 'exercise' order by id;

insert into quiz_questions (quiz_id, position, prompt, choices, correct_choice)
select quiz.id, position, 'Question ' || position || ': which statement is true?',
       '["the first", "the second", "the third", "the fourth"]', floor(4 * pg_temp.u(quiz.id * 10 + position, 41))::int
  from quizzes quiz, generate_series(1, 5) position;

\echo enrollments
-- Most students have a few courses, some have dozens. `done` is the part of the course that the student has finished.
insert into enrollments (student_id, course_id, status, progress_percentage, price_paid_cents, enrolled_at,
                         last_accessed_at, completed_at)
select student_id, course_id, status, round(100.0 * finished / lessons, 2), price_cents, enrolled_at, last_accessed_at,
       case when status = 'completed' then last_accessed_at end
  from (select distinct on (student.id, course_id)
               student.id as student_id, course_id, n,
               greatest(student.created_at, course.published_at) as earliest, course.price_cents, size.lessons
          from users student
         cross join lateral generate_series(1, 3 + floor(37 * pg_temp.u(student.id, 51) ^ 5)::int) pick
         cross join lateral (select student.id * 100 + pick as n) number
         cross join lateral pg_temp.course_at(floor(:courses * 85 / 100 * pg_temp.u(n, 52) ^ 2)::int) course_id
          join courses course on course.id = course_id
          join course_size size using (course_id)
         where student.role = 'student'
         order by student.id, course_id, pick) as choice
 cross join lateral (select case when pg_temp.u(n, 53) < 0.10 then 'completed'
                                 when pg_temp.u(n, 53) < 0.55 then 'active' else 'dropped' end as status) as outcome
 cross join lateral (select floor(lessons * case status when 'completed' then 1
                                                        when 'active' then pg_temp.u(n, 54) ^ 3
                                                        else 0.4 * pg_temp.u(n, 54) ^ 3 end)::int as finished) as done
 cross join lateral pg_temp.recently(earliest, pg_temp.u(n, 55)) enrolled_at
 cross join lateral pg_temp.recently(enrolled_at, pg_temp.u(n, 56)) last_accessed_at
 order by enrolled_at, student_id, course_id;

\echo lesson_progress
-- The lessons an enrollment has finished, and the one it stands at.
insert into lesson_progress (enrollment_id, lesson_id, status, watched_seconds, last_position_seconds, started_at,
                             completed_at, updated_at)
select enrollment.id, lesson.id, case when finished then 'completed' else 'in_progress' end, watched,
       case when finished then 0 else watched end, moment - interval '1 hour', case when finished then moment end,
       moment
  from enrollments enrollment
  join course_size size using (course_id)
 cross join lateral (select round(size.lessons * enrollment.progress_percentage / 100)::int as finished_lessons) as done
 cross join lateral generate_series(1, least(finished_lessons + 1, size.lessons)) place
  join lessons lesson on lesson.id = size.first_lesson + place - 1
 cross join lateral (select place <= finished_lessons as finished,
                            enrollment.enrolled_at + (enrollment.last_accessed_at - enrollment.enrolled_at)
                              * (place::double precision / (finished_lessons + 1)) as moment) as state
 cross join lateral (select case when finished then lesson.duration_seconds
                                 else floor(lesson.duration_seconds * pg_temp.u(enrollment.id, 61))::int end
                              as watched) as seen
 where finished_lessons > 0 or enrollment.status = 'active'
 order by moment, enrollment.id, place;

\echo quiz_attempts, certificates, course_reviews
insert into quiz_attempts (enrollment_id, quiz_id, attempt_number, answers, score, passed, started_at, submitted_at)
select progress.enrollment_id, quiz.id, 1, '[0, 1, 2, 3, 0]', score, score >= quiz.passing_score,
       progress.completed_at, progress.completed_at + interval '5 minutes'
  from quizzes quiz
  join lesson_progress progress on progress.lesson_id = quiz.lesson_id and progress.status = 'completed'
 cross join lateral (select 20 * floor(6 * sqrt(pg_temp.u(progress.id, 71)))::int as score) as result
 where pg_temp.u(progress.id, 72) < 0.5
 order by progress.enrollment_id, quiz.id;

insert into certificates (enrollment_id, certificate_number, file_url, issued_at)
select id, 'LMS-' || lpad(id::text, 9, '0'), '/certificates/' || id || '.pdf', completed_at
  from enrollments where status = 'completed' order by id;

insert into course_reviews (enrollment_id, course_id, rating, comment, created_at)
select id, course_id, 5 - floor(4 * pg_temp.u(id, 81) ^ 2)::int,
       case when pg_temp.u(id, 82) < 0.4 then 'Clear, and the exercises helped.' end, completed_at
  from enrollments where status = 'completed' and pg_temp.u(id, 83) < 0.35 order by id;

update courses
   set rating_average = review.average, rating_count = review.count
  from (select course_id, round(avg(rating), 2) as average, count(*) as count
          from course_reviews group by course_id) review
 where review.course_id = courses.id;

-- New rows continue after the ones above.
select setval(pg_get_serial_sequence('users', 'id'), (select max(id) from users)),
       setval(pg_get_serial_sequence('courses', 'id'), (select max(id) from courses)) \g /dev/null

commit;
