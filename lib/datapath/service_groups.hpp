/// The rows of a burst by service, order kept within each: what stage 7 makes its calls from.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "datapath/burst.hpp"
#include "datapath/row_kernels.hpp"
#include "table/binding.hpp"

namespace portier::datapath {

/// Every row is compared with all others at once, so no row waits for what another has stored and no branch depends on
/// the services: with a thousand of them in use, both cost more than the comparisons.
class ServiceGroups {
 public:
  /// `service` by row; `rows`: those that count.
  void find(const RowKernels& kernels, const std::array<table::ServiceId, max_burst>& service, Rows rows) {
    leaders_ = kernels.match(service, rows, same_);
  }

  /// The first row of each group.
  Rows leaders() const { return leaders_; }
  Rows rows(std::size_t leader) const { return same_[leader]; }
  std::size_t size(std::size_t leader) const { return static_cast<std::size_t>(std::popcount(same_[leader])); }

 private:
  Rows leaders_ = 0;
  std::array<Rows, max_burst> same_;  ///< by row: the rows of its service
};

}  // namespace portier::datapath
