/// The core plan for machines of one to many CPUs, with nothing, something or everything written.
#include "control/core_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <ostream>

namespace portier::control {
namespace {

using Cpus = std::vector<unsigned>;
using testing::HasSubstr;
using testing::SizeIs;

Cpus cpus(unsigned count) {
  Cpus all(count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

Cpus from_to(unsigned first, unsigned last) {
  Cpus some(last - first + 1);
  std::iota(some.begin(), some.end(), first);
  return some;
}

struct Case {
  std::string what;
  Cpus available;
  std::optional<Mode> mode;
  Cpus rx_cores;
  Cpus worker_cores;
  Mode planned_mode;
  Cpus rx;
  Cpus workers;
  Cpus control;
};
void PrintTo(const Case& test, std::ostream* out) { *out << test.what; }

class CorePlans : public testing::TestWithParam<Case> {};

TEST_P(CorePlans, AreAsExpected) {
  const auto& expected = GetParam();
  RouterSettings router;
  router.mode = expected.mode;
  router.rx_cores = expected.rx_cores;
  router.worker_cores = expected.worker_cores;
  Faults found("f");
  const auto plan = plan_cores(router, expected.available, found);
  EXPECT_FALSE(found.any());
  EXPECT_EQ(plan.mode, expected.planned_mode);
  EXPECT_EQ(plan.rx_cpus, expected.rx);
  EXPECT_EQ(plan.worker_cpus, expected.workers);
  EXPECT_EQ(plan.control_cpus, expected.control);
}

constexpr auto pipeline = Mode::pipeline;
constexpr auto rtc = Mode::run_to_completion;
constexpr auto unset = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    NothingWritten, CorePlans,
    testing::Values(Case{"1 CPU", cpus(1), unset, {}, {}, rtc, {0}, {}, {0}},
                    Case{"one CPU of another number", {5}, unset, {}, {}, rtc, {5}, {}, {5}},
                    Case{"2 CPUs", cpus(2), unset, {}, {}, pipeline, {0}, {1}, {0, 1}},
                    Case{"3 CPUs", cpus(3), unset, {}, {}, pipeline, {1}, {2}, {0}},
                    Case{"4 CPUs", cpus(4), unset, {}, {}, pipeline, {1}, {2, 3}, {0}},
                    Case{"gaps", {2, 5, 9}, unset, {}, {}, pipeline, {5}, {9}, {2}},
                    Case{"7 CPUs", cpus(7), unset, {}, {}, pipeline, {1}, from_to(2, 6), {0}},
                    Case{"8 CPUs", cpus(8), unset, {}, {}, pipeline, {1, 2}, from_to(3, 7), {0}},
                    Case{"100 CPUs", cpus(100), unset, {}, {}, pipeline, {1, 2}, from_to(3, 66), [] {
                           auto rest = from_to(67, 99);
                           rest.insert(rest.begin(), 0);
                           return rest;
                         }()}));

INSTANTIATE_TEST_SUITE_P(
    ModeWritten, CorePlans,
    testing::Values(Case{"pipeline on 1 CPU shares it", cpus(1), pipeline, {}, {}, pipeline, {0}, {0}, {0}},
                    Case{"run-to-completion on 1", cpus(1), rtc, {}, {}, rtc, {0}, {}, {0}},
                    Case{"run-to-completion on 2", cpus(2), rtc, {}, {}, rtc, {1}, {}, {0}},
                    Case{"run-to-completion on 4", cpus(4), rtc, {}, {}, rtc, {1, 2, 3}, {}, {0}},
                    Case{"run-to-completion on 20", cpus(20), rtc, {}, {}, rtc, from_to(1, 16), {}, {0, 17, 18, 19}},
                    Case{"run-to-completion as written", cpus(4), rtc, {0, 2}, {}, rtc, {0, 2}, {}, {1, 3}}));

INSTANTIATE_TEST_SUITE_P(
    CoresWritten, CorePlans,
    testing::Values(Case{"both", cpus(4), unset, {3}, {1}, pipeline, {3}, {1}, {0, 2}},
                    Case{"both, shared", cpus(2), unset, {1}, {1}, pipeline, {1}, {1}, {0}},
                    Case{"rx of 2", cpus(2), unset, {1}, {}, pipeline, {1}, {0}, {0, 1}},
                    Case{"rx of 4", cpus(4), unset, {1}, {}, pipeline, {1}, {2, 3}, {0}},
                    Case{"rx takes all", cpus(2), unset, {0, 1}, {}, rtc, {0, 1}, {}, {0, 1}},
                    Case{"rx takes all of a pipeline", cpus(2), pipeline, {0, 1}, {}, pipeline, {0, 1}, {0, 1}, {0, 1}},
                    Case{"workers of 2", cpus(2), unset, {}, {1}, pipeline, {0}, {1}, {0, 1}},
                    Case{"workers of 4", cpus(4), unset, {}, {2, 3}, pipeline, {1}, {2, 3}, {0}},
                    Case{"workers of 10", cpus(10), unset, {}, {8, 9}, pipeline, {1, 2}, {8, 9}, {0, 3, 4, 5, 6, 7}},
                    Case{"workers take all", cpus(2), unset, {}, {0, 1}, pipeline, {0}, {0, 1}, {0, 1}},
                    Case{"worker on 1 CPU", cpus(1), unset, {}, {0}, pipeline, {0}, {0}, {0}}));

TEST(CorePlan, SharingIsSaid) {
  RouterSettings router;
  router.mode = Mode::pipeline;
  Faults found("f");
  EXPECT_THAT(plan_cores(router, cpus(1), found).notes, testing::Contains(HasSubstr("share CPU 0")));
}

TEST(CorePlan, EveryMissingCpuIsAFaultAtItsKey) {
  RouterSettings router;
  router.rx_cores = {0, 9};
  router.worker_cores = {8};
  router.places = {{"rx_cores", {2, 12}}, {"worker_cores", {3, 16}}};
  Faults found("f");
  plan_cores(router, Cpus{0, 2}, found);
  const auto faults = found.take_faults();
  ASSERT_THAT(faults, SizeIs(2));
  EXPECT_EQ(to_text(faults[0]),
            "f:2:12: router.rx_cores: CPU 9 does not exist or is not allowed here; available are: 0, 2");
  EXPECT_EQ(to_text(faults[1]),
            "f:3:16: router.worker_cores: CPU 8 does not exist or is not allowed here; available are: 0, 2");
}

TEST(CorePlan, RunToCompletionHasNoWorkers) {
  RouterSettings router;
  router.mode = Mode::run_to_completion;
  router.worker_cores = {1};
  router.places = {{"worker_cores", {3, 16}}};
  Faults found("f");
  plan_cores(router, cpus(4), found);
  const auto faults = found.take_faults();
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_THAT(to_text(faults[0]), HasSubstr("f:3:16: run-to-completion has no worker cores"));
}

TEST(CorePlan, IsAlwaysUsable) {
  for (unsigned count = 1; count <= 130; ++count) {
    for (const auto mode :
         {std::optional<Mode>{}, std::optional{Mode::pipeline}, std::optional{Mode::run_to_completion}}) {
      RouterSettings router;
      router.mode = mode;
      Faults found("f");
      const auto plan = plan_cores(router, cpus(count), found);
      EXPECT_FALSE(found.any());
      EXPECT_FALSE(plan.rx_cpus.empty());
      EXPECT_FALSE(plan.delivering_cpus().empty());
      EXPECT_FALSE(plan.control_cpus.empty());
      EXPECT_LE(plan.rx_cpus.size(), max_rx_cores);
      EXPECT_LE(plan.worker_cpus.size(), max_worker_cores);
    }
  }
}

TEST(AvailableCpus, AreAscendingAndAtLeastOne) {
  const auto all = available_cpus();
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

}  // namespace
}  // namespace portier::control
