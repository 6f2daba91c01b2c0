/// Handlers by the name that a configuration uses.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/handler.hpp"

namespace portier::handlers {

class Registry {
 public:
  /// count, echo, drop and reject; and answer, which services cannot name.
  static Registry with_builtins();

  /// Throws `std::invalid_argument` when the name is empty or taken, or the factory is empty.
  void add(std::string name, datapath::HandlerFactory factory) { add(std::move(name), std::move(factory), false); }

  /// Also finds internal handlers. Null: no such handler. Valid as long as the registry.
  const datapath::HandlerFactory* find(std::string_view name) const;

  /// What a configuration may name, in alphabetical order; without internal handlers.
  std::vector<std::string> names() const;

 private:
  struct Entry {
    datapath::HandlerFactory factory;
    bool is_internal;
  };

  void add(std::string name, datapath::HandlerFactory factory, bool is_internal);

  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace portier::handlers
