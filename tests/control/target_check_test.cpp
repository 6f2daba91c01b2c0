// Targets checked by those who make them: what a factory refuses is a fault at the target's place.
#include "control/target_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/plugin_log.hpp"

namespace portier::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> faults_of(const std::string& services, const std::string& name = "c.toml") {
  const auto text = "[[device]]\nname = \"d\"\ntraffic = true\n" + services;
  std::vector<std::string> found;
  for (const auto& fault : parse_checked(text, name, handlers::Registry::with_builtins(), {}).faults) {
    found.push_back(to_text(fault));
  }
  return found;
}

/// The line of its chain is 7.
std::string service(const std::string& deliver, const std::string& port = "1") {
  return "[[service]]\nname = \"s" + port + "\"\nbindings = [\"udp/" + port + "\"]\ndeliver = " + deliver + "\n";
}

TEST(TargetCheck, APluginOfAnotherVersionIsAFaultAtItsPlace) {
  EXPECT_THAT(faults_of(service("[\"count\", { plugin = \"" + test::plugin_path("other_abi") + "\" }]")),
              ElementsAre(HasSubstr("c.toml:7:21: plug-in \"" + test::plugin_path("other_abi") +
                                    "\" was built for version 2 of the plug-in interface")));
}

TEST(TargetCheck, APluginIsTriedOnceForEqualOptions) {
  const test::PluginLog log;
  const auto plugin = "{ plugin = \"" + test::plugin_path("scripted") + "\", options = { log = \"" + log.path() +
                      "\", level = 3, act = \"x\" } }";
  EXPECT_THAT(faults_of(service(plugin) + service(plugin, "2")), IsEmpty());
  EXPECT_THAT(log.lines(), ElementsAre("init s1 0 act=x level=3 trial", "close x"));
}

TEST(TargetCheck, RelativePathsStartInTheFolderOfTheFile) {
  const auto chain = service("{ plugin = \"stateless.so\" }");
  EXPECT_THAT(faults_of(chain, std::string(PORTIER_TEST_PLUGINS) + "/c.toml"), IsEmpty());
  EXPECT_THAT(faults_of(chain, "/c.toml"), ElementsAre(HasSubstr("\"/stateless.so\" cannot be found")));
}

}  // namespace
}  // namespace portier::control
