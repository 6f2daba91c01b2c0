/// Faults in what an operator wrote: file, line, column, and one sentence that says what is wrong and what to do.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace portier::control {

/// A place in a file, counted from 1; line 0: no place (a default, or the file as a whole).
struct Place {
  unsigned line = 0;
  unsigned column = 0;

  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

struct Fault {
  std::string file;
  Place place;
  std::string message;
};

/// "file:line:column: message"; without a place "file: message".
std::string to_text(const Fault& fault);

/// User text for a message: in single quotes, control bytes escaped, cut after 80 bytes.
std::string in_quotes(std::string_view text);

/// Everything found in one pass over one file. Bounded: past `limit` entries it only counts, and says so at the end.
class Faults {
 public:
  static constexpr std::size_t limit = 10'000;

  explicit Faults(std::string file) : file_(std::move(file)) {}

  void fault(Place place, std::string message) { add(faults_, place, std::move(message)); }
  void warning(Place place, std::string message) { add(warnings_, place, std::move(message)); }

  const std::string& file() const { return file_; }
  bool any() const { return !faults_.empty(); }
  bool has_fault_at(Place place) const;
  /// True: further reading can only count, not tell.
  bool full() const { return faults_.size() >= limit; }

  /// Sorted by place; the collection is empty afterwards.
  std::vector<Fault> take_faults() { return take(faults_); }
  std::vector<Fault> take_warnings() { return take(warnings_); }

 private:
  void add(std::vector<Fault>& to, Place place, std::string message);
  std::vector<Fault> take(std::vector<Fault>& from);

  std::string file_;
  std::vector<Fault> faults_;
  std::vector<Fault> warnings_;
  bool overflowed_ = false;
};

}  // namespace portier::control
