import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';

import pg from 'pg';
import copyStreams from 'pg-copy-streams';

import { connect, makeTable } from './common.mjs';

test('COPY in and out', async (t) => {
  const client = await connect(t);
  const table = await makeTable(t, 'id int, word text');
  const lines = Array.from({ length: 20000 }, (_, number) => `${number}\tw${number}\n`);
  await pipeline(Readable.from(lines), client.query(copyStreams.from(`COPY ${table} FROM STDIN`)));
  const out = client.query(copyStreams.to(`COPY (SELECT * FROM ${table} ORDER BY id) TO STDOUT`));
  const chunks = [];
  for await (const chunk of out) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), lines.join(''));
});

test('COPY with a bad line', async (t) => {
  const client = await connect(t);
  const table = await makeTable(t, 'id int');
  const copy = pipeline(Readable.from(['1\n', 'two\n']), client.query(copyStreams.from(`COPY ${table} FROM STDIN`)));
  await assert.rejects(copy, { code: '22P02', where: `COPY ${table}, line 2, column id: "two"` });
  assert.equal((await client.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n, 0);
});

test('LISTEN and NOTIFY', async (t) => {
  const listener = await connect(t);
  const sender = await connect(t);
  await listener.query('LISTEN news');
  const first = once(listener, 'notification');
  await sender.query("SELECT pg_notify('news', $1)", ['hello']);
  const [{ channel, payload }] = await first;
  assert.deepEqual([channel, payload], ['news', 'hello']);
  await listener.query('UNLISTEN news');
  listener.on('notification', () => assert.fail('no longer listening'));
  await sender.query('NOTIFY news');
  for (let turn = 0; turn < 3; turn++) await listener.query('SELECT 1');
});

test('a cancelled query ends with 57014', async (t) => {
  const client = await connect(t);
  const waiting = client.query('SELECT pg_sleep(30) AS node_waits');
  const ended = assert.rejects(waiting, { code: '57014' });
  const watcher = await connect(t);
  const isRunning = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query = $1";
  while ((await watcher.query(isRunning, ['SELECT pg_sleep(30) AS node_waits'])).rows[0].n === 0);
  // pg has no public cancel: its own Client opens a connection that sends the request.
  const other = new pg.Client({});
  other.cancel(client, client.activeQuery);
  await ended;
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
});

test('a query that is given up on the client\'s side leaves the others alone', async (t) => {
  const impatient = await connect(t, { query_timeout: 100 });
  const patient = await connect(t);
  const [given, kept] = await Promise.allSettled([
    impatient.query('SELECT pg_sleep(1)'), patient.query("SELECT 'kept' AS word FROM pg_sleep(0.5)"),
  ]);
  assert.match(given.reason.message, /Query read timeout/);
  assert.equal(kept.value.rows[0].word, 'kept');
});
