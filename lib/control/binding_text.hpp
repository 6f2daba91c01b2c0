/// Bindings as text: TRANSPORT "/" [DESTINATION ":"] PORTS.
///
///     udp/53                         a port, every address of both families
///     tcp/https                      a service name
///     udp/5000-5999                  a range, both ends included
///     sctp/*                         every port
///     udp/192.0.2.0/24:*             a destination prefix
///     tcp/[2001:db8::/32]:443        IPv6 in brackets
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "table/binding.hpp"

namespace portier::control {

/// One of the two: a binding (its `service` not filled in), or a sentence that says what to write instead.
struct ParsedBinding {
  std::optional<table::Binding> binding;
  std::string problem;
};

ParsedBinding parse_binding(std::string_view text);

/// The canonical text: ports as numbers, `*` for all, no length where it covers one address. Parses to the same.
std::string to_text(const table::Binding& binding);

}  // namespace portier::control
