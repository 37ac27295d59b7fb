/* Large objects go through FunctionCall messages, and so does PQfn:
 * https://www.postgresql.org/docs/15/lo-interfaces.html, https://www.postgresql.org/docs/15/libpq-fastpath.html */
#include <libpq/libpq-fs.h>

#include "common.h"

static void write_and_read(void) {
  enum { kBlock = 8192, kBlocks = 50 };
  static char block[kBlock], read[kBlock];
  execute("BEGIN");
  const Oid object = lo_creat(connection, INV_READ | INV_WRITE);
  CHECK(object != InvalidOid);
  int descriptor = lo_open(connection, object, INV_READ | INV_WRITE);
  CHECK(descriptor >= 0);
  for (int i = 0; i < kBlocks; ++i) {
    memset(block, i, kBlock);
    CHECK(lo_write(connection, descriptor, block, kBlock) == kBlock);
  }
  printf("at %d\n", lo_tell(connection, descriptor));
  CHECK(lo_lseek(connection, descriptor, 7 * kBlock, SEEK_SET) == 7 * kBlock);
  CHECK(lo_read(connection, descriptor, read, kBlock) == kBlock && read[0] == 7 && read[kBlock - 1] == 7);
  CHECK(lo_truncate(connection, descriptor, 100) == 0);
  CHECK(lo_close(connection, descriptor) == 0);
  execute("COMMIT");

  execute("BEGIN");
  descriptor = lo_open(connection, object, INV_READ);
  printf("%d bytes left\n", lo_read(connection, descriptor, read, kBlock));
  printf("write refused: %d\n", lo_write(connection, descriptor, block, 1));
  execute("ROLLBACK");
  CHECK(lo_unlink(connection, object) == 1);
}

/* Outside a transaction a descriptor is gone as soon as it was made. */
static void descriptor_without_transaction(void) {
  const Oid object = lo_create(connection, 0);
  const int descriptor = lo_open(connection, object, INV_READ);
  char byte;
  printf("read %d: %s", lo_read(connection, descriptor, &byte, 1), PQerrorMessage(connection));
  CHECK(lo_unlink(connection, object) == 1);
}

static void fast_path(void) {
  enum { kInt4Plus = 177, kInt4Divide = 154 }; /* OIDs of int4pl and int4div, pg_proc.dat */
  PQArgBlock arguments[2] = {{.len = 4, .isint = 1, .u.integer = 40}, {.len = 4, .isint = 1, .u.integer = 2}};
  int sum = 0, length = 0;
  PGresult* result = PQfn(connection, kInt4Plus, &sum, &length, 1, arguments, 2);
  printf("%s %d\n", PQresStatus(PQresultStatus(result)), sum);
  PQclear(result);
  arguments[1].u.integer = 0;
  result = PQfn(connection, kInt4Divide, &sum, &length, 1, arguments, 2);
  print_result(result);
  PQclear(result);
  result = PQfn(connection, 1, &sum, &length, 1, arguments, 2);
  print_result(result);
  PQclear(result);
}

int main(void) {
  connect_from_environment();
  for (int turn = 0; turn < 3; ++turn) {
    write_and_read();
    descriptor_without_transaction();
    fast_path();
  }
  PQfinish(connection);
  return 0;
}
