/// An array of zeroed counters whose pages appear when they are first touched.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace portier::crosscore {

template <typename T>
class LazyArray {
 public:
  explicit LazyArray(std::size_t count) : items_(static_cast<T*>(std::calloc(count, sizeof(T)))) {
    if (items_ == nullptr) throw std::bad_alloc();
  }
  T& operator[](std::size_t i) { return items_.get()[i]; }
  const T& operator[](std::size_t i) const { return items_.get()[i]; }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::unique_ptr<T[], Free> items_;
};

}  // namespace portier::crosscore
