/// Names to ServiceIds for the life of a router: a name keeps its id over reloads, an id is never given to another
/// name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "table/binding.hpp"

namespace portier::control {

class ServiceIds {
 public:
  ServiceIds() : names_{"closed", "answer"} {}

  /// The id of a name, a new one if need be; nothing when all ids are used up.
  std::optional<table::ServiceId> id_of(const std::string& name) {
    if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
    if (names_.size() == table::max_services) return std::nullopt;
    const auto id = static_cast<table::ServiceId>(names_.size());
    names_.push_back(name);
    ids_.emplace(name, id);
    return id;
  }

  std::optional<table::ServiceId> find(const std::string& name) const {
    const auto known = ids_.find(name);
    return known == ids_.end() ? std::nullopt : std::optional(known->second);
  }

  /// Index = ServiceId.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, table::ServiceId> ids_;
};

}  // namespace portier::control
