/* What the programs of this folder share: they connect through libpq's environment variables and print one line
 * for each result, so that two runs can be compared. */
#ifndef FOREBAY_TESTS_LIBPQ_COMMON_H
#define FOREBAY_TESTS_LIBPQ_COMMON_H

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                       \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      fprintf(stderr, "%s:%d: %s is false: %s\n", __FILE__, __LINE__, #condition,              \
              connection ? PQerrorMessage(connection) : "");                                   \
      exit(1);                                                                                 \
    }                                                                                          \
  } while (0)

static PGconn* connection;

static inline void connect_from_environment(void) {
  connection = PQconnectdb("");
  CHECK(PQstatus(connection) == CONNECTION_OK);
}

static inline void execute(const char* sql) {
  PGresult* result = PQexec(connection, sql);
  CHECK(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK);
  PQclear(result);
}

/* Status, SQLSTATE of an error, command tag, and all values of at most the first three rows. */
static inline void print_result(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  printf("%s", PQresStatus(PQresultStatus(result)));
  if (state) printf(" %s %s", state, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  if (*PQcmdStatus((PGresult*)result)) printf(" [%s]", PQcmdStatus((PGresult*)result));
  for (int row = 0; row < PQntuples(result) && row < 3; ++row) {
    printf(row ? " /" : " :");
    for (int column = 0; column < PQnfields(result); ++column) {
      printf(" %s=%s", PQfname(result, column),
             PQgetisnull(result, row, column) ? "NULL" : PQgetvalue(result, row, column));
    }
  }
  printf("\n");
}

/* Prints everything up to the next synchronisation point, that included. */
static inline void print_until_sync(void) {
  for (;;) {
    PGresult* result = PQgetResult(connection);
    if (!result) continue; /* between two queries of a pipeline */
    const ExecStatusType status = PQresultStatus(result);
    print_result(result);
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) return;
    CHECK(PQstatus(connection) == CONNECTION_OK);
  }
}

#endif
