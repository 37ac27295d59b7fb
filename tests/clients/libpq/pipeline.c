/* Pipelines: https://www.postgresql.org/docs/15/libpq-pipeline-mode.html */
#include "common.h"

static void send(const char* sql, const char* value) {
  CHECK(PQsendQueryParams(connection, sql, value ? 1 : 0, NULL, value ? &value : NULL, NULL, NULL, 0));
}

static void send_prepared(const char* name, const char* value) {
  CHECK(PQsendQueryPrepared(connection, name, 1, &value, NULL, NULL, 0));
}

/* Parse, Bind, Execute of a named statement with several Syncs, all sent before anything is read. */
static void named_statement_over_several_syncs(void) {
  printf("-- named statement\n");
  CHECK(PQsendPrepare(connection, "twice", "SELECT $1::int * 2 AS twice", 1, NULL));
  send_prepared("twice", "1");
  CHECK(PQpipelineSync(connection));
  send_prepared("twice", "2");
  send_prepared("twice", "3");
  CHECK(PQpipelineSync(connection));
  CHECK(PQsendDescribePrepared(connection, "twice"));
  CHECK(PQpipelineSync(connection));
  for (int i = 0; i < 3; ++i) print_until_sync();
}

/* An error skips everything up to its Sync, and nothing after it. */
static void errors_in_the_middle(void) {
  printf("-- errors\n");
  send("SELECT 'before' AS word", NULL);
  send("SELECT 1 / $1::int AS never", "0");
  send("SELECT 'skipped' AS word", NULL);
  send_prepared("twice", "4");
  CHECK(PQpipelineSync(connection));
  send("SELECT 'after' AS word", NULL);
  CHECK(PQpipelineSync(connection));
  CHECK(PQsendPrepare(connection, "broken", "SELECT * FROM nowhere", 0, NULL));
  CHECK(PQsendQueryPrepared(connection, "broken", 0, NULL, NULL, NULL, 0));
  CHECK(PQpipelineSync(connection));
  CHECK(PQsendPrepare(connection, "broken", "SELECT 'whole again' AS word", 0, NULL));
  CHECK(PQsendQueryPrepared(connection, "broken", 0, NULL, NULL, NULL, 0));
  CHECK(PQpipelineSync(connection));
  CHECK(PQsendPrepare(connection, "broken", "SELECT 'taken'", 0, NULL));
  CHECK(PQpipelineSync(connection));
  send_prepared("unknown", "1");
  CHECK(PQpipelineSync(connection));
  for (int i = 0; i < 6; ++i) print_until_sync();
}

/* What stands between two Syncs is one implicit transaction. */
static void implicit_transactions(void) {
  printf("-- implicit transactions\n");
  send("CREATE TEMP TABLE kept (id int)", NULL);
  CHECK(PQpipelineSync(connection));
  send("INSERT INTO kept VALUES ($1::int)", "1");
  send("INSERT INTO kept VALUES ($1::int)", "2");
  CHECK(PQpipelineSync(connection));
  send("INSERT INTO kept VALUES ($1::int)", "3");
  send("INSERT INTO kept VALUES (1 / $1::int)", "0");
  CHECK(PQpipelineSync(connection));
  send("SELECT string_agg(id::text, ',' ORDER BY id) AS ids FROM kept", NULL);
  CHECK(PQpipelineSync(connection));
  send("DROP TABLE kept", NULL);
  CHECK(PQpipelineSync(connection));
  for (int i = 0; i < 5; ++i) print_until_sync();
}

/* An explicit transaction may begin and end inside one pipeline and span Syncs. */
static void explicit_transactions(void) {
  printf("-- explicit transactions\n");
  send("BEGIN", NULL);
  send("SET LOCAL work_mem = '9MB'", NULL);
  CHECK(PQpipelineSync(connection));
  send("SELECT current_setting('work_mem') AS inside", NULL);
  send("COMMIT", NULL);
  send("SELECT current_setting('work_mem') AS outside", NULL);
  CHECK(PQpipelineSync(connection));
  send("BEGIN", NULL);
  send("SELECT 1 / 0", NULL);
  CHECK(PQpipelineSync(connection));
  send("SELECT 'still failed'", NULL);
  CHECK(PQpipelineSync(connection));
  send("ROLLBACK", NULL);
  CHECK(PQpipelineSync(connection));
  for (int i = 0; i < 5; ++i) print_until_sync();
}

/* A flush request makes the server answer without a Sync. */
static void flush_request(void) {
  printf("-- flush request\n");
  send("SELECT 'flushed' AS word", NULL);
  CHECK(PQsendFlushRequest(connection));
  CHECK(PQflush(connection) == 0);
  PGresult* result = PQgetResult(connection);
  print_result(result);
  PQclear(result);
  CHECK(PQgetResult(connection) == NULL);
  send("SELECT 'synced' AS word", NULL);
  CHECK(PQpipelineSync(connection));
  print_until_sync();
}

static void single_row_mode(void) {
  printf("-- single rows in a pipeline\n");
  send("SELECT n FROM generate_series(1, $1::int) n", "3");
  CHECK(PQpipelineSync(connection));
  CHECK(PQsetSingleRowMode(connection));
  print_until_sync();
}

/* More in flight in both directions than any buffer holds: write and read in turn, never blocking. */
static void ten_thousand_in_flight(void) {
  printf("-- ten thousand\n");
  enum { kQueries = 10000, kPerSync = 100 };
  long sum = 0;
  int sent = 0, synced = 0, results = 0;
  CHECK(PQsetnonblocking(connection, 1) == 0);
  while (synced < kQueries / kPerSync) {
    for (int burst = 0; burst < 500 && sent < kQueries; ++burst) {
      char value[16];
      snprintf(value, sizeof value, "%d", sent);
      send_prepared("twice", value);
      if (++sent % kPerSync == 0) CHECK(PQpipelineSync(connection));
    }
    CHECK(PQflush(connection) >= 0);
    CHECK(PQconsumeInput(connection));
    while (synced < kQueries / kPerSync && !PQisBusy(connection)) {
      PGresult* result = PQgetResult(connection);
      if (!result) {
        if (results == sent) break;
        continue;
      }
      if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        ++synced;
      } else {
        CHECK(PQresultStatus(result) == PGRES_TUPLES_OK);
        CHECK(atol(PQgetvalue(result, 0, 0)) == 2L * results);
        sum += atol(PQgetvalue(result, 0, 0));
        ++results;
      }
      PQclear(result);
    }
  }
  CHECK(PQsetnonblocking(connection, 0) == 0);
  printf("%d results, sum %ld\n", results, sum);
}

int main(void) {
  connect_from_environment();
  CHECK(PQenterPipelineMode(connection));
  named_statement_over_several_syncs();
  errors_in_the_middle();
  implicit_transactions();
  explicit_transactions();
  flush_request();
  single_row_mode();
  ten_thousand_in_flight();
  CHECK(PQexitPipelineMode(connection));
  execute("SELECT 1");
  PQfinish(connection);
  return 0;
}
