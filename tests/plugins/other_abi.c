/// A plug-in of another version of the interface.
#include "portier_plugin.h"

static void take(void* state, const struct portier_plugin_burst* burst) {
  (void)state;
  (void)burst;
}

static const struct portier_plugin described = {
    PORTIER_PLUGIN_ABI + 1, sizeof(struct portier_plugin), "other", NULL, take, NULL};

const struct portier_plugin* portier_plugin(void) { return &described; }
