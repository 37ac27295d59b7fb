import assert from 'node:assert/strict';
import test from 'node:test';

import { connect, makePool, makeTable } from './common.mjs';

test('simple and parametrised queries, and their types', async (t) => {
  const client = await connect(t);
  const simple = await client.query("SELECT 1 AS one, 'zwölf' AS word, NULL AS nothing, ARRAY[1,2] AS list");
  assert.deepEqual(simple.rows, [{ one: 1, word: 'zwölf', nothing: null, list: [1, 2] }]);
  const { rows, rowCount, command } = await client.query(
    'SELECT $1::int + 1 AS sum, $2::jsonb AS data, $3::bytea AS raw, $4::timestamptz AS stamp',
    [41, { a: [1, null] }, Buffer.from([0, 255]), new Date(0)],
  );
  assert.deepEqual(rows[0], { sum: 42, data: { a: [1, null] }, raw: Buffer.from([0, 255]), stamp: new Date(0) });
  assert.equal(rowCount, 1);
  assert.equal(command, 'SELECT');
});

test('several results of one string', async (t) => {
  const client = await connect(t);
  const results = await client.query('SELECT 1 AS a; SELECT 2 AS b, 3 AS c; SELECT 4 WHERE false');
  assert.deepEqual(results.map((result) => result.rows), [[{ a: 1 }], [{ b: 2, c: 3 }], []]);
});

test('queries that are queued without waiting come back in order', async (t) => {
  const client = await connect(t);
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, number) => client.query('SELECT $1::int AS n', [number])),
  );
  assert.deepEqual(answers.map(({ rows }) => rows[0].n), Array.from({ length: 500 }, (_, number) => number));
});

test('an error leaves the client usable, and has the server\'s fields', async (t) => {
  const client = await connect(t);
  const table = await makeTable(t, 'id int PRIMARY KEY');
  await client.query(`INSERT INTO ${table} VALUES (1)`);
  await assert.rejects(client.query(`INSERT INTO ${table} VALUES ($1)`, [1]), (error) => {
    assert.equal(error.code, '23505');
    assert.equal(error.severity, 'ERROR');
    assert.equal(error.table, table);
    assert.equal(error.constraint, `${table}_pkey`);
    assert.equal(error.detail, 'Key (id)=(1) already exists.');
    return true;
  });
  await assert.rejects(client.query('SELECT $1::int', ['no number']), { code: '22P02' });
  await assert.rejects(client.query('SELEKT'), { code: '42601', position: '1' });
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
});

test('transactions and savepoints', async (t) => {
  const client = await connect(t);
  const table = await makeTable(t, 'id int PRIMARY KEY');
  await client.query('BEGIN');
  await client.query(`INSERT INTO ${table} VALUES (1)`);
  await client.query('SAVEPOINT before');
  await assert.rejects(client.query(`INSERT INTO ${table} VALUES (1)`), { code: '23505' });
  await assert.rejects(client.query('SELECT 1'), { code: '25P02' });
  await client.query('ROLLBACK TO SAVEPOINT before');
  await client.query(`INSERT INTO ${table} VALUES (2)`);
  await client.query('COMMIT');
  assert.deepEqual((await client.query(`SELECT id FROM ${table} ORDER BY id`)).rows, [{ id: 1 }, { id: 2 }]);
});

test('notices arrive', async (t) => {
  const client = await connect(t);
  const notice = new Promise((resolve) => client.once('notice', resolve));
  await client.query("DO $$ BEGIN RAISE WARNING 'careful' USING ERRCODE = '01234'; END $$");
  const { severity, message, code } = await notice;
  assert.deepEqual({ severity, message, code }, { severity: 'WARNING', message: 'careful', code: '01234' });
});

test('connection options arrive and last', async (t) => {
  const client = await connect(t, {
    application_name: 'node tests', options: '-c work_mem=9MB -c search_path=pg_catalog',
    statement_timeout: 7000, idle_in_transaction_session_timeout: 8000,
  });
  const names = [
    'application_name', 'work_mem', 'search_path', 'statement_timeout', 'idle_in_transaction_session_timeout',
  ];
  for (let turn = 0; turn < 3; turn++) {
    const values = [];
    for (const name of names) values.push((await client.query('SELECT current_setting($1) AS v', [name])).rows[0].v);
    assert.deepEqual(values, ['node tests', '9MB', 'pg_catalog', '7s', '8s']);
  }
});

test('a wrong password is refused in the server\'s words', async (t) => {
  await assert.rejects(connect(t, { password: 'wrong' }), { code: '28P01', severity: 'FATAL' });
});

test('a pool of ten works through two hundred transactions', async (t) => {
  const pool = makePool(t, 10);
  const table = await makeTable(t, 'id int PRIMARY KEY, count int');
  await pool.query(`INSERT INTO ${table} SELECT n, 0 FROM generate_series(0, 4) n`);
  await Promise.all(Array.from({ length: 200 }, async (_, number) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE ${table} SET count = count + 1 WHERE id = $1`, [number % 5]);
      await client.query(number % 4 === 3 ? 'ROLLBACK' : 'COMMIT');
    } finally {
      client.release();
    }
  }));
  assert.equal((await pool.query(`SELECT sum(count)::int AS sum FROM ${table}`)).rows[0].sum, 150);
});

test('a pipeline: queries are sent without waiting for answers, errors hit only their own', async (t) => {
  const client = await connect(t, { pipeline: true });
  const answers = await Promise.allSettled(Array.from({ length: 200 }, (_, number) => client.query({
    name: number % 2 ? 'hundredth' : undefined, text: 'SELECT 100 / $1::int AS n', values: [number % 50],
  })));
  answers.forEach((answer, number) => {
    if (number % 50 === 0) assert.equal(answer.reason.code, '22012');
    else assert.equal(answer.value.rows[0].n, Math.trunc(100 / (number % 50)));
  });
});
