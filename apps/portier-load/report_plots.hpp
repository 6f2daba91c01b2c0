/// The plots of a load report, each a heading, a legend and an SVG; empty when there is nothing to plot.
#pragma once

#include <string>

#include "report_model.hpp"

namespace portier::load {

std::string loss_plot(const Report& report);          ///< loss against offered rate, or burst length
std::string received_plot(const Report& report);      ///< received against offered
std::string search_plot(const Report& report);        ///< rates or bursts in the order in which they were tried
std::string latency_load_plot(const Report& report);  ///< percentiles against offered rate
std::string distribution_plot(const Report& report);  ///< latency by percentile: intended and actual send, generator
std::string latency_time_plot(const Report& report);  ///< p50, p99, maximum per interval
std::string rate_time_plot(const Report& report);     ///< sent and received per interval

/// All that are not empty.
std::string all_plots(const Report& report);

}  // namespace portier::load
