/// Starts dpdk-testpmd, talks to its prompt, and ends it.
#include "testpmd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <rte_eal.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

#include "nic/failure.hpp"

extern char** environ;

namespace portier::bench {

namespace {

constexpr std::string_view prompt = "testpmd> ";
constexpr double start_limit_s = 30;
constexpr double answer_limit_s = 5;
constexpr unsigned bytes_per_mbuf = 2560;

using Clock = std::chrono::steady_clock;

std::string file_prefix() { return fmt::format("portier-bench-{}", getpid()); }

std::vector<std::string> arguments(const std::string& program, const std::string& capture, std::size_t frames,
                                   const Arena& arena, const Options& options) {
  const std::size_t mbufs = frames + options.pool_mbufs;
  std::vector<std::string> args{program, "-m", std::to_string((mbufs * bytes_per_mbuf >> 20) + 128)};
  if (options.hugepages) {
    args.push_back("--in-memory");
  } else {
    args.insert(args.end(), {"--no-huge", "--no-shconf"});
  }
  // Its prompt shares the CPUs with our control thread; it forwards where our rx core is.
  args.insert(
      args.end(),
      {"--no-pci", "--no-telemetry", "--iova-mode=va", "--lcores",
       fmt::format("0@({}),1@{}", fmt::join(arena.cpus, ","), arena.cpus.front()), "--file-prefix=" + file_prefix(),
       fmt::format("--vdev=net_pcap0,rx_pcap={},infinite_rx=1", capture), "--", "-i", "--no-flush-rx", "--no-mlockall",
       fmt::format("--total-num-mbufs={}", mbufs), fmt::format("--burst={}", options.burst)});
  return args;
}

/// DPDK programs leave their runtime directory behind; it lies beside ours.
void remove_its_runtime_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(rte_eal_get_runtime_dir()).parent_path() / file_prefix(), ignored);
}

}  // namespace

std::string find_testpmd(const std::string& wanted) {
  if (!wanted.empty()) return access(wanted.c_str(), X_OK) == 0 ? wanted : "";
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    auto program = directory + "/dpdk-testpmd";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

Testpmd::Testpmd(const std::string& program, const std::string& capture, std::size_t frames, const Arena& arena,
                 const Options& options) {
  std::array<int, 2> in{};
  if (pipe2(in.data(), O_CLOEXEC) != 0) throw nic::Failure(std::string("no pipe for testpmd: ") + std::strerror(errno));
  to_ = in[1];
  // On a pipe it would hold its answers back; on a terminal it writes them line by line.
  from_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  std::array<char, 128> terminal_name{};
  if (from_ < 0 || grantpt(from_) != 0 || unlockpt(from_) != 0 ||
      ptsname_r(from_, terminal_name.data(), terminal_name.size()) != 0) {
    throw nic::Failure(std::string("no terminal for testpmd: ") + std::strerror(errno));
  }
  const int terminal = open(terminal_name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, terminal, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, terminal, STDERR_FILENO);
  // A group of its own: Ctrl-C is for us, who then end it by its prompt.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  auto args = arguments(program, capture, frames, arena, options);
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const int error = posix_spawn(&pid_, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(in[0]);
  ::close(terminal);
  if (error != 0) {
    pid_ = -1;
    ::close(to_);
    ::close(from_);
    throw nic::Failure(program + " cannot be started: " + std::strerror(error));
  }
  try {
    read_to_prompt(start_limit_s);
  } catch (...) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ::close(to_);
    ::close(from_);
    remove_its_runtime_directory();
    throw;
  }
}

Testpmd::~Testpmd() {
  constexpr std::string_view quit = "quit\n";
  [[maybe_unused]] const auto written = write(to_, quit.data(), quit.size());
  ::close(to_);
  const auto end = Clock::now() + std::chrono::seconds(5);
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    std::array<char, 4096> rest;  // so that it does not wait for a reader
    pollfd readable{.fd = from_, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, 20) > 0 && read(from_, rest.data(), rest.size()) <= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (Clock::now() < end) continue;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    break;
  }
  ::close(from_);
  remove_its_runtime_directory();
}

void Testpmd::start(const std::string& mode) {
  ask("set fwd " + mode);
  ask("start");
}

void Testpmd::stop() { ask("stop"); }

std::uint64_t Testpmd::received() {
  const auto text = ask("show port stats 0");
  constexpr std::string_view key = "RX-packets:";
  const auto at = text.find(key);
  if (at == std::string::npos) throw nic::Failure("testpmd does not say what it has received: " + text);
  return std::strtoull(text.c_str() + at + key.size(), nullptr, 10);
}

std::string Testpmd::ask(const std::string& command) {
  const auto line = command + "\n";
  // SIGPIPE is ignored while contenders run; a process that is gone shows in the reading.
  [[maybe_unused]] const auto written = write(to_, line.data(), line.size());
  return read_to_prompt(answer_limit_s);
}

std::string Testpmd::read_to_prompt(double seconds) {
  std::string text;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (!text.ends_with(prompt)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd readable{.fd = from_, .events = POLLIN, .revents = 0};
    const int ready = left <= 0 ? 0 : poll(&readable, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 4096> bytes;
    const auto count = ready <= 0 ? ssize_t{0} : read(from_, bytes.data(), bytes.size());
    if (count <= 0) {
      const auto last = text.substr(text.size() > 300 ? text.size() - 300 : 0);
      throw nic::Failure((ready == 0 ? "testpmd does not answer; it said: " : "testpmd has ended; it said: ") + last);
    }
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

namespace {

class TestpmdMode final : public Contender {
 public:
  TestpmdMode(std::shared_ptr<Testpmd> process, std::string mode)
      : process_(std::move(process)), mode_(std::move(mode)) {}

  void start() override {
    process_->start(mode_);
    before_ = process_->received();
  }
  std::uint64_t delivered() override { return process_->received(); }
  Tally stop() override {
    process_->stop();
    const auto packets = process_->received() - before_;
    return {.received = packets, .delivered = packets, .dropped = {}, .is_counted = false};
  }

 private:
  std::shared_ptr<Testpmd> process_;
  std::string mode_;
  std::uint64_t before_ = 0;
};

}  // namespace

std::unique_ptr<Contender> make_testpmd(std::shared_ptr<Testpmd> process, const std::string& mode) {
  return std::make_unique<TestpmdMode>(std::move(process), mode);
}

}  // namespace portier::bench
