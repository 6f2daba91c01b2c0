/// Options of a handler, read with sentences for what is wrong: `deliver = [{ handler = "reject", rate_pps = 100 }]`.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "datapath/handler.hpp"

namespace portier::handlers {

/// Throws `std::invalid_argument` when an option is given that is not among `known`. `handler` is for the sentence.
void refuse_unknown_options(const datapath::HandlerContext& context, std::string_view handler,
                            std::initializer_list<std::string_view> known);

/// The option as a whole number of at most `limit`, or `fallback` when it is not given. Throws
/// `std::invalid_argument` for anything else.
std::uint64_t number_option(const datapath::HandlerContext& context, std::string_view handler, const std::string& name,
                            std::uint64_t fallback, std::uint64_t limit);

/// The option as a path: a relative one starts in the folder of the configuration. Throws `std::invalid_argument` when
/// it is not given, or empty.
std::string path_option(const datapath::HandlerContext& context, std::string_view handler, const std::string& name);

}  // namespace portier::handlers
