import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Reads the console's figures as an exporter does. Arguments: URL, user, password. */
public class Exporter {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            try (Statement statement = connection.createStatement();
                    ResultSet pools = statement.executeQuery("SHOW POOLS")) {
                while (pools.next()) {
                    System.out.println(pools.getString("database") + "/" + pools.getString("user") + " "
                            + pools.getInt("cl_active") + " " + pools.getInt("maxwait_us"));
                }
            }
            // The driver prepares it under a name after a few runs, and then asks for binary results.
            try (PreparedStatement statement = connection.prepareStatement("SHOW STATS")) {
                for (int i = 0; i < 8; ++i) {
                    try (ResultSet stats = statement.executeQuery()) {
                        while (stats.next()) {
                            if (stats.getBigDecimal("total_query_count").signum() < 0) throw new AssertionError();
                        }
                    }
                }
            }
            // In a simple query the driver has no means to limit rows.
            int limit = arguments[0].endsWith("simple") ? 14 : 3;
            try (PreparedStatement statement = connection.prepareStatement("SHOW LISTS")) {
                statement.setMaxRows(3);
                for (int i = 0; i < 8; ++i) {
                    int count = 0;
                    try (ResultSet lists = statement.executeQuery()) {
                        while (lists.next()) count += lists.getInt("items") >= 0 ? 1 : 0;
                    }
                    if (count != limit) throw new AssertionError("rows: " + count);
                }
            }
            try (Statement statement = connection.createStatement()) {
                statement.executeQuery("SHOW NOTHING");
                throw new AssertionError("no error");
            } catch (SQLException error) {
                if (!error.getSQLState().equals("42704")) throw error;
            }
            if (!connection.isValid(5)) throw new AssertionError("not valid");
        }
        System.out.println("done");
    }
}
