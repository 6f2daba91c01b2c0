/// `drop`: a named end for everything that a service gets.
#include "handlers/builtins.hpp"
#include "handlers/options.hpp"

namespace portier::handlers {
namespace {

class Drop final : public datapath::Handler {
 public:
  void on_burst(datapath::Burst& burst) override {
    for (std::size_t i = 0; i < burst.size(); ++i) burst.refuse(i, packet::Reason::service_drop);
  }
};

}  // namespace

constexpr TargetText drop_text{.written = "\"drop\"",
                               .sentence = "takes nothing: each packet is dropped as `service_drop`"};

std::unique_ptr<datapath::Handler> make_drop(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "drop", {});
  return std::make_unique<Drop>();
}

}  // namespace portier::handlers
