/// A plug-in without a state: it takes what comes.
#include "portier_plugin.h"

static void take(void* state, const struct portier_plugin_burst* burst) {
  (void)state;
  (void)burst;
}

static const struct portier_plugin described = {
    PORTIER_PLUGIN_ABI, sizeof(struct portier_plugin), "stateless", NULL, take, NULL,
};

const struct portier_plugin* portier_plugin(void) { return &described; }
