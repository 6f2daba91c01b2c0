/// What is written before a publication, a phase or a done flag is seen behind it.
#include "crosscore/published.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace portier::crosscore {
namespace {

static_assert(sizeof(Published<int>) == cache_line && alignof(Published<int>) == cache_line);
static_assert(sizeof(PhaseFlag) == cache_line && alignof(PhaseFlag) == cache_line);
static_assert(sizeof(DoneFlag) == cache_line && alignof(DoneFlag) == cache_line);

struct Table {
  explicit Table(int number) : generation(number), rows(100, number) {}
  int generation;
  std::vector<int> rows;
  bool is_whole() const {
    for (const auto row : rows) {
      if (row != generation) return false;
    }
    return true;
  }
};

TEST(Published, IsNothingAtFirst) {
  Published<Table> published;
  EXPECT_EQ(published.load(), nullptr);
  const Table table(1);
  published.publish(&table);
  EXPECT_EQ(published.load(), &table);
}

TEST(Published, ReadersSeeWholeTablesOfRisingGenerations) {
  constexpr int generations = 2000;
  std::vector<std::unique_ptr<const Table>> tables;
  tables.reserve(generations + 1);
  Published<Table> published;
  const auto read = [&](bool& is_sound) {
    int before = 0;
    while (before < generations) {
      const auto* table = published.load();
      if (table == nullptr) continue;
      is_sound = is_sound && table->is_whole() && table->generation >= before;
      before = table->generation;
    }
  };
  bool first_is_sound = true;
  bool second_is_sound = true;
  std::thread first([&] { read(first_is_sound); });
  std::thread second([&] { read(second_is_sound); });
  for (int generation = 1; generation <= generations; ++generation) {
    tables.push_back(std::make_unique<const Table>(generation));
    published.publish(tables.back().get());
    if (generation % 64 == 0) std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_TRUE(first_is_sound);
  EXPECT_TRUE(second_is_sound);
}

/// The way a router comes to rest, with plain data handed over at each step.
TEST(PhaseFlag, LeadsToRestStepByStep) {
  PhaseFlag phase;
  DoneFlag is_quiet;
  DoneFlag is_done;
  int taken_in = 0;
  int delivered = 0;
  EXPECT_EQ(phase.asked(), Phase::run);
  EXPECT_FALSE(is_quiet.is_set());
  std::thread receiver([&] {
    while (phase.asked() == Phase::run) std::this_thread::yield();
    taken_in = 42;
    is_quiet.set();
    while (phase.asked() != Phase::stop) std::this_thread::yield();
    EXPECT_EQ(delivered, 42) << "the worker was done before";
  });
  std::thread worker([&] {
    while (phase.asked() < Phase::drain_workers) std::this_thread::yield();
    delivered = taken_in;
    is_done.set();
  });
  phase.ask(Phase::stop_receiving);
  while (!is_quiet.is_set()) std::this_thread::yield();
  EXPECT_EQ(taken_in, 42);
  phase.ask(Phase::drain_workers);
  while (!is_done.is_set()) std::this_thread::yield();
  phase.ask(Phase::stop);
  receiver.join();
  worker.join();
  EXPECT_EQ(delivered, 42);
}

TEST(Phase, StepsAreInOrder) {
  EXPECT_LT(Phase::run, Phase::stop_receiving);
  EXPECT_LT(Phase::stop_receiving, Phase::drain_workers);
  EXPECT_LT(Phase::drain_workers, Phase::stop);
}

}  // namespace
}  // namespace portier::crosscore
