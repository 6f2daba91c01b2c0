/// Keeps what libraries print on standard error or output aside, for a failure's sentence.
#pragma once

#include <string>

namespace portier::nic {

/// EAL, libbpf and libxdp write notices that nobody can act on. While an object of this class lives, what is written to
/// its file descriptor goes into memory. Control path only.
class OutputAside {
 public:
  /// `descriptor`: 1 or 2.
  explicit OutputAside(int descriptor);
  ~OutputAside();
  OutputAside(const OutputAside&) = delete;
  OutputAside& operator=(const OutputAside&) = delete;

  /// The last line written so far; empty: none.
  std::string last_line() const;

 private:
  int descriptor_;
  int saved_ = -1;  ///< the real one
  int aside_ = -1;  ///< memory
};

}  // namespace portier::nic
