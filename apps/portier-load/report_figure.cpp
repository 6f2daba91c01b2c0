/// Frames plots.
#include "report_figure.hpp"

#include <fmt/format.h>

namespace portier::load {

std::string figure_html(const std::string& heading, const std::vector<LegendEntry>& legend, const Plot& plot,
                        const std::string& caption) {
  auto out = fmt::format("<figure>\n<h3>{}</h3>\n", escaped(heading));
  if (!legend.empty()) {
    out += "<ul class=\"legend\">";
    for (const auto& entry : legend) {
      out += fmt::format("<li><i class=\"{}\"></i>{}</li>", escaped(entry.css_class), escaped(entry.name));
    }
    out += "</ul>\n";
  }
  out += plot.svg();
  if (!caption.empty()) out += fmt::format("<figcaption>{}</figcaption>\n", escaped(caption));
  return out + "</figure>\n";
}

std::string trial_title(const SearchTrial& trial, std::size_t index) {
  const auto& r = trial.result;
  auto out = fmt::format("Trial {} ({}): {} offered, {} received, lost {}", index + 1, trial.purpose,
                         rate_text(offered_pps(r)), rate_text(received_pps(r)), share_text(r.loss_ratio()));
  if (r.request.burst_packets > 0) out += fmt::format(", burst of {} packets", count_text(r.request.burst_packets));
  if (trial.is_sender_limited) out += "; the generator was the limit";
  if (r.is_interrupted) out += "; interrupted";
  return out;
}

std::vector<LegendEntry> add_trials(Plot& plot, const Report& report,
                                    const std::function<PlotPoint(const SearchTrial&, std::size_t)>& point_of) {
  std::vector<PlotPoint> good;
  std::vector<PlotPoint> bad;
  std::vector<PlotPoint> limited;
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    const auto& trial = report.trials[i];
    auto point = point_of(trial, i);
    point.title = trial_title(trial, i);
    auto& group = trial.is_sender_limited ? limited : trial.result.lost > 0 || trial.result.sent == 0 ? bad : good;
    group.push_back(std::move(point));
  }
  plot.add_points(good, "good", Shape::circle);
  plot.add_points(bad, "bad", Shape::cross);
  plot.add_points(limited, "limited", Shape::triangle);
  std::vector<LegendEntry> legend;
  if (!good.empty()) legend.push_back({"good", "no loss"});
  if (!bad.empty()) legend.push_back({"bad", "loss"});
  if (!limited.empty()) legend.push_back({"limited", "generator was the limit"});
  return legend;
}

}  // namespace portier::load
