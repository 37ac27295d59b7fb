import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.PGStatement;

/** Prepared statements, batches, cursors, generated keys, stringtype. */
public final class Statements {
  public static void main(String[] arguments) throws Exception {
    Common.check("server-prepared after five uses", Statements::preparedAfterFive);
    Common.check("server-prepared at once", Statements::preparedAfterFive, "prepareThreshold", "1");
    Common.check("never server-prepared", Statements::preparedAfterFive, "prepareThreshold", "0");
    Common.check("binary transfer at once", Statements::preparedAfterFive, "prepareThreshold", "-1");
    Common.check("simple query mode", Statements::preparedAfterFive, "preferQueryMode", "simple");
    Common.check("extended for prepared only", Statements::preparedAfterFive, "preferQueryMode", "extendedForPrepared");
    Common.check("cache everything", Statements::preparedAfterFive, "preferQueryMode", "extendedCacheEverything");
    Common.check("statement cache overflows", Statements::cacheOverflows, "preparedStatementCacheQueries", "4",
        "prepareThreshold", "1");
    Common.check("batch", Statements::batch);
    Common.check("batch rewritten into one insert", Statements::batch, "reWriteBatchedInserts", "true");
    Common.check("batch with an error", Statements::batchWithError);
    Common.check("cursor by fetch size", Statements::fetchSize);
    Common.check("holdable and scrollable results", Statements::holdable);
    Common.check("generated keys and updatable results", Statements::keysAndUpdates);
    Common.check("types", Statements::types);
    Common.check("strings as unknown", Statements::stringTypeUnspecified, "stringtype", "unspecified");
    Common.check("strings as varchar", Statements::stringTypeVarchar, "stringtype", "varchar");
    Common.check("changed table", Statements::changedTable, "autosave", "conservative", "prepareThreshold", "1");
    Common.check("deallocate all", Statements::deallocateAll, "prepareThreshold", "1", "autosave", "conservative");
    manyClients();
  }

