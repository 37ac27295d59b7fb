#include "observe/exposition.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace forebay::observe {
namespace {

using Form = Exposition::Form;
using Kind = Exposition::Kind;

TEST(Exposition, WritesTheTextForm) {
  Exposition page(Form::text);
  page.family("forebay_sent_bytes", Kind::counter, "Sent.", "bytes");
  page.sample({{"database", "shop"}, {"user", "app"}}, std::uint64_t{18'446'744'073'709'551'615U});
  page.family("forebay_build", Kind::info, "Of this build.");
  page.sample({{"version", "1"}}, std::uint64_t{1});
  page.family("forebay_lag_seconds", Kind::gauge, "Lag.", "seconds");
  page.sample({}, 0.25);
  EXPECT_EQ(page.take(),
            "# HELP forebay_sent_bytes_total Sent.\n# TYPE forebay_sent_bytes_total counter\n"
            "forebay_sent_bytes_total{database=\"shop\",user=\"app\"} 18446744073709551615\n"
            "# HELP forebay_build_info Of this build.\n# TYPE forebay_build_info gauge\n"
            "forebay_build_info{version=\"1\"} 1\n"
            "# HELP forebay_lag_seconds Lag.\n# TYPE forebay_lag_seconds gauge\nforebay_lag_seconds 0.25\n");
}

TEST(Exposition, WritesOpenMetrics) {
  Exposition page(Form::open_metrics);
  page.family("forebay_sent_bytes", Kind::counter, "Sent.", "bytes");
  page.sample({}, std::uint64_t{3});
  page.family("forebay_build", Kind::info, "Of this build.");
  page.sample({{"version", "1"}}, std::uint64_t{1});
  EXPECT_EQ(page.take(),
            "# HELP forebay_sent_bytes Sent.\n# TYPE forebay_sent_bytes counter\n"
            "# UNIT forebay_sent_bytes bytes\nforebay_sent_bytes_total 3\n"
            "# HELP forebay_build Of this build.\n# TYPE forebay_build info\n"
            "forebay_build_info{version=\"1\"} 1\n# EOF\n");
}

TEST(Exposition, EscapesWhatWouldEndALabelOrALine) {
  Exposition page(Form::text);
  page.family("a", Kind::gauge, "One\\two\nthree \"four\".");
  page.sample({{"database", "a\"b\\c\nd{}=,"}}, std::uint64_t{1});
  EXPECT_EQ(page.take(),
            "# HELP a One\\\\two\\nthree \"four\".\n# TYPE a gauge\n"
            "a{database=\"a\\\"b\\\\c\\nd{}=,\"} 1\n");
  Exposition open(Form::open_metrics);
  open.family("a", Kind::gauge, "\"four\"");
  EXPECT_EQ(open.take(), "# HELP a \\\"four\\\"\n# TYPE a gauge\n# EOF\n");
}

TEST(Exposition, WritesWhatIsNoNumberAsPrometheusReadsIt) {
  Exposition page(Form::text);
  page.family("a", Kind::gauge, "A.");
  page.sample({{"n", "1"}}, std::numeric_limits<double>::quiet_NaN());
  page.sample({{"n", "2"}}, std::numeric_limits<double>::infinity());
  page.sample({{"n", "3"}}, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(page.take(), "# HELP a A.\n# TYPE a gauge\na{n=\"1\"} NaN\na{n=\"2\"} +Inf\na{n=\"3\"} -Inf\n");
}

TEST(Exposition, ChoosesTheFormThatIsWanted) {
  EXPECT_EQ(Exposition::form_for(""), Form::text);
  EXPECT_EQ(Exposition::form_for("*/*"), Form::text);
  EXPECT_EQ(Exposition::form_for("application/openmetrics-text"), Form::open_metrics);
  // Prometheus 2.42
  EXPECT_EQ(Exposition::form_for("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                                 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            Form::open_metrics);
  EXPECT_EQ(Exposition::form_for("text/plain, application/openmetrics-text; q=0.5"), Form::text);
  EXPECT_EQ(Exposition::form_for("application/openmetrics-text;q=0"), Form::text);
  EXPECT_EQ(Exposition::form_for("application/openmetrics-text;q=x,,;;q=,"), Form::text);
}

}  // namespace
}  // namespace forebay::observe
