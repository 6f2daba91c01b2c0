/// A control thread that looks after a running router every few milliseconds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace portier::control {

class Supervisor {
 public:
  Supervisor() = default;
  ~Supervisor() { stop(); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Calls `look` from a thread of its own, with `period` between two calls.
  void start(std::function<void()> look, std::chrono::milliseconds period) {
    thread_ = std::thread([this, look = std::move(look), period] {
      std::unique_lock lock(mutex_);
      while (!is_ending_) {
        lock.unlock();
        look();
        lock.lock();
        wake_.wait_for(lock, period, [this] { return is_ending_; });
      }
    });
  }

  /// Returns when the thread has ended.
  void stop() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
    is_ending_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace portier::control
