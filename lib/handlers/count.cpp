/// `count`: takes every packet; the datapath has counted it by then.
#include "handlers/builtins.hpp"
#include "handlers/options.hpp"

namespace portier::handlers {
namespace {

class Count final : public datapath::Handler {
 public:
  void on_burst(datapath::Burst&) override {}
};

}  // namespace

constexpr TargetText count_text{.written = "\"count\"", .sentence = "takes packets and counts them"};

std::unique_ptr<datapath::Handler> make_count(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "count", {});
  return std::make_unique<Count>();
}

}  // namespace portier::handlers
