import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.concurrent.Executors;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Transactions, savepoints, COPY, cancel, LISTEN, errors, large objects, session settings. */
public final class Sessions {
  public static void main(String[] arguments) throws Exception {
    Common.check("transactions", Sessions::transactions);
    Common.check("savepoint for each statement", Sessions::autosave, "autosave", "always");
    Common.check("isolation and read-only", Sessions::isolation, "readOnlyMode", "always");
    Common.check("connection settings", Sessions::settings, "ApplicationName", "jdbc tests", "currentSchema",
        "pg_catalog", "options", "-c work_mem=9MB");
    Common.check("client info and schema", Sessions::clientInfo);
    Common.check("copy", Sessions::copy);
    Common.check("query timeout", Sessions::queryTimeout);
    Common.check("cancel", Sessions::cancel);
    Common.check("listen", Sessions::listen);
    Common.check("errors and warnings", Sessions::errors);
    Common.check("large objects", Sessions::largeObjects);
    Common.check("multiple results", Sessions::multipleResults);
    Common.check("functions called", Sessions::callable);
    Common.check("aborted in the middle", Sessions::abort);
  }

  private static void transactions(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    Common.execute(connection, "CREATE TABLE jdbc_t (id int PRIMARY KEY)");
    connection.commit();
    Common.execute(connection, "INSERT INTO jdbc_t VALUES (1)");
    Savepoint savepoint = connection.setSavepoint("before");
    Common.fails("23505", () -> Common.execute(connection, "INSERT INTO jdbc_t VALUES (1)"));
    Common.fails("25P02", () -> Common.execute(connection, "SELECT 1"));
    connection.rollback(savepoint);
    Common.execute(connection, "INSERT INTO jdbc_t VALUES (2)");
    connection.commit();
    Common.execute(connection, "DELETE FROM jdbc_t");
    connection.rollback();
    Common.equal("2", Common.one(connection, "SELECT count(*) FROM jdbc_t"));
    Common.execute(connection, "DROP TABLE jdbc_t");
    connection.commit();
  }

  private static void autosave(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    Common.execute(connection, "CREATE TEMP TABLE saved (id int PRIMARY KEY)");
    Common.execute(connection, "INSERT INTO saved VALUES (1)");
    Common.fails("23505", () -> Common.execute(connection, "INSERT INTO saved VALUES (1)"));
    Common.execute(connection, "INSERT INTO saved VALUES (2)"); // the transaction goes on
    Common.equal("2", Common.one(connection, "SELECT count(*) FROM saved"));
    connection.commit();
    Common.equal("2", Common.one(connection, "SELECT count(*) FROM saved"));
    Common.execute(connection, "DROP TABLE saved");
    connection.commit();
  }

  private static void isolation(Connection connection) throws Exception {
    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    connection.setReadOnly(true);
    for (int i = 0; i < 3; ++i) {
      Common.equal("serializable", Common.one(connection, "SHOW transaction_isolation"));
      Common.fails("25006", () -> Common.execute(connection, "CREATE TABLE never ()"));
    }
    connection.setAutoCommit(false);
    for (int i = 0; i < 3; ++i) {
      Common.equal("serializable", Common.one(connection, "SHOW transaction_isolation"));
      Common.equal("on", Common.one(connection, "SHOW transaction_read_only"));
      connection.commit();
    }
  }

  private static void settings(Connection connection) throws SQLException {
    for (int i = 0; i < 3; ++i) {
      Common.equal("jdbc tests", Common.one(connection, "SHOW application_name"));
      Common.equal("pg_catalog", Common.one(connection, "SHOW search_path"));
      Common.equal("9MB", Common.one(connection, "SHOW work_mem"));
      Common.equal("Asia/Kolkata", Common.one(connection, "SHOW TimeZone")); // the driver sends the JVM's
    }
  }

  private static void clientInfo(Connection connection) throws SQLException {
    connection.setClientInfo("ApplicationName", "renamed");
    connection.setSchema("information_schema");
    for (int i = 0; i < 3; ++i) {
      Common.equal("renamed", Common.one(connection, "SHOW application_name"));
      Common.equal("renamed", connection.getClientInfo("ApplicationName"));
      Common.equal("information_schema", connection.getSchema());
    }
  }

