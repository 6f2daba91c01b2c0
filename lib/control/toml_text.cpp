/// Hostile files end here: FIFOs, endless input, control bytes, and nesting that would exhaust the parser's stack.
#include "control/toml_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace portier::control {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::string too_large() {
  return fmt::format("larger than {} MiB; a configuration of 65,536 bindings needs less, so this is another file",
                     max_file_bytes >> 20);
}

std::optional<std::string> read_all(int number, Faults& found) {
  std::string text;
  char block[65536];
  for (;;) {
    const auto got = ::read(number, block, sizeof block);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      found.fault({}, fmt::format("cannot be read: {}", std::strerror(errno)));
      return std::nullopt;
    }
    text.append(block, static_cast<std::size_t>(got));
    if (text.size() > max_file_bytes) {
      found.fault({}, too_large());
      return std::nullopt;
    }
  }
}

/// Walks the text as TOML's own lexer does, to the first thing that must not reach the parser: it recurses over
/// nested values, and the tables of a.long.dotted.key are freed recursively, so both depths are bounded here.
class Guard {
 public:
  explicit Guard(std::string_view text) : text_(text) {}

  /// Fills `place` and returns a sentence, or is empty.
  std::string hazard(Place& place) {
    while (at_ < text_.size() && problem_.empty()) step();
    place = {line_, static_cast<unsigned>(hazard_at_ - line_start_ + 1)};
    return problem_;
  }

 private:
  static constexpr unsigned deepest = 16;

  void stop(std::string message) {
    if (!problem_.empty()) return;
    problem_ = std::move(message);
    hazard_at_ = at_;
  }

  char look(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  /// One byte further; checks it, and keeps count of lines.
  void take() {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    const bool line_ending = byte == '\r' && look(1) == '\n';
    if (byte == '\n') {
      ++at_;
      ++line_;
      line_start_ = at_;
      return;
    }
    if ((byte < 0x20 && byte != '\t' && !line_ending) || byte == 0x7f) {
      stop(fmt::format("byte 0x{:02x} is not text; remove it (is this the right file?)", byte));
      return;
    }
    ++at_;
  }

  bool more() const { return at_ < text_.size() && problem_.empty(); }

  void step() {
    switch (look()) {
      case '#':
        while (more() && look() != '\n') take();
        return;
      case '"':
      case '\'': skip_string(); return;
      case '[':
      case '{':
        if (++depth_ > deepest)
          return stop(fmt::format("brackets are nested more than {} deep; no setting needs that", deepest));
        dots_ = 0;
        break;
      case ']':
      case '}':
        if (depth_ > 0) --depth_;
        dots_ = 0;
        break;
      case '.':
        if (++dots_ > deepest) return stop(fmt::format("a key has more than {} dots; no setting needs that", deepest));
        break;
      case '\n':
      case '=':
      case ',': dots_ = 0; break;
      default: break;
    }
    take();
  }

  void skip_string() {
    const char quote = look();
    const bool triple = look(1) == quote && look(2) == quote;
    const bool escapes = quote == '"';
    for (int i = triple ? 3 : 1; i > 0; --i) take();
    while (more()) {
      if (look() == quote && !triple) return take();
      if (look() == quote && look(1) == quote && look(2) == quote) {
        for (int i = 3; i > 0; --i) take();
        // One or two quotes may stand directly before the closing three.
        for (int i = 2; i > 0 && look() == quote; --i) take();
        return;
      }
      if (look() == '\n' && !triple) return;  // never closed: the parser says so
      if (look() == '\\' && escapes && at_ + 1 < text_.size()) take();
      take();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t hazard_at_ = 0;
  unsigned line_ = 1;
  unsigned depth_ = 0;
  unsigned dots_ = 0;
  std::string problem_;
};

}  // namespace

std::optional<std::string> read_text_file(const std::string& path, Faults& found) {
  if (path == "-") return read_all(STDIN_FILENO, found);
  if (path.empty() || path.find('\0') != path.npos) {
    found.fault({}, "no file is named; give the path of a configuration, or - for standard input");
    return std::nullopt;
  }
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.number() < 0) {
    found.fault({}, fmt::format("cannot be opened: {}", std::strerror(errno)));
    return std::nullopt;
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) {
    found.fault({}, fmt::format("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    found.fault({}, S_ISDIR(status.st_mode) ? "is a directory; name a file in it"
                                            : "is not a regular file; name one, or pipe it in and name -");
    return std::nullopt;
  }
  if (status.st_size > static_cast<off_t>(max_file_bytes)) {
    found.fault({}, too_large());
    return std::nullopt;
  }
  return read_all(file.number(), found);
}

std::optional<toml::table> parse_toml(std::string_view text, Faults& found) {
  if (text.size() > max_file_bytes) {
    found.fault({}, too_large());
    return std::nullopt;
  }
  Place place;
  if (auto hazard = Guard(text).hazard(place); !hazard.empty()) {
    found.fault(place, std::move(hazard));
    return std::nullopt;
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    found.fault(place_of(error.source()), fmt::format("not TOML: {}", error.description()));
    return std::nullopt;
  }
}

}  // namespace portier::control