  private static void preparedAfterFive(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT ?::int * 2")) {
      for (int i = 0; i < 20; ++i) {
        statement.setInt(1, i);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          Common.equal(2 * i, rows.getInt(1));
        }
      }
      Common.equal(true, statement.unwrap(PGStatement.class) != null);
    }
  }

  /** More texts than the driver keeps: it closes old statements as it goes. */
  private static void cacheOverflows(Connection connection) throws SQLException {
    for (int turn = 0; turn < 5; ++turn) {
      for (int i = 0; i < 12; ++i) {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::int + " + i)) {
          statement.setInt(1, turn);
          try (ResultSet rows = statement.executeQuery()) {
            rows.next();
            Common.equal(turn + i, rows.getInt(1));
          }
        }
      }
    }
  }

  private static String makeTable(Connection connection, String columns) throws SQLException {
    String name = "j_" + UUID.randomUUID().toString().replace("-", "");
    Common.execute(connection, "CREATE TABLE " + name + " (" + columns + ")");
    return name;
  }

  private static void dropTable(Connection connection, String name) throws SQLException {
    Common.execute(connection, "DROP TABLE " + name);
  }

  private static void batch(Connection connection) throws SQLException {
    String table = makeTable(connection, "id int, word text");
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO " + table + " VALUES (?, ?)")) {
      for (int i = 0; i < 5000; ++i) {
        insert.setInt(1, i);
        insert.setString(2, "w" + i);
        insert.addBatch();
      }
      Common.equal(5000, insert.executeBatch().length);
    }
    connection.commit();
    connection.setAutoCommit(true);
    Common.equal("5000", Common.one(connection, "SELECT count(DISTINCT (id, word)) FROM " + table));
    dropTable(connection, table);
  }

  private static void batchWithError(Connection connection) throws Exception {
    String table = makeTable(connection, "id int PRIMARY KEY");
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO " + table + " VALUES (?)")) {
      for (int id : new int[] {1, 2, 1, 3}) {
        insert.setInt(1, id);
        insert.addBatch();
      }
      SQLException error = Common.fails("23505", insert::executeBatch);
      Common.equal(true, error instanceof BatchUpdateException);
    }
    Common.equal("0", Common.one(connection, "SELECT count(*) FROM " + table));
    dropTable(connection, table);
  }

  private static void fetchSize(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement walk = connection.prepareStatement("SELECT n FROM generate_series(1, ?) n")) {
      walk.setFetchSize(100);
      walk.setInt(1, 5000);
      long sum = 0;
      try (ResultSet rows = walk.executeQuery()) {
        while (rows.next()) {
          sum += rows.getInt(1);
          if (rows.getRow() % 1000 == 0) Common.equal("1", Common.one(connection, "SELECT 1"));
        }
      }
      Common.equal(12502500L, sum);
    }
    connection.commit();
  }

  private static void holdable(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE,
             ResultSet.CONCUR_READ_ONLY, ResultSet.HOLD_CURSORS_OVER_COMMIT)) {
      ResultSet rows = statement.executeQuery("SELECT * FROM generate_series(1, 10)");
      connection.commit();
      rows.absolute(7);
      Common.equal(7, rows.getInt(1));
      rows.previous();
      Common.equal(6, rows.getInt(1));
    }
  }

  private static void keysAndUpdates(Connection connection) throws SQLException {
    String table = makeTable(connection, "id serial PRIMARY KEY, word text");
    try (PreparedStatement insert = connection.prepareStatement(
             "INSERT INTO " + table + " (word) VALUES (?), (?)", Statement.RETURN_GENERATED_KEYS)) {
      insert.setString(1, "a");
      insert.setString(2, "b");
      Common.equal(2, insert.executeUpdate());
      List<Integer> keys = new ArrayList<>();
      try (ResultSet rows = insert.getGeneratedKeys()) {
        while (rows.next()) keys.add(rows.getInt("id"));
      }
      Common.equal(List.of(1, 2), keys);
    }
    try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE);
         ResultSet rows = statement.executeQuery("SELECT id, word FROM " + table + " ORDER BY id")) {
      rows.next();
      rows.updateString("word", "changed");
      rows.updateRow();
    }
    Common.equal("changed", Common.one(connection, "SELECT word FROM " + table + " WHERE id = 1"));
    dropTable(connection, table);
  }

  private static void types(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(
             "SELECT ?::uuid, ?::text[], ?::bytea, ?::numeric, ?::date")) {
      UUID id = new UUID(1, 2);
      for (int i = 0; i < 8; ++i) { // text at first, binary when prepared
        statement.setObject(1, id);
        statement.setArray(2, connection.createArrayOf("text", new String[] {"a,b", null, "\"c\""}));
        statement.setBytes(3, new byte[] {0, -1});
        statement.setBigDecimal(4, new java.math.BigDecimal("12345678901234567890.123"));
        statement.setObject(5, java.time.LocalDate.of(2024, 2, 29));
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          Common.equal(id, rows.getObject(1));
          Common.equal("[a,b, null, \"c\"]", java.util.Arrays.toString((Object[]) rows.getArray(2).getArray()));
          Common.equal(-1, (int) rows.getBytes(3)[1]);
          Common.equal("12345678901234567890.123", rows.getBigDecimal(4).toString());
          Common.equal(java.time.LocalDate.of(2024, 2, 29), rows.getObject(5, java.time.LocalDate.class));
        }
      }
    }
  }

  private static void stringTypeUnspecified(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT 41 + ?, now() > ?")) {
      statement.setString(1, "1");
      statement.setString(2, "2020-01-01");
      for (int i = 0; i < 8; ++i) {
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          Common.equal(42, rows.getInt(1));
          Common.equal(true, rows.getBoolean(2));
        }
      }
    }
  }

  private static void stringTypeVarchar(Connection connection) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement("SELECT 41 + ?")) {
      statement.setString(1, "1");
      Common.fails("42883", statement::executeQuery);
    }
  }

  /** With autosave the driver repeats a statement whose cached plan no longer fits. */
  private static void changedTable(Connection connection) throws SQLException {
    String table = makeTable(connection, "id int");
    Common.execute(connection, "INSERT INTO " + table + " VALUES (1)");
    connection.setAutoCommit(false);
    try (PreparedStatement select = connection.prepareStatement("SELECT * FROM " + table + " WHERE id = ?")) {
      for (int turn = 0; turn < 3; ++turn) {
        select.setInt(1, 1);
        try (ResultSet rows = select.executeQuery()) {
          rows.next();
          Common.equal(turn + 1, rows.getMetaData().getColumnCount());
        }
        connection.commit();
        Common.execute(connection, "ALTER TABLE " + table + " ADD COLUMN c" + turn + " int");
        connection.commit();
      }
    }
    dropTable(connection, table);
    connection.commit();
  }

  private static void deallocateAll(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement select = connection.prepareStatement("SELECT ?::int")) {
      for (int turn = 0; turn < 6; ++turn) {
        select.setInt(1, turn);
        try (ResultSet rows = select.executeQuery()) {
          rows.next();
          Common.equal(turn, rows.getInt(1));
        }
        connection.commit();
        if (turn % 2 == 1) {
          Common.execute(connection, "DEALLOCATE ALL");
          connection.commit();
        }
      }
    }
  }

  /** Ten clients; all of them call their statements S_1, S_2 and so on. */
  private static void manyClients() throws Exception {
    System.out.println("# ten clients");
    ExecutorService pool = Executors.newFixedThreadPool(10);
    List<Future<Integer>> clients = new ArrayList<>();
    for (int client = 0; client < 10; ++client) {
      final int number = client;
      clients.add(pool.submit(() -> oneOfMany(number)));
    }
    for (Future<Integer> client : clients) Common.equal(50, client.get());
    pool.shutdown();
    System.out.println("ok ten clients");
  }

  private static int oneOfMany(int number) throws SQLException {
    int done = 0;
    try (Connection connection = Common.connect("prepareThreshold", "1");
         PreparedStatement statement = connection.prepareStatement("SELECT " + number + " * 1000 + ?::int")) {
      for (int i = 0; i < 50; ++i) {
        statement.setInt(1, i);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          Common.equal(number * 1000 + i, rows.getInt(1));
          ++done;
        }
      }
    }
    return done;
  }

  private Statements() {}
}
