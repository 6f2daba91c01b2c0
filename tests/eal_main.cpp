/// main() of tests that need DPDK: EAL once, without hugepages, with six data path lcores that share the CPUs.
#include <gtest/gtest.h>

#include <cstdio>

#include "eal_main.hpp"
#include "nic/failure.hpp"

namespace portier::test {

namespace {
nic::Eal* eal_of_process = nullptr;
}

nic::Eal& eal() { return *eal_of_process; }

}  // namespace portier::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();
  try {
    portier::nic::EalOptions options;
    options.memory_mb = 512;
    const auto cpus = portier::test::cpus_of_process();
    options.lcore_cpus.assign(portier::test::lcores + 1, cpus);
    portier::nic::Eal eal(options);
    portier::test::eal_of_process = &eal;
    return RUN_ALL_TESTS();
  } catch (const portier::nic::Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
