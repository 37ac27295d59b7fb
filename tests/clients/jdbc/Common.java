import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.Properties;

/** What the programs of this folder share. They read the connection from the system property "url". */
final class Common {
  interface Check {
    void run(Connection connection) throws Exception;
  }

  interface Act {
    void run() throws Exception;
  }

  static Connection connect(String... properties) throws SQLException {
    Properties all = new Properties();
    for (int i = 0; i < properties.length; i += 2) all.setProperty(properties[i], properties[i + 1]);
    return DriverManager.getConnection(System.getProperty("url"), all);
  }

  /** Runs one check on a connection of its own and prints its name; an exception ends the program. */
  static void check(String name, Check check, String... properties) throws Exception {
    System.out.println("# " + name);
    try (Connection connection = connect(properties)) {
      check.run(connection);
    }
    System.out.println("ok " + name);
  }

  static void equal(Object expected, Object found) {
    if (!Objects.equals(expected, found)) throw new AssertionError("expected " + expected + ", found " + found);
  }

  /** Runs act, which must fail with this SQLSTATE. */
  static SQLException fails(String state, Act act) throws Exception {
    try {
      act.run();
    } catch (SQLException error) {
      equal(state, error.getSQLState());
      return error;
    }
    throw new AssertionError("no error " + state);
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** First column of the first row, as text. */
  static String one(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getString(1) : null;
    }
  }

  private Common() {}
}
