// One handler object per service and worker: a copy would share a service's state between cores.
// expect: deleted function .*(Counter|Handler)
#include "datapath/handler.hpp"

struct Counter : portier::datapath::Handler {
  void on_burst(portier::datapath::Burst& burst) override { packets += burst.size(); }
  std::size_t packets = 0;
};

const Counter& same(const Counter& handler) { return handler; }
#ifdef MUST_NOT_COMPILE
Counter twin(const Counter& handler) { return handler; }
#endif
