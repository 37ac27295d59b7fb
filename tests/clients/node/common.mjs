// What the suites of this folder share. They connect through libpq's environment variables.
import pg from 'pg';

/** A connected client; ended when the test `t` ends. */
export async function connect(t, options = {}) {
  const client = new pg.Client({ connectionTimeoutMillis: 20000, ...options });
  await client.connect();
  t.after(() => client.end());
  return client;
}

/** A pool of `max` connections; ended when the test `t` ends. */
export function makePool(t, max) {
  const pool = new pg.Pool({ max, connectionTimeoutMillis: 20000 });
  t.after(() => pool.end());
  return pool;
}

/** Makes a table with a name of its own; dropped when the test `t` ends. */
export async function makeTable(t, columns) {
  const owner = new pg.Client();
  await owner.connect();
  const name = `n_${Math.random().toString(36).slice(2)}`;
  await owner.query(`CREATE TABLE ${name} (${columns})`);
  t.after(async () => {
    await owner.query(`DROP TABLE ${name}`);
    await owner.end();
  });
  return name;
}
