// Plug-ins in a running router: made before the old ones are closed, closed as often as made, and caught when they
// throw.
#include "pipeline/pipeline_fixture.hpp"
#include "plugins/plugin_log.hpp"

namespace portier::test {
namespace {

class Plugins : public PipelineTest {
 protected:
  control::TargetSettings scripted(const std::string& act, const std::string& more = "") const {
    control::TargetSettings target{.handler = "plugin", .options = {}, .place = {}};
    target.options = {{"plugin", plugin_path("scripted")}, {"options.log", log_.path()}, {"options.act", act}};
    if (!more.empty()) target.options["options.fail"] = more;
    return target;
  }
  void start_with(const control::TargetSettings& target) {
    settings_.router.max_faults = 3;
    settings_.services = {service("plug", both("53"), {"record"}), service("other", both("54"), {"count"})};
    settings_.services[0].deliver.insert(settings_.services[0].deliver.begin(), target);
    start();
  }
  void push_some(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      push(numbered(i % 16, i, 53));
      push(numbered(i % 16, i, 54));
      throttle(200);
    }
    settle();
  }
  /// After the end.
  void expect_all_closed(std::size_t made) {
    EXPECT_EQ(log_.count("init"), made);
    EXPECT_EQ(log_.count("close"), made);
    EXPECT_EQ(account("other").in, account("other").delivered) << "nobody else notices";
  }

  PluginLog log_;
};

TEST_P(Plugins, RefusalsAreCountedByName) {
  start_with(scripted("refuse"));
  push_some(100);
  stop_and_check();
  EXPECT_EQ(dropped(account("plug"), Reason::plugin_refused), 100U);
  expect_all_closed(GetParam().delivering());
}

TEST_P(Plugins, AnswersLeaveByTheDevice) {
  start_with(scripted("answer"));
  push_some(96);
  stop_and_check();
  EXPECT_EQ(account("plug").delivered, 96U);
  std::size_t datagrams = 0;
  for (std::uint32_t i = 0; i < 96; ++i) datagrams += i % 16 % 3 == 2 ? 0 : 1;  // see `numbered`
  EXPECT_EQ(replies_.size(), datagrams);
  EXPECT_EQ(ledger_.no_buffer, 0U);
}

TEST_P(Plugins, WhatThrowsIsCaughtAndPassedOver) {
  start_with(scripted("throw"));
  push_some(200);
  stop_and_check();
  EXPECT_EQ(ledger_.handler_faults, 3 * GetParam().delivering());
  EXPECT_GE(dropped(account("plug"), Reason::handler_fault), 3 * GetParam().delivering());
  EXPECT_EQ(account("plug").delivered, journal_.count()) << "the next target has the rest";
  EXPECT_TRUE(replies_.empty()) << "what it had begun to send is not sent";
  expect_all_closed(GetParam().delivering());
}

TEST_P(Plugins, AReloadMakesNewStatesBeforeItClosesOldOnes) {
  start_with(scripted("first"));
  push_some(50);
  auto changed = settings_;
  changed.services[0].deliver[0] = scripted("second");
  EXPECT_EQ(router_->reload(changed), std::nullopt);
  push_some(50);
  const auto cores = GetParam().delivering();
  auto expected = std::vector<std::string>();
  for (const std::string act : {"first", "second"}) {
    for (unsigned core = 0; core < cores; ++core) {
      expected.push_back("init plug " + std::to_string(core) + " act=" + act);
    }
  }
  for (unsigned core = 0; core < cores; ++core) expected.push_back("close first");
  EXPECT_EQ(log_.lines(), expected);
  stop_and_check();
  EXPECT_EQ(account("plug").delivered, 100U);
  expect_all_closed(2 * cores);
}

TEST_P(Plugins, ARefusedReloadChangesNothing) {
  start_with(scripted("first"));
  push_some(20);
  auto changed = settings_;
  changed.services[0].deliver[0] = scripted("second", "not today");
  changed.services[1].deliver[0] = scripted("third");
  const auto refusal = router_->reload(changed);
  ASSERT_TRUE(refusal);
  EXPECT_NE(refusal->find("service 'plug', plugin "), std::string::npos) << *refusal;
  EXPECT_NE(refusal->find("refuses to start: not today"), std::string::npos) << *refusal;
  EXPECT_EQ(router_->generation(), 1U);
  push_some(20);
  stop_and_check();
  EXPECT_EQ(account("plug").delivered, 40U);
  EXPECT_EQ(log_.count("close first"), GetParam().delivering());
}

TEST_P(Plugins, ARouterWhosePluginRefusesDoesNotStart) {
  try {
    start_with(scripted("first", "no licence"));
    FAIL();
  } catch (const std::runtime_error& fault) {
    EXPECT_NE(std::string(fault.what()).find("refuses to start: no licence"), std::string::npos) << fault.what();
  }
  EXPECT_EQ(log_.count("close"), 0U);
}

TEST_P(Plugins, ReloadsUnderLoadCloseAllThatTheyMade) {
  start_with(scripted("first"));
  for (unsigned i = 0; i < 10; ++i) {
    for (std::uint32_t k = 0; k < 32; ++k) push(numbered(k % 16, k, 53));
    auto changed = settings_;
    changed.services[0].deliver[0] = scripted(i % 2 == 0 ? "even" : "odd");
    EXPECT_EQ(router_->reload(changed), std::nullopt);
  }
  settle();
  stop_and_check();
  EXPECT_EQ(account("plug").delivered, 320U);
  expect_all_closed(11 * GetParam().delivering());
}

INSTANTIATE_TEST_SUITE_P(Shapes, Plugins, all_shapes(), name_of);

}  // namespace
}  // namespace portier::test
