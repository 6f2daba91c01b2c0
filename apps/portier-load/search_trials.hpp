/// What all searches share: the record of a trial, progress, why a search stopped and what bounded its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trial.hpp"

namespace portier::load {

/// A trial that a search ran, and what the search made of it.
struct SearchTrial {
  TrialResult result;
  std::string purpose;             ///< e.g. "search", "confirm"
  bool is_good = false;            ///< met what the search asked for (usually: no loss)
  bool is_sender_limited = false;  ///< less was sent than intended: the sender was the limit, not the device under test
};

enum class Stop : std::uint8_t {
  not_started,
  precise,          ///< the bounds are as close as was asked for
  completed,        ///< every step of a fixed plan was run
  held_at_maximum,  ///< good even at the highest rate or longest burst that was allowed
  lost_at_minimum,  ///< bad even at the lowest
  sender_too_slow,  ///< the sender kept pace in no trial that counts
  trial_limit,      ///< as many trials as were allowed
  time_limit,       ///< as much time as was allowed
  interrupted,      ///< a trial was interrupted; what had been measured is kept
};

/// What the result would have to be looked for behind.
enum class Limit : std::uint8_t {
  unknown,  ///< the search ended before it found a limit
  device,   ///< the device under test: it lost packets above the result
  sender,   ///< the sender: above the result it could not send what was intended
  asked,    ///< the highest rate or longest burst that was allowed
};

/// One sentence each, for reports.
std::string to_text(Stop stop);
std::string to_text(Limit limit);

/// Packets handed to the device per second of sending; 0 when nothing was sent.
double offered_pps(const TrialResult& trial);
/// Packets that came back, per second of sending.
double received_pps(const TrialResult& trial);

/// Less than (1 - tolerance) of what was intended was sent. An interrupted trial says nothing about the sender.
bool is_sender_limited(const TrialResult& trial, double tolerance);

/// Something was sent, all of it came back, and the trial ran to its end.
bool is_lossless(const TrialResult& trial);

/// Said before every trial, and once after the last.
struct Progress {
  std::string phase;
  std::size_t trials_done = 0;
  std::size_t trials_expected = 0;  ///< in all; an estimate that changes as a search learns
  double elapsed_s = 0;
  double remaining_s = 0;  ///< an estimate, see trials_expected
  TrialRequest next;       ///< what starts now; a rate of 0 after the last trial
};

/// How a search tells the time and what it says on its way. Every member may be left as it is.
struct SearchWatch {
  std::function<void(const Progress&)> on_progress;  ///< called on the thread of the search
  std::function<double()> now_s;                     ///< a clock that never goes back; default: the steady clock
  double sender_tolerance = 0.001;  ///< sent may stay this share below intended before the sender counts as the limit
};

/// What a search still expects to do, this trial included.
struct Outlook {
  std::size_t trials = 1;
  double sending_s = 0;
};

/// Runs trials, keeps all of them, and reports progress.
class TrialLog {
 public:
  TrialLog(TrialRunner run, SearchWatch watch);

  /// The reference is good until the next call.
  SearchTrial& run(const TrialRequest& request, const std::string& purpose, const Outlook& outlook);
  /// The last trial was interrupted, so no other may follow.
  bool is_interrupted() const { return !trials_.empty() && trials_.back().result.is_interrupted; }
  const std::vector<SearchTrial>& trials() const { return trials_; }
  double elapsed_s() const;
  /// Says that nothing is left, and gives the trials away.
  std::vector<SearchTrial> finish();

 private:
  void say(const std::string& phase, const TrialRequest& next, const Outlook& outlook) const;

  TrialRunner run_;
  SearchWatch watch_;
  std::vector<SearchTrial> trials_;
  double started_s_ = 0;
  double asked_s_ = 0;  ///< sum of the durations that were asked for; what is above it is the cost of a trial itself
};

/// "trials of 5 s; RFC 2544 section 24 asks for 60 s": what a report must say of a shorter procedure.
std::string duration_deviation(double used_s, double asked_s, const std::string& source);

}  // namespace portier::load