  private static void copy(Connection connection) throws Exception {
    Common.execute(connection, "CREATE TEMP TABLE copied (id int, word text)");
    CopyManager manager = connection.unwrap(PGConnection.class).getCopyAPI();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 20000; ++i) lines.append(i).append(",w").append(i).append('\n');
    Common.equal(20000L, manager.copyIn("COPY copied FROM STDIN CSV", new StringReader(lines.toString())));
    StringWriter out = new StringWriter();
    manager.copyOut("COPY copied TO STDOUT CSV", out);
    Common.equal(lines.toString(), out.toString());
    Common.fails("22P02", () -> manager.copyIn("COPY copied FROM STDIN CSV", new StringReader("x,y\n")));
    Common.equal("20000", Common.one(connection, "SELECT count(*) FROM copied"));
    Common.execute(connection, "DROP TABLE copied");
  }

  private static void queryTimeout(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      Common.fails("57014", () -> statement.execute("SELECT pg_sleep(20)"));
      statement.setQueryTimeout(0);
      statement.execute("SELECT 1");
    }
  }

  private static void cancel(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      var thread = Executors.newSingleThreadExecutor();
      var done = thread.submit(() ->
          Common.fails("57014", () -> statement.execute("SELECT pg_sleep(20) AS jdbc_waits")));
      thread.shutdown();
      try (Connection watcher = Common.connect()) {
        String running = "SELECT count(*) FROM pg_stat_activity"
            + " WHERE state = 'active' AND query LIKE '%AS jdbc\\_waits'";
        while (Common.one(watcher, running).equals("0")) Thread.onSpinWait();
      }
      statement.cancel();
      done.get();
    }
    Common.equal("1", Common.one(connection, "SELECT 1"));
  }

  private static void listen(Connection connection) throws SQLException {
    Common.execute(connection, "LISTEN jdbc_news");
    try (Connection sender = Common.connect()) {
      Common.execute(sender, "NOTIFY jdbc_news, 'hello'");
    }
    PGNotification[] received = connection.unwrap(PGConnection.class).getNotifications(5000);
    Common.equal(1, received.length);
    Common.equal("jdbc_news/hello", received[0].getName() + "/" + received[0].getParameter());
    Common.execute(connection, "UNLISTEN *");
  }

  private static void errors(Connection connection) throws Exception {
    SQLException error = Common.fails("ABCDE", () -> Common.execute(connection,
        "DO $$ BEGIN RAISE 'own' USING ERRCODE = 'ABCDE', HINT = 'h', DETAIL = 'd', TABLE = 't'; END $$"));
    ServerErrorMessage message = ((PSQLException) error).getServerErrorMessage();
    Common.equal("ERROR own h d t", String.join(" ", message.getSeverity(), message.getMessage(), message.getHint(),
        message.getDetail(), message.getTable()));
    try (Statement statement = connection.createStatement()) {
      statement.execute("DO $$ BEGIN RAISE WARNING 'first'; RAISE NOTICE 'second'; END $$");
      SQLWarning warning = statement.getWarnings();
      Common.equal("first", warning.getMessage());
      Common.equal("second", warning.getNextWarning().getMessage());
    }
  }

  private static void largeObjects(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    LargeObjectManager manager = connection.unwrap(PGConnection.class).getLargeObjectAPI();
    long id = manager.createLO(LargeObjectManager.READWRITE);
    try (LargeObject object = manager.open(id, LargeObjectManager.READWRITE)) {
      object.write(new byte[300000]);
      object.seek(100);
      Common.equal(300000 - 100, object.read(400000).length);
    }
    connection.commit();
    manager.delete(id);
    connection.commit();
  }

  private static void multipleResults(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      Common.equal(true, statement.execute("SELECT 1; CREATE TEMP TABLE passing (id int); "
          + "INSERT INTO passing VALUES (1), (2); DROP TABLE passing; SELECT 2"));
      Common.equal(false, statement.getMoreResults());
      Common.equal(0, statement.getUpdateCount());
      Common.equal(false, statement.getMoreResults());
      Common.equal(2, statement.getUpdateCount());
      Common.equal(false, statement.getMoreResults());
      Common.equal(true, statement.getMoreResults());
    }
  }

  private static void callable(Connection connection) throws SQLException {
    try (var call = connection.prepareCall("{? = call upper(?)}")) {
      call.registerOutParameter(1, java.sql.Types.VARCHAR);
      call.setString(2, "loud");
      call.execute();
      Common.equal("LOUD", call.getString(1));
    }
  }

  /** The client goes away inside a transaction; another one finds nothing of it. */
  private static void abort(Connection connection) throws Exception {
    Common.execute(connection, "CREATE TABLE jdbc_aborted (id int)");
    Connection leaving = Common.connect();
    leaving.setAutoCommit(false);
    Common.execute(leaving, "INSERT INTO jdbc_aborted VALUES (1)");
    leaving.abort(Runnable::run);
    Common.equal("0", Common.one(connection, "SELECT count(*) FROM jdbc_aborted"));
    Common.execute(connection, "DROP TABLE jdbc_aborted"); // waits until the server knows, too
  }

  private Sessions() {}
}
