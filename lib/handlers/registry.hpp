/// Handlers by the name that a configuration uses.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/handler.hpp"

namespace portier::handlers {

/// Which core calls a handler.
enum class Place {
  worker,     ///< a worker, or in run-to-completion the core that receives
  receiving,  ///< the core that receives, in any mode: for targets that only move packets on
};

/// One option of a target, as the reference shows it.
struct OptionText {
  std::string_view key;
  std::string_view type;
  std::string_view fallback;  ///< as written; "required", "none"
  std::string_view sentence;
};

/// What the reference says about a target. Defined beside its factory; everything lives for ever.
struct TargetText {
  std::string_view written;   ///< "{ plugin = \"libfoo.so\" }"
  std::string_view sentence;  ///< what becomes of the packets
  std::span<const OptionText> options = {};
};

class Registry {
 public:
  /// Every target that comes with the router, and answer, which services cannot name.
  static Registry with_builtins();

  /// Throws `std::invalid_argument` when the name is empty or taken, or the factory is empty.
  void add(const std::string& name, datapath::HandlerFactory factory, Place place = Place::worker,
           const TargetText& text = {}) {
    insert(name, {std::move(factory), place, false, text});
  }
  /// Another factory for a name that exists, as `add` made it.
  void replace(const std::string& name, datapath::HandlerFactory factory);

  /// Also finds internal handlers. Null: no such handler. Valid as long as the registry.
  const datapath::HandlerFactory* find(std::string_view name) const;

  /// Of a name that `find` finds.
  Place place_of(std::string_view name) const { return entries_.find(name)->second.place; }
  const TargetText& text_of(std::string_view name) const { return entries_.find(name)->second.text; }

  /// What a configuration may name, in alphabetical order; without internal handlers.
  std::vector<std::string> names() const;

 private:
  struct Entry {
    datapath::HandlerFactory factory;
    Place place;
    bool is_internal;
    TargetText text;
  };

  void insert(const std::string& name, Entry&& entry);

  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace portier::handlers
