/// Pointers by small number, such as a file descriptor, that any thread may look up while another changes them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace portier::crosscore {

/// Whoever changes an entry holds the owner's lock; looking up takes none. What an entry has ever pointed to must stay
/// memory of its type, as a reader may have looked it up just before. Zeroed memory: pages appear when they are
/// touched.
template <typename T, std::size_t Size>
class PointerTable {
 public:
  static constexpr std::size_t limit = Size;

  /// Null for numbers that lie outside, negative ones among them.
  T* at(int number) const {
    const auto index = static_cast<std::size_t>(number);
    return index < Size ? pointers_[index].load(std::memory_order_acquire) : nullptr;
  }
  /// False: there is no such place.
  bool set(int number, T* pointer) {
    const auto index = static_cast<std::size_t>(number);
    if (index >= Size) return false;
    pointers_[index].store(pointer, std::memory_order_release);
    return true;
  }

 private:
  std::array<std::atomic<T*>, Size> pointers_{};
};

}  // namespace portier::crosscore
