/// What a running router shows: a table a second for people, JSON lines for scripts, and the ledger at the end.
#pragma once

#include <string>

#include "control/ledger.hpp"
#include "control/router.hpp"

namespace portier::control {

/// Two readings of the ledger and the time between them.
struct Interval {
  const Ledger& before;
  const Ledger& now;
  double seconds = 1;      ///< between the two
  double since_start = 0;  ///< seconds
  double tsc_hz = 1e9;
};

/// Per service: ports, category, in, delivered, dropped, Mpps and latency percentiles of the interval.
std::string table_text(const Interval& interval);
std::string table_json(const Interval& interval);

/// The account as people read it, with a sentence for each reason that occurred.
std::string ledger_summary_text(const Ledger& ledger);
/// The same with the services of the whole run.
std::string ledger_text(const Ledger& ledger, double seconds, double tsc_hz);
/// One line: {"ledger": {...}, "services": [...]}; `mbufs` null: not counted.
std::string ledger_json(const Ledger& ledger, const MbufCensus* mbufs, double tsc_hz);

}  // namespace portier::control
