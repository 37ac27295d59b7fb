import assert from 'node:assert/strict';
import test from 'node:test';

import Cursor from 'pg-cursor';

import { connect, makePool, makeTable } from './common.mjs';

test('a named statement is parsed once and used over many transactions', async (t) => {
  const client = await connect(t);
  for (let number = 0; number < 20; number++) {
    const { rows } = await client.query({ name: 'twice', text: 'SELECT $1::int * 2 AS twice', values: [number] });
    assert.equal(rows[0].twice, number * 2);
  }
});

test('the same name stands for different texts in different clients', async (t) => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t)));
  for (let turn = 0; turn < 10; turn++) {
    const answers = await Promise.all(clients.map((client, number) => client.query({
      name: 'shared', text: `SELECT '${number}' || $1::text AS word`, values: [turn],
    })));
    answers.forEach(({ rows }, number) => assert.equal(rows[0].word, `${number}${turn}`));
  }
});

test('a named statement whose text is wrong does not take the name', async (t) => {
  const client = await connect(t);
  await assert.rejects(client.query({ name: 'broken', text: 'SELECT * FROM nowhere' }), { code: '42P01' });
  const { rows } = await client.query({ name: 'broken', text: 'SELECT 1 AS one' });
  assert.equal(rows[0].one, 1);
});

test('a name that DEALLOCATE freed is unknown afterwards', async (t) => {
  const client = await connect(t);
  const ask = () => client.query({ name: 'short', text: 'SELECT 1 AS one' });
  assert.equal((await ask()).rows[0].one, 1);
  await client.query('DEALLOCATE short');
  await assert.rejects(ask(), { code: '26000' });
});

test('a pool of ten uses named statements on whatever connection it gets', async (t) => {
  const pool = makePool(t, 10);
  const table = await makeTable(t, 'id int, word text');
  await Promise.all(Array.from({ length: 300 }, (_, number) => pool.query({
    name: 'insert', text: `INSERT INTO ${table} VALUES ($1, $2)`, values: [number, `w${number}`],
  })));
  const found = await Promise.all(Array.from({ length: 300 }, (_, number) => pool.query({
    name: 'find', text: `SELECT word FROM ${table} WHERE id = $1`, values: [number],
  })));
  found.forEach(({ rows }, number) => assert.deepEqual(rows, [{ word: `w${number}` }]));
});

test('a cursor reads a portal in parts inside a transaction', async (t) => {
  const client = await connect(t);
  await client.query('BEGIN');
  const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, $1::int) n', [250]));
  const sizes = [];
  let sum = 0;
  for (let rows; (rows = await cursor.read(100)).length > 0;) {
    sizes.push(rows.length);
    for (const { n } of rows) sum += n;
  }
  await cursor.close();
  await client.query('COMMIT');
  assert.deepEqual(sizes, [100, 100, 50]);
  assert.equal(sum, 31375);
});

test('a cursor outside a transaction keeps its portal until it is closed', async (t) => {
  const client = await connect(t);
  const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, 1000) n'));
  assert.equal((await cursor.read(10)).length, 10);
  assert.equal((await cursor.read(5))[4].n, 15);
  await cursor.close();
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
});

test('binary results', async (t) => {
  const client = await connect(t);
  const { rows } = await client.query({ text: 'SELECT $1::int4 AS n, $2::bool AS f', values: [7, true], binary: true });
  assert.deepEqual(rows, [{ n: 7, f: true }]);
});
