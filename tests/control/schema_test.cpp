/// The table of settings: complete, within its own limits, and the only source of the printed reference.
#include "control/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "control/spelling.hpp"
#include "handlers/registry.hpp"

namespace portier::control {
namespace {

using testing::HasSubstr;

Settings with_one_of_each() {
  Settings settings;
  settings.devices.emplace_back();
  settings.services.emplace_back();
  return settings;
}

const Setting& setting(std::string_view path) {
  for (const auto& candidate : schema()) {
    if (path_of(candidate) == path) return candidate;
  }
  throw std::invalid_argument(std::string(path));
}

TEST(Schema, PathsAndFieldsAreUnique) {
  auto settings = with_one_of_each();
  std::set<std::string> paths;
  std::set<const void*> fields;
  for (const auto& entry : schema()) {
    EXPECT_TRUE(paths.insert(path_of(entry)).second) << path_of(entry);
    const void* field = std::visit([](const auto* at) -> const void* { return at; }, entry.at(settings));
    EXPECT_TRUE(fields.insert(field).second) << path_of(entry) << " reads into the field of another setting";
  }
}

TEST(Schema, EveryEntrySaysWhatItIs) {
  for (const auto& entry : schema()) {
    EXPECT_TRUE(entry.sentence.ends_with('.')) << path_of(entry);
    EXPECT_FALSE(default_text(entry).empty()) << path_of(entry);
    EXPECT_LE(entry.limits.least, entry.limits.most) << path_of(entry);
  }
}

/// A change of a default in settings.hpp must show up in the reference by itself.
TEST(Schema, DefaultsComeFromTheStructs) {
  const Settings defaults;
  EXPECT_EQ(default_text(setting("router.burst")), std::to_string(defaults.router.burst));
  EXPECT_EQ(default_text(setting("router.ring_slots")), std::to_string(defaults.router.ring_slots));
  EXPECT_EQ(default_text(setting("router.memory_mb")), std::to_string(defaults.router.memory_mb));
  EXPECT_EQ(default_text(setting("router.hugepages")), defaults.router.hugepages ? "true" : "false");
  EXPECT_EQ(default_text(setting("router.idle")), "\"" + std::string(to_text(defaults.router.idle)) + "\"");
  EXPECT_EQ(default_text(setting("closed_ports.action")),
            "\"" + std::string(to_text(defaults.closed_ports.action)) + "\"");
  EXPECT_EQ(default_text(setting("fragments.timeout_ms")), std::to_string(defaults.fragments.timeout_ms));
  EXPECT_EQ(default_text(setting("traffic.flows")), std::to_string(defaults.traffic.flows));
  EXPECT_EQ(std::stod(default_text(setting("traffic.rate_pps"))), defaults.traffic.rate_pps);
  EXPECT_EQ(std::stod(default_text(setting("traffic.closed_share"))), defaults.traffic.closed_share);
  EXPECT_EQ(default_text(setting("router.mode")), "by the number of CPUs");
  EXPECT_EQ(default_text(setting("service[].name")), "required");
}

/// Every default that can be written in a file is also accepted in one: the defaults keep to the limits.
TEST(Schema, DefaultsAreAcceptedAsWritten) {
  for (const auto& entry : schema()) {
    const auto text = default_text(entry);
    if (text == "required" || text == entry.unset || entry.section.ends_with("[]")) continue;
    const auto file = std::string(header_of(entry.section)) + "\n" + std::string(entry.key) + " = " + text + "\n";
    const auto loaded = parse_settings(file, "default");
    EXPECT_TRUE(loaded.settings) << file << to_text(loaded.faults.front());
  }
}

TEST(Schema, ReferenceHasALineForEverySetting) {
  const auto reference = reference_markdown();
  for (const auto& entry : schema()) {
    EXPECT_THAT(reference, HasSubstr("`" + header_of(entry.section) + "`"));
    EXPECT_THAT(reference, HasSubstr("| `" + std::string(entry.key) + "` |"));
    EXPECT_THAT(reference, HasSubstr(std::string(entry.sentence)));
  }
  EXPECT_THAT(reference, HasSubstr("| `burst` | a whole number from 1 to 64 | packets | `32` |"));
  EXPECT_EQ(reference.find("[]."), std::string::npos);
}

TEST(Schema, ReferenceHasALineForEveryTargetAndItsOptions) {
  const auto reference = reference_markdown();
  const auto registry = handlers::Registry::with_builtins();
  for (const auto& name : registry.names()) {
    const auto& text = registry.text_of(name);
    EXPECT_THAT(reference, HasSubstr("| `" + std::string(text.written) + "` | " + std::string(text.sentence) + " |"));
    EXPECT_FALSE(text.written.empty() || text.sentence.empty()) << name;
    for (const auto& option : text.options) {
      EXPECT_THAT(reference, HasSubstr("| " + name + " | `" + std::string(option.key) + "` |"));
      EXPECT_TRUE(option.sentence.ends_with('.')) << name << " " << option.key;
      EXPECT_FALSE(option.type.empty() || option.fallback.empty()) << name << " " << option.key;
    }
  }
}

TEST(Schema, NamesKeepToTheirRule) {
  EXPECT_TRUE(is_name_sound("a"));
  EXPECT_TRUE(is_name_sound("0"));
  EXPECT_TRUE(is_name_sound("a_b-c9"));
  EXPECT_TRUE(is_name_sound(std::string(63, 'a')));
  for (const std::string name : {"", "-", "_a", "A", "a b", "a.b", "a/b", "\xc3\xa4"})
    EXPECT_FALSE(is_name_sound(name)) << name;
  EXPECT_FALSE(is_name_sound(std::string(64, 'a')));
}

TEST(Spelling, NearestIsWithinAThirdOfTheLetters) {
  const std::vector<std::string_view> words{"bindings", "name", "deliver", "workers"};
  EXPECT_EQ(nearest("bindngs", words), "bindings");
  EXPECT_EQ(nearest("binding", words), "bindings");
  EXPECT_EQ(nearest("nmae", words), "name");
  EXPECT_EQ(nearest("Workers", words), "workers");
  EXPECT_EQ(nearest("dliever", words), "deliver");
  EXPECT_EQ(nearest("x", words), std::nullopt);
  EXPECT_EQ(nearest("", words), std::nullopt);
  EXPECT_EQ(nearest("ports", words), std::nullopt);
  EXPECT_EQ(nearest(std::string(1'000'000, 'b'), words), std::nullopt);
}

TEST(Fault, PrintsItsPlaceWhereItHasOne) {
  EXPECT_EQ(to_text(Fault{"a.toml", {3, 5}, "is wrong; write it right"}), "a.toml:3:5: is wrong; write it right");
  EXPECT_EQ(to_text(Fault{"a.toml", {}, "is missing"}), "a.toml: is missing");
}

TEST(Fault, CollectionSortsByPlaceAndIsBounded) {
  Faults found("f");
  found.fault({2, 1}, "second");
  found.warning({9, 9}, "aside");
  found.fault({1, 7}, "first");
  found.fault({2, 1}, "third");
  const auto faults = found.take_faults();
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].message, "first");
  EXPECT_EQ(faults[1].message, "second");
  EXPECT_EQ(faults[2].message, "third");
  EXPECT_EQ(found.take_warnings().size(), 1u);
  for (unsigned i = 0; i < 20'000; ++i) found.fault({i, 1}, "x");
  EXPECT_EQ(found.take_faults().size(), Faults::limit + 1);
}

TEST(Fault, QuotesCutBetweenLetters) {
  EXPECT_EQ(in_quotes("a\nb"), "'a\\x0ab'");
  std::string text(79, 'a');
  text += "\xc3\xa4 and more";
  EXPECT_EQ(in_quotes(text), "'" + std::string(79, 'a') + "...'");
}

}  // namespace
}  // namespace portier::control
