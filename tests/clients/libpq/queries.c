/* Single-row mode, describing, portals, COPY by hand, cancelling, and resetting a connection. */
#include "common.h"

static void single_rows_of_a_large_result(void) {
  long rows = 0, bytes = 0;
  CHECK(PQsendQuery(connection, "SELECT n, repeat('x', 200) FROM generate_series(1, 50000) n"));
  CHECK(PQsetSingleRowMode(connection));
  for (PGresult* result; (result = PQgetResult(connection)); PQclear(result)) {
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
      ++rows;
      bytes += PQgetlength(result, 0, 1);
    } else {
      print_result(result);
    }
  }
  printf("%ld rows, %ld bytes\n", rows, bytes);
}

static void an_error_after_rows(void) {
  CHECK(PQsendQuery(connection, "SELECT 10 / (3 - n) AS part FROM generate_series(1, 5) n"));
  CHECK(PQsetSingleRowMode(connection));
  for (PGresult* result; (result = PQgetResult(connection)); PQclear(result)) print_result(result);
}

static void statement_and_portal_descriptions(void) {
  PQclear(PQprepare(connection, "typed", "SELECT $1::int4 AS a, $2::text AS b, now() AS c", 0, NULL));
  PGresult* result = PQdescribePrepared(connection, "typed");
  printf("%d parameters: %u %u\n", PQnparams(result), PQparamtype(result, 0), PQparamtype(result, 1));
  for (int i = 0; i < PQnfields(result); ++i) {
    printf("%s %u %d\n", PQfname(result, i), PQftype(result, i), PQfsize(result, i));
  }
  PQclear(result);
  execute("BEGIN");
  execute("DECLARE walk CURSOR FOR SELECT 1 AS one");
  result = PQdescribePortal(connection, "walk");
  printf("portal: %d field %s\n", PQnfields(result), PQfname(result, 0));
  PQclear(result);
  execute("COMMIT");
  result = PQdescribePortal(connection, "walk");
  print_result(result);
  PQclear(result);
}

static void copy_by_hand(void) {
  execute("CREATE TEMP TABLE copied (id int, word text)");
  PGresult* result = PQexec(connection, "COPY copied FROM STDIN");
  printf("%s, %d columns\n", PQresStatus(PQresultStatus(result)), PQnfields(result));
  PQclear(result);
  CHECK(PQputCopyData(connection, "1\ton", 4) == 1); /* a row may be split anywhere */
  CHECK(PQputCopyData(connection, "e\n2\ttwo\n", 8) == 1);
  CHECK(PQputCopyEnd(connection, NULL) == 1);
  while ((result = PQgetResult(connection))) print_result(result), PQclear(result);

  PQclear(PQexec(connection, "COPY copied FROM STDIN"));
  CHECK(PQputCopyData(connection, "3\tthree\n", 8) == 1);
  CHECK(PQputCopyEnd(connection, "no more") == 1);
  while ((result = PQgetResult(connection))) print_result(result), PQclear(result);

  PQclear(PQexec(connection, "COPY copied TO STDOUT"));
  char* line;
  while (PQgetCopyData(connection, &line, 0) > 0) printf("copied: %s", line), PQfreemem(line);
  while ((result = PQgetResult(connection))) print_result(result), PQclear(result);
  execute("DROP TABLE copied");
}

static void several_results_of_one_string(void) {
  CHECK(PQsendQuery(connection, "SELECT 1 AS a; ; CREATE TEMP TABLE gone (); DROP TABLE gone; SELECT 1/0; SELECT 2"));
  for (PGresult* result; (result = PQgetResult(connection)); PQclear(result)) print_result(result);
  PGresult* result = PQexec(connection, "");
  print_result(result);
  PQclear(result);
}

static void reset_connection(void) {
  execute("SET work_mem = '8MB'");
  PQreset(connection);
  CHECK(PQstatus(connection) == CONNECTION_OK);
  PGresult* result = PQexec(connection, "SHOW work_mem");
  print_result(result);
  PQclear(result);
}

static void binary_parameters_and_results(void) {
  const unsigned char number[4] = {0, 0, 1, 2};
  const char* values[1] = {(const char*)number};
  const int lengths[1] = {4}, formats[1] = {1};
  const Oid types[1] = {23};
  PGresult* result = PQexecParams(connection, "SELECT $1 + 1", 1, types, values, lengths, formats, 1);
  const unsigned char* bytes = (const unsigned char*)PQgetvalue(result, 0, 0);
  printf("binary %d: %d %d %d %d\n", PQfformat(result, 0), bytes[0], bytes[1], bytes[2], bytes[3]);
  PQclear(result);
}

int main(void) {
  connect_from_environment();
  single_rows_of_a_large_result();
  an_error_after_rows();
  statement_and_portal_descriptions();
  copy_by_hand();
  several_results_of_one_string();
  binary_parameters_and_results();
  reset_connection();
  PQfinish(connection);
  return 0;
}
