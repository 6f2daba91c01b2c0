/// The table of reasons: names that counters and documents can rely on.
#include "packet/reason.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

namespace portier::packet {
namespace {

TEST(Reason, NamesAreUniqueIdentifiers) {
  std::set<std::string_view> names;
  for (const auto& text : reason_texts) {
    EXPECT_TRUE(names.insert(text.name).second) << text.name;
    const auto is_plain = [](unsigned char c) { return std::islower(c) != 0 || c == '_'; };
    EXPECT_TRUE(std::all_of(text.name.begin(), text.name.end(), is_plain)) << text.name;
  }
}

TEST(Reason, EveryOneHasAStageAndASentence) {
  const std::set<std::string_view> stages{"receive", "parse",   "lookup",  "police",
                                          "steer",   "handoff", "deliver", "transmit"};
  for (std::size_t i = 1; i < reason_count; ++i) {
    EXPECT_TRUE(stages.contains(reason_texts[i].stage)) << reason_texts[i].name;
    EXPECT_GT(reason_texts[i].sentence.size(), 15U) << reason_texts[i].name;
  }
}

TEST(Reason, TextBelongsToItsValue) {
  EXPECT_EQ(text_of(Reason::none).name, "none");
  EXPECT_EQ(text_of(Reason::truncated_ethernet).name, "truncated_ethernet");
  EXPECT_EQ(text_of(Reason::closed_port).name, "closed_port");
  EXPECT_EQ(text_of(Reason::shutdown).name, "shutdown");
  EXPECT_LE(reason_count, 256U) << "a reason is one byte";
}

}  // namespace
}  // namespace portier::packet
